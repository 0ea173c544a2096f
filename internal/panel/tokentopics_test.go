package panel_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/account"
)

// messageToken makes a token for messages and its caller.
func (b *browser) messageToken(scope, instance string, topics ...string) (id string, c *browser) {
	b.w.t.Helper()
	var out struct {
		ID, Token, Scope, Instance string
		Topics                     []string
	}
	b.want("POST", "/api/v1/tokens", map[string]any{"name": "thing", "scope": scope, "instance": instance, "topics": topics, "password": password}, 201, &out)
	if out.Scope != scope || out.Instance != instance || !slices.Equal(out.Topics, topics) {
		b.w.t.Errorf("made %+v", out)
	}
	return out.ID, &browser{w: b.w, header: http.Header{"Authorization": {"Bearer " + out.Token}}}
}

// TestMessageTokensDoNothingElse asks every operation of the document with tokens for messages: all but those of their
// scope are refused in the same words whatever the path names, and nothing is done.
func TestMessageTokensDoNothingElse(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	things := w.furnish(b, id)
	other := b.instance()
	scopes := map[string][]string{
		"publish":           {"publish", "publish-batch"},
		"subscribe":         {"subscribe", "get-retained"},
		"publish-subscribe": {"publish", "publish-batch", "subscribe", "get-retained"},
	}
	callers := map[string]*browser{}
	for scope := range scopes {
		_, callers[scope] = b.messageToken(scope, id, "#")
		callers[scope].refused("GET", "/api/v1/instances", nil, 403, "forbidden") // it says when it was used last
	}
	before, deeds := state(t, b, id), w.deeds()
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		for scope, c := range callers {
			w.panel.ForgetRates()
			if slices.Contains(scopes[scope], op.OperationID) {
				elsewhere := func(id string) string {
					return strings.ReplaceAll(path, "{id}", id) + "?filter=a&topic=a"
				}
				strange, none := c.refused(method, elsewhere(other), bodies[op.OperationID], 404, "not_found"), c.refused(method, elsewhere("aaaaaaaa"), bodies[op.OperationID], 404, "not_found")
				if strange.Detail != none.Detail {
					t.Errorf("%s with %s tells which instances there are: %q, %q", op.OperationID, scope, strange.Detail, none.Detail)
				}
				continue
			}
			if p := c.refused(method, things.fill(path), body(op), 403, "forbidden"); !strings.HasPrefix(p.Detail, "This API token is only for messages") {
				t.Errorf("%s with %s: %q", op.OperationID, scope, p.Detail)
			}
			if answer, _ := c.do("HEAD", things.fill(path), nil); method == "GET" && answer.StatusCode != 403 {
				t.Errorf("HEAD %s with %s: %s", path, scope, answer.Status)
			}
		}
	}
	n := 0
	for _, route := range compatRoutes {
		method, path, _ := strings.Cut(route, " ")
		for scope, c := range callers {
			w.panel.ForgetRates()
			n++
			key := w.withKey("", strings.TrimPrefix(c.header.Get("Authorization"), "Bearer "))
			key.header.Set("Test-From", fmt.Sprintf("192.0.2.%d:1", n))
			answer, raw := key.do(method, strings.ReplaceAll(path, "{id}", id), nil)
			if answer.StatusCode != 403 && (answer.StatusCode != 401 || strings.HasPrefix(path, "/api/instances")) || strings.Contains(string(raw), id) {
				t.Errorf("%s with %s: %s %s", route, scope, answer.Status, raw)
			}
		}
	}
	w.panel.ForgetRates()
	if after := state(t, b, id); after != before || w.deeds() != deeds {
		t.Errorf("something was done:\n%s\n%s\n%s\n%s", before, after, deeds, w.deeds())
	}
}

// TestMessageTokensAreForTheirTopics publishes, follows and reads within a token's topics and beside them.
func TestMessageTokensAreForTheirTopics(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	at := "/api/v1/instances/" + id
	_, thing := b.messageToken("publish-subscribe", id, "a/+", "c")
	_, sender := b.messageToken("publish", id, "#")
	_, screen := b.messageToken("subscribe", id, "#", "$SYS/broker/#")

	thing.want("POST", at+"/publish", map[string]any{"topic": "a/1", "payload": "x", "retain": true}, 200, nil)
	thing.want("POST", at+"/publish/batch", `{"messages":[{"topic":"a/2","payload":""},{"topic":"c","payload":""}]}`, 200, nil)
	for _, topic := range []string{"a", "a/1/2", "b", "C"} {
		p := thing.refused("POST", at+"/publish", map[string]any{"topic": topic, "payload": "x"}, 403, "forbidden")
		if len(p.Errors) != 1 || p.Errors[0].Location != "body.topic" {
			t.Errorf("%s: %+v", topic, p)
		}
	}
	p := thing.refused("POST", at+"/publish/batch", `{"messages":[{"topic":"c","payload":""},{"topic":"b","payload":""}]}`, 403, "forbidden")
	if len(p.Errors) != 1 || p.Errors[0].Location != "body.messages[1].topic" {
		t.Errorf("batch: %+v", p)
	}
	thing.refused("POST", at+"/publish", `{"topic":"a/#","payload":""}`, 422, "invalid")
	sender.want("POST", at+"/publish", `{"topic":"any/where","payload":""}`, 200, nil)
	sender.refused("POST", at+"/publish", `{"topic":"$SYS/x","payload":""}`, 422, "invalid")
	published := []string{}
	for _, m := range w.brokers.published {
		published = append(published, m.Topic)
	}
	if want := []string{"a/1", "a/2", "c", "any/where"}; !slices.Equal(published, want) || !w.brokers.published[0].Retain {
		t.Errorf("published %q, want %q", published, want)
	}

	for _, tt := range []struct {
		c      *browser
		filter string
		ok     bool
	}{
		{thing, "a/+", true}, {thing, "a/1", true}, {thing, "c", true}, {thing, "a/%23", false}, {thing, "%23", false}, {thing, "", false}, {thing, "+", false}, {thing, "b", false},
		{screen, "", true}, {screen, "x/+", true}, {screen, "$SYS/broker/load", true}, {screen, "$SYS/%23", false},
	} {
		code := "forbidden"
		if tt.ok {
			code = "limit" // the instance of this test has no room for anybody
		}
		tt.c.refused("GET", at+"/subscribe?filter="+strings.ReplaceAll(tt.filter, "+", "%2B"), nil, 403, code)
	}
	thing.refused("GET", at+"/subscribe?filter=$share/g/c", nil, 422, "invalid")
	if answer, _ := screen.do("GET", at+"/retained/value?topic=a", nil); answer.StatusCode != 200 {
		t.Errorf("retained: %s", answer.Status)
	}
	thing.refused("GET", at+"/retained/value?topic=a", nil, 403, "forbidden")
	thing.refused("GET", at+"/retained/value?topic=c/x", nil, 403, "forbidden")
	thing.refused("GET", at+"/retained/value?topic=a/%2B", nil, 422, "invalid")
}

// TestMessageTokensWanted makes tokens that are none.
func TestMessageTokensWanted(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	stranger := w.member(b, "stranger@example.org")
	many, most := make([]string, 17), make([]string, 16)
	for i := range many {
		many[i] = "a"
	}
	copy(most, many)
	for _, tt := range []struct {
		scope, instance string
		topics          []string
		field           string
	}{
		{"publish", "", []string{"a"}, "instance"}, {"publish", id, nil, "topics"}, {"publish", id, []string{}, "topics"}, {"publish", id, many, "topics"},
		{"publish", id, []string{"a", "a/#/b"}, "topics"}, {"subscribe", id, []string{""}, "topics"}, {"subscribe", id, []string{"$share/g/a"}, "topics"},
		{"publish", id, []string{"$SYS/#"}, "topics"}, {"publish-subscribe", id, []string{"$SYS/#"}, "topics"}, {"subscribe", id, []string{strings.Repeat("a", 1025)}, "topics"},
		{"read", id, []string{"a"}, "topics"}, {"manage", "", []string{"a"}, "topics"}, {"both", id, []string{"a"}, "scope"},
	} {
		p := b.refused("POST", "/api/v1/tokens", map[string]any{"name": "x", "scope": tt.scope, "instance": tt.instance, "topics": tt.topics, "password": password}, 422, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Location != "body."+tt.field {
			t.Errorf("%+v: %+v", tt, p.Errors)
		}
	}
	stranger.refused("POST", "/api/v1/tokens", map[string]any{"name": "x", "scope": "publish", "instance": id, "topics": []string{"a"}, "password": password}, 404, "not_found")
	b.messageToken("publish", id, most...)
	b.messageToken("subscribe", id, "$SYS/#", "日本/+")
	var list struct {
		Items []struct {
			Scope  account.Scope
			Topics []string
		}
	}
	b.want("GET", "/api/v1/tokens", nil, 200, &list)
	if len(list.Items) != 2 || list.Items[1].Scope != account.ScopeSubscribe || !slices.Equal(list.Items[1].Topics, []string{"$SYS/#", "日本/+"}) {
		t.Errorf("%+v", list)
	}
}
