package bridge

import (
	"context"
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
	"slices"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/outside"
)

// certificate signs itself, for names, until a time.
func certificate(t *testing.T, until time.Time, names ...string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	if len(names) > 0 {
		template.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// secure is a site behind TLS.
func secure(t *testing.T, name string, c tls.Certificate) *site {
	t.Helper()
	s := &site{t: t, name: name, dir: t.TempDir(), addr: "127.0.0.1:0", tls: &tls.Config{Certificates: []tls.Certificate{c}}}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// say listens and sends a text to whoever connects; "" says nothing.
func say(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			_, _ = fmt.Fprint(c, text)
		}
	}()
	return l.Addr().String()
}

func TestTrial(t *testing.T) {
	good, root := certificate(t, time.Now().Add(time.Hour))
	elsewhere, rootElsewhere := certificate(t, time.Now().Add(time.Hour), "mqtt.example.org")
	old, rootOld := certificate(t, time.Now().Add(-time.Hour))
	home, plain := newSite(t, "home", broker.Limits{}), newSite(t, "plain", broker.Limits{Subscriptions: 1})
	cloud, other, expired := secure(t, "cloud", good), secure(t, "other", elsewhere), secure(t, "expired", old)
	newDevice(t, "mqtt://"+plain.addr, "keeper", mqtt.V5).publish("kept/a", "x", 1, true)
	in := Topic{In, "#", "here/", "kept/", 1}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	tests := []struct {
		name string
		c    Config
		want string // stages, with the problem of the last
	}{
		{"without TLS", home.bridge("mqtt://"+plain.addr, in), "name tcp connect subscribe"},
		{"nothing comes in", home.bridge("mqtt://"+plain.addr, Topic{Out, "#", "", "", 1}), "name tcp connect"},
		{"with TLS", with(home.bridge("mqtts://"+cloud.addr, in), func(c *Config) { c.Roots = root }), "name tcp tls connect subscribe"},
		{"before 5.0", with(home.bridge("mqtt://"+plain.addr, in), func(c *Config) { c.Version = mqtt.V311 }), "name tcp connect subscribe"},
		{"no such name", home.bridge("mqtts://nobody.invalid", in), "name:name"},
		{"nobody listens", home.bridge("mqtts://"+closed.Addr().String(), in), "name tcp:closed"},
		{"nobody knows the authority", home.bridge("mqtts://"+cloud.addr, in), "name tcp tls:authority"},
		{"another name", with(home.bridge("mqtts://"+other.addr, in), func(c *Config) { c.Roots = rootElsewhere }), "name tcp tls:host"},
		{"too old", with(home.bridge("mqtts://"+expired.addr, in), func(c *Config) { c.Roots = rootOld }), "name tcp tls:expired"},
		{"no TLS there", home.bridge("mqtts://"+say(t, "SSH-2.0-x\r\n"), in), "name tcp tls:no_tls"},
		{"another protocol", home.bridge("mqtt://"+say(t, "SSH-2.0-x\r\n"), in), "name tcp connect:speech"},
		{"silence", home.bridge("mqtt://"+say(t, ""), in), "name tcp connect:silent"},
		{"a wrong password", with(home.bridge("mqtt://"+plain.addr, in), func(c *Config) { c.User = "stranger" }), "name tcp connect:login"},
		{"refused filters", home.bridge("mqtt://"+plain.addr, in, Topic{In, "#", "x/", "other/", 0}), "name tcp connect subscribe:filters"},
		{"roots that are none", with(home.bridge("mqtts://"+cloud.addr, in), func(c *Config) { c.Roots = "x" }), "name:setting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "silence" {
				home.bridges.o.Timeout = time.Second
				defer func() { home.bridges.o.Timeout = 10 * time.Second }()
			}
			var got []string
			steps := home.bridges.Try(t.Context(), tt.c)
			for _, s := range steps {
				got = append(got, strings.TrimSuffix(s.Stage+":"+s.Problem, ":"))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%+v, want %s", steps, tt.want)
			}
			if last := steps[len(steps)-1]; last.Problem == ProblemFilters && !slices.Equal(last.Filters, []string{"other/#"}) {
				t.Errorf("refused %q", last.Filters)
			}
			if plain.connected("bridge-of-home") {
				t.Error("the trial came as the bridge itself")
			}
		})
	}
	for end := time.Now().Add(time.Minute); plain.connected("bridge-of-home" + tryID); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a trial is still there")
		}
	}
	if _, there := home.bridges.State("instance", "b-home"); there {
		t.Error("a trial started the bridge")
	}
}

// TestTrialStaysOutside: a trial reaches nothing that the bridge itself could not.
func TestTrialStaysOutside(t *testing.T) {
	m := New(Options{Origin: func(string) string { return "x" }, Dial: (&outside.Dialer{}).DialContext, DialPlain: (&outside.Dialer{Only: true}).DialContext})
	for _, address := range []string{"mqtts://127.0.0.1:1", "mqtts://localhost:1", "mqtt://192.0.2.1", "mqtts://169.254.169.254", "wss://[::1]/mqtt"} {
		steps := m.Try(context.Background(), Config{Address: address, ClientID: "c", Version: mqtt.V5, KeepAlive: time.Minute})
		if len(steps) != 1 || steps[0].Problem != ProblemInner {
			t.Errorf("%s: %+v", address, steps)
		}
	}
}

func with(c Config, change func(*Config)) Config {
	change(&c)
	return c
}
