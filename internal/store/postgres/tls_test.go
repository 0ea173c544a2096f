package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/store/pgtest"
	"tsunagi/internal/store/postgres"
)

// selfSigned is a certificate for a name, and its key, as PEM.
func selfSigned(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})
}

// TestTLS opens the store over TLS as DATABASE_URL asks for it: with the check that its sslmode promises, and not at all
// where that fails.
func TestTLS(t *testing.T) {
	need(t)
	certificate, key := selfSigned(t, "localhost")
	s, err := pgtest.StartTLS(certificate, key)
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	ours, other := filepath.Join(t.TempDir(), "ours.pem"), filepath.Join(t.TempDir(), "other.pem")
	elsewhere, _ := selfSigned(t, "localhost")
	if err := errors.Join(os.WriteFile(ours, certificate, 0o600), os.WriteFile(other, elsewhere, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, host string
		query      url.Values
		fails      string // part of the reason
	}{
		{"require", "localhost", url.Values{"sslmode": {"require"}}, ""},
		{"require of another name", "127.0.0.1", url.Values{"sslmode": {"require"}}, ""},
		{"verify-full", "localhost", url.Values{"sslmode": {"verify-full"}, "sslrootcert": {ours}}, ""},
		{"verify-ca of another name", "127.0.0.1", url.Values{"sslmode": {"verify-ca"}, "sslrootcert": {ours}}, ""},
		{"verify-full of another name", "127.0.0.1", url.Values{"sslmode": {"verify-full"}, "sslrootcert": {ours}}, "certificate"},
		{"verify-full by another authority", "localhost", url.Values{"sslmode": {"verify-full"}, "sslrootcert": {other}}, "certificate"},
		{"verify-full by public authorities", "localhost", url.Values{"sslmode": {"verify-full"}}, "certificate"},
		{"verify-ca by another authority", "localhost", url.Values{"sslmode": {"verify-ca"}, "sslrootcert": {other}}, "certificate"},
		{"an authority that is missing", "localhost", url.Values{"sslmode": {"verify-full"}, "sslrootcert": {ours + ".none"}}, ".none"},
		{"plain", "localhost", url.Values{"sslmode": {"disable"}}, "pg_hba.conf"},
		{"nonsense", "localhost", url.Values{"sslmode": {"sometimes"}}, "sslmode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			a, err := postgres.Open(ctx, postgres.Options{URL: s.TLSURL(tt.host, "postgres", tt.query), Patience: time.Millisecond})
			if tt.fails != "" {
				if err == nil {
					a.Close()
				}
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("%v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			row := account.Account{ID: strings.ReplaceAll(tt.name, " ", "-"), Email: strings.ReplaceAll(tt.name, " ", "-") + "@example.org", Role: account.RoleOwner, CreatedAt: time.Unix(1, 0)}
			if err := a.Update(ctx, func(tx account.Tx) error { return tx.Insert(row) }); err != nil {
				t.Fatal(err)
			}
			err = a.View(ctx, func(r account.Reader) error {
				_, err := r.Account(row.ID)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
