package app

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// adminText is an admin command without --json.
func (w *world) adminText(stdin string, args ...string) (int, string, string) {
	w.t.Helper()
	var out, errOut strings.Builder
	code := Run(context.Background(), append(append([]string{"admin"}, args...), "--data", w.data), Streams{In: strings.NewReader(stdin), Out: &out, Err: &errOut})
	return code, out.String(), errOut.String()
}

// TestAdminAPI calls operations of the API by the real socket: bodies by fields, by file and by standard input; answers as
// JSON; failures as one sentence and an exit code.
func TestAdminAPI(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	var list struct{ Items []struct{ ID, Owner string } }
	if w.admin(&list, "api", "get", "/instances"); len(list.Items) != 1 || list.Items[0].ID != id || list.Items[0].Owner == "" {
		t.Errorf("instances %+v", list)
	}
	w.admin(nil, "api", "POST", "/instances/"+id+"/publish", "--field", "topic=a/b", "--field", "payload=tiefkühl", "--field", "retain:=true", "--field", "qos:=1")
	if code, out, _ := w.adminText("", "api", "GET", "/instances/"+id+"/retained/value?topic=a/b"); code != ExitOK || out != "tiefkühl" {
		t.Errorf("%d %q", code, out)
	}
	if code, out, _ := w.adminText("", "api", "GET", "/instances/"+id+"/retained/value", "--field", "topic=a/b"); code != ExitOK || out != "tiefkühl" {
		t.Errorf("by a field: %d %q", code, out)
	}
	if code, out, told := w.adminText(`{"filter": "a/#"}`, "api", "POST", "/api/v1/instances/"+id+"/retained/clear", "--in", "-"); code != ExitOK || !strings.Contains(out, `"count": 1`) {
		t.Errorf("%d %s %s", code, out, told)
	}
	name := filepath.Join(t.TempDir(), "rule.json")
	if err := os.WriteFile(name, []byte(`{"effect":"allow","access":"both","filter":"x/#"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var rule struct{ ID string }
	if w.admin(&rule, "api", "POST", "/instances/"+id+"/rules", "--in", name); rule.ID == "" {
		t.Error("no rule")
	}
	if code, out, _ := w.adminText("", "api", "DELETE", "/instances/"+id+"/rules/"+rule.ID); code != ExitOK || out != "" {
		t.Errorf("an answer without body: %d %q", code, out)
	}
	if code, out, _ := w.adminText("", "api", "GET", "/api/openapi.json"); code != ExitOK || !strings.Contains(out, `"openapi": "3.1`) {
		t.Errorf("document %d %.80q", code, out)
	}
	for _, wrong := range []struct {
		code int
		want string
		args []string
	}{
		{ExitFailed, "There is no such thing", []string{"GET", "/instances/zzzzzzzz"}},
		{ExitFailed, "There is no such thing", []string{"GET", "/nothing"}},
		{ExitFailed, "topic", []string{"POST", "/instances/" + id + "/publish", "--field", "payload=x"}},
		{ExitFailed, "browser", []string{"POST", "/session", "--field", "email=a@example.org", "--field", "password=x"}},
		{ExitFailed, "no such account", []string{"GET", "/instances", "--account", "nobody@example.org"}},
		{ExitUsage, "begins with /", []string{"GET", "instances"}},
		{ExitUsage, "name=text", []string{"POST", "/x", "--field", "novalue"}},
		{ExitUsage, "no JSON", []string{"POST", "/x", "--field", "a:=tru"}},
	} {
		code, out, told := w.adminText("", append([]string{"api"}, wrong.args...)...)
		if code != wrong.code || out != "" || !strings.Contains(told, wrong.want) {
			t.Errorf("%v: %d %q %q, want %d %q", wrong.args, code, out, told, wrong.code, wrong.want)
		}
	}
	var audit struct{ Items []struct{ Via, Email string } }
	w.admin(&audit, "api", "GET", "/audit?all=true")
	for _, e := range audit.Items {
		if e.Via != "admin" || e.Email != "" {
			t.Errorf("the record has %+v", e)
		}
	}
}

// TestAdminIsNotOnTheNetwork asks the real server over TCP for what only the socket may: nothing that a request says makes
// its sender who runs the server.
func TestAdminIsNotOnTheNetwork(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.pool, ServerName: "localhost"}}}
	t.Cleanup(client.CloseIdleConnections)
	for _, path := range []string{"/api/v1/instances", "/api/v1/instances/" + id, "/api/v1/accounts", "/api/v1/audit?all=true", "/backup", "/accounts", "/owner-link", "/instances/" + id + "/users"} {
		for _, header := range []http.Header{nil, {"Tsunagi-Account": {"owner@example.org"}, "Via": {"admin"}, "X-Forwarded-For": {"@"}, "Forwarded": {"for=\"@\""}}} {
			for _, host := range []string{"localhost", "admin"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+w.https+path, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if header != nil {
					r.Header = header.Clone()
				}
				r.Host = host
				answer, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if answer.Header.Get("Content-Type") == "application/json" || strings.HasPrefix(path, "/api/") && answer.StatusCode < 400 {
					t.Errorf("%s of %s: %s %v", path, host, answer.Status, answer.Header)
				}
			}
		}
	}
}
