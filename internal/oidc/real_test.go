package oidc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/oidc"
	"tsunagi/internal/oidc/oidctest"
	"tsunagi/internal/outside"
)

const origin = "https://panel.example.org"

// desk is one with the provider "real", and what it wrote to its log.
type desk struct {
	*oidc.Desk
	t   *testing.T
	log *bytes.Buffer

	mu  sync.Mutex // guards now
	now time.Time  // zero: that of the machine
}

func newDesk(t *testing.T, p oidc.Provider, allow ...netip.Prefix) *desk {
	t.Helper()
	d := &desk{t: t, log: &bytes.Buffer{}}
	p.ID, p.Name = "real", "Real"
	d.Desk = oidc.New(oidc.Options{Providers: []oidc.Provider{p}, Origin: origin, Dial: (&outside.Dialer{Allow: allow}).DialContext,
		Log: slog.New(slog.NewTextHandler(d.log, nil)), Now: func() time.Time {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.now.IsZero() {
				return time.Now()
			}
			return d.now
		}})
	return d
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func real(t *testing.T, people ...oidctest.Person) (*oidctest.Provider, *desk) {
	t.Helper()
	p := oidctest.Start(t, people...)
	p.SendBack(origin + oidc.CallbackPath("real"))
	return p, newDesk(t, oidc.Provider{Issuer: p.Issuer, ClientID: oidctest.ClientID, Secret: oidctest.Secret, TLS: &tls.Config{RootCAs: p.Pool()}}, loopback)
}

var ask = account.ProviderAsk{State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43)}

// refused wants a refusal with a key.
func (d *desk) refused(err error, key string) {
	d.t.Helper()
	var e *account.Error
	if !errors.As(err, &e) || e.Key != "api.provider."+key {
		d.t.Errorf("refused with %v, want %s\n%s", err, key, d.log)
	}
}

func TestRealProvider(t *testing.T) {
	p, d := real(t, oidctest.Person{ID: "ann", Email: "Ann@example.org"}, oidctest.Person{ID: "bob", Email: "bob@example.org", Unverified: true})
	for _, tt := range []struct{ person, email string }{{"ann", "ann@example.org"}, {"bob", ""}} {
		address, err := d.Begin(t.Context(), "real", ask)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(address, ask.Verifier) || !strings.Contains(address, "code_challenge_method=S256") {
			t.Errorf("the address tells the verifier, or has no challenge: %s", address)
		}
		back := p.Visit(t.Context(), address, tt.person)
		if back.Get("state") != ask.State {
			t.Errorf("state %q", back.Get("state"))
		}
		who, err := d.End(t.Context(), "real", ask, account.ProviderAnswer{Code: back.Get("code"), Issuer: back.Get("iss")})
		if want := (account.Proved{Issuer: p.Issuer, Subject: tt.person, Email: tt.email, Domain: true}); err != nil || who != want {
			t.Errorf("proved %+v, %v, want %+v\n%s", who, err, want, d.log)
		}
		_, err = d.End(t.Context(), "real", ask, account.ProviderAnswer{Code: back.Get("code")}) // once more
		d.refused(err, "wrong")
	}
	if n := p.Reads.Load(); n != 1 {
		t.Errorf("what the provider says of itself was read %d times", n)
	}
	if strings.Contains(d.log.String(), ask.Verifier) || strings.Contains(d.log.String(), oidctest.Secret) {
		t.Errorf("secrets in the log: %s", d.log)
	}
}

// TestStolenCode has somebody else show a code: without the verifier, or in a visit with another nonce, it is nothing.
func TestStolenCode(t *testing.T) {
	p, d := real(t, oidctest.Person{ID: "ann", Email: "ann@example.org"})
	other := ask
	other.Verifier = strings.Repeat("w", 43)
	otherNonce := ask
	otherNonce.Nonce = strings.Repeat("m", 43)
	for _, thief := range []account.ProviderAsk{other, otherNonce} {
		address, err := d.Begin(t.Context(), "real", ask)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.End(t.Context(), "real", thief, account.ProviderAnswer{Code: p.Visit(t.Context(), address, "ann").Get("code")})
		d.refused(err, "wrong")
	}
}

func TestRefusals(t *testing.T) {
	p, d := real(t, oidctest.Person{ID: "ann", Email: "ann@example.org"})
	for _, tt := range []struct {
		answer account.ProviderAnswer
		key    string
	}{
		{account.ProviderAnswer{Error: "access_denied"}, "cancelled"},
		{account.ProviderAnswer{Error: "server_error\n\x1b[31m" + strings.Repeat("x", 900)}, "refused"},
		{account.ProviderAnswer{Code: "made up"}, "wrong"},
		{account.ProviderAnswer{Code: strings.Repeat("x", 9000)}, "wrong"},
		{account.ProviderAnswer{}, "wrong"},
		{account.ProviderAnswer{Code: "x", Issuer: "https://other.example"}, "issuer"},
	} {
		_, err := d.End(t.Context(), "real", ask, tt.answer)
		d.refused(err, tt.key)
	}
	_, err := d.Begin(t.Context(), "another", ask)
	d.refused(err, "none")
	wrong := newDesk(t, oidc.Provider{Issuer: p.Issuer, ClientID: oidctest.ClientID, Secret: "wrong", TLS: &tls.Config{RootCAs: p.Pool()}}, loopback)
	address, err := wrong.Begin(t.Context(), "real", ask)
	if err != nil {
		t.Fatal(err)
	}
	_, err = wrong.End(t.Context(), "real", ask, account.ProviderAnswer{Code: p.Visit(t.Context(), address, "ann").Get("code")})
	wrong.refused(err, "setup")
	if s := d.log.String(); strings.Contains(s, "\x1b") || strings.Contains(s, strings.Repeat("x", 300)) {
		t.Errorf("what a stranger wrote stands in the log as it came: %q", s)
	}
}

// TestProviderIsDown goes on with what is known, tries again, and says so where nothing is known.
func TestProviderIsDown(t *testing.T) {
	p, d := real(t, oidctest.Person{ID: "ann", Email: "ann@example.org"})
	p.Down.Store(true)
	begin := time.Now()
	d.now = begin
	_, err := d.Begin(t.Context(), "real", ask)
	d.refused(err, "down")
	p.Down.Store(false)
	_, err = d.Begin(t.Context(), "real", ask) // not asked again at once
	d.refused(err, "down")
	for _, step := range []struct {
		after time.Duration
		down  bool
		key   string
	}{{11 * time.Second, false, ""}, {2 * time.Hour, true, ""}, {25*time.Hour + time.Minute, true, "down"}, {26 * time.Hour, false, ""}} {
		p.Down.Store(step.down)
		d.mu.Lock()
		d.now = begin.Add(step.after)
		d.mu.Unlock()
		if _, err := d.Begin(t.Context(), "real", ask); step.key != "" {
			d.refused(err, step.key)
		} else if err != nil {
			t.Errorf("after %s: %v", step.after, err)
		}
	}
	d.mu.Lock()
	d.now = time.Time{}
	d.mu.Unlock()
	address, err := d.Begin(t.Context(), "real", ask)
	if err != nil {
		t.Fatal(err)
	}
	code := p.Visit(t.Context(), address, "ann").Get("code")
	p.Down.Store(true)
	_, err = d.End(t.Context(), "real", ask, account.ProviderAnswer{Code: code})
	d.refused(err, "down")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.End(canceled, "real", ask, account.ProviderAnswer{Code: code})
	d.refused(err, "down")
}

// TestInnerProvider is one at an inner address that the settings don't allow.
func TestInnerProvider(t *testing.T) {
	p := oidctest.Start(t)
	d := newDesk(t, oidc.Provider{Issuer: p.Issuer, ClientID: oidctest.ClientID, TLS: &tls.Config{RootCAs: p.Pool()}})
	_, err := d.Begin(t.Context(), "real", ask)
	d.refused(err, "down")
	if p.Reads.Load() != 0 || !strings.Contains(d.log.String(), "inside") {
		t.Errorf("%d requests; log %s", p.Reads.Load(), d.log)
	}
}
