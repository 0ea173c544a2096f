package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/cert"
	"tsunagi/internal/cert/acmetest"
	"tsunagi/internal/dns01/dnstest"
)

// TestPublicCertificates runs `serve` with a public authority: it checks the name over the redirecting HTTP port or the
// HTTPS port and the zones by their records, and MQTT and the panel show the same certificates.
func TestPublicCertificates(t *testing.T) {
	const name = "mqtt.example.net"
	a, dns := acmetest.New(t), dnstest.New(t, "example.net")
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, a.TrustPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	w := serveWorld(t, "--domain", name, "--tls-acme", "--tls-email", "owner@example.net", "--tls-directory", a.Directory, "--tls-roots", roots,
		"--dns-provider", "rfc2136", "--dns-server", dns.Addr, "--dns-key-name", dnstest.KeyName, "--dns-key", dnstest.Key, "--dns-wait", "1s",
		"--metrics", "127.0.0.1:0")
	a.Look(portOf(t, w.http), portOf(t, w.https), dns.Addr)
	w.pool = a.Roots
	id, password := w.instance()
	var owner struct{ Password string }
	w.admin(&owner, "account", "create", "--email", "second@example.org", "--role", "owner")

	names := []string{name, id + "." + name, "edit-x.flows." + name}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var err error
		for _, n := range names {
			var c *tls.Conn
			if c, err = tls.Dial("tcp", w.mqtts, w.tls(n)); err != nil {
				break
			}
			c.Close()
		}
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v\n%s", err, w.log)
		}
	}
	w.login(w.dial(w.mqtts, w.tls(id+"."+name)), id, password)
	w.login(w.dial(w.https, w.tls(name, "mqtt")), id, password)

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: w.tls(name), DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", w.https)
	}}}
	defer client.CloseIdleConnections()
	sign, err := client.Post("https://"+name+"/api/v1/session", "application/json", strings.NewReader(`{"email":"second@example.org","password":"`+owner.Password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	sign.Body.Close()
	ask, _ := http.NewRequest("GET", "https://"+name+"/api/v1/certificates", nil)
	for _, c := range sign.Cookies() {
		ask.AddCookie(c)
	}
	answer, err := client.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Items []struct {
			Names    []string
			Source   string
			NotAfter time.Time `json:"not_after"`
			Late     bool
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || len(list.Items) != 3 {
		t.Fatalf("%s: %v, %+v", answer.Status, err, list)
	}
	for _, c := range list.Items {
		if c.Source != "acme" || c.Late || time.Until(c.NotAfter) < 80*24*time.Hour {
			t.Errorf("certificate %+v", c)
		}
	}
	page, err := http.Get("http://" + w.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if b, _ := io.ReadAll(page.Body); !strings.Contains(string(b), `tsunagi_certificate_end_seconds{name="*.flows.`+name+`",source="acme"} `) ||
		!strings.Contains(string(b), `tsunagi_certificate_problem{name="`+name+`",source="acme"} 0`) {
		t.Errorf("metrics:\n%s", b)
	}
	still := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if plain, err := still.Get("http://" + w.http + "/.well-known/acme-challenge/unknown"); err != nil {
		t.Error(err)
	} else if plain.Body.Close(); plain.StatusCode == 200 {
		t.Error("an unknown challenge was answered")
	}
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAlarm wants one letter for each certificate that is late, and another one some days later.
func TestAlarm(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	states := []cert.State{
		{Names: []string{"good.example"}, Source: "acme", NotBefore: now, NotAfter: now.Add(90 * day)},
		{Names: []string{"late.example"}, Source: "acme", NotBefore: now.Add(-70 * day), NotAfter: now.Add(20 * day), Problem: "rateLimited", Since: now.Add(-10 * day)},
	}
	var letters [][]any
	a := &alarm{states: func() []cert.State { return states }, sent: map[string]time.Time{}, warn: func(_ context.Context, args ...any) { letters = append(letters, args) }}
	for _, at := range []time.Duration{0, time.Hour, 2 * day, 4 * day} {
		a.check(t.Context(), now.Add(at))
	}
	if len(letters) != 2 || letters[0][1] != "late.example" || letters[0][5] != "rateLimited" {
		t.Errorf("letters %v, want two about late.example", letters)
	}
	states[1].NotBefore, states[1].NotAfter = now, now.Add(90*day)
	a.check(t.Context(), now.Add(4*day))
	states[1].NotBefore, states[1].NotAfter = now.Add(-80*day), now.Add(10*day)
	a.check(t.Context(), now.Add(4*day))
	if len(letters) != 3 {
		t.Errorf("%d letters after it was renewed and is late again, want 3", len(letters))
	}
}
