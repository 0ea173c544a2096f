package network_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

// authority issues certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return &authority{t, cert, key, block("CERTIFICATE", der)}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a certificate for a name, as PEM texts.
func (a *authority) issue(name string) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", kder)
}

// secureBroker is a fake broker behind TLS for the name broker.test.
func secureBroker(t *testing.T, a *authority, clients bool) *fakeBroker {
	cert, key := a.issue("broker.test")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"mqtt"}}
	if clients {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(a.cert)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	return serveBroker(t, l)
}

func tlsNode(more string) string {
	return "{'id':'s','type':'tls-config','servername':'broker.test','verifyservercert':true,'alpnprotocol':'mqtt'" + more + "}"
}

func TestTLSConfigWithUploadedAuthority(t *testing.T) {
	a := newAuthority(t)
	b := secureBroker(t, a, false)
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode("")), "s", "cadata", a.pem)
	b.accept()
	s.Until("status/o", "status.connected")
}

func TestTLSTrustsTheServersAuthorities(t *testing.T) {
	a := newAuthority(t)
	b := secureBroker(t, a, false)
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.TrustedCA = []byte(a.pem) })
	s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode("")))
	b.accept()
	s.Until("status/o", "status.connected")
}

func TestTLSUnknownAuthorityIsRefusedAndShown(t *testing.T) {
	b := secureBroker(t, newAuthority(t), false)
	for name, broker := range map[string]string{"with a tls-config": ",'usetls':true,'tls':'s'", "without": ",'usetls':true"} {
		t.Run(name, func(t *testing.T) {
			s := flowtest.Start(t, nodes.All())
			s.Load(flow.DeployFull, file(b, broker, out(""), tlsNode("")))
			if m := s.Debug(); m["id"] != "b" || !strings.Contains(m["msg"].(string), "certificate") {
				t.Error(m)
			}
		})
	}
}

func TestTLSWithoutVerification(t *testing.T) {
	b := secureBroker(t, newAuthority(t), false)
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), strings.Replace(tlsNode(""), "true", "false", 1)))
	b.accept()
}

func TestTLSClientCertificateFromFilesAndUploads(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("client")
	dir := t.TempDir()
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "ca.pem": a.pem} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := ",'cert':'" + dir + "/cert.pem','key':'" + dir + "/key.pem','ca':'" + dir + "/ca.pem'"
	b := secureBroker(t, a, true)
	t.Run("files", func(t *testing.T) {
		s := flowtest.Start(t, nodes.All())
		s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode(files)))
		b.accept()
	})
	t.Run("uploads", func(t *testing.T) {
		s := flowtest.Start(t, nodes.All())
		s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode("")), "s", "cadata", a.pem, "s", "certdata", cert, "s", "keydata", key)
		b.accept()
	})
	t.Run("files are refused where the options say so", func(t *testing.T) {
		s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.NoLocalFiles = true })
		s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode(files)))
		if got := s.Debug()["msg"]; got != "flows can't read files of this server: upload certificate, key and CA instead" {
			t.Error(got)
		}
	})
}

func TestTLSMissingKey(t *testing.T) {
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, "["+tlsNode("")+"]", "s", "certdata", "x")
	if got := s.Debug()["msg"]; got != "No certificate/key file provided" {
		t.Error(got)
	}
}

// Keys as OpenSSL encrypts them today and as it did in old times.
func TestTLSEncryptedKey(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl to encrypt a key with")
	}
	a := newAuthority(t)
	cert, key := a.issue("client")
	b := secureBroker(t, a, true)
	for name, args := range map[string][]string{
		"PKCS 8":      {"pkcs8", "-topk8", "-v2", "aes256", "-passout", "pass:open sesame"},
		"traditional": {"ec", "-aes128", "-passout", "pass:open sesame"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(openssl, args...)
			cmd.Stdin = strings.NewReader(key)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			sealed, err := cmd.Output()
			if err != nil {
				t.Fatal(err, stderr.String())
			}
			s := flowtest.Start(t, nodes.All())
			s.Load(flow.DeployFull, file(b, ",'usetls':true,'tls':'s'", out(""), tlsNode("")),
				"s", "cadata", a.pem, "s", "certdata", cert, "s", "keydata", string(sealed), "s", "passphrase", "open sesame")
			b.accept()
			wrong := flowtest.Start(t, nodes.All())
			wrong.Load(flow.DeployFull, "["+tlsNode("")+"]", "s", "certdata", cert, "s", "keydata", string(sealed), "s", "passphrase", "wrong")
			if got := wrong.Debug()["msg"]; got != "private key: the passphrase does not open it" {
				t.Error(got)
			}
		})
	}
}
