package app

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/cert/acmetest"
	"tsunagi/internal/dns01/dnstest"
)

const certifiedName = "mqtt.example.net"

// publicly runs `serve` with a public authority and without records.
func publicly(t *testing.T, more ...string) (*world, *acmetest.Authority, *dnstest.Server) {
	t.Helper()
	a, dns := acmetest.New(t), dnstest.New(t, "example.net")
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, a.TrustPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return serveWorld(t, append([]string{"--domain", certifiedName, "--tls-acme", "--tls-email", "owner@example.net", "--tls-directory", a.Directory,
		"--tls-roots", roots, "--metrics", "127.0.0.1:0"}, more...)...), a, dns
}

// eventually waits for what another goroutine brings about.
func eventually(t *testing.T, w *world, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s\n%s", what, w.log)
		}
	}
}

// metric says whether the operator's page has a line that begins so.
func (w *world) metric(line string) bool {
	answer, err := http.Get("http://" + w.metrics + "/metrics")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return strings.Contains(string(b), "\n"+line)
}

// TestPublicWays gets the certificate of the domain by each way that needs no records, the other one closed, and shows
// it to MQTT clients.
func TestPublicWays(t *testing.T) {
	for way, args := range map[string][]string{"http-01": {"--https", "off"}, "tls-alpn-01": {"--http", "off"}} {
		t.Run(way, func(t *testing.T) {
			w, a, dns := publicly(t, args...)
			httpPort, tlsPort := 1, 1 // nobody listens there
			if w.http != "" {
				httpPort = portOf(t, w.http)
			}
			if w.https != "" {
				tlsPort = portOf(t, w.https)
			}
			a.Look(httpPort, tlsPort, dns.Addr)
			w.pool = a.Roots
			id, password := w.instance()
			eventually(t, w, "a certificate", func() bool {
				c, err := tls.Dial("tcp", w.mqtts, w.tls(certifiedName))
				if err == nil {
					c.Close()
				}
				return err == nil
			})
			w.login(w.dial(w.mqtts, w.tls(certifiedName)), id+":"+id, password)
			if end := `tsunagi_certificate_end_seconds{name="` + certifiedName + `",source="acme"} `; !w.metric(end) {
				t.Errorf("the metrics don't say until when the certificate holds: %s", end)
			}
		})
	}
}

// TestPublicFailures wants a certificate that can't be had to be in metrics and log with its cause, and clients to be
// served by the local authority meanwhile.
func TestPublicFailures(t *testing.T) {
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("somebody else's page")) }))
	t.Cleanup(wrong.Close)
	tests := map[string]struct {
		refuse string // problem of the authority to every order
		want   string
	}{
		"wrong answer": {"", "unauthorized"},
		"rate limit":   {"rateLimited", "too many certificates"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, a, dns := publicly(t)
			if tt.refuse != "" {
				f := func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != "/order-plz" {
						return false
					}
					w.Header().Set("Content-Type", "application/problem+json")
					w.Header().Set("Retry-After", "3600")
					w.Header().Set("Replay-Nonce", "used")
					w.WriteHeader(http.StatusTooManyRequests)
					_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:`+tt.refuse+`","detail":"too many certificates already issued"}`)
					return true
				}
				a.Instead.Store(&f)
			}
			a.Look(portOf(t, wrong.Listener.Addr().String()), 1, dns.Addr)
			eventually(t, w, "the problem in the metrics", func() bool {
				return w.metric(`tsunagi_certificate_problem{name="` + certifiedName + `",source="acme"} 1`)
			})
			eventually(t, w, "its cause in the log", func() bool { return strings.Contains(w.log.String(), tt.want) })
			local, err := os.ReadFile(filepath.Join(w.data, "ca", "ca.pem"))
			if err != nil {
				t.Fatal(err)
			}
			w.pool = x509.NewCertPool()
			w.pool.AppendCertsFromPEM(local)
			id, password := w.instance()
			w.login(w.dial(w.mqtts, w.tls("localhost")), id+":"+id, password)
		})
	}
}
