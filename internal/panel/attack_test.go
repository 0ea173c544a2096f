package panel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/account"
)

// operations reads every route from the OpenAPI document, so that a new one can't be forgotten here.
func operations(t *testing.T, w *world) map[string]operation {
	t.Helper()
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]operation
	}
	w.browser().want("GET", "/api/openapi.json", nil, 200, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %q", doc.OpenAPI)
	}
	all := map[string]operation{}
	for path, methods := range doc.Paths {
		if !strings.HasPrefix(path, "/api/v1/") {
			continue // TestCompatTenants asks the others
		}
		for method, op := range methods {
			op.Security = slices.DeleteFunc(op.Security, func(one map[string][]string) bool { _, metrics := one["metricsToken"]; return metrics })
			all[strings.ToUpper(method)+" "+path] = op
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

type operation struct {
	OperationID string
	Security    []map[string][]string
	RequestBody any
}

// bodies are right inputs of the routes that want one, by operation.
var bodies = map[string]string{
	"change-instance": `{"name":"x"}`, "reveal-password": `{"password":"a long enough pass phrase"}`, "create-user": `{"name":"x"}`, "import-users": `{"csv":"x"}`, "checkout": `{"plan":"x"}`, "export-instance": `{"password":"a long enough pass phrase"}`, "restore-instance": `{}`, "reveal-key": `{"password":"a long enough pass phrase"}`,
	"change-user": `{"connect":false}`, "create-rule": `{"effect":"deny","access":"both","filter":"x"}`, "change-rule": `{"filter":"x"}`,
	"invite": `{"email":"x@example.org"}`, "create-instance": `{"name":"x"}`, "create-flow-server": `{"name":"x"}`, "change-account": `{"language":"en"}`, "delete-own-account": `{"email":"x@example.org","password":"x"}`,
	"sign-in": `{"email":"x@example.org","password":"x"}`, "create-owner": `{"token":"x","email":"x@example.org","password":"x"}`,
	"accept-invitation": `{"token":"x","password":"x"}`, "remove-factor": `{"password":"a long enough pass phrase"}`,
	"change-guard": `{"ban_tries":5}`, "create-address-rule": `{"prefix":"198.51.100.0/24","effect":"deny"}`, "change-address-rule": `{"prefix":"198.51.100.0/24","effect":"deny"}`,
	"create-ban":    `{"address":"198.51.100.7","minutes":5}`,
	"change-logins": `{"token":true}`, "add-client-authority": `{}`, "issue-client-certificate": `{"user":"canary"}`,
	"add-host-name": `{"name":"mqtt.example.com"}`, "create-publishable-key": `{"name":"x","subscribe":["a/#"],"origins":["https://a.example"]}`, "revoke-client-certificate": `{"authority":"x","serial":"a"}`, "add-token-key": `{"url":"https://id.example/keys"}`,
	"create-bridge": `{"name":"x","address":"mqtts://b.example","topics":[{"direction":"out","filter":"#"}]}`, "change-bridge": `{"enabled":false}`,
	"create-hook": `{"name":"x","filter":"a/#","action":"post","url":"https://h.example"}`, "change-hook": `{"enabled":false}`, "test-hook": `{}`, "change-history": `{"filters":[]}`, "change-retained-expiry": `{"filters":[]}`, "change-client-ids": `{"policy":"refuse"}`,
	"delete-users": `{"names":["canary"]}`, "retry-dead-letters": `{}`, "delete-dead-letters": `{}`,
	"change-device": `{"name":"x"}`, "name-snapshot": `{"name":"x"}`, "push-snapshot": `{"label":"x"}`, "create-pairing": `{"name":"x","instance":"x"}`, "pair-device": `{"code":"x","key":"AAAA"}`,
	"create-team": `{"name":"x"}`, "switch-team": `{"team":"x"}`, "rename-team": `{"name":"x"}`, "change-member": `{"role":"viewer"}`,
	"invite-to-team": `{"role":"owner"}`, "accept-team-invitation": `{"token":"x"}`, "join-team": `{"token":"x","password":"x"}`,
	"move-instance": `{"team":"x"}`, "create-token": `{"name":"x","scope":"manage","password":"a long enough pass phrase"}`,
	"change-any-account": `{"plan":""}`, "suspend-account": `{"why":"x"}`,
	"begin-passkey": `{"password":"x"}`, "create-passkey": `{"ticket":"x","name":"x","answer":{}}`, "rename-passkey": `{"name":"x"}`, "remove-passkey": `{"password":"a long enough pass phrase"}`,
	"begin-passkey-sign-in": `{}`, "sign-in-passkey": `{"ticket":"x","answer":{}}`,
	"begin-provider-sign-in": `{"provider":"x"}`, "end-provider-sign-in": `{"provider":"x","state":"x"}`, "begin-identity": `{"provider":"x","password":"x"}`,
	"begin-confirm": `{"purpose":"begin-passkey"}`, "end-confirm": `{"ticket":"x","answer":{}}`, "begin-provider-confirm": `{"provider":"x","purpose":"begin-passkey"}`,
	"remove-identity": `{"password":"a long enough pass phrase"}`,
	"clear-retained":  `{"filter":"#"}`, "publish": `{"topic":"a","payload":"x"}`, "publish-batch": `{"messages":[{"topic":"a","payload":"x"}]}`, "why": `{"user":"canary","action":"connect"}`,
}

// TestOthersThings asks every route that names a thing with the id of another account's: the answer must be the one
// for a thing that doesn't exist, and nothing may have changed [object-level authorisation].
func TestOthersThings(t *testing.T) {
	w := newWorld(t)
	victim := w.owner()
	id := victim.instance()
	var rule, flow struct{ ID string }
	victim.want("POST", "/api/v1/instances/"+id+"/users", map[string]any{"name": "canary"}, 201, nil)
	victim.want("POST", "/api/v1/instances/"+id+"/rules", map[string]any{"effect": "deny", "access": "both", "filter": "canary/#"}, 201, &rule)
	victim.want("POST", "/api/v1/flow-servers", map[string]any{"name": "canary"}, 201, &flow)
	var hook struct{ ID string }
	victim.want("POST", "/api/v1/instances/"+id+"/hooks", map[string]any{"name": "canary", "filter": "canary", "action": "publish", "topic": "x"}, 201, &hook)
	device := victim.pair("canary-pi", id)
	w.journal.Add(account.LogLine{Instance: id, Client: "canary"})
	attacker := w.member(victim, "attacker@example.org")
	mine := attacker.instance()
	attacker.waits = true // there are more routes than requests at once

	asked := 0
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.Contains(path, "{") || strings.Contains(path, "invitations") || strings.HasPrefix(path, "/api/v1/team/") || strings.HasPrefix(path, "/api/v1/accounts") {
			continue
		}
		asked++
		thing, nothing := id, "zzzzzzzz"
		if strings.Contains(path, "flow-servers") {
			thing, nothing = flow.ID, strings.Repeat("z", 26)
		}
		if strings.Contains(path, "devices") {
			thing, nothing = device, strings.Repeat("z", 26)
		}
		fill := func(thing string) string {
			return strings.NewReplacer("{id}", thing, "{name}", "canary", "{rule}", rule.ID, "{client_id}", "c%2F1", "{thing}", "thing", "{hook}", hook.ID).Replace(path)
		}
		t.Run(op.OperationID, func(t *testing.T) {
			var in any
			if b := bodies[op.OperationID]; b != "" {
				in = b
			}
			answer, theirs := attacker.do(method, fill(thing), in)
			_, nobodys := attacker.do(method, fill(nothing), in)
			if answer.StatusCode != 404 || string(theirs) != string(nobodys) || strings.Contains(string(theirs), "canary") {
				t.Errorf("another's thing: %s %s\na thing that doesn't exist: %s", answer.Status, theirs, nobodys)
			}
			if op.RequestBody == nil && bodies[op.OperationID] != "" {
				t.Error("has a body in this test and none in the document")
			}
		})
	}
	if asked < 20 {
		t.Errorf("only %d routes were asked", asked)
	}
	// A rule and a user of another's instance, asked for through one's own.
	attacker.refused("DELETE", "/api/v1/instances/"+mine+"/rules/"+rule.ID, nil, 404, "not_found")
	attacker.refused("GET", "/api/v1/instances/"+mine+"/users/canary", nil, 404, "not_found")

	for _, path := range []string{"/api/v1/instances", "/api/v1/flow-servers", "/api/v1/devices"} {
		if _, raw := attacker.do("GET", path, nil); strings.Contains(string(raw), id) || strings.Contains(string(raw), "canary") {
			t.Errorf("%s: %s", path, raw)
		}
	}
	if len(w.brokers.kicked) != 0 || len(w.flows.removed) != 0 || len(w.flows.started) != 1 || len(w.devices.done) != 0 {
		t.Error("something was done to the victim's things")
	}
	var user struct{ Connect bool }
	victim.want("GET", "/api/v1/instances/"+id+"/users/canary", nil, 200, &user)
	if !user.Connect {
		t.Error("the victim's user was changed")
	}
}

// TestNobodyIn asks every route that needs a sign-in without one, and the owner's routes as a member.
func TestNobodyIn(t *testing.T) {
	w := newWorld(t)
	member := w.member(w.owner(), "m@example.org")
	place := regexp.MustCompile(`\{\w+\}`)
	count := 0
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		var in any
		if b := bodies[op.OperationID]; b != "" {
			in = b
		}
		path = place.ReplaceAllString(path, "abcdefgh")
		t.Run(op.OperationID, func(t *testing.T) {
			nobody := w.browser()
			count++
			nobody.header.Set("Test-From", fmt.Sprintf("192.0.2.%d:1", count))
			if len(op.Security) > 0 {
				nobody.refused(method, path, in, 401, "unauthorized")
				nobody.cookie = strings.Repeat("A", 43)
				nobody.refused(method, path, in, 401, "unauthorized")
			}
			if (strings.HasPrefix(path, "/api/v1/invitations") || strings.HasPrefix(path, "/api/v1/accounts")) && len(op.Security) > 0 || op.OperationID == "get-operator-log" {
				member.refused(method, path, in, 403, "forbidden")
			}
		})
	}
}

func TestOtherSites(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	for name, header := range map[string]http.Header{
		"cross-site":       {"Sec-Fetch-Site": {"cross-site"}},
		"a flow's origin":  {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://edit-x.flows.localhost:8443"}},
		"foreign origin":   {"Origin": {"https://evil.example"}},
		"sandboxed origin": {"Origin": {"null"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.header = header
			b.refused("POST", "/api/v1/instances", `{"name":"x"}`, 403, "forbidden")
			b.refused("DELETE", "/api/v1/session", nil, 403, "forbidden")
		})
	}
	t.Run("plain forms", func(t *testing.T) {
		b.header = http.Header{"Content-Type": {"text/plain"}}
		b.refused("POST", "/api/v1/instances", `{"name":"x"}`, 415, "invalid")
		b.header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		b.refused("POST", "/api/v1/instances", `name=x`, 415, "invalid")
	})
	b.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	b.want("POST", "/api/v1/instances", `{"name":"x"}`, 201, nil)
}

func TestCookie(t *testing.T) {
	w := newWorld(t)
	w.owner()
	answer, _ := w.browser().do("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": password})
	set := answer.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-tsunagi=", "; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(set, want) {
			t.Errorf("cookie %q lacks %q", set, want)
		}
	}
	if strings.Contains(set, "Domain") || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("cookie %q, caching %q", set, answer.Header.Get("Cache-Control"))
	}
}

func TestWrongInput(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	const canary = "canary-Secret-9"
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"no JSON", "POST", "/api/v1/instances", `{"name":`, 400},
		{"not an object", "POST", "/api/v1/instances", `[]`, 422},
		{"wrong type", "POST", "/api/v1/session", `{"email":1,"password":"` + canary + `"}`, 422},
		{"missing field", "POST", "/api/v1/session", `{"password":"` + canary + `"}`, 422},
		{"mass assignment of owner", "POST", "/api/v1/instances", `{"name":"x","owner":"` + canary + `"}`, 422},
		{"mass assignment of plan", "PATCH", "/api/v1/instances/" + id, `{"plan":"` + canary + `"}`, 422},
		{"mass assignment of role", "PATCH", "/api/v1/account", `{"role":"owner"}`, 422},
		{"mass assignment of first", "POST", "/api/v1/instances/" + id + "/users", `{"name":"x","first":true}`, 422},
		{"bad name", "POST", "/api/v1/instances", `{"name":"\u0000"}`, 422},
		{"bad filter", "POST", "/api/v1/instances/" + id + "/rules", `{"effect":"allow","access":"both","filter":"a/#/b"}`, 422},
		{"short password", "POST", "/api/v1/instances/" + id + "/users", `{"name":"x","password":"1"}`, 422},
		{"long password", "POST", "/api/v1/session", `{"email":"a@b.c","password":"` + strings.Repeat("x", 300) + `"}`, 422},
		{"bad query", "GET", "/api/v1/instances/" + id + "/log?limit=x", "", 422},
		{"too much", "POST", "/api/v1/instances", `{"name":"` + strings.Repeat("x", 70_000) + `"}`, 413},
		{"deep", "POST", "/api/v1/instances", strings.Repeat(`{"name":`, 9000) + "1" + strings.Repeat("}", 9000), 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var in any
			if tt.body != "" {
				in = tt.body
			}
			p := b.refused(tt.method, tt.path, in, tt.status, "invalid")
			if text := fmt.Sprint(p); strings.Contains(text, canary) {
				t.Errorf("the answer repeats what was sent: %s", text)
			}
		})
	}
	p := b.refused("POST", "/api/v1/instances", `{"name":" "}`, 422, "invalid")
	if len(p.Errors) != 1 || p.Errors[0].Location != "body.name" || p.Errors[0].Message == "" {
		t.Errorf("fault %+v", p.Errors)
	}
	if strings.Contains(w.log.String(), canary) || strings.Contains(w.log.String(), "ERROR") {
		t.Errorf("log: %s", w.log.String())
	}
}

func TestGuessing(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	stranger := w.browser()
	last := 0
	for range 10 {
		answer, _ := stranger.do("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": "guess"})
		last = answer.StatusCode
		if last == 429 && answer.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if last != 429 {
		t.Errorf("tenth guess: %d", last)
	}
	stranger.do("POST", "/api/v1/session", map[string]any{"email": "my pass phrase", "password": "guess"})
	_, log := b.do("GET", "/api/v1/log", nil)
	if !strings.Contains(string(log), "owner@example.org") || !strings.Contains(string(log), "too many tries") ||
		strings.Contains(string(log), "guess") || strings.Contains(string(log), "my pass phrase") {
		t.Errorf("operator's log: %s", log)
	}
}

func TestTooManyRequests(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for range 200 {
		if answer, raw := b.do("GET", "/api/v1/status", nil); answer.StatusCode == 429 {
			var p problem
			if err := json.Unmarshal(raw, &p); err != nil || p.Code != "rate_limited" {
				t.Errorf("%s", raw)
			}
			return
		}
	}
	t.Error("200 requests at once were answered")
}

func TestSecretsStayOut(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	var secret struct{ Password string }
	b.want("POST", "/api/v1/instances/"+id+"/password/reveal", map[string]any{"password": password}, 200, &secret)
	for _, path := range []string{"/api/v1/instances", "/api/v1/instances/" + id, "/api/v1/instances/" + id + "/users", "/api/v1/instances/" + id + "/users/" + id, "/api/v1/session", "/api/openapi.json"} {
		if _, raw := b.do("GET", path, nil); strings.Contains(string(raw), secret.Password) || strings.Contains(string(raw), password) || strings.Contains(string(raw), "argon2id") {
			t.Errorf("%s tells a secret", path)
		}
	}
	for _, word := range []string{secret.Password, password, b.cookie} {
		if strings.Contains(w.log.String(), word) {
			t.Error("a secret in the log")
		}
	}
}
