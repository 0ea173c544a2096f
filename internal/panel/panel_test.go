package panel_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
)

func TestFromOwnerLinkToUsers(t *testing.T) {
	w := newWorld(t)
	anyone := w.browser()
	var status struct {
		Owner           bool
		SignUp, Version string
	}
	anyone.want("GET", "/api/v1/status", nil, 200, &status)
	if status.Owner || status.SignUp != "invite" || status.Version != "1.2.3" {
		t.Errorf("status %+v", status)
	}
	b := w.owner()
	anyone.want("GET", "/api/v1/status", nil, 200, &status)
	if !status.Owner {
		t.Error("the owner isn't told")
	}
	var session struct {
		Account struct{ ID, Email, Role, Language string }
	}
	b.want("GET", "/api/v1/session", nil, 200, &session)
	if session.Account.Email != "owner@example.org" || session.Account.Role != "owner" || session.Account.Language != "en" {
		t.Errorf("session %+v", session)
	}

	var in map[string]any
	b.want("POST", "/api/v1/instances", map[string]any{"name": "Home", "region": "home", "plan": "free"}, 201, &in)
	id := in["id"].(string)
	for key, want := range map[string]any{"server": "mqtt.example.org", "user": id, "port": 1883.0, "ssl_port": 8883.0, "websocket_port": 8443.0,
		"websocket_path": "/mqtt/" + id, "plain": false, "connection_limit": 10.0, "region": "home", "plan": "free", "name": "Home"} {
		if in[key] != want {
			t.Errorf("instance %s = %v, want %v", key, in[key], want)
		}
	}
	if ca := in["ca"].(map[string]any); ca["fingerprint_sha256"] != "AB:CD" || ca["url"] != "/ca.pem" {
		t.Errorf("ca %v", ca)
	}
	if _, there := in["password"]; there || in["$schema"] != nil {
		t.Errorf("too much in %v", in)
	}
	path := "/api/v1/instances/" + id
	var secret struct{ Password string }
	b.refused("POST", path+"/password/reveal", map[string]any{"password": "wrong"}, 403, "forbidden")
	b.want("POST", path+"/password/reveal", map[string]any{"password": password}, 200, &secret)
	if _, err := w.accounts.Directory().Authenticate(t.Context(), account.Credentials{Instance: id, User: id, Password: secret.Password, Remote: "192.0.2.1:1"}); err != nil {
		t.Errorf("the revealed password: %v", err)
	}
	old := secret.Password
	b.want("POST", path+"/password/rotate", nil, 200, &secret)
	if secret.Password == old || secret.Password == "" {
		t.Error("not rotated")
	}

	var user map[string]any
	b.want("POST", path+"/users", map[string]any{"name": "a/b c", "connect": true, "note": "n"}, 201, &user)
	if user["password"] == nil || user["first"] != false || user["rules"] != 0.0 {
		t.Errorf("user %v", user)
	}
	upath := path + "/users/a%2Fb%20c"
	user = nil
	b.want("PATCH", upath, map[string]any{"connect": false}, 200, &user)
	if user["connect"] != false || user["note"] != "n" || user["password"] != nil {
		t.Errorf("changed user %v", user)
	}
	b.want("PATCH", upath, map[string]any{"rotate": true}, 200, &user)
	if user["password"] == nil {
		t.Error("no password after rotate")
	}
	var rule map[string]any
	b.want("POST", path+"/rules", map[string]any{"user": "a/b c", "effect": "allow", "access": "both", "filter": "home/#"}, 201, &rule)
	b.want("POST", path+"/rules", map[string]any{"user": nil, "effect": "deny", "access": "publish", "filter": "users/%u"}, 201, &rule)
	if rule["user"] != nil {
		t.Errorf("pattern rule %v", rule)
	}
	b.want("PATCH", path+"/rules/"+rule["id"].(string), map[string]any{"filter": "users/%c"}, 200, &rule)
	if rule["filter"] != "users/%c" || rule["effect"] != "deny" {
		t.Errorf("changed rule %v", rule)
	}
	var list struct {
		Items []map[string]any
		Total int
		Next  string
	}
	b.want("GET", path+"/rules?user=a%2Fb%20c", nil, 200, &list)
	if list.Total != 1 || list.Items[0]["filter"] != "home/#" {
		t.Errorf("rules of a user %+v", list)
	}
	b.want("GET", path+"/users?limit=1", nil, 200, &list)
	if list.Total != 2 || len(list.Items) != 1 || list.Next == "" {
		t.Errorf("users %+v", list)
	}
	b.want("GET", path+"/users?query=b+c", nil, 200, &list)
	if list.Total != 1 || list.Items[0]["rules"] != 1.0 {
		t.Errorf("users by name %+v", list)
	}
	b.want("DELETE", path+"/rules/"+rule["id"].(string), nil, 204, nil)
	b.want("DELETE", upath, nil, 204, nil)
	b.refused("GET", upath, nil, 404, "not_found")

	var stats map[string]any
	b.want("GET", path+"/stats", nil, 200, &stats)
	if stats["connections"] != 1.0 || stats["connection_limit"] != 10.0 || stats["messages_in"] != 7.0 {
		t.Errorf("stats %v", stats)
	}
	b.want("GET", path+"/connections", nil, 200, &list)
	if list.Total != 1 || list.Items[0]["client_id"] != "c/1" {
		t.Errorf("connections %+v", list)
	}
	b.want("DELETE", path+"/connections/c%2F1", nil, 204, nil)
	b.refused("DELETE", path+"/connections/nobody", nil, 404, "not_found")

	var token struct {
		Token, URL string
		ClientID   string    `json:"client_id"`
		ExpiresAt  time.Time `json:"expires_at"`
	}
	b.want("POST", path+"/web-token", map[string]any{}, 200, &token)
	if token.URL != "wss://localhost:8443/mqtt/"+id || time.Until(token.ExpiresAt) > 10*time.Minute {
		t.Errorf("web token %+v", token)
	}
	if _, err := w.accounts.Directory().Authenticate(t.Context(), account.Credentials{Instance: id, User: account.WebUser, Password: token.Token, ClientID: token.ClientID}); err != nil {
		t.Errorf("the minted token: %v", err)
	}
	b.want("PATCH", path, map[string]any{"name": "家"}, 200, &in)
	b.want("DELETE", path, nil, 204, nil)
	b.refused("GET", path, nil, 404, "not_found")
	b.want("DELETE", "/api/v1/session", nil, 204, nil)
	b.refused("GET", "/api/v1/session", nil, 401, "unauthorized")
}

func TestFlowServers(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	b.refused("POST", "/api/v1/flow-servers", map[string]any{"name": "edit-x"}, 422, "invalid")
	var f map[string]any
	b.want("POST", "/api/v1/flow-servers", map[string]any{"name": "kitchen"}, 201, &f)
	if f["state"] != "running" || f["url"] != "https://edit-kitchen.flows.localhost:8443/" || f["memory_limit_mb"] != 256.0 || len(w.flows.started) != 1 {
		t.Errorf("flow server %v", f)
	}
	path := "/api/v1/flow-servers/" + f["id"].(string)
	var open struct{ URL string }
	b.header.Set("User-Agent", "Browser/1")
	b.want("POST", path+"/open", nil, 200, &open)
	code, ok := strings.CutPrefix(open.URL, "https://edit-kitchen.flows.localhost:8443/?code=")
	if !ok {
		t.Fatalf("open %q", open.URL)
	}
	if _, err := w.accounts.ExchangeFlowCode(t.Context(), f["id"].(string), code, "Browser/1"); err != nil {
		t.Error(err)
	}
	b.want("POST", path+"/restart", nil, 200, &f)
	w.flows.state = "failed"
	b.refused("POST", path+"/open", nil, 409, "conflict")
	b.want("DELETE", path, nil, 204, nil)
	if len(w.flows.removed) != 1 {
		t.Error("the process was not removed")
	}
	b.refused("GET", path, nil, 404, "not_found")
}

func TestLogs(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	for i := range 5 {
		w.journal.Add(account.LogLine{Instance: id, Kind: "refused", Client: "c" + string(rune('0'+i)), Cause: "wrong password", Reason: 0x86})
	}
	w.journal.Add(account.LogLine{Kind: "refused", Remote: "192.0.2.7", Cause: "no such instance"})
	var list struct {
		Items []map[string]any
		Next  string
	}
	b.want("GET", "/api/v1/instances/"+id+"/log?limit=2", nil, 200, &list)
	if len(list.Items) != 2 || list.Items[0]["client"] != "c4" || list.Items[0]["reason"] != 134.0 || list.Items[0]["id"] == nil {
		t.Errorf("log %+v", list)
	}
	b.want("GET", "/api/v1/instances/"+id+"/log?query=c1&before="+list.Next, nil, 200, &list)
	if len(list.Items) != 1 {
		t.Errorf("older lines %+v", list)
	}
	b.want("GET", "/api/v1/log", nil, 200, &list)
	if len(list.Items) != 1 || list.Items[0]["remote"] != "192.0.2.7" {
		t.Errorf("operator's log %+v", list)
	}
	m := w.member(b, "m@example.org")
	m.refused("GET", "/api/v1/log", nil, 403, "forbidden")
}

func TestLogStream(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/api/v1/instances/"+id+"/log/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", panel.CookieName+"="+b.cookie)
	answer, err := w.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %s", answer.Status, answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Scan() // the greeting: from here on the stream follows
	w.journal.Add(account.LogLine{Instance: "zzzzzzzz", Client: "other"})
	w.journal.Add(account.LogLine{Instance: id, Client: "<script>"})
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var l account.LogLine
		if err := json.Unmarshal([]byte(data), &l); err != nil || l.Client != "<script>" || l.ID == 0 {
			t.Errorf("line %s, %v", data, err)
		}
		break
	}
	b.want("DELETE", "/api/v1/session", nil, 204, nil)
	for lines.Scan() { // signing out ends the stream
	}
}

func TestLogStreamsAreBounded(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance() + "/log/stream"
	for range 10 {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+path, nil)
		r.Header.Set("Cookie", panel.CookieName+"="+b.cookie)
		answer, err := w.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
	}
	b.refused("GET", path, nil, 429, "rate_limited")
}

func TestLanguages(t *testing.T) {
	w := newWorld(t)
	tests := []struct{ header, want string }{
		{"", "Please sign in."}, {"ja", "サインインしてください。"}, {"ja-JP,en;q=0.5", "サインインしてください。"}, {"fr, en;q=0.2, ja;q=0.3", "サインインしてください。"},
		{"ja;q=0, en", "Please sign in."}, {"ja;q=x", "Please sign in."}, {"*", "Please sign in."}, {strings.Repeat("xx,", 1000) + "ja", "Please sign in."},
	}
	for _, tt := range tests {
		b := w.browser()
		b.header.Set("Accept-Language", tt.header)
		if p := b.refused("GET", "/api/v1/session", nil, 401, "unauthorized"); p.Detail != tt.want {
			t.Errorf("%.20q: %q, want %q", tt.header, p.Detail, tt.want)
		}
	}
	b := w.owner()
	b.header.Set("Accept-Language", "en")
	b.want("PATCH", "/api/v1/account", map[string]any{"language": "ja"}, 200, nil)
	if p := b.refused("GET", "/api/v1/instances/x", nil, 404, "not_found"); !strings.HasPrefix(p.Detail, "見つかりません") {
		t.Errorf("the account's language is not used: %q", p.Detail)
	}
}

func TestPasswordChangeGivesANewSession(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	other := w.browser()
	other.want("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": password}, 200, nil)
	before := b.cookie
	b.refused("PATCH", "/api/v1/account", map[string]any{"password": map[string]any{"old": "wrong", "new": "another good pass phrase"}}, 403, "forbidden")
	b.want("PATCH", "/api/v1/account", map[string]any{"password": map[string]any{"old": password, "new": "another good pass phrase"}}, 200, nil)
	if b.cookie == before {
		t.Error("same session after a change of privileges")
	}
	b.want("GET", "/api/v1/session", nil, 200, nil)
	other.refused("GET", "/api/v1/session", nil, 401, "unauthorized")
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for path, want := range map[string]string{"/": "<title>", "/welcome": "<title>", "/instances/abcdefgh/users/a.b": "<title>", "/favicon.svg": "<svg/>", "/ca.pem": "PEM", "/ca.der": "DER", "/healthz": `"ok"`} {
		answer, raw := b.do("GET", path, nil)
		if answer.StatusCode != 200 || !strings.Contains(string(raw), want) {
			t.Errorf("%s: %s %q", path, answer.Status, raw)
		}
	}
	for _, path := range []string{"/assets/none.js", "/nothing.php", "/api/none", "/api/v1/none", "/etc/passwd.txt", "/assets/main-abcd1234.js.gz"} {
		b.refused("GET", path, nil, 404, "not_found")
	}
	b.refused("POST", "/", "{}", 405, "not_found")
	answer, _ := b.do("GET", "/", nil)
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	csp := answer.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "connect-src 'self' wss://127.0.0.1:"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy lacks %s: %s", want, csp)
		}
	}
	answer, _ = b.do("GET", "/", nil)
	b.header.Set("If-None-Match", answer.Header.Get("ETag"))
	if answer, _ := b.do("GET", "/", nil); answer.StatusCode != 304 {
		t.Errorf("same page again: %s", answer.Status)
	}
	b.header.Set("Accept-Encoding", "br, gzip")
	answer, raw := b.do("GET", "/assets/main-abcd1234.js", nil)
	if !bytes.Equal(raw, packed("console.log(1)")) || answer.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") || answer.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("asset %q %v", raw, answer.Header)
	}
	b.header.Set("Accept-Encoding", "gzip;q=0")
	if _, raw := b.do("GET", "/assets/main-abcd1234.js", nil); string(raw) != "console.log(1)" {
		t.Errorf("unpacked asset %q", raw)
	}
}
