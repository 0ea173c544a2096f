package cert

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/cert/acmetest"
	"tsunagi/internal/dns01"
	"tsunagi/internal/dns01/dnstest"
)

const publicName = "mqtt.link.example.net"

// public is an ACME authority, the DNS that it asks, and our two listeners.
type public struct {
	*acmetest.Authority
	t         *testing.T
	dns       *dnstest.Server
	http, tls net.Listener
}

func newPublic(t *testing.T) *public {
	t.Helper()
	p := &public{Authority: acmetest.New(t), t: t, dns: dnstest.New(t, "example.net")}
	p.http, p.tls = p.listen(), p.listen()
	p.Look(port(p.http), port(p.tls), p.dns.Addr)
	return p
}

func (p *public) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { l.Close() })
	return l
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// open makes the client of the authority and serves our two listeners with it.
func (p *public) open(change func(*ACMEOptions)) *ACME {
	p.t.Helper()
	o := ACMEOptions{Dir: filepath.Join(p.t.TempDir(), "acme"), Names: []string{publicName}, Email: "owner@example.net", Directory: p.Directory,
		Roots: p.Trust, HTTP: p.http.Addr(), HTTPS: p.tls.Addr(), Fallback: open(p.t, p.t.TempDir())}
	if change != nil {
		change(&o)
	}
	a, err := OpenACME(o)
	if err != nil {
		p.t.Fatal(err)
	}
	plain := &http.Server{Handler: a.Handler(http.NotFoundHandler())}
	secure := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: a.TLSConfig("http/1.1", "mqtt"), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = plain.Serve(p.http) }()            // ends with Close
	go func() { _ = secure.ServeTLS(p.tls, "", "") }() // ends with Close
	p.t.Cleanup(func() { plain.Close(); secure.Close(); _ = a.Stop(context.Background()) })
	return a
}

func (p *public) start(a *ACME) {
	p.t.Helper()
	if err := a.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// await waits until f says yes, long enough for an attempt that fails: the next one comes a minute later.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func stateOf(a *ACME, name string) State {
	for _, s := range a.State() {
		if slices.Contains(s.Names, name) {
			return s
		}
	}
	return State{}
}

func (p *public) wait(a *ACME, name string) {
	p.t.Helper()
	await(p.t, "certificate for "+name, func() bool {
		s := stateOf(a, name)
		if s.Problem != "" {
			p.t.Fatalf("%s: %s", name, s.Problem)
		}
		return !s.NotAfter.IsZero()
	})
}

// TestACMEChallenges gets a certificate by each of the ways, and serves it to MQTT and HTTPS clients, with their names
// and without.
func TestACMEChallenges(t *testing.T) {
	for _, way := range []string{"http-01", "tls-alpn-01", "dns-01"} {
		t.Run(way, func(t *testing.T) {
			p := newPublic(t)
			a := p.open(func(o *ACMEOptions) {
				if way != "http-01" {
					o.HTTP = nil
				}
				if way != "tls-alpn-01" {
					o.HTTPS = nil
				}
				if way == "dns-01" {
					o.Zones = []string{publicName, "flows." + publicName}
					var err error
					if o.Records, err = dns01.New(dns01.Options{Provider: "rfc2136", Server: p.dns.Addr, KeyName: dnstest.KeyName, Key: dnstest.Key}); err != nil {
						t.Fatal(err)
					}
				}
			})
			before, err := tls.Dial("tcp", p.tls.Addr().String(), &tls.Config{RootCAs: a.o.Fallback.Pool(), ServerName: "localhost"})
			if err != nil {
				t.Fatal("no fallback before the first certificate:", err)
			}
			before.Close()
			p.start(a)
			names := []string{publicName}
			if way == "dns-01" {
				names = append(names, "*."+publicName, "*.flows."+publicName)
			}
			for _, n := range names {
				p.wait(a, n)
			}
			for _, name := range names {
				dialled := strings.Replace(name, "*", "abc", 1)
				crt, err := shake(t, a.TLSConfig("mqtt"), &tls.Config{RootCAs: p.Roots, ServerName: dialled, NextProtos: []string{"mqtt"}})
				if err != nil {
					t.Errorf("%s: %v", dialled, err)
				} else if s := stateOf(a, name); !s.NotAfter.Equal(crt.NotAfter) || s.Source != "acme" || s.Issuer == "" || s.Late(time.Now()) {
					t.Errorf("state %+v of a certificate until %v", s, crt.NotAfter)
				}
			}
			if _, err := shake(t, a.TLSConfig(), &tls.Config{RootCAs: p.Roots, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
				return s.PeerCertificates[0].VerifyHostname(publicName)
			}}); err != nil {
				t.Error("without a server name:", err)
			}
			if way == "dns-01" {
				if !p.dns.Had("_acme-challenge.flows."+publicName) || len(p.dns.TXT("_acme-challenge."+publicName)) != 0 {
					t.Error("records were not set, or are still there")
				}
			}
		})
	}
}

// TestACMEKept opens what is kept without asking the authority, and renews while a connection stands.
func TestACMEKept(t *testing.T) {
	p := newPublic(t)
	dir := filepath.Join(t.TempDir(), "acme")
	a := p.open(func(o *ACMEOptions) { o.Dir = dir })
	p.start(a)
	p.wait(a, publicName)
	standing, err := tls.Dial("tcp", p.tls.Addr().String(), &tls.Config{RootCAs: p.Roots, ServerName: publicName, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer standing.Close()
	first := a.stored(publicName)

	a.config.RenewalWindowRatio = 1 // it is always due
	if err := a.cache.RenewManagedCertificates(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "renewal", func() bool { c := a.stored(publicName); return c != nil && c.SerialNumber.Cmp(first.SerialNumber) != 0 })
	next, err := shake(t, a.TLSConfig(), &tls.Config{RootCAs: p.Roots, ServerName: publicName})
	if err != nil || next.SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Errorf("after renewal: %v", err)
	}
	_, _ = io.WriteString(standing, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(standing); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 404") {
		t.Errorf("the standing connection: %q, %v", b, err)
	}

	orders := p.Orders.Load()
	again, err := OpenACME(ACMEOptions{Dir: dir, Names: []string{publicName}, Email: "owner@example.net", Directory: p.Directory, Roots: p.Trust,
		HTTP: p.http.Addr(), Fallback: a.o.Fallback})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop(t.Context())
	p.start(again)
	p.wait(again, publicName)
	if p.Orders.Load() != orders {
		t.Error("a restart ordered a certificate that was there")
	}
}

// TestACMEFailures has the authority and the way to us go wrong. The state must say why, the fallback must go on, and
// the authority must not be asked again at once.
func TestACMEFailures(t *testing.T) {
	refuse := func(status int, kind, detail string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/order-plz" {
				return false
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Replay-Nonce", "used")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, "status": status})
			return true
		}
	}
	broken := func(path, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, path) {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		change func(*ACMEOptions)
		want   string
	}{
		{"rate limit", refuse(429, "rateLimited", "too many certificates (5) already issued"), nil, "rateLimited: too many certificates"},
		{"refused name", refuse(403, "rejectedIdentifier", "policy forbids this name"), nil, "rejectedIdentifier: policy forbids"},
		{"directory that is no JSON", broken("/dir", "<html>"), nil, "invalid character"},
		{"certificate that is none", broken("/certZ/", "-----BEGIN NOTHING-----"), nil, "certificate"},
		{"nobody on port 80", nil, func(o *ACMEOptions) { o.HTTP, o.HTTPS = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 0}, nil }, ""},
		{"record that is wrong", nil, func(o *ACMEOptions) { o.HTTP, o.HTTPS, o.Records = nil, nil, wrongRecords{} }, "unauthorized"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPublic(t)
			if tt.answer != nil {
				p.Instead.Store(&tt.answer)
			}
			if tt.name == "nobody on port 80" {
				p.http.Close() // another program stands there, and answers nonsense
				l, err := net.Listen("tcp", p.http.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				nonsense := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "welcome") })}
				go func() { _ = nonsense.Serve(l) }() // ends with Close
				t.Cleanup(func() { nonsense.Close() })
				tt.change, tt.want = func(o *ACMEOptions) { o.HTTPS = nil }, "unauthorized"
			}
			a := p.open(tt.change)
			p.start(a)
			await(t, "failure", func() bool { return stateOf(a, publicName).Problem != "" })
			s := stateOf(a, publicName)
			if !strings.Contains(s.Problem, tt.want) || s.Since.IsZero() || !s.NotAfter.IsZero() {
				t.Errorf("state %+v, want a problem that says %q", s, tt.want)
			}
			if s.Late(s.Since.Add(time.Minute)) || !s.Late(s.Since.Add(2*time.Hour)) {
				t.Error("late after a minute, or not after two hours")
			}
			if n := p.Orders.Load(); n > 8 {
				t.Errorf("%d orders at once", n)
			}
			if _, err := shake(t, a.TLSConfig(), &tls.Config{RootCAs: a.o.Fallback.Pool(), ServerName: "localhost"}); err != nil {
				t.Error("fallback:", err)
			}
		})
	}
}

// wrongRecords says that it set a record, and hasn't.
type wrongRecords struct{}

func (wrongRecords) Set(context.Context, string, string) error    { return nil }
func (wrongRecords) Remove(context.Context, string, string) error { return nil }

func TestLate(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	for _, tt := range []struct {
		name string
		s    State
		want bool
	}{
		{"fresh", State{Source: "acme", NotBefore: now, NotAfter: now.Add(90 * day)}, false},
		{"renewal under way", State{Source: "acme", NotBefore: now.Add(-62 * day), NotAfter: now.Add(28 * day), Problem: "x", Since: now}, false},
		{"renewal that does not come", State{Source: "acme", NotBefore: now.Add(-69 * day), NotAfter: now.Add(21 * day)}, true},
		{"short life", State{Source: "acme", NotBefore: now.Add(-4 * day), NotAfter: now.Add(2 * day)}, false},
		{"short life, late", State{Source: "acme", NotBefore: now.Add(-5 * day), NotAfter: now.Add(day)}, true},
		{"files", State{Source: "files", NotBefore: now.Add(-60 * day), NotAfter: now.Add(300 * day)}, false},
		{"old files", State{Source: "files", NotBefore: now.Add(-345 * day), NotAfter: now.Add(20 * day)}, true},
		{"no way to it", State{Source: "acme", Missing: true}, false},
		{"local", State{Source: "local", NotBefore: now, NotAfter: now.Add(day)}, false},
	} {
		if got := tt.s.Late(now); got != tt.want {
			t.Errorf("%s: late %v", tt.name, got)
		}
	}
}
