package panel_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
)

// fakeHooks runs nothing; Again fails for events of its list.
type fakeHooks struct {
	mu    sync.Mutex // guards what follows
	tried []panel.HookSample
	again []string
	fail  map[string]bool
}

func (*fakeHooks) State(string, string) panel.HookState {
	return panel.HookState{State: "running", Delivered: 3}
}

func (f *fakeHooks) Try(_ context.Context, _ account.Hook, e panel.HookSample) (panel.HookTried, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = append(f.tried, e)
	return panel.HookTried{Done: true, Body: string(e.Payload)}, nil
}

func (f *fakeHooks) Again(_ context.Context, _ account.Hook, d account.DeadLetter) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.again = append(f.again, d.Event); f.fail[d.Event] {
		return errors.New("the receiver answered 500")
	}
	return nil
}

type hookAnswer struct {
	ID, Name, Action, URL, Secret string
	Enabled                       bool
	Events                        []string
	HasAuthorization              bool `json:"has_authorization"`
	DeadLetters                   int  `json:"dead_letters"`
	State                         struct{ State string }
}

// TestHooksOverTheAPI makes, changes, tests and deletes a hook; its secrets are shown once or never.
func TestHooksOverTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	at := "/api/v1/instances/" + b.instance() + "/hooks"
	const canary = "Bearer canary-Secret-9"
	post := map[string]any{"name": "x", "filter": "a/#", "action": "post", "url": "https://h.example/in"}
	with := func(change map[string]any) map[string]any {
		out := map[string]any{}
		for _, m := range []map[string]any{post, change} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	for name, change := range map[string]map[string]any{
		"no name": {"name": " "}, "no filter": {"filter": ""}, "a wrong filter": {"filter": "a/#/b"}, "a shared filter": {"filter": "$share/g/a"},
		"system topics": {"filter": "$SYS/#"}, "no event": {"events": []string{}}, "an unknown event": {"events": []string{"birth"}},
		"no action": {"action": ""}, "no TLS": {"url": "http://h.example"}, "another scheme": {"url": "file:///etc/passwd"}, "a password in it": {"url": "https://u:p@h.example"},
		"a wrong port": {"url": "https://h.example:99999"}, "a broken condition": {"condition": "payload.x >"}, "a broken template": {"template": "{payload..x}"},
		"a header in two lines": {"authorization": "x\r\nEvil: 1"}, "a rule to nowhere": {"action": "publish"}, "a rule with a wildcard": {"action": "publish", "topic": "a/+"},
		"a rule to $SYS": {"action": "publish", "topic": "$SYS/x"}, "a rule that sets itself off": {"action": "publish", "topic": "a/b"},
		"a wrong QoS": {"action": "publish", "topic": "b", "qos": 3}, "mail to nobody": {"action": "mail"}, "mail to a stranger": {"action": "mail", "mail_to": []string{"stranger@example.org"}},
		"a client in the middle": {"events": []string{"connect"}, "client": "a*b"},
	} {
		if p := b.refused("POST", at, with(change), 422, "invalid"); len(p.Errors) == 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	var made, changed hookAnswer
	b.want("POST", at, with(map[string]any{"authorization": canary}), 201, &made)
	if !strings.HasPrefix(made.Secret, "whsec_") || !made.HasAuthorization || !made.Enabled || made.State.State != "running" || len(made.Events) != 1 {
		t.Errorf("made %+v", made)
	}
	b.refused("PATCH", at+"/"+made.ID, map[string]any{"url": "https://evil.example"}, 422, "invalid") // would get the header
	b.want("PATCH", at+"/"+made.ID, map[string]any{"name": "other", "enabled": false}, 200, &changed)
	if changed.Secret != "" || changed.Name != "other" || changed.State.State != "off" {
		t.Errorf("changed %+v", changed)
	}
	var rotated struct{ Secret string }
	b.want("POST", at+"/"+made.ID+"/secret", map[string]any{}, 200, &rotated)
	if rotated.Secret == made.Secret || !strings.HasPrefix(rotated.Secret, "whsec_") {
		t.Errorf("rotated to %q", rotated.Secret)
	}
	for _, path := range []string{at, at + "/" + made.ID, "/api/v1/audit"} {
		_, raw := b.do("GET", path, nil)
		for _, secret := range []string{made.Secret, rotated.Secret, canary} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s tells a secret: %s", path, raw)
			}
		}
	}
	var mail hookAnswer
	b.want("POST", at, with(map[string]any{"action": "mail", "mail_to": []string{"OWNER@example.org"}, "events": []string{"disconnect"}, "client": "pi*"}), 201, &mail)
	if mail.Secret != "" || mail.URL != "" {
		t.Errorf("mail %+v", mail)
	}
	b.refused("POST", at+"/"+mail.ID+"/secret", map[string]any{}, 409, "conflict")
	var readers struct{ Items []string }
	b.want("GET", strings.TrimSuffix(at, "hooks")+"hook-readers", nil, 200, &readers)
	if len(readers.Items) != 1 || readers.Items[0] != "owner@example.org" {
		t.Errorf("readers %v", readers.Items)
	}
	b.want("POST", at+"/"+made.ID+"/test", map[string]any{"topic": "a/1", "payload": "hello"}, 200, nil)
	if len(w.hooks.tried) != 1 || string(w.hooks.tried[0].Payload) != "hello" || w.hooks.tried[0].Type != "message" {
		t.Errorf("tried %+v", w.hooks.tried)
	}
	b.want("DELETE", at+"/"+made.ID, nil, 204, nil)
	b.refused("GET", at+"/"+made.ID, nil, 404, "not_found")
	if strings.Contains(w.log.String(), "canary") {
		t.Error("a secret in the log")
	}
}

// watchAnswer is what is new in hooks that watch.
type watchAnswer struct {
	ID, Filter, Condition, Rearm, Schedule, Zone string
	Edge, Together                               bool
	Quiet, Silence                               int
}

// TestWatchingHooksOverTheAPI makes hooks that work at a time, tell of silence, or of some messages only; what can't be
// is refused with the field at fault.
func TestWatchingHooksOverTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	at := "/api/v1/instances/" + b.instance() + "/hooks"
	post := func(change map[string]any) map[string]any {
		change["name"], change["action"], change["url"] = "x", "post", "https://h.example/in"
		return change
	}
	schedule := func(text, zone string) map[string]any {
		return post(map[string]any{"events": []string{"schedule"}, "schedule": text, "zone": zone})
	}
	type change = map[string]any
	for name, tt := range map[string]struct {
		field string
		body  change
	}{
		"no time": {"schedule", schedule("", "")}, "four fields": {"schedule", schedule("0 23 * *", "")}, "too often": {"schedule", schedule("every 30s", "")},
		"a day that never is": {"schedule", schedule("0 0 31 2 *", "")}, "over": {"schedule", schedule("at 2001-01-01T00:00", "")},
		"no such zone": {"zone", schedule("0 23 * * *", "Mars/Olympus")}, "the machine's zone": {"zone", schedule("0 23 * * *", "Local")},
		"a time and messages":      {"events", post(change{"events": []string{"schedule", "message"}, "filter": "a", "schedule": "every 1h"})},
		"nothing to publish":       {"template", change{"name": "x", "action": "publish", "topic": "a", "events": []string{"schedule"}, "schedule": "every 1h"}},
		"silence and messages":     {"events", post(change{"events": []string{"silence", "message"}, "filter": "a", "silence": 60})},
		"back without silence":     {"events", post(change{"events": []string{"back"}, "filter": "a", "silence": 60})},
		"silence nowhere":          {"filter", post(change{"events": []string{"silence"}, "silence": 60})},
		"too short a silence":      {"silence", post(change{"events": []string{"silence"}, "filter": "a", "silence": 9})},
		"no silence":               {"silence", post(change{"events": []string{"silence"}, "filter": "a"})},
		"silence with changes":     {"condition", post(change{"events": []string{"silence"}, "filter": "a", "silence": 60, "condition": "payload changed"})},
		"an edge of nothing":       {"condition", post(change{"filter": "a", "edge": true})},
		"an edge of changes":       {"edge", post(change{"filter": "a", "edge": true, "condition": "payload changed"})},
		"rearmed by a change":      {"rearm", post(change{"filter": "a", "edge": true, "condition": "payload > 1", "rearm": "payload changed"})},
		"rearmed by nothing good":  {"rearm", post(change{"filter": "a", "edge": true, "condition": "payload > 1", "rearm": "payload <"})},
		"a rule that feeds itself": {"topic", change{"name": "x", "action": "publish", "topic": "a/b", "template": "x", "events": []string{"silence"}, "filter": "a/#", "silence": 60}},
	} {
		if p := b.refused("POST", at, tt.body, 422, "invalid"); len(p.Errors) != 1 || p.Errors[0].Location != "body."+tt.field {
			t.Errorf("%s: %+v, want a fault of %s", name, p, tt.field)
		}
	}

	var clock, quiet, edge watchAnswer
	b.want("POST", at, schedule(" 0  23 * * mon-fri", "Europe/Berlin"), 201, &clock)
	if clock.Schedule != "0 23 * * mon-fri" || clock.Zone != "Europe/Berlin" {
		t.Errorf("clock %+v", clock)
	}
	b.want("PATCH", at+"/"+clock.ID, change{"schedule": "at 2999-01-01T00:00"}, 200, &clock)
	b.want("POST", at, post(change{"events": []string{"silence", "back"}, "filter": "pump/#", "silence": 600, "quiet": 60, "together": true, "edge": true}), 201, &quiet)
	if quiet.Silence != 600 || quiet.Quiet != 60 || !quiet.Together || quiet.Edge {
		t.Errorf("silence %+v", quiet)
	}
	b.want("POST", at, post(change{"filter": "f/+", "condition": "payload > -15", "edge": true, "rearm": "payload ≤ -17", "quiet": 1800}), 201, &edge)
	if !edge.Edge || edge.Rearm != "payload ≤ -17" || edge.Quiet != 1800 || edge.Silence != 0 {
		t.Errorf("edge %+v", edge)
	}
	edge = watchAnswer{}
	b.want("PATCH", at+"/"+quiet.ID, change{"events": []string{"message"}}, 200, &edge)
	if edge.Silence != 0 || edge.Filter != "pump/#" || !edge.Together {
		t.Errorf("what was a watcher %+v", edge)
	}
	for _, e := range []string{"schedule", "silence", "back"} {
		b.want("POST", at+"/"+clock.ID+"/test", change{"type": e}, 200, nil)
	}
	if len(w.hooks.tried) != 3 || w.hooks.tried[2].Type != "back" {
		t.Errorf("tried %+v", w.hooks.tried)
	}
}

func TestDeadLettersOverTheAPI(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	at := "/api/v1/instances/" + id + "/hooks"
	var made hookAnswer
	b.want("POST", at, map[string]any{"name": "x", "filter": "a/#", "action": "post", "url": "https://h.example/in"}, 201, &made)
	for _, event := range []string{"e1", "e2", "e3", "e3"} {
		err := w.accounts.KeepDeadLetter(t.Context(), account.DeadLetter{Instance: id, Hook: made.ID, Event: event, Topic: "a", Body: []byte(`{"id":"` + event + `"}`), Cause: "500", Attempts: 10})
		if err != nil {
			t.Fatal(err)
		}
	}
	var list struct {
		Items []struct {
			ID    string
			Event struct{ ID string }
		}
		Total int
		Next  string
	}
	letters := at + "/" + made.ID + "/dead-letters"
	b.want("GET", letters+"?limit=2", nil, 200, &list)
	if list.Total != 3 || len(list.Items) != 2 || list.Items[0].Event.ID != "e3" || list.Next != list.Items[1].ID {
		t.Errorf("dead letters %+v", list)
	}
	w.hooks.fail = map[string]bool{"e1": true}
	var retried struct {
		Delivered, Failed, Left int
		Cause                   string
	}
	b.want("POST", letters+"/retry", map[string]any{"ids": []string{list.Items[0].ID}}, 200, &retried)
	if retried.Delivered != 1 || retried.Left != 2 {
		t.Errorf("retried %+v", retried)
	}
	b.want("POST", letters+"/retry", map[string]any{}, 200, &retried)
	if retried.Delivered != 1 || retried.Failed != 1 || retried.Left != 1 || retried.Cause == "" {
		t.Errorf("retried %+v", retried)
	}
	b.refused("POST", letters+"/delete", map[string]any{"ids": []string{"x"}}, 422, "invalid")
	var dropped struct{ Count int }
	b.want("POST", letters+"/delete", map[string]any{}, 200, &dropped)
	b.want("GET", letters, nil, 200, &list)
	if dropped.Count != 1 || list.Total != 0 {
		t.Errorf("dropped %d, left %d", dropped.Count, list.Total)
	}
}
