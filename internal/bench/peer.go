package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"time"
)

// peer starts mosquitto with its defaults, but for what a loaded test needs: no access rules, no disk, no log, no bound
// on what waits.
func (c *comparison) peer(ctx context.Context, dir string, free bool) (*server, error) {
	s, err := newServer("mosquitto", dir)
	if err != nil {
		return nil, err
	}
	text := "allow_anonymous true\npersistence false\nlog_type error\nmax_queued_messages 0\n"
	if me, err := user.Current(); err == nil {
		text += "user " + me.Username + "\n"
	}
	for scheme, addr := range s.addr {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		text += "listener " + port + " 127.0.0.1\n"
		switch scheme {
		case "mqtts":
			text += fmt.Sprintf("certfile %s\nkeyfile %s\n", s.cafile, filepath.Join(dir, "key.pem"))
		case "ws":
			text += "protocol websockets\n"
		}
	}
	file := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return s, s.launch(c.command(ctx, 0, free, c.mosquitto, "-c", file))
}

// writeCertificate makes a certificate for 127.0.0.1 that is its own authority.
func writeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}
