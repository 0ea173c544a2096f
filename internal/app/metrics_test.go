package app

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestMetrics reads them as the operator and as the people of an instance, who see nothing of another's.
func TestMetrics(t *testing.T) {
	w := serveWorld(t, "--metrics", "127.0.0.1:0")
	id, password := w.instance()
	other, _ := w.instance()
	for i := range 3 {
		c := w.dial(w.mqtts, w.tls("localhost"))
		w.loginWith(c, mqtt.Connect{ClientID: fmt.Appendf(nil, "canary-%d", i), User: []byte(id), Password: []byte(password)})
	}
	ask := func(url, token string) (int, string, string) {
		r, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		a, err := w.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, a.Header.Get("Content-Type"), string(b)
	}
	code, kind, all := ask("http://"+w.metrics+"/metrics", "")
	if code != 200 || !strings.HasPrefix(kind, "text/plain; version=0.0.4") || !strings.Contains(all, "\ntsunagi_clients{kind=\"mqtt\"} 3\n") {
		t.Errorf("operator's: %d %s\n%s", code, kind, all)
	}
	for _, word := range []string{id, other, "canary", "owner@"} {
		if strings.Contains(all, word) {
			t.Errorf("the operator's metrics name a tenant: %s", word)
		}
	}
	if code, _, _ := ask("http://"+w.metrics+"/healthz", ""); code != 200 {
		t.Errorf("health: %d", code)
	}

	var mine, theirs struct{ Token string }
	w.admin(&mine, "metrics", "token", id)
	w.admin(&theirs, "metrics", "token", other)
	page := func(instance string) string {
		return "https://" + strings.Replace(w.https, "127.0.0.1", "localhost", 1) + "/api/v1/instances/" + instance + "/metrics"
	}
	code, kind, text := ask(page(id), mine.Token)
	if code != 200 || !strings.HasPrefix(kind, "text/plain; version=0.0.4") || !strings.Contains(text, "\ntsunagi_connects_total 3\n") {
		t.Errorf("instance's: %d %s\n%s", code, kind, text)
	}
	if _, _, text := ask(page(other), theirs.Token); !strings.Contains(text, "\ntsunagi_clients{kind=\"mqtt\"} 0\n") {
		t.Errorf("the other's: %s", text)
	}
	if n := len(regexp.MustCompile(`(?m)^[a-z]`).FindAllString(text, -1)); n > 50 {
		t.Errorf("%d series of one instance", n)
	}
	for name, token := range map[string]string{"another's": theirs.Token, "none": "", "invented": "tsm_" + strings.Repeat("A", 43)} {
		if code, _, text := ask(page(id), token); code != 404 || strings.Contains(text, "tsunagi_") {
			t.Errorf("with %s token: %d %s", name, code, text)
		}
	}
	w.admin(nil, "metrics", "token", id, "--drop")
	if code, _, _ := ask(page(id), mine.Token); code != 404 {
		t.Errorf("with a token that was taken back: %d", code)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/healthz"} { // only on that listener
		if code, _, text := ask("https://"+strings.Replace(w.https, "127.0.0.1", "localhost", 1)+path, ""); code == 200 && strings.Contains(text, "goroutine") {
			t.Errorf("%s stands on the panel's port", path)
		}
	}
}
