package panel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tsunagi/internal/panel"
)

// operations are all operations below /api/v1 of the API's document, each "METHOD /path", with whether it is public.
func (w *world) operations() map[string]bool {
	w.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ Security []map[string][]string }
	}
	w.browser().want("GET", "/api/openapi.json", nil, 200, &doc)
	all := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if strings.HasPrefix(path, "/api/v1/") {
				all[strings.ToUpper(method)+" "+path] = len(op.Security) == 0
			}
		}
	}
	return all
}

// fromInside asks by the handler of the admin socket.
func (w *world) fromInside(method, path, about string, in, out any, want int) problem {
	w.t.Helper()
	body := ""
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		body = string(raw)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "@" // of a unix socket
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if about != "" {
		r.Header.Set(panel.AccountHeader, about)
	}
	rec := httptest.NewRecorder()
	w.inside.ServeHTTP(rec, r)
	if rec.Code != want {
		w.t.Errorf("%s %s for %q: %d %s, want %d", method, path, about, rec.Code, rec.Body, want)
	}
	if out != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
			w.t.Errorf("%s %s: %v in %s", method, path, err, rec.Body)
		}
	}
	var p problem
	_ = json.Unmarshal(rec.Body.Bytes(), &p) // of an answer that is none it is empty
	return p
}

// TestNobodyComesFromInside asks every operation over TCP with all that could pretend to be the admin socket: a stranger
// stays one, and a member gets no further than without.
func TestNobodyComesFromInside(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	id := boss.instance()
	member := w.member(boss, "member@example.org")
	stranger := w.browser()
	pretend := http.Header{panel.AccountHeader: {"owner@example.org"}, "Via": {"admin"}, "X-Via": {"admin"}, "Operator": {"true"}, "X-Forwarded-For": {"@"},
		"Forwarded": {"for=_admin"}, "X-Forwarded-Host": {"admin"}, "X-Original-Url": {"/api/v1/accounts"}}
	stranger.header = pretend.Clone()
	n := 0
	for op, public := range w.operations() {
		if public || strings.HasSuffix(op, "/metrics") { // which has a token of its own, and is not found without
			continue
		}
		method, path, _ := strings.Cut(op, " ")
		for _, name := range []string{"{id}", "{thing}", "{name}", "{rule}", "{client_id}", "{hook}"} {
			path = strings.Replace(path, name, id, 1)
		}
		n++
		stranger.header.Set("Test-From", fmt.Sprintf("192.0.2.%d:%d", n%250+1, n)) // else the rate limits answer
		var body any
		if method != http.MethodGet {
			body = map[string]any{}
		}
		stranger.refused(method, path, body, 401, "unauthorized")
	}
	if n < 100 {
		t.Errorf("only %d operations were asked", n)
	}
	member.header = pretend
	for path, want := range map[string]int{"/api/v1/accounts": 403, "/api/v1/log": 403, "/api/v1/instances/" + id: 404, "/api/v1/audit?all=true": 403} {
		if answer, raw := member.do("GET", path, nil); answer.StatusCode != want {
			t.Errorf("%s: %s, want %d\n%s", path, answer.Status, want, raw)
		}
	}
	var list struct{ Items []struct{ ID string } }
	if member.want("GET", "/api/v1/instances", nil, 200, &list); len(list.Items) != 0 {
		t.Errorf("a member sees %v", list)
	}
	var who struct{ Account struct{ Email string } }
	if member.want("GET", "/api/v1/session", nil, 200, &who); who.Account.Email != "member@example.org" {
		t.Errorf("the header makes a member %q", who.Account.Email)
	}
}

// TestInside has who runs the server do everything for everybody, and the record say who it was.
func TestInside(t *testing.T) {
	w := newWorld(t)
	if p := w.fromInside("POST", "/api/v1/instances", "", map[string]any{"name": "x"}, nil, 409); !strings.Contains(p.Detail, "account create") {
		t.Errorf("before there is anybody: %q", p.Detail)
	}
	boss := w.owner()
	boss.instance()
	member := w.member(boss, "member@example.org")
	theirs := member.instance()

	var list struct{ Items []struct{ ID, Owner string } }
	if w.fromInside("GET", "/api/v1/instances", "", nil, &list, 200); len(list.Items) != 2 {
		t.Errorf("instances of everybody: %+v", list)
	}
	if w.fromInside("GET", "/api/v1/instances", "member@example.org", nil, &list, 200); len(list.Items) != 1 || list.Items[0].ID != theirs {
		t.Errorf("instances of one: %+v", list)
	}
	w.fromInside("GET", "/api/v1/instances", "nobody@example.org", nil, nil, 404)
	for range 300 { // no rate limit
		w.fromInside("GET", "/api/v1/plans", "", nil, nil, 200)
	}
	var made struct{ ID string }
	if w.fromInside("POST", "/api/v1/instances", "member@example.org", map[string]any{"name": "New"}, &made, 201); made.ID == "" {
		t.Error("no instance")
	}
	member.want("GET", "/api/v1/instances/"+made.ID, nil, 200, nil)
	var secret struct{ Password, Key string }
	if w.fromInside("POST", "/api/v1/instances/"+theirs+"/password/reveal", "", map[string]any{"password": ""}, &secret, 200); secret.Password == "" {
		t.Error("no password")
	}
	w.fromInside("POST", "/api/v1/instances/"+theirs+"/key/reveal", "", map[string]any{"password": ""}, &secret, 200)
	w.fromInside("POST", "/api/v1/instances/"+made.ID+"/move", "", map[string]any{"team": "owner@example.org"}, nil, 200)
	boss.want("GET", "/api/v1/instances/"+made.ID, nil, 200, nil)
	w.fromInside("POST", "/api/v1/instances/"+made.ID+"/move", "", map[string]any{"team": "nobody"}, nil, 422)
	w.fromInside("GET", "/api/v1/instances/zzzzzzzz/users", "", nil, nil, 404)
	w.fromInside("GET", "/api/instances", "", nil, nil, 404) // the other API has keys of its own
	w.fromInside("GET", "/index.html", "", nil, nil, 404)

	var team struct{ ID string }
	w.fromInside("POST", "/api/v1/teams", "member@example.org", map[string]any{"name": "Works"}, &team, 201)
	w.fromInside("PATCH", "/api/v1/team", team.ID, map[string]any{"name": "Factory"}, nil, 200)
	w.fromInside("PATCH", "/api/v1/team", "", map[string]any{"name": "Factory"}, nil, 409) // the owner's own account is none
	w.fromInside("POST", "/api/v1/team/invitations", team.ID, map[string]any{"email": "third@example.org", "role": "viewer"}, nil, 201)
	w.fromInside("GET", "/api/v1/sessions", team.ID, nil, nil, 403)
	var token struct{ Token string }
	w.fromInside("POST", "/api/v1/tokens", team.ID, map[string]any{"name": "script", "scope": "manage"}, &token, 201)
	if token.Token == "" {
		t.Error("no token")
	}

	var browsers struct{ Items []struct{ ID string } }
	if w.fromInside("GET", "/api/v1/sessions", "member@example.org", nil, &browsers, 200); len(browsers.Items) != 1 {
		t.Fatalf("browsers %+v", browsers)
	}
	w.fromInside("DELETE", "/api/v1/sessions/"+browsers.Items[0].ID, "member@example.org", nil, nil, 204)
	member.refused("GET", "/api/v1/session", nil, 401, "unauthorized")

	w.fromInside("PATCH", "/api/v1/account", "member@example.org", map[string]any{"password": map[string]any{"old": "", "new": "quite another pass phrase"}}, nil, 200)
	member.want("POST", "/api/v1/session", map[string]any{"email": "member@example.org", "password": "quite another pass phrase"}, 200, nil)
	if w.fromInside("GET", "/api/v1/sessions", "member@example.org", nil, &browsers, 200); len(browsers.Items) != 1 {
		t.Errorf("%d browsers are signed in", len(browsers.Items))
	}

	var audit struct {
		Items []struct{ Email, Via, Action, Object string }
	}
	w.fromInside("GET", "/api/v1/audit?all=true", "", nil, &audit, 200)
	seen := map[string]bool{}
	for _, e := range audit.Items {
		if seen[e.Action] = seen[e.Action] || e.Via == "admin"; e.Via == "admin" && e.Email != "" {
			t.Errorf("%s is said to be done by %s", e.Action, e.Email)
		}
	}
	for _, action := range []string{"instance.reveal", "instance.key.reveal", "instance.move", "team.create", "token.create", "session.end"} {
		if !seen[action] {
			t.Errorf("no record of %s by admin in %+v", action, audit.Items)
		}
	}
	// the account that it was done for sees it, too
	boss.want("GET", "/api/v1/audit?instance="+made.ID, nil, 200, &audit)
	if len(audit.Items) == 0 || audit.Items[0].Action != "instance.move" || audit.Items[0].Via != "admin" {
		t.Errorf("the owner's record %+v", audit.Items)
	}
}

// TestInsideWithoutBrowser refuses what only a browser, or who holds a link, can do, in words that say so.
func TestInsideWithoutBrowser(t *testing.T) {
	w := newWorld(t)
	id := w.owner().instance()
	refused := 0
	for op := range w.operations() {
		method, path, _ := strings.Cut(op, " ")
		if !panel.Ceremony(op) {
			continue
		}
		refused++
		path = strings.Replace(strings.Replace(path, "{id}", id, 1), "{token}", "x", 1)
		if p := w.fromInside(method, path, "", map[string]any{}, nil, 403); !strings.Contains(p.Detail, "console") && !strings.Contains(p.Detail, "tsunagi admin") {
			t.Errorf("%s: %q", op, p.Detail)
		}
	}
	if refused != panel.Ceremonies {
		t.Errorf("%d refused, the table has %d: one of it is no route", refused, panel.Ceremonies)
	}
}
