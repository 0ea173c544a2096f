package app

import (
	"bytes"
	"strings"
	"testing"
)

// TestEveryRouteKeepsTenantsApart is attack row 28 over every route of the OpenAPI document of a running server: with the
// ids of another's things it answers what it answers for things that don't exist, and lists name nothing of another's.
func TestEveryRouteKeepsTenantsApart(t *testing.T) {
	if testing.Short() {
		t.Skip("runs without the race detector: it takes long")
	}
	w := serveWorld(t)
	w.signIn("owner@example.org")
	victim := w.signIn("victim@example.org")
	attacker := w.signIn("attacker@example.org")
	c := readContract(t, w)
	at := map[string][2]string{}
	for path, methods := range c.doc.Paths {
		for method, op := range methods {
			at[op.OperationID] = [2]string{path, strings.ToUpper(method)}
		}
	}
	call := func(by *person, s step, places map[string]string) (int, []byte) {
		p := at[s.op]
		op := c.doc.Paths[p[0]][strings.ToLower(p[1])]
		answer, raw := c.send(by, p[1], fill(p[0], of(s.op, places))+query(s.op), fill(s.body, places), c.credentials(op, places))
		return answer.StatusCode, raw
	}
	// The victim makes one of everything.
	theirs := map[string]string{"name": "canary", "client_id": "canary", "topic": "canary"}
	for _, s := range []step{
		{op: "create-instance", body: `{"name":"canary"}`, keep: map[string]string{"id": "id"}},
		{op: "rotate-key", keep: map[string]string{"key": "key"}},
		{op: "create-user", body: `{"name":"canary","note":"canary"}`},
		{op: "create-rule", body: `{"effect":"allow","access":"both","filter":"canary/#"}`, keep: map[string]string{"id": "rule"}},
		{op: "create-bridge", body: `{"name":"canary","address":"mqtts://canary.invalid","enabled":false,"topics":[{"direction":"out","filter":"#"}]}`, keep: map[string]string{"id": "thing"}},
		{op: "change-history", body: `{"filters":[{"filter":"canary/#","bytes":100000}]}`},
		{op: "create-hook", body: `{"name":"canary","action":"publish","topic":"x","filter":"canary"}`, keep: map[string]string{"id": "hook"}},
		{op: "add-client-authority", body: `{}`}, {op: "issue-client-certificate", body: `{"user":"canary"}`},
		{op: "list-client-certificates", keep: map[string]string{"items.0.serial": "serial", "items.0.authority": "authority"}},
		{op: "publish", body: `{"topic":"canary","payload":"canary","retain":true,"qos":1}`},
		{op: "create-token", body: `{"name":"canary","scope":"manage","password":"a long enough pass phrase"}`, keep: map[string]string{"id": "token id"}},
		{op: "create-pairing", body: `{"name":"canary","instance":"{id}"}`, keep: map[string]string{"code": "code"}},
		{op: "pair-device", body: `{"code":"{code}","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, keep: map[string]string{"id": "device"}},
	} {
		status, raw := call(victim, s, theirs)
		if status >= 300 {
			t.Fatalf("%s: %d %s", s.op, status, raw)
		}
		for field, name := range s.keep {
			theirs[name] = dig(raw, field)
		}
	}
	// The attacker has an own instance, key and token, and asks with the victim's ids.
	mine := map[string]string{}
	for _, s := range []step{
		{op: "create-instance", body: `{"name":"mine"}`, keep: map[string]string{"id": "id"}}, {op: "rotate-key", keep: map[string]string{"key": "key"}},
		{op: "create-token", body: `{"name":"t","scope":"manage","password":"a long enough pass phrase"}`, keep: map[string]string{"token": "token"}},
	} {
		_, raw := call(attacker, s, mine)
		for field, name := range s.keep {
			mine[name] = dig(raw, field)
		}
	}
	found, none := map[string]string{"key": mine["key"], "token": mine["token"]}, map[string]string{"key": mine["key"], "token": mine["token"]}
	for name, value := range theirs {
		if name == "key" {
			continue
		}
		found[name], none[name] = value, strings.Repeat("a", len(value)) // hexadecimal, too
	}
	found["compat id"], none["compat id"] = found["id"], none["id"]
	asked := 0
	ids := []string{theirs["id"], theirs["rule"], theirs["device"], theirs["token id"], theirs["thing"], theirs["hook"], theirs["serial"]}
	for _, s := range append(story, step{op: "get-metrics"}) {
		p, ok := at[s.op]
		if !ok || s.op == "sign-out" || s.op == "end-session" || s.op == "sign-in" {
			continue // those end what the attacker asks by
		}
		asked++
		status, got := call(attacker, s, found)
		_, empty := call(attacker, s, none)
		for _, word := range append(ids, "canary") {
			if bytes.Contains(got, []byte(word)) && !strings.Contains(s.body, word) {
				t.Errorf("%s tells %q: %d %.300s", s.op, word, status, got)
			}
		}
		if strings.Contains(p[0], "{") && (status != 404 || !bytes.Equal(got, empty)) && s.op != "compat-change-named-user" && s.op != "compat-get-user" && s.op != "compat-delete-user" {
			t.Errorf("%s of another: %d %.300s\nof nobody: %.300s", s.op, status, got, empty)
		}
	}
	if asked < 100 {
		t.Errorf("only %d routes were asked", asked)
	}
	// All is as it was.
	for _, s := range []step{{op: "get-instance"}, {op: "get-user"}, {op: "get-rule"}, {op: "get-bridge"}, {op: "get-hook"}, {op: "get-device"}} {
		if status, raw := call(victim, s, theirs); status != 200 || !bytes.Contains(raw, []byte("canary")) {
			t.Errorf("the victim's %s: %d %s", s.op, status, raw)
		}
	}
	if status, raw := call(victim, step{op: "list-tokens"}, theirs); status != 200 || !bytes.Contains(raw, []byte(theirs["token id"])) {
		t.Errorf("the victim's tokens: %d %s", status, raw)
	}
}
