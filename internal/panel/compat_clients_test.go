package panel_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Here are the calls of clients that were made for CloudMQTT, in their order and with what they make of the answers.

// TestTerraformProvider is the life of an instance as CloudMQTT's Terraform provider leads it: its key is the password
// of an empty user name, it waits for ready, takes the id for a number, and waits for 404 when it has deleted.
func TestTerraformProvider(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	c := w.withKey("", b.token("manage", ""))

	var made map[string]any
	c.want("POST", "/api/instances", `{"name":"home","plan":"free","region":"home"}`, 200, &made)
	number, ok := made["id"].(float64)
	if !ok {
		t.Fatalf("the id is %v", made["id"])
	}
	at := "/api/instances/" + strconv.FormatFloat(number, 'f', 0, 64)
	var got map[string]any
	c.want("GET", at, nil, 200, &got)
	if got["ready"] != true {
		t.Errorf("the provider waits for ever: ready is %v", got["ready"])
	}
	for name, want := range map[string]any{"name": "home", "plan": "free", "region": "home", "id": number} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for _, name := range []string{"url", "apikey"} {
		if text, ok := got[name].(string); !ok || text == "" {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	c.want("PUT", at, `{"name":"garden","plan":"free"}`, 200, nil)
	var list []map[string]any
	if c.want("GET", "/api/instances", nil, 200, &list); len(list) != 1 || list[0]["name"] != "garden" {
		t.Errorf("list %v", list)
	}
	c.want("PUT", at, `{"name":"garden"}`, 200, nil) // what isn't sent stays
	// What is sent empty would be done as it says, for the provider: it tells of success, and of the same change again next time.
	c.refused("PUT", at, `{"name":"","plan":"free"}`, 422, "invalid")
	c.refused("PUT", at, `{"name":"garden","plan":""}`, 422, "invalid")
	// Plans and regions have other names here; who moves has to learn which.
	for body, names := range map[string]string{
		`{"name":"x","plan":"koala","region":"home"}`:                          "free",
		`{"name":"x","plan":"free","region":"amazon-web-services::us-east-1"}`: "home",
	} {
		if problem := c.refused("POST", "/api/instances", body, 422, "invalid"); !strings.Contains(problem.Detail, names) {
			t.Errorf("%s: %q names none of those that are here", body, problem.Detail)
		}
	}
	c.want("DELETE", at+"?keep_vpc=false", nil, 204, nil)
	c.refused("GET", at, nil, 404, "not_found")
	w.withKey("x", b.token("manage", "")).refused("GET", "/api/instances", nil, 401, "unauthorized") // one key, not two
}

// TestCompatForms sends what client libraries and published examples send, as they send it.
func TestCompatForms(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	key := b.key(id)
	c := w.withKey("", key)
	json8, form := "application/json; charset=utf-8", "application/x-www-form-urlencoded"
	for _, call := range []struct{ kind, method, path, body string }{
		{json8, "POST", "/api/user", `{"username":"java","password":"long enough"}`},
		{json8, "PUT", "/api/user/java", `{"password":"long enough too"}`},
		{json8, "POST", "/api/acl", `{"type":"topic","username":"java","pattern":"java/#","read":true,"write":true}`},
		{json8, "POST", "/api/acl", `{"type":"pattern","username":null,"pattern":"%u/#","read":true,"write":false}`},
		{json8, "DELETE", "/api/acl", `{"username":"java","topic":"java/#"}`},
		{json8, "DELETE", "/api/acl", `{"username":null,"topic":"%u/#"}`},
		{json8, "POST", "/api/instance/restart", ""},                                                // an empty body with a type
		{"application/json", "POST", "/api/user/", `{"username":"scala","password":"long enough"}`}, // "user/%s" of no name
		{"application/json", "POST", "/api/acl/", `{"username":"scala","topic":"scala","read":true,"write":false}`},
		{"application/json", "POST", "/api/acl", `{"type":"topic","user":"scala","pattern":"dotnet","read":true,"write":false}`},
		{"application/json", "DELETE", "/api/acl", `{"type":"topic","user":"scala","pattern":"dotnet"}`},
		{form, "POST", "/api/user", `{"username":"curl","password":"long enough"}`}, // curl -d without a type
		{form, "POST", "/api/user", "username=node&password=long+enough"},
		{"application/json", "DELETE", "/api/user/scala", ""},
	} {
		c.header.Set("Content-Type", call.kind)
		var in any
		if call.body != "" {
			in = call.body
		}
		if answer, raw := c.do(call.method, call.path, in); answer.StatusCode != 204 {
			t.Errorf("%s %s of %s: %s %s", call.method, call.path, call.body, answer.Status, raw)
		}
	}
	c.header.Del("Content-Type")
	c.want("POST", "/api/acl", `{"type":"topic","username":"java","pattern":"java/#","read":true,"write":false}`, 204, nil)

	var users []struct{ Username string }
	if c.want("GET", "/api/user/", nil, 200, &users); len(users) != 4 { // "user/" + name of no name
		t.Errorf("users %+v", users)
	}
	// Newer libraries read {"items": […]} with user for the name; one knows no other fields than these, and a number as id.
	c.header.Set("Api-Version", "1")
	var items struct {
		Items []struct {
			ID          int32
			Type, User  string
			Pattern     string
			Read, Write bool
		}
	}
	_, raw := c.do("GET", "/api/acl", nil)
	strict := json.NewDecoder(strings.NewReader(string(raw)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&items); err != nil || len(items.Items) != 1 || items.Items[0].ID <= 0 || items.Items[0].User != "java" || items.Items[0].Type != "topic" ||
		items.Items[0].Pattern != "java/#" || !items.Items[0].Read || items.Items[0].Write {
		t.Errorf("%v %s", err, raw)
	}
	c.header.Del("Api-Version")
	// Older ones read the bare list, with username and topic.
	var list []struct {
		Username, User, Topic, Pattern string
		Read, Write                    bool
	}
	if c.want("GET", "/api/acl", nil, 200, &list); len(list) != 1 || fmt.Sprint(list[0]) != "{java java java/# java/# true false}" {
		t.Errorf("list %+v", list)
	}
	// Who can't send an empty user name sends the instance's, as it was in the time before keys; or the key as user name.
	w.withKey(id, key).want("GET", "/api/user", nil, 200, nil)
	w.withKey(key, "").want("GET", "/api/user", nil, 200, nil)
	w.withKey("zzzzzzzz", key).refused("GET", "/api/user", nil, 401, "unauthorized")
	// Some ask without a login first, and send it when they are told how.
	answer, _ := w.browser().do("GET", "/api/user", nil)
	if answer.StatusCode != 401 || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic realm=") {
		t.Errorf("%s %v", answer.Status, answer.Header)
	}
	odd := w.browser() // a scheme in lower case, which is the same [RFC 9110, 11.1]
	odd.header.Set("Authorization", "basic "+base64.StdEncoding.EncodeToString([]byte(":"+key)))
	odd.want("GET", "/api/user", nil, 200, nil)
}
