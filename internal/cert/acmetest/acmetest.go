// Package acmetest is a public certificate authority on loopback for tests: it checks what it signs.
package acmetest

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// Authority is one whose directory may be known before Look says which ports are checked.
type Authority struct {
	Directory string         // address
	Trust     *x509.CertPool // of the directory
	TrustPEM  []byte
	Roots     *x509.CertPool // of what is signed
	Orders    atomic.Int32   // that were asked for
	// Instead, where set, may answer a request itself: true.
	Instead atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]

	looking chan struct{} // closed when handler is there
	handler http.Handler
	quiet   *log.Logger
	store   *db.MemoryStore
	signer  *ca.CAImpl
}

// New makes an authority whose certificates hold 90 days. One in five good nonces is refused, as the protocol allows.
func New(t *testing.T) *Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "20")
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	a := &Authority{quiet: log.New(io.Discard, "", 0), store: db.NewMemoryStore(), looking: make(chan struct{}),
		Trust: x509.NewCertPool(), Roots: x509.NewCertPool()}
	a.signer = ca.New(a.quiet, a.store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 90 * 24 * 3600}})
	s := httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(s.Close)
	a.Directory = s.URL + "/dir"
	a.Trust.AddCert(s.Certificate())
	a.TrustPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	a.Roots.AppendCertsFromPEM(a.signer.GetRootCert(0).PEM())
	return a
}

// Look says on which ports names are checked, and by which DNS server (host:port).
func (a *Authority) Look(httpPort, tlsPort int, dns string) {
	checks := va.New(a.quiet, httpPort, tlsPort, false, dns, a.store)
	front := wfe.New(a.quiet, a.store, checks, a.signer, []string{"pebble.example"}, false, false, 0, 0)
	a.handler = front.Handler()
	close(a.looking)
}

func (a *Authority) serve(w http.ResponseWriter, r *http.Request) {
	<-a.looking
	if r.URL.Path == "/order-plz" {
		a.Orders.Add(1)
	}
	if f := a.Instead.Load(); f != nil && (*f)(w, r) {
		return
	}
	a.handler.ServeHTTP(w, r)
}
