package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"time"
)

// The life of a leaf. Browsers refuse more than 397 days. It is renewed at a handshake, so no timer is needed.
const (
	leafLife  = 180 * 24 * time.Hour
	leafRenew = 60 * 24 * time.Hour // renewed when less than this is left
)

// maxLeafs bounds the leafs kept for names that were asked for; the one used longest ago goes.
const maxLeafs = 1024

// leaf is one certificate with its key. Its fields don't change, but for used, which the Authority's mu guards.
type leaf struct {
	tls  *tls.Certificate
	end  time.Time
	used time.Time
}

// TLSConfig returns a configuration for a listener. Clients get a certificate for the name they asked for, where
// it is one of the base names or allow says yes (nil: never); allow must not block. Clients without a name get the
// base names and the address they dialled. A stranger's name gets the base certificate: the client then says itself
// that the name is wrong, and learns nothing about which names exist.
func (a *Authority) TLSConfig(allow func(name string) bool, alpn ...string) *tls.Config {
	return config(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := cleanName(hello.ServerName)
		switch {
		case name == "":
			return a.forAddress(hello.Conn)
		case a.leafKey != nil && a.isBase(name) && net.ParseIP(name) == nil: // one name is a short certificate
			return a.leafFor(name, []string{name})
		case a.isBase(name), net.ParseIP(name) != nil:
			return a.leafFor("", a.base)
		case allow != nil && validDNS(name) && a.maySign(name) && allow(name):
			return a.leafFor(name, []string{name})
		default:
			return a.leafFor("", a.base)
		}
	}, alpn)
}

func (a *Authority) isBase(name string) bool {
	for _, n := range a.base {
		if n == name {
			return true
		}
	}
	return false
}

// forAddress serves a client that dialled an address, so sent no name: its certificate also names that address.
func (a *Authority) forAddress(conn net.Conn) (*tls.Certificate, error) {
	if conn == nil {
		return a.leafFor("", a.base)
	}
	addr, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok || a.isBase(addr.IP.String()) || !a.maySign(addr.IP.String()) {
		return a.leafFor("", a.base)
	}
	ip := addr.IP.String()
	return a.leafFor("@"+ip, append([]string{ip}, a.base...))
}

// leafFor returns the leaf kept under key, making or renewing it for names when needed.
func (a *Authority) leafFor(key string, names []string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if l := a.leafs[key]; l != nil && l.end.Sub(now) > leafRenew {
		l.used = now
		return l.tls, nil
	}
	l, err := a.mint(names, now)
	if err != nil {
		return nil, fmt.Errorf("certificate for %q: %w", names[0], err)
	}
	if len(a.leafs) >= maxLeafs {
		a.dropOldest()
	}
	a.leafs[key] = l
	return l.tls, nil
}

// dropOldest forgets the leaf used longest ago, never the default one. The caller holds mu.
func (a *Authority) dropOldest() {
	var oldest string
	for k, l := range a.leafs {
		if k != "" && (oldest == "" || l.used.Before(a.leafs[oldest].used)) {
			oldest = k
		}
	}
	delete(a.leafs, oldest)
}

// mint makes a leaf.
func (a *Authority) mint(names []string, now time.Time) (*leaf, error) {
	key := a.leafKey
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	end := now.Add(leafLife)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		// No host name here: some libraries hold the common name against the name constraints, also an address.
		Subject:               pkix.Name{CommonName: "Tsunagi server", Organization: []string{"Tsunagi"}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	crt := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}
	return &leaf{tls: crt, end: end, used: now}, nil
}
