package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// certificate has one issued for a user.
func (w *world) certificate(instance, user string) (tls.Certificate, string, string) {
	w.t.Helper()
	var c struct{ Authority, Serial, Certificate, Key string }
	w.admin(&c, "certificate", "issue", instance, user)
	pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key))
	if err != nil {
		w.t.Fatal(err)
	}
	return pair, c.Authority, c.Serial
}

// with is a client's configuration with a certificate.
func (w *world) with(name string, c *tls.Certificate, alpn ...string) *tls.Config {
	conf := w.tls(name, alpn...)
	if c != nil {
		conf.Certificates = []tls.Certificate{*c}
	}
	return conf
}

// doors opens a connection of every kind to an instance, by name, with a certificate or none.
func (w *world) doors(instance string, c *tls.Certificate) map[string]func() net.Conn {
	host := instance + ".localhost"
	return map[string]func() net.Conn{
		"mqtts":              func() net.Conn { return w.dial(w.mqtts, w.with(host, c)) },
		"mqtts without name": func() net.Conn { return w.dial(w.mqtts, w.with("localhost", c)) },
		"alpn":               func() net.Conn { return w.dial(w.https, w.with(host, c, "mqtt")) },
		"alpn without name":  func() net.Conn { return w.dial(w.https, w.with("localhost", c, "mqtt")) },
		"wss":                func() net.Conn { return w.socket(host, "/mqtt", c) },
		"wss by path":        func() net.Conn { return w.socket("localhost", "/mqtt/"+instance, c) },
		"plain":              func() net.Conn { return w.dial(w.mqtt, nil) },
	}
}

// selfSigned is a certificate of nobody's, made to look like a user's.
func selfSigned(t *testing.T, cn string, parent *x509.Certificate, signer *ecdsa.PrivateKey, change func(*x509.Certificate)) (tls.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: cn}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true}
	if change != nil {
		change(c)
	}
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, key
}

// certified is an instance with two users and a private authority.
type certified struct {
	*world
	id, password      string
	dev1              tls.Certificate
	authority, serial string
}

func newCertified(t *testing.T) *certified {
	t.Helper()
	w := &certified{world: serveWorld(t)}
	w.id, w.password = w.instance()
	w.admin(nil, "user", "create", w.id, "dev1")
	w.admin(nil, "user", "create", w.id, "dev2")
	w.admin(nil, "rule", "create", w.id, "allow", "both", "%u/#")
	w.admin(nil, "authority", "create", w.id)
	w.dev1, w.authority, w.serial = w.certificate(w.id, "dev1")
	return w
}

// refused wants the answer of a wrong login, not one of too many tries.
func refused(t *testing.T, name string, a mqtt.Connack, err error) {
	t.Helper()
	if err != nil || a.Reason != mqtt.BadUserNameOrPassword {
		t.Errorf("%s: %v, %v; want a refusal", name, a.Reason, err)
	}
}

func TestCertificatesAccepted(t *testing.T) {
	w := newCertified(t)
	id, password, dev1 := w.id, w.password, w.dev1
	a, err := connect(w.dial(w.mqtts, w.with(id+".localhost", &dev1)), mqtt.Connect{})
	refused(t, "a certificate where they are off", a, err)
	w.admin(nil, "login", "set", id, "--certificate", "accepted")
	for name, open := range w.doors(id, &dev1) {
		p := mqtt.Connect{}
		if strings.Contains(name, "without") {
			p.User = []byte(id + ":")
		}
		a, err := connect(open(), p)
		want := map[string]bool{"plain": false, "wss by path": false}
		_, refused := want[name]
		if err != nil || (a.Reason == mqtt.Success) == refused {
			t.Errorf("%s: %v %q, %v", name, a.Reason, a.ReasonString, err)
		}
	}
	// The user is the certificate's: its rights are seen in what may be subscribed to.
	c := w.dial(w.mqtts, w.with(id+".localhost", &dev1))
	w.loginWith(c, mqtt.Connect{User: []byte("dev1")})
	if got := subscribe(t, c, "dev1/x", "dev2/x"); got != "00 87" {
		t.Errorf("SUBACK %s, want 00 87", got)
	}
	for name, p := range map[string]mqtt.Connect{
		"another's name":    {User: []byte("dev2")},
		"a wrong password":  {User: []byte("dev1"), Password: []byte("wrong")},
		"the first user":    {User: []byte(id)},
		"another, prefixed": {User: []byte(id + ":dev2")},
	} {
		if a, err := connect(w.dial(w.mqtts, w.with(id+".localhost", &dev1)), p); err != nil || a.Reason != mqtt.BadUserNameOrPassword {
			t.Errorf("%s: %v, %v", name, a.Reason, err)
		}
	}
	w.login(w.dial(w.mqtts, w.tls(id+".localhost")), id, password) // passwords go on
}

func TestStrangeCertificates(t *testing.T) {
	w := newCertified(t)
	id, dev1 := w.id, w.dev1
	w.admin(nil, "login", "set", id, "--certificate", "accepted")
	raw, err := os.ReadFile(filepath.Join(w.data, "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	server, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	self, _ := selfSigned(t, "dev1", nil, nil, nil)
	_, strangerKey := selfSigned(t, "x", nil, nil, nil)
	server.PublicKey = &strangerKey.PublicKey // the right name, signed by somebody else
	forged, _ := selfSigned(t, "dev1", server, strangerKey, nil)
	other, _ := w.instance()
	w.admin(nil, "authority", "create", other)
	w.admin(nil, "user", "create", other, "dev1")
	w.admin(nil, "login", "set", other, "--certificate", "accepted")
	others, _, _ := w.certificate(other, "dev1")
	chained := self
	chained.Certificate = append(chained.Certificate, dev1.Certificate...) // a good one behind it
	for name, c := range map[string]tls.Certificate{"forged": forged, "another instance's": others, "self-signed with a good one behind": chained} {
		for door, open := range w.doors(id, &c) {
			p := mqtt.Connect{}
			if strings.Contains(door, "without") {
				p.User = []byte(id + ":")
			}
			a, err := connect(open(), p)
			if door == "plain" {
				continue // refused for another reason
			}
			refused(t, name+" at "+door, a, err)
		}
	}
	w.loginWith(w.dial(w.mqtts, w.with(other+".localhost", &others)), mqtt.Connect{})
}

// TestCertificateRequired is attack row 21: no listener is a way around it.
func TestCertificateRequired(t *testing.T) {
	w := newCertified(t)
	id, password, dev1 := w.id, w.password, w.dev1
	live := w.dial(w.mqtts, w.tls(id+".localhost"))
	w.login(live, id, password)
	w.admin(nil, "login", "set", id, "--certificate", "required")
	if f, err := readFrame(live); err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("who is in without a certificate goes on: %v, %v", f.Type(), err)
	}
	var dev struct{ Password string }
	w.admin(&dev, "user", "set", id, "dev1", "--rotate")
	for door, open := range w.doors(id, nil) {
		a, err := connect(open(), mqtt.Connect{User: []byte(id + ":dev1"), Password: []byte(dev.Password)})
		if door != "plain" {
			refused(t, "a password alone at "+door, a, err)
		}
	}
	for door, open := range w.doors(id, &dev1) {
		for _, pass := range []string{"", "wrong", dev.Password} {
			p := mqtt.Connect{User: []byte(id + ":dev1")}
			if pass != "" {
				p.Password = []byte(pass)
			}
			a, err := connect(open(), p)
			want := pass == dev.Password && door != "plain" && door != "wss by path"
			if err != nil || (a.Reason == mqtt.Success) != want {
				t.Errorf("%s with certificate and password %q: %v, %v", door, pass[:min(1, len(pass))], a.Reason, err)
			}
		}
	}
	w.admin(nil, "login", "set", id, "--password=false")
	w.loginWith(w.dial(w.mqtts, w.with(id+".localhost", &dev1)), mqtt.Connect{})
}

func TestCertificateRevoked(t *testing.T) {
	w := newCertified(t)
	id, dev1, authority, serial := w.id, w.dev1, w.authority, w.serial
	w.admin(nil, "login", "set", id, "--certificate", "accepted")
	dev2, _, _ := w.certificate(id, "dev2")
	live, stays := w.dial(w.mqtts, w.with(id+".localhost", &dev1)), w.dial(w.mqtts, w.with(id+".localhost", &dev2))
	w.loginWith(live, mqtt.Connect{})
	w.loginWith(stays, mqtt.Connect{})
	w.admin(nil, "certificate", "revoke", id, authority, strings.ToUpper(serial))
	if f, err := readFrame(live); err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("a revoked certificate goes on: %v, %v", f.Type(), err)
	}
	a, err := connect(w.dial(w.mqtts, w.with(id+".localhost", &dev1)), mqtt.Connect{})
	refused(t, "a revoked certificate", a, err)
	if got := subscribe(t, stays, "dev2/x"); got != "00" {
		t.Errorf("another certificate suffered: %s", got)
	}
	w.admin(nil, "authority", "delete", id, authority)
	if f, err := readFrame(stays); err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("a certificate of a deleted authority goes on: %v, %v", f.Type(), err)
	}
}

// TestOwnAuthority takes in an authority that somebody has already, with an intermediate one, and names in the SAN.
func TestOwnAuthority(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	w.admin(nil, "user", "create", id, "dev1.home.example")
	ca := func(c *x509.Certificate) { c.IsCA, c.ExtKeyUsage, c.KeyUsage = true, nil, x509.KeyUsageCertSign }
	root, rootKey := selfSigned(t, "Our root", nil, nil, ca)
	middle, middleKey := selfSigned(t, "Our floor", root.Leaf, rootKey, ca)
	leaf, _ := selfSigned(t, "ignored", middle.Leaf, middleKey, func(c *x509.Certificate) { c.DNSNames = []string{"dev1.home.example"} })
	leaf.Certificate = append(leaf.Certificate, middle.Certificate...)
	two, _ := selfSigned(t, "dev1.home.example", middle.Leaf, middleKey, func(c *x509.Certificate) { c.DNSNames = []string{"dev1.home.example", "admin"} })
	two.Certificate = append(two.Certificate, middle.Certificate...)
	forServers, _ := selfSigned(t, "x", root.Leaf, rootKey, func(c *x509.Certificate) {
		c.DNSNames, c.ExtKeyUsage = []string{"dev1.home.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	over, _ := selfSigned(t, "x", root.Leaf, rootKey, func(c *x509.Certificate) {
		c.DNSNames, c.NotAfter = []string{"dev1.home.example"}, time.Now().Add(-time.Minute)
	})
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(leaf.Certificate[0])
	if code, text := w.tryAdmin("authority", "create", id, "--pem", file); code == ExitOK || !strings.Contains(text, "not the certificate of an authority") {
		t.Errorf("a client's certificate was taken for an authority's: %s", text)
	}
	write(root.Certificate[0])
	var list []struct{ ID string }
	w.admin(&list, "authority", "create", id, "--pem", file)
	w.admin(nil, "login", "set", id, "--certificate", "accepted", "--certificate-user", "dns")

	try := func(c tls.Certificate) mqtt.Reason {
		a, err := connect(w.dial(w.mqtts, w.with(id+".localhost", &c)), mqtt.Connect{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Reason
	}
	if got := try(leaf); got != mqtt.Success {
		t.Errorf("through the intermediate authority: %v\n%s", got, w.log)
	}
	for name, c := range map[string]tls.Certificate{"two names": two, "for servers": forServers, "over": over, "the authority itself": root} {
		if got := try(c); got == mqtt.Success {
			t.Errorf("%s was let in", name)
		}
	}
	w.admin(nil, "certificate", "revoke", id, list[0].ID, middle.Leaf.SerialNumber.Text(16)) // the whole floor
	if got := try(leaf); got == mqtt.Success {
		t.Error("a certificate below a revoked authority was let in")
	}
}

// loginWith is login with whatever the packet says.
func (w *world) loginWith(c net.Conn, p mqtt.Connect) {
	w.t.Helper()
	if a, err := connect(c, p); err != nil || a.Reason != mqtt.Success {
		w.t.Fatalf("login: %v %q, %v\n%s", a.Reason, a.ReasonString, err, w.log)
	}
}

// subscribe returns the reasons of the SUBACK.
func subscribe(t *testing.T, c net.Conn, filters ...string) string {
	t.Helper()
	p := mqtt.Subscribe{PacketID: 1}
	for _, f := range filters {
		p.Filters = append(p.Filters, mqtt.Subscription{Filter: []byte(f)})
	}
	if _, err := c.Write(p.Append(nil, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	f, err := readFrame(c)
	if err != nil {
		t.Fatal(err)
	}
	a, err := mqtt.DecodeSuback(f, mqtt.V5)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range a.Reasons {
		out = append(out, fmt.Sprintf("%02x", byte(r)))
	}
	return strings.Join(out, " ")
}
