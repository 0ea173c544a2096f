package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tsunagi/internal/ondisk"
)

// The files of an authority in its directory.
const (
	caFile  = "ca.pem"
	keyFile = "ca.key" // 0600
)

// authorityLife is how long a new authority is valid.
const authorityLife = 10 * 365 * 24 * time.Hour

// Authority is a local certificate authority (ECDSA P-256) and the leaf certificates that it has made. It is
// made once in a data directory, stays the same over restarts, and is what users download and trust.
//
// It is constrained to names that can't belong to others: localhost, the special-use names of home networks,
// private addresses, and the names known when it was made. So a stolen key is no master key for the web, even
// where the authority has been put into a trust store. The constraint is not marked critical, because the small
// TLS libraries of microcontrollers refuse certificates with critical extensions that they don't know.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// leafKey is that of every leaf; nil: each has its own.
	leafKey *ecdsa.PrivateKey
	base    []string // names and addresses of the default leaf
	now     func() time.Time

	mu    sync.Mutex
	leafs map[string]*leaf // by name; "" is the default leaf, "@address" the one for clients without SNI
}

// OpenAuthority opens the authority in dir, making it when there is none. The extra names (DNS names or IP
// addresses) are served beside localhost, 127.0.0.1, ::1 and the host's name. A name that an existing authority
// is not allowed to sign is an error that names it.
func OpenAuthority(dir string, extra ...string) (*Authority, error) {
	return openAuthority(dir, time.Now, extra)
}

func openAuthority(dir string, now func() time.Time, extra []string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the local authority: %w", err)
	}
	extra, err := cleanNames(extra)
	if err != nil {
		return nil, err
	}
	host := hostNames()
	key, err := loadKey(dir)
	if err != nil {
		return nil, err
	}
	crt, err := loadCert(dir)
	if errors.Is(err, fs.ErrNotExist) { // new, or ended between the two files: the key is written first
		crt, err = createCert(dir, key, now(), append(slices.Clone(host), extra...))
	}
	if err != nil {
		return nil, err
	}
	a := &Authority{cert: crt, key: key, now: now, leafs: make(map[string]*leaf)}
	if err := a.check(dir); err != nil {
		return nil, err
	}
	for _, n := range extra {
		if !a.maySign(n) {
			return nil, fmt.Errorf("the local authority in %s was not made for the name %q: take the name out of the "+
				"settings, use certificate files, or move that folder away to have a new authority made (clients then need the new CA)", dir, n)
		}
	}
	a.base = append([]string{"localhost", "127.0.0.1", "::1"}, extra...)
	for _, n := range host { // the host's name may have changed since: not a reason to stop
		if a.maySign(n) && !slices.Contains(a.base, n) {
			a.base = append(a.base, n)
		}
	}
	if _, err := a.leafFor("", a.base); err != nil {
		return nil, err
	}
	return a, nil
}

// check reports an authority that can't be used: a foreign key, or one whose time is over.
func (a *Authority) check(dir string) error {
	if pub, ok := a.cert.PublicKey.(*ecdsa.PublicKey); !ok || !pub.Equal(&a.key.PublicKey) {
		return fmt.Errorf("local authority in %s: %s and %s don't belong together; restore both from the same backup", dir, caFile, keyFile)
	}
	if !a.cert.IsCA {
		return fmt.Errorf("local authority in %s: %s is not the certificate of an authority", dir, caFile)
	}
	if end := a.cert.NotAfter; !a.now().Before(end) {
		return fmt.Errorf("local authority in %s ended on %s: move the folder away to have a new one made; clients then need the new CA",
			dir, end.Format(time.DateOnly))
	}
	return nil
}

// loadKey reads the authority's key, or makes and stores one where neither key nor certificate exist.
func loadKey(dir string) (*ecdsa.PrivateKey, error) {
	path := filepath.Join(dir, keyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, caFile)); err == nil {
			return nil, fmt.Errorf("local authority in %s: %s is there but %s is not; restore it from a backup, "+
				"or move the folder away to have a new authority made", dir, caFile, keyFile)
		}
		return createKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the local authority: %w", err)
	}
	return parseKey(path, raw)
}

// readKey reads a key that must be there.
func readKey(path string) (*ecdsa.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseKey(path, raw)
}

func parseKey(path string, raw []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("key of the local authority: %s holds no PEM block", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of the local authority in %s: %w", path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key of the local authority: %s is a %T, want ECDSA", path, parsed)
	}
	return key, nil
}

func createKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of the local authority: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key of the local authority: %w", err)
	}
	return key, writePEM(path, "PRIVATE KEY", der, 0o600)
}

func loadCert(dir string) (*x509.Certificate, error) {
	path := filepath.Join(dir, caFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certificate of the local authority: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("certificate of the local authority: %s holds no PEM certificate", path)
	}
	crt, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate of the local authority in %s: %w", path, err)
	}
	return crt, nil
}

func createCert(dir string, key *ecdsa.PrivateKey, now time.Time, names []string) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Tsunagi local authority " + serial.Text(16)[:8], Organization: []string{"Tsunagi"}},
		NotBefore:             now.Add(-24 * time.Hour), // small boards' clocks
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		PermittedDNSDomains:   slices.Clone(localDomains),
	}
	for _, cidr := range localNets {
		_, n, err := net.ParseCIDR(cidr)
		if err != nil {
			return nil, fmt.Errorf("local network %s: %w", cidr, err)
		}
		t.PermittedIPRanges = append(t.PermittedIPRanges, n)
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.PermittedIPRanges = append(t.PermittedIPRanges, single(ip))
		} else if !slices.Contains(t.PermittedDNSDomains, n) {
			t.PermittedDNSDomains = append(t.PermittedDNSDomains, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the local authority: %w", err)
	}
	if err := writePEM(filepath.Join(dir, caFile), "CERTIFICATE", der, 0o644); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// newSerial returns 127 random bits, positive as RFC 5280 wants it.
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("random serial number: %w", err)
	}
	return n.SetBit(n, 126, 1), nil // never short, so that its text can be cut
}

func writePEM(path, kind string, der []byte, mode fs.FileMode) error {
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := ondisk.Replace(path, mode, bytes.NewReader(block)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
