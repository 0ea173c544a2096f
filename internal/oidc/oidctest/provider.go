// Package oidctest is a provider of OpenID Connect on loopback for tests: somebody else's library, with TLS, people and
// a sign-in page, as it would be found outside.
package oidctest

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What the provider knows a client by.
const (
	ClientID = "tsunagi"
	Secret   = "a secret of the client"
	password = "of everybody there"
)

// Person is somebody who has an account with the provider.
type Person struct {
	ID, Email  string
	Unverified bool
}

// Provider is one that runs.
type Provider struct {
	Issuer string
	Down   atomic.Bool // it answers 503 to everything
	Reads  atomic.Int32

	t      testing.TB
	server *httptest.Server
	users  people
	inner  atomic.Pointer[http.Handler]
}

// people is the library's store of users.
type people map[string]*storage.User

func (p people) GetUserByID(id string) *storage.User         { return p[id] }
func (p people) GetUserByUsername(name string) *storage.User { return p[name] }
func (p people) ExampleClientID() string                     { return "" }

// Start runs a provider. SendBack tells it its client.
func Start(t testing.TB, list ...Person) *Provider {
	t.Helper()
	p := &Provider{t: t}
	p.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.Down.Load():
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		case r.URL.Path == "/.well-known/openid-configuration":
			p.Reads.Add(1)
		}
		(*p.inner.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	p.Issuer = p.server.URL
	p.users = people{}
	for _, one := range list {
		p.users[one.ID] = &storage.User{ID: one.ID, Username: one.ID, Password: password, Email: one.Email, EmailVerified: !one.Unverified}
	}
	p.SendBack("https://nowhere.example")
	return p
}

// SendBack makes known the address to which the client's browsers are sent back.
func (p *Provider) SendBack(back string) {
	p.t.Helper()
	store := storage.NewStorageWithClients(p.users, map[string]*storage.Client{ClientID: storage.WebClient(ClientID, Secret, back)})
	provider, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte("key of the test")), CryptoKeyId: "test", CodeMethodS256: true},
		store, op.StaticIssuer(p.Issuer), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		p.t.Fatal(err)
	}
	mux := http.NewServeMux()
	onwards := op.AuthCallbackURL(provider)
	sign := op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("authRequestID")
		if r.FormValue("user") == "" {
			ask(w, id)
			return
		}
		if err := store.CheckUsernamePassword(r.FormValue("user"), password, id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, onwards(r.Context(), id), http.StatusFound)
	})
	mux.HandleFunc("/login/username", sign)
	mux.Handle("/", provider)
	var all http.Handler = mux
	p.inner.Store(&all)
}

// ask is the page where somebody in a browser says who they are.
func ask(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Provider</title><form><input type="hidden" name="authRequestID" value="%s">
<label>User <input name="user" required></label> <button>Sign in</button></form>`, html.EscapeString(id))
}

// Roots writes the certificate that the provider is checked by into a file.
func (p *Provider) Roots() string {
	p.t.Helper()
	name := filepath.Join(p.t.TempDir(), "roots.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return name
}

// Pool is that certificate.
func (p *Provider) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.server.Certificate())
	return pool
}

// errBack ends the following of redirects where they leave the provider.
var errBack = errors.New("back")

// Visit does what a browser does at the provider: it goes to address, signs in as a person and is sent back. It returns
// what the address of that says.
func (p *Provider) Visit(ctx context.Context, address, person string) url.Values {
	p.t.Helper()
	var back *url.URL
	client := *p.server.Client()
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != p.server.Listener.Addr().String() {
			back = r.URL
			return errBack
		}
		if r.URL.Path == "/login/username" {
			q := r.URL.Query()
			q.Set("user", person)
			r.URL.RawQuery = q.Encode()
		}
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err == nil {
		defer answer.Body.Close()
	}
	if back == nil {
		said := fmt.Sprint(err)
		if err == nil {
			said = answer.Status + " at " + answer.Request.URL.Path
		}
		p.t.Fatalf("the provider doesn't send back: %s", said)
	}
	return back.Query()
}
