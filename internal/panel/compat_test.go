package panel_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// withKey is a caller of the CloudMQTT-compatible API.
func (w *world) withKey(user, password string) *browser {
	b := w.browser()
	b.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	return b
}

// key is the API key of an instance, shown after the account's password.
func (b *browser) key(id string) string {
	b.w.t.Helper()
	var out struct{ Key string }
	b.want("POST", "/api/v1/instances/"+id+"/key/reveal", map[string]any{"password": password}, 200, &out)
	if !strings.HasPrefix(out.Key, "tsk_"+id+"_") {
		b.w.t.Fatalf("key %q", out.Key)
	}
	return out.Key
}

func (b *browser) token(scope, instance string) string {
	b.w.t.Helper()
	var out struct{ Token string }
	b.want("POST", "/api/v1/tokens", map[string]any{"name": "t", "scope": scope, "instance": instance, "password": password}, 201, &out)
	return out.Token
}

func TestCompatInstance(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	c := w.withKey("", b.key(id))

	c.want("POST", "/api/user", `{"username":"sensor","password":"long enough"}`, 204, nil)
	c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	c.want("POST", "/api/user", "username=pump&password=long+enough", 204, nil)
	c.want("PUT", "/api/user", "username=pump&password=another+one", 204, nil)
	c.want("POST", "/api/acl", "type=topic&username=pump&pattern=pump%2F%23&read=true&write=false", 204, nil)
	c.header.Del("Content-Type")
	c.want("PUT", "/api/user/sensor", `{"password":"long enough too"}`, 204, nil)
	c.want("POST", "/api/acl", `{"type":"topic","username":"sensor","pattern":"sensor/%u","read":false,"write":true}`, 204, nil)
	c.want("POST", "/api/acl", `{"type":"pattern","username":null,"pattern":"all/%u","read":true,"write":true}`, 204, nil)
	c.want("POST", "/api/acl", `{"type":"topic","username":"pump","pattern":"pump/#","read":true,"write":true}`, 204, nil) // changes it
	b.want("POST", "/api/v1/instances/"+id+"/rules", map[string]any{"user": "pump", "effect": "deny", "access": "both", "filter": "secret"}, 201, nil)

	var user struct {
		Username string
		ACLs     []struct {
			Topic       string
			Read, Write bool
		}
	}
	c.want("GET", "/api/user/pump", nil, 200, &user)
	if got := fmt.Sprint(user); got != "{pump [{pump/# true true} {secret false false}]}" {
		t.Errorf("user %s", got)
	}
	for path, want := range map[string]string{
		"/api/user": `[{"username":"` + id + `"},{"username":"pump"},{"username":"sensor"}]`, "/api/user?query=pu": `[{"username":"pump"}]`,
		"/api/user?limit=1&page=3": `[{"username":"sensor"}]`, "/api/user?limit=1&page=9": `[]`,
	} {
		if id > "pump" {
			continue // the order of the names
		}
		if _, raw := c.do("GET", path, nil); strings.TrimSpace(string(raw)) != want {
			t.Errorf("%s: %s, want %s", path, raw, want)
		}
	}
	var rules []struct {
		Type, Pattern string
		Username      *string
		Read, Write   bool
	}
	c.want("GET", "/api/acl?limit=2", nil, 200, &rules)
	if len(rules) != 2 || rules[1].Type != "topic" || *rules[1].Username != "sensor" || rules[1].Read || !rules[1].Write {
		t.Errorf("rules %+v", rules)
	}
	old := w.withKey("", b.key(id))
	old.header.Set("Api-Version", "1")
	var items struct{ Items []any }
	if old.want("GET", "/api/acl", nil, 200, &items); len(items.Items) != 4 {
		t.Errorf("items %v", items)
	}
	c.want("DELETE", "/api/acl", `{"username":"sensor","topic":"sensor/%u"}`, 204, nil)
	c.refused("DELETE", "/api/acl", `{"username":"sensor","topic":"sensor/%u"}`, 404, "not_found")
	c.want("DELETE", "/api/acl", `{"type":"pattern","username":null,"pattern":"all/%u","read":true,"write":true}`, 204, nil)
	c.want("DELETE", "/api/user/sensor", nil, 204, nil)
	c.refused("DELETE", "/api/user/"+id, nil, 409, "conflict")

	var connections []map[string]any
	if c.want("GET", "/api/info/connections", nil, 200, &connections); len(connections) != 1 || connections[0]["client_id"] != "c/1" || connections[0]["username"] != "u" {
		t.Errorf("connections %v", connections)
	}
	c.want("POST", "/api/instance/restart", nil, 204, nil)
	c.want("POST", "/api/instance/reset", nil, 204, nil)
	if len(w.brokers.kicked) != 2 || w.brokers.kicked[0] != id {
		t.Errorf("restarted %v", w.brokers.kicked)
	}
	_, audit := b.do("GET", "/api/v1/audit?limit=50", nil)
	for _, want := range []string{`"via":"token"`, "user.create", "rule.change", "instance.reset", "instance.key.reveal"} {
		if !strings.Contains(string(audit), want) {
			t.Errorf("no %s in the audit", want)
		}
	}
	if strings.Contains(string(audit)+w.log.String(), "tsk_") || strings.Contains(string(audit), "enough") {
		t.Error("the audit or the log tells a secret")
	}
}

func TestCompatAccount(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	c := w.withKey(b.token("manage", ""), "")
	var made, again struct {
		ID                              json.Number
		Name, Plan, Region, URL, APIKey string
		Instance                        string
	}
	c.want("POST", "/api/instances", `{"name":"home","plan":"free","region":"home"}`, 200, &made)
	if !strings.HasPrefix(made.URL, "mqtts://"+made.Instance+":") || !strings.HasSuffix(made.URL, "@localhost:8883") || made.APIKey != b.key(made.Instance) {
		t.Errorf("made %+v", made)
	}
	c.want("GET", "/api/instances/"+made.ID.String(), nil, 200, &again)
	if again != made {
		t.Errorf("%+v, then %+v", made, again)
	}
	again.URL = ""
	c.want("PUT", "/api/instances/"+made.Instance, `{"name":"garden"}`, 200, &again)
	if again.Name != "garden" || again.URL != "" {
		t.Errorf("changed %+v", again)
	}
	c.refused("PUT", "/api/instances/"+made.Instance, `{"plan":"lemming"}`, 422, "invalid")
	c.refused("POST", "/api/instances", `{"name":1}`, 422, "invalid")

	reader := w.withKey(b.token("read", ""), "")
	if _, raw := reader.do("GET", "/api/instances/"+made.ID.String(), nil); strings.Contains(string(raw), "apikey") || strings.Contains(string(raw), "url") {
		t.Errorf("a token that only reads got %s", raw)
	}
	reader.refused("DELETE", "/api/instances/"+made.Instance, nil, 403, "forbidden")
	narrow := w.withKey(b.token("manage", b.instance()), "")
	narrow.refused("GET", "/api/instances/"+made.Instance, nil, 404, "not_found")
	var list []struct{ Instance string }
	if narrow.want("GET", "/api/instances", nil, 200, &list); len(list) != 1 || list[0].Instance == made.Instance {
		t.Errorf("a token for one instance sees %v", list)
	}
	w.withKey("", made.APIKey).want("GET", "/api/user", nil, 200, nil)
	c.want("DELETE", "/api/instances/"+made.ID.String(), nil, 204, nil)
	c.refused("GET", "/api/instances/"+made.ID.String(), nil, 404, "not_found")
	w.withKey("", made.APIKey).refused("GET", "/api/user", nil, 401, "unauthorized")
}

// compatRoutes are all of them, for those who must be refused everywhere.
var compatRoutes = []string{
	"GET /api/user", "POST /api/user", "PUT /api/user", "GET /api/user/canary", "PUT /api/user/canary", "DELETE /api/user/canary", "GET /api/acl", "POST /api/acl",
	"DELETE /api/acl", "GET /api/info/connections", "POST /api/instance/restart", "POST /api/instance/reset", "GET /api/instances", "POST /api/instances",
	"GET /api/instances/{id}", "PUT /api/instances/{id}", "DELETE /api/instances/{id}",
}

// TestCompatTenants asks every route with keys that don't hold, and with another account's.
func TestCompatTenants(t *testing.T) {
	w := newWorld(t)
	victim := w.owner()
	id := victim.instance()
	victim.want("POST", "/api/v1/instances/"+id+"/users", map[string]any{"name": "canary"}, 201, nil)
	attacker := w.member(victim, "attacker@example.org")
	mine := attacker.instance()
	key, token := attacker.key(mine), attacker.token("manage", "")
	forged := strings.Replace(key, mine, id, 1)
	old := victim.key(id)
	var fresh struct{ Key string }
	victim.want("POST", "/api/v1/instances/"+id+"/key/rotate", nil, 200, &fresh)
	if fresh.Key == old {
		t.Error("rotated to the same key")
	}
	w.withKey("", fresh.Key).want("GET", "/api/user/canary", nil, 200, nil)
	n := 0
	for _, route := range compatRoutes {
		method, path, _ := strings.Cut(route, " ")
		path = strings.ReplaceAll(path, "{id}", id)
		for name, c := range map[string]*browser{
			"nobody": w.browser(), "a cookie": {w: w, cookie: victim.cookie, header: http.Header{}}, "a forged key": w.withKey("", forged), "the key before": w.withKey("", old),
			"a metrics token": w.withKey("tsm_x", ""), "both": w.withKey(token, key), "a wrong token": w.withKey("tsu_"+strings.Repeat("A", 43), ""),
			"a user too": w.withKey("x", key), "another scheme": {w: w, header: http.Header{"Authorization": {"Bearer " + token}}},
		} {
			n++
			c.header.Set("Test-From", fmt.Sprintf("192.0.2.%d:1", n%250+1))
			answer, raw := c.do(method, path, nil)
			if answer.StatusCode != 401 || answer.Header.Get("WWW-Authenticate") == "" || !strings.Contains(string(raw), `"detail"`) {
				t.Errorf("%s with %s: %s %s", route, name, answer.Status, raw)
			}
		}
		theirs := w.withKey("", key)
		if strings.HasPrefix(path, "/api/instances") {
			theirs = w.withKey(token, "")
		}
		answer, raw := theirs.do(method, path, nil)
		if strings.Contains(string(raw), "canary") || strings.Contains(string(raw), id) ||
			strings.Contains(route, "canary") && answer.StatusCode != 404 && answer.StatusCode != 422 || strings.Contains(route, "{id}") && answer.StatusCode != 404 {
			t.Errorf("another's %s: %s %s", route, answer.Status, raw)
		}
	}
	victim.want("GET", "/api/v1/instances/"+id+"/users/canary", nil, 200, nil)
	for _, was := range w.brokers.kicked {
		if was == id {
			t.Error("the victim's instance was restarted")
		}
	}
	c := w.withKey("", key)
	c.header.Set("Content-Type", "text/plain")
	c.refused("POST", "/api/user", `{"username":"x"}`, 415, "invalid")
	c.header.Set("Content-Type", "application/json")
	for body, status := range map[string]int{`[]`: 400, `null`: 400, `{"username":1}`: 422, `{"username":"x"}`: 422, strings.Repeat(" ", 70_000): 413} {
		c.refused("POST", "/api/user", body, status, "invalid")
	}
	c.refused("POST", "/api/acl", `{"type":"topic","pattern":"a"}`, 422, "invalid")
	c.refused("POST", "/api/acl", `{"type":"pattern","pattern":"a"}`, 422, "invalid")
	c.refused("POST", "/api/acl", `{"type":"pattern","pattern":"a","read":"maybe"}`, 422, "invalid")
	c.refused("GET", "/api/user?page=0", nil, 422, "invalid")
	c.header.Set("Sec-Fetch-Site", "cross-site")
	c.refused("POST", "/api/instance/reset", nil, 403, "forbidden")
}

func TestImportRoute(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	path := "/api/v1/instances/" + b.instance() + "/import"
	files := map[string]any{"csv": "a,long enough,,allow publish a/#\nb\nbad name ,x,,\n", "acl": "user a\ntopic read b\n", "dry_run": true}
	var out struct {
		Applied              bool
		Users, Rules, Faults int
		FaultList            []struct{ Source, Message string }      `json:"fault_list"`
		UserList             []struct{ Name, From, Password string } `json:"user_list"`
	}
	b.want("POST", path, files, 200, &out)
	if out.Applied || out.Users != 2 || out.Rules != 2 || out.Faults != 1 || len(out.FaultList) != 1 || out.FaultList[0].Source != "csv" || out.FaultList[0].Message == "" || out.UserList[1].Password != "" {
		t.Errorf("dry run: %+v", out)
	}
	files["dry_run"] = false
	if p := b.refused("POST", path, files, 422, "invalid"); len(p.Errors) != 1 || p.Errors[0].Location != "csv:3" {
		t.Errorf("faults %+v", p.Errors)
	}
	files["skip_faults"] = true
	b.want("POST", path, files, 200, &out)
	if !out.Applied || out.UserList[1].From != "generated" || len(out.UserList[1].Password) < 20 || out.UserList[0].Password != "" {
		t.Errorf("done: %+v", out)
	}
	b.want("POST", path, map[string]any{"acl": strings.Repeat("# as large as it may be\n", 100_000), "dry_run": true}, 200, nil)
	b.refused("POST", path, map[string]any{"acl": strings.Repeat("x", 9<<20)}, 413, "invalid")
}
