package panel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
)

// caller is somebody who asks every route, and what the table of routes says of them.
type caller struct {
	name string
	*browser
	role      account.TeamRole // in the team; "" for none
	token     bool
	reads     bool // a token that only reads
	elsewhere bool // a token for another instance of the team
	nobody    bool
	operator  bool
}

// wants is what the table of routes says: 0 where the caller is let in.
func (c caller) wants(l panel.Level, method string) int {
	switch {
	case l.Access == "public":
		return 0
	case c.nobody:
		return http.StatusUnauthorized
	case l.Access == "owner" && !c.operator:
		return http.StatusForbidden
	case l.NoTokens && c.token, c.reads && method != http.MethodGet:
		return http.StatusForbidden
	case c.elsewhere && l.Thing == "" && l.Access != "glance":
		return http.StatusForbidden
	case l.Access == "own" || l.Access == "owner":
		return 0
	case c.elsewhere && l.Thing != "", c.role == "" && l.Thing != "":
		return http.StatusNotFound
	case c.role == "": // asks about an account of its own
		return 0
	case slices.Index(roleOrder, c.role) > slices.Index(roleOrder, l.Role):
		return http.StatusForbidden
	}
	return 0
}

var roleOrder = []account.TeamRole{account.TeamOwner, account.TeamMember, account.TeamViewer, account.TeamDashboard}

// TestEveryRouteForEveryCaller asks every route as everybody who may not, with a body that the route would take: the
// level in the table of routes decides the answer, which tells nothing of the team's things, and nothing is done.
func TestEveryRouteForEveryCaller(t *testing.T) {
	w := newWorld(t)
	operator := w.owner()
	boss := w.member(operator, "boss@example.org")
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "canary"}, 201, nil)
	id := boss.instance()
	things := w.furnish(boss, id)
	other := boss.instance()
	bearer := func(token string) *browser {
		return &browser{w: w, header: http.Header{"Authorization": {"Bearer " + token}}}
	}
	old, gone := bearer(boss.token("manage", "")), bearer(boss.token("manage", ""))
	var tokens struct{ Items []struct{ ID string } }
	boss.want("GET", "/api/v1/tokens", nil, 200, &tokens)
	var expiring struct{ ID, Token string }
	boss.want("POST", "/api/v1/tokens", map[string]any{"name": "e", "scope": "manage", "days": 1, "password": password}, 201, &expiring)
	w.ahead.Store(int64(25 * time.Hour))
	for _, one := range tokens.Items {
		boss.want("DELETE", "/api/v1/tokens/"+one.ID, nil, 204, nil)
	}
	old.refused("GET", "/api/v1/instances", nil, 401, "unauthorized")
	fixed := &browser{w: w, header: http.Header{}, cookie: strings.Repeat("A", 43)}

	stranger := w.member(operator, "stranger@example.org")
	stranger.instance()
	stranger.want("POST", "/api/v1/teams", map[string]any{"name": "Others"}, 201, nil)
	theirTeam := bearer(stranger.token("manage", ""))
	stranger.want("POST", "/api/v1/session/team", map[string]any{"team": ""}, 200, nil)
	callers := []caller{
		{name: "nobody", browser: w.browser(), nobody: true},
		{name: "a made-up cookie", browser: fixed, nobody: true},
		{name: "a deleted token", browser: gone, nobody: true},
		{name: "an expired token", browser: bearer(expiring.Token), nobody: true},
		{name: "a metrics token", browser: bearer("tsm_" + id + "_x"), nobody: true},
		{name: "another scheme", browser: &browser{w: w, header: http.Header{"Authorization": {"Basic Ont9"}}}, nobody: true},
		{name: "another's owner", browser: stranger},
		{name: "the operator", browser: operator, operator: true},
		{name: "a token of another's", browser: bearer(stranger.token("manage", "")), token: true},
		{name: "a token of another team", browser: theirTeam, token: true},
		{name: "a token that reads", browser: bearer(boss.token("read", "")), role: account.TeamOwner, token: true, reads: true},
		{name: "a token that manages", browser: bearer(boss.token("manage", "")), role: account.TeamOwner, token: true},
		{name: "a token for another instance", browser: bearer(boss.token("manage", other)), role: account.TeamOwner, token: true, elsewhere: true},
		{name: "the operator's token for one instance", browser: bearer(operator.token("manage", operator.instance())), token: true, elsewhere: true, operator: true},
	}
	for _, role := range roleOrder[1:] {
		b := w.member(operator, string(role)+"@example.org")
		b.join(boss, string(role))
		callers = append(callers, caller{name: "a " + string(role), browser: b, role: role})
	}
	for _, c := range callers {
		if c.token {
			c.want("GET", "/api/v1/plans", nil, 200, nil) // it says when it was used last
		}
	}
	before := state(t, boss, id)
	fakesBefore := w.deeds()

	levels, n := panel.Levels(w.options), 0
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		level, ok := levels[op.OperationID]
		if !ok {
			t.Fatalf("%s has no level", op.OperationID)
		}
		path = things.fill(path)
		w.panel.ForgetRates()
		for _, c := range callers {
			want := c.wants(level, method)
			if want == 0 {
				continue // what happens then is told by the tests of each route
			}
			n++
			c.header.Set("Test-From", fmt.Sprintf("192.0.%d.%d:1", n/250, n%250+1))
			answer, raw := c.do(method, path, body(op))
			var p problem
			if err := json.Unmarshal(raw, &p); answer.StatusCode != want || err != nil || p.Detail == "" || p.Code == "" {
				t.Errorf("%s as %s (level %s): %s %s, want %d", op.OperationID, c.name, level.Access, answer.Status, raw, want)
			}
			for _, secret := range things.secrets {
				if strings.Contains(string(raw), secret) {
					t.Errorf("%s as %s tells %q: %s", op.OperationID, c.name, secret, raw)
				}
			}
			if answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s as %s may be kept: %q", op.OperationID, c.name, answer.Header.Get("Cache-Control"))
			}
		}
	}
	w.panel.ForgetRates()
	if after := state(t, boss, id); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	if after := w.deeds(); after != fakesBefore {
		t.Errorf("something was done:\n%s\n%s", fakesBefore, after)
	}
	if n < 1500 {
		t.Errorf("only %d requests", n)
	}
}

// TestThingsOfAnotherInMine asks every route below an instance of the attacker's with the ids of the victim's users,
// rules, bridges, hooks, keys and authorities: they aren't there.
func TestThingsOfAnotherInMine(t *testing.T) {
	w := newWorld(t)
	victim := w.owner()
	id := victim.instance()
	things := w.furnish(victim, id)
	attacker := w.member(victim, "attacker@example.org")
	mine := attacker.instance()
	before, deeds, n := state(t, victim, id), w.deeds(), 0
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		rest, ok := strings.CutPrefix(path, "/api/v1/instances/{id}/")
		if !ok || !strings.Contains(rest, "{") || strings.Contains(rest, "{client_id}") {
			continue // clients are the fake's, and the same in all instances
		}
		for _, route := range things.each("/api/v1/instances/" + mine + "/" + rest) {
			n++
			w.panel.ForgetRates()
			answer, raw := attacker.do(method, route, body(op))
			if answer.StatusCode != 404 || strings.Contains(string(raw), "canary") {
				t.Errorf("%s %s with the victim's id: %s %s", method, route, answer.Status, raw)
			}
		}
	}
	// And in bodies, which name things, too.
	for path, in := range map[string]any{
		"/client-certificates/revoke": map[string]any{"authority": things.of["authority"], "serial": things.of["serial"]},
		"/client-certificates":        map[string]any{"user": "canary"},
		"/rules":                      map[string]any{"effect": "allow", "access": "both", "filter": "a", "user": "canary"},
		"/move":                       map[string]any{"team": things.of["team"]},
	} {
		answer, raw := attacker.do("POST", "/api/v1/instances/"+mine+path, in)
		if answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s: %s %s", path, answer.Status, raw)
		}
	}
	attacker.refused("POST", "/api/v1/devices/codes", map[string]any{"name": "x", "instance": id}, 422, "invalid")
	attacker.refused("POST", "/api/v1/tokens", map[string]any{"name": "x", "scope": "manage", "instance": id}, 404, "not_found")
	attacker.refused("GET", "/api/v1/audit?instance="+id, nil, 404, "not_found")
	attacker.refused("GET", "/api/v1/audit?all=true", nil, 403, "forbidden")
	if after := state(t, victim, id); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	if after := w.deeds(); after != deeds {
		t.Errorf("something was done:\n%s\n%s", deeds, after)
	}
	if n < 30 {
		t.Errorf("only %d requests", n)
	}
}

// belongings are the ids of one of everything.
type belongings struct {
	of      map[string]string // by the name of a place in paths
	thing   map[string]string // those that a path calls {thing}, by the part before it
	secrets []string
}

// furnish makes one of everything in an instance, each called canary.
func (w *world) furnish(b *browser, id string) belongings {
	w.t.Helper()
	at := "/api/v1/instances/" + id
	type row struct{ ID, Token, Key, Serial, Authority, Secret, Password string }
	make := func(path string, body map[string]any) (out row) {
		w.t.Helper()
		b.want("POST", path, body, 201, &out)
		return out
	}
	user := make(at+"/users", map[string]any{"name": "canary", "note": "canary"})
	rule := make(at+"/rules", map[string]any{"effect": "deny", "access": "both", "filter": "canary/#"})
	hook := make(at+"/hooks", map[string]any{"name": "canary", "filter": "canary", "action": "post", "url": "https://canary.invalid/x", "authorization": "Bearer canary-secret"})
	bridge := make(at+"/bridges", map[string]any{"name": "canary", "address": "mqtts://canary.invalid", "enabled": false, "topics": []any{map[string]any{"direction": "out", "filter": "#"}}})
	var authority struct{ Items []row }
	b.want("POST", at+"/client-authorities", map[string]any{}, 201, &authority)
	certificate := make(at+"/client-certificates", map[string]any{"user": "canary"})
	tokenKey := make(at+"/token-keys", map[string]any{"url": "https://canary.invalid/keys"})
	pageKey := make(at+"/publishable-keys", map[string]any{"name": "canary", "subscribe": []string{"a"}, "origins": []string{"https://a.example"}})
	metrics := make(at+"/metrics-token", nil)
	flow := make("/api/v1/flow-servers", map[string]any{"name": "canary"})
	token := make("/api/v1/tokens", map[string]any{"name": "canary", "scope": "manage", "password": password})
	device := b.pair("canary-pi", id)
	var secret row
	b.want("POST", at+"/password/reveal", map[string]any{"password": password}, 200, &secret)
	key := b.key(id)
	w.journal.Add(account.LogLine{Instance: id, Client: "canary"})
	var s struct{ Team struct{ ID string } }
	b.want("GET", "/api/v1/session", nil, 200, &s)
	return belongings{
		of: map[string]string{"id": id, "name": "canary", "rule": rule.ID, "hook": hook.ID, "client_id": "c%2F1", "token": "x", "flow": flow.ID, "device": device,
			"token id": token.ID, "team": s.Team.ID, "authority": authority.Items[0].ID, "serial": certificate.Serial},
		thing:   map[string]string{"bridges": bridge.ID, "client-authorities": authority.Items[0].ID, "token-keys": tokenKey.ID, "publishable-keys": pageKey.Key, "snapshots": "thing"},
		secrets: []string{"canary", id, key, secret.Password, user.Password, token.Token, metrics.Token, pageKey.Key, hook.Secret, rule.ID, hook.ID, bridge.ID, device, flow.ID},
	}
}

// fill puts ids into the places of a path.
func (b belongings) fill(path string) string {
	id := b.of["id"]
	switch {
	case strings.HasPrefix(path, "/api/v1/flow-servers"):
		id = b.of["flow"]
	case strings.HasPrefix(path, "/api/v1/devices"):
		id = b.of["device"]
	case strings.HasPrefix(path, "/api/v1/tokens"):
		id = b.of["token id"]
	}
	path = strings.ReplaceAll(path, "{id}", id)
	for place, value := range b.of {
		path = strings.ReplaceAll(path, "{"+place+"}", value)
	}
	for before, value := range b.thing {
		path = strings.ReplaceAll(path, before+"/{thing}", before+"/"+value)
	}
	return path
}

// each fills a path's places with the ids of every kind of thing, one after the other.
func (b belongings) each(path string) (list []string) {
	for _, value := range []string{"canary", b.of["rule"], b.of["hook"], b.of["id"], b.thing["bridges"], b.thing["client-authorities"], b.thing["token-keys"], b.thing["publishable-keys"]} {
		if value == "" {
			panic("a thing without an id")
		}
		full := path
		for strings.Contains(full, "{") {
			before, rest, _ := strings.Cut(full, "{")
			_, after, _ := strings.Cut(rest, "}")
			full = before + value + after
		}
		list = append(list, full)
	}
	return list
}

// body is a right input of a route, or nil.
func body(op operation) any {
	if b := bodies[op.OperationID]; b != "" {
		return b
	}
	if op.RequestBody != nil {
		return `{}`
	}
	return nil
}

// deeds is what the brokers, flow servers, devices and hooks behind the panel were told to do.
func (w *world) deeds() string {
	return fmt.Sprint(w.brokers.kicked, w.brokers.published, w.flows.started, w.flows.removed, w.devices.done)
}

// TestSuspendedAccountChangesNothing asks every route that changes something of a suspended team, as its owner, by its
// token and by its instance's key.
func TestSuspendedAccountChangesNothing(t *testing.T) {
	w := newWorld(t)
	operator := w.owner()
	boss := w.member(operator, "boss@example.org")
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "canary"}, 201, nil)
	id := boss.instance()
	things := w.furnish(boss, id)
	token := boss.token("manage", "")
	script := &browser{w: w, header: http.Header{"Authorization": {"Bearer " + token}}}
	script.want("GET", "/api/v1/plans", nil, 200, nil)
	key := w.withKey("", boss.key(id))
	operator.want("POST", "/api/v1/accounts/"+things.of["team"]+"/suspend", map[string]any{"why": "unpaid bill"}, 200, nil)
	deeds, levels, n := w.deeds(), panel.Levels(w.options), 0
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		l := levels[op.OperationID]
		if l.Role != account.TeamMember && l.Role != account.TeamOwner {
			continue
		}
		w.panel.ForgetRates()
		callers := map[string]*browser{"the owner": boss, "a token": script}
		if l.NoTokens {
			delete(callers, "a token")
		}
		for name, b := range callers {
			n++
			if p := b.refused(method, things.fill(path), body(op), 403, "forbidden"); !strings.Contains(p.Detail, "unpaid bill") {
				t.Errorf("%s by %s: %s", op.OperationID, name, p.Detail)
			}
		}
	}
	account := w.withKey(token, "")
	for _, route := range compatRoutes {
		method, path, _ := strings.Cut(route, " ")
		if method == "GET" {
			continue
		}
		n++
		c, in := key, any(map[string]any{"username": "canary", "password": "long enough", "type": "topic", "pattern": "x", "read": true})
		if strings.HasPrefix(path, "/api/instances") {
			c, in = account, map[string]any{"name": "x"}
		}
		answer, raw := c.do(method, strings.ReplaceAll(path, "{id}", id), in)
		if answer.StatusCode != 403 || !strings.Contains(string(raw), "unpaid bill") {
			t.Errorf("%s: %s %s", route, answer.Status, raw)
		}
	}
	if n < 100 {
		t.Errorf("only %d requests", n)
	}
	if after := w.deeds(); after != deeds {
		t.Errorf("something was done:\n%s\n%s", deeds, after)
	}
}
