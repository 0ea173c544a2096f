package dns01

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/dns01/dnstest"
)

const challenge = "_acme-challenge.mqtt.example.net"

// service is a DNS service that keeps what it was asked.
type service struct {
	mu    sync.Mutex
	asked []string // method, path with query, login, body
	url   string
}

// newService answers by the first of the pairs whose first part begins what was asked; "404 " and others before an
// answer are its status.
func newService(t *testing.T, pairs ...string) *service {
	s := &service{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Authorization") + " " + string(body))
		s.mu.Lock()
		s.asked = append(s.asked, line)
		s.mu.Unlock()
		for i := 0; i < len(pairs); i += 2 {
			if strings.HasPrefix(line, pairs[i]) {
				status, text := 200, pairs[i+1]
				if n, _ := fmt.Sscanf(text, "%d ", &status); n == 1 {
					text = text[4:]
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
				return
			}
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *service) wants(t *testing.T, lines ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, want := strings.Join(s.asked, "\n"), strings.Join(lines, "\n"); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	s.asked = nil
}

func records(t *testing.T, o Options) *Records {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func both(t *testing.T, r *Records) {
	t.Helper()
	if err := r.Set(t.Context(), challenge+".", "value-1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), challenge, "value-1"); err != nil {
		t.Fatal(err)
	}
}

func TestUpdate(t *testing.T) {
	s := dnstest.New(t, "example.net")
	o := Options{Provider: "rfc2136", Server: s.Addr, KeyName: dnstest.KeyName, Key: dnstest.Key}
	for _, zone := range []string{"", "example.net."} {
		o.Zone = zone
		r := records(t, o)
		for _, v := range []string{"a", "b"} { // a zone and its wildcard are checked by the same name
			if err := r.Set(t.Context(), challenge, v); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.TXT(challenge); len(got) != 2 {
			t.Errorf("records %q", got)
		}
		_ = r.Remove(t.Context(), challenge, "a")
		if got := s.TXT(challenge); len(got) != 1 || got[0] != "b" {
			t.Errorf("records %q, want b alone", got)
		}
		_ = r.Remove(t.Context(), challenge, "b")
	}
	for name, change := range map[string]func(*Options){
		"another key":    func(o *Options) { o.Key = "AAAA" },
		"no key":         func(o *Options) { o.KeyName = "" },
		"another zone":   func(o *Options) { o.Zone = "example.org" },
		"nobody there":   func(o *Options) { o.Server = "127.0.0.1:1" },
		"key no base64":  func(o *Options) { o.Key = "?" },
		"kind unheardof": func(o *Options) { o.KeyKind = "hmac-x" },
	} {
		bad := o
		change(&bad)
		if err := records(t, bad).Set(t.Context(), challenge, "x"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	o.Zone = ""
	if err := records(t, o).Set(t.Context(), "_acme-challenge.example.org", "x"); err == nil || !strings.Contains(err.Error(), "dns.zone") {
		t.Errorf("a name of another zone: %v", err)
	}
}

func TestWebhook(t *testing.T) {
	s := newService(t, "POST /hook/present", "", "POST /hook/cleanup", "")
	both(t, records(t, Options{Provider: "webhook", URL: s.url + "/hook/", User: "u", Password: "p"}))
	const body = `{"fqdn":"` + challenge + `.","value":"value-1"}`
	s.wants(t, "POST /hook/present Basic dTpw "+body, "POST /hook/cleanup Basic dTpw "+body)

	refuse := newService(t, "POST", "403 not you")
	if err := records(t, Options{Provider: "webhook", URL: refuse.url}).Set(t.Context(), challenge, "x"); err == nil || !strings.Contains(err.Error(), "403 not you") {
		t.Errorf("a refusal: %v", err)
	}
}

func TestExec(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "hook")
	text := "#!/bin/sh\necho \"$@\" >>" + dir + "/said\n[ \"$3\" != bad ] || { head -c 100000 /dev/zero | tr '\\0' x; echo no; exit 3; }\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	r := records(t, Options{Provider: "exec", Command: script})
	both(t, r)
	said, _ := os.ReadFile(dir + "/said")
	if want := "present " + challenge + ". value-1\ncleanup " + challenge + ". value-1\n"; string(said) != want {
		t.Errorf("called with %q, want %q", said, want)
	}
	if err := r.Set(t.Context(), challenge, "bad"); err == nil || !strings.Contains(err.Error(), "exit status 3") || len(err.Error()) > quoteMax+len(script)+100 {
		t.Errorf("a program that fails: %.400v", err)
	}
}

func TestCloudflare(t *testing.T) {
	s := newService(t, "GET /zones?name=example.net", `{"result":[{"id":"z1"}]}`, "GET /zones?name=", `{"result":[]}`,
		"POST /zones/z1/dns_records", `{}`, "GET /zones/z1/dns_records?", `{"result":[{"id":"r/1"}]}`, "DELETE /zones/z1/dns_records/r%2F1", `{}`)
	both(t, records(t, Options{Provider: "cloudflare", URL: s.url, Token: "tok", Zone: "Example.net."}))
	const q = "content=%22value-1%22&name=" + challenge + "&type=TXT"
	s.wants(t, "GET /zones?name=example.net Bearer tok",
		`POST /zones/z1/dns_records Bearer tok {"content":"\"value-1\"","name":"`+challenge+`","ttl":60,"type":"TXT"}`,
		"GET /zones?name=example.net Bearer tok", "GET /zones/z1/dns_records?"+q+" Bearer tok", "DELETE /zones/z1/dns_records/r%2F1 Bearer tok")
	r := records(t, Options{Provider: "cloudflare", URL: s.url, Token: "tok"})
	if err := r.Set(t.Context(), challenge, "x"); err != nil { // the zone is found from the name's own labels
		t.Error(err)
	}
	if err := r.Set(t.Context(), "_acme-challenge.example.org", "x"); err == nil || !strings.Contains(err.Error(), "no zone") {
		t.Errorf("a zone that isn't there: %v", err)
	}
}

func TestDesec(t *testing.T) {
	const sub = "_acme-challenge.mqtt"
	s := newService(t, "GET /domains/?owns_qname="+challenge, `[{"name":"example.net"}]`, "GET /domains/?owns", `[]`,
		"GET /domains/example.net/rrsets/"+sub+"/TXT/", `{"subname":"`+sub+`","type":"TXT","ttl":3600,"records":["\"other\""]}`,
		"GET /domains/example.net/rrsets/new/TXT/", "404 {}", "PUT /domains/example.net/rrsets/", "[]")
	both(t, records(t, Options{Provider: "desec", URL: s.url, Token: "tok", Zone: "example.net"}))
	get := "GET /domains/example.net/rrsets/" + sub + "/TXT/ Token tok"
	put := func(list ...string) string {
		set, _ := json.Marshal([]recordSet{{sub, "TXT", 3600, list}})
		return "PUT /domains/example.net/rrsets/ Token tok " + string(set)
	}
	s.wants(t, get, put(`"other"`, `"value-1"`), get, put(`"other"`))
	if err := records(t, Options{Provider: "desec", URL: s.url, Token: "tok"}).Set(t.Context(), challenge, "x"); err != nil {
		t.Error(err)
	}
	if err := records(t, Options{Provider: "desec", URL: s.url, Token: "tok", Zone: "example.net"}).Set(t.Context(), "new.example.net", "x"); err != nil {
		t.Error(err)
	}
	if err := records(t, Options{Provider: "desec", URL: s.url, Token: "tok"}).Set(t.Context(), "x.example.org", "x"); err == nil {
		t.Error("a zone that isn't there")
	}
}

func TestDuckDNS(t *testing.T) {
	s := newService(t, "GET /update?domains=home", "OK", "GET /update?clear=true&domains=home", "OK", "GET /update", "KO")
	r := records(t, Options{Provider: "duckdns", URL: s.url, Token: "tok-1"})
	if err := r.Set(t.Context(), "_acme-challenge.flows.home.duckdns.org", "v"); err != nil {
		t.Error(err)
	}
	if err := r.Remove(t.Context(), "_acme-challenge.home.duckdns.org", "v"); err != nil {
		t.Error(err)
	}
	s.wants(t, "GET /update?domains=home&token=tok-1&txt=v", "GET /update?clear=true&domains=home&token=tok-1&txt=v")
	if err := r.Set(t.Context(), "_acme-challenge.away.duckdns.org", "v"); err == nil || strings.Contains(err.Error(), "tok-1") {
		t.Errorf("refused: %v", err)
	}
	if err := r.Set(t.Context(), challenge, "v"); err == nil {
		t.Error("a name of somebody else")
	}
	gone := records(t, Options{Provider: "duckdns", URL: "http://127.0.0.1:1", Token: "secret-token"})
	if err := gone.Set(t.Context(), "_acme-challenge.home.duckdns.org", "v"); err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("an error must not show the token: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, p := range Providers {
		if _, err := New(Options{Provider: p}); err == nil || !strings.Contains(err.Error(), "dns.") {
			t.Errorf("%s without its settings: %v", p, err)
		}
	}
	if _, err := New(Options{Provider: "else"}); err == nil || !strings.Contains(err.Error(), "rfc2136") {
		t.Errorf("unknown: %v", err)
	}
	r := records(t, Options{Provider: "webhook", URL: newService(t, "POST", "").url, Wait: 1 << 40})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Set(ctx, challenge, "x"); err == nil {
		t.Error("waited on after the end")
	}
}
