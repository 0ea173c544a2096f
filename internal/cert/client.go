package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Lives of what a client authority makes.
const (
	clientAuthorityLife = 20 * 365 * 24 * time.Hour
	MaxClientLife       = 10 * 365 * 24 * time.Hour
)

// MaxAuthorities is how many certificates ParseAuthorities takes from one text.
const MaxAuthorities = 8

// ErrClient is wrapped by the errors of clients' certificates and of what is given to make or check them. Their texts
// are for people.
var ErrClient = errors.New("certificate refused")

func refuseClient(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrClient, fmt.Errorf(format, a...))
}

// NewClientAuthority makes a private authority (ECDSA P-256) for the clients of the instance of that name. It can sign
// clients' certificates and nothing else. The key is PKCS #8.
func NewClientAuthority(name string, now time.Time) (certificate, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a client authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Clients of " + name + " " + serial.Text(16)[:8], Organization: []string{"Tsunagi"}},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(clientAuthorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	if certificate, err = x509.CreateCertificate(rand.Reader, t, t, &k.PublicKey, k); err != nil {
		return nil, nil, fmt.Errorf("make a client authority: %w", err)
	}
	key, err = x509.MarshalPKCS8PrivateKey(k)
	return certificate, key, err
}

// Issued is a new certificate of a client. Key is empty where the client has made its own.
type Issued struct {
	Certificate, Key []byte // PEM
	Serial           string // as Serial gives it
	NotAfter         time.Time
}

// IssueClient signs a certificate whose common name is the user's. Without a request (PEM, PKCS #10) a key is made, too.
// Of a request only the public key is taken: what it says about names is not the client's to choose.
func IssueClient(authority, key []byte, user, request string, life time.Duration, now time.Time) (out Issued, err error) {
	ca, err := x509.ParseCertificate(authority)
	if err != nil {
		return out, fmt.Errorf("client authority: %w", err)
	}
	signer, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return out, fmt.Errorf("key of a client authority: %w", err)
	}
	var public any
	if request != "" {
		public, err = requestKey(request)
	} else {
		public, out.Key, err = clientKey()
	}
	if err != nil {
		return out, err
	}
	serial, err := newSerial()
	if err != nil {
		return out, err
	}
	out.NotAfter = now.Add(life)
	if out.NotAfter.After(ca.NotAfter) {
		out.NotAfter = ca.NotAfter
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: user},
		NotBefore:             now.Add(-24 * time.Hour), // small boards' clocks
		NotAfter:              out.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca, public, signer)
	if err != nil {
		return out, fmt.Errorf("sign a client's certificate: %w", err)
	}
	out.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	out.Serial = serialText(serial)
	return out, nil
}

func clientKey() (public any, text []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	return &k.PublicKey, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// requestKey is the public key of a request whose maker has the private one.
func requestKey(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, refuseClient("want a PEM certificate request (-----BEGIN CERTIFICATE REQUEST-----)")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		return nil, refuseClient("the request can't be read: %w", err)
	}
	if k, ok := r.PublicKey.(*rsa.PublicKey); ok && (k.N.BitLen() < 2048 || k.N.BitLen() > 8192) {
		return nil, refuseClient("the request's RSA key has %d bits; want 2048 to 8192", k.N.BitLen())
	}
	return r.PublicKey, nil
}

// ParseAuthorities reads the certificates of somebody else's authorities from PEM.
func ParseAuthorities(text []byte, now time.Time) (list []*x509.Certificate, err error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			return nil, refuseClient("a PEM block %q; only certificates are wanted, never a key", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil, refuseClient("a certificate can't be read: %w", err)
		case !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
			return nil, refuseClient("%q is not the certificate of an authority (basic constraints CA:TRUE)", c.Subject.CommonName)
		case !now.Before(c.NotAfter):
			return nil, refuseClient("%q ended on %s", c.Subject.CommonName, c.NotAfter.Format(time.DateOnly))
		}
		if list = append(list, c); len(list) > MaxAuthorities {
			return nil, refuseClient("more than %d certificates", MaxAuthorities)
		}
	}
	if len(list) == 0 {
		return nil, refuseClient("want PEM (-----BEGIN CERTIFICATE-----)")
	}
	return list, nil
}

// VerifyClient checks a client's certificates, its own first, against an instance's authorities, and returns the chain
// from its own to the authority's. That the client has the key, TLS has shown.
func VerifyClient(sent, authorities []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, a := range authorities {
		o.Roots.AddCert(a)
	}
	for _, c := range sent[1:] {
		o.Intermediates.AddCert(c)
	}
	if sent[0].IsCA || slices.ContainsFunc(authorities, sent[0].Equal) {
		return nil, refuseClient("it is an authority's own")
	}
	chains, err := sent[0].Verify(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClient, err)
	}
	return chains[0], nil
}

// Serial is a certificate's serial number as it is kept and shown: hexadecimal, lower case.
func Serial(c *x509.Certificate) string { return serialText(c.SerialNumber) }

func serialText(n *big.Int) string { return n.Text(16) }

// AskClients returns a configuration that asks those clients for a certificate of which ask says so; ask must not
// block. What they send proves to have its key and is otherwise left to be judged when the instance is known.
func AskClients(config *tls.Config, ask func(*tls.ClientHelloInfo) bool) *tls.Config {
	config = config.Clone()
	asking := config.Clone()
	asking.ClientAuth = tls.RequestClientCert
	asking.DynamicRecordSizingDisabled = true // gate's way, which it can't set here
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if ask(hello) {
			return asking, nil
		}
		return nil, nil
	}
	return config
}
