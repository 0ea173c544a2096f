package admin_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
	"tsunagi/internal/store/sqlitetest"
)

// fakeHooks runs nothing; Again fails for events of its list.
type fakeHooks struct {
	mu    sync.Mutex // guards what follows
	tried []panel.HookSample
	fail  map[string]bool
}

func (*fakeHooks) State(string, string) panel.HookState {
	return panel.HookState{State: "retrying", Queued: 7, LastError: "the receiver answered 500"}
}

func (f *fakeHooks) Try(_ context.Context, _ account.Hook, e panel.HookSample) (panel.HookTried, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = append(f.tried, e)
	return panel.HookTried{Done: e.Topic != "bad", Cause: "no answer"}, nil
}

func (f *fakeHooks) Again(_ context.Context, _ account.Hook, d account.DeadLetter) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail[d.Event] {
		return errors.New("the receiver answered 500")
	}
	return nil
}

type hookThing struct {
	ID, Name, Action, URL, Topic, State, Secret, Filter string
	Condition, Rearm, Schedule, Zone                    string
	Enabled, Edge                                       bool
	Events                                              []string
	Queued, QoS, Quiet, Silence                         int
	DeadLetters                                         int    `json:"dead_letters"`
	LastError                                           string `json:"last_error"`
}

// TestHooks makes, changes, tests and deletes webhooks and rules; secrets are shown once or never.
func TestHooks(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	var made, rule, changed hookThing
	w.ok(&made, "Bearer canary-9\n", "hook", "create", in.ID, "--name", "hot", "--filter", "a/#", "--post", "https://h.example/in", "--authorization-stdin")
	if !strings.HasPrefix(made.Secret, "whsec_") || !made.Enabled || made.Action != "post" || made.State != "retrying" || made.Queued != 7 || len(made.Events) != 1 {
		t.Errorf("made %+v", made)
	}
	w.ok(&rule, "", "hook", "create", in.ID, "--name", "copy", "--event", "message,connect", "--filter", "b/#", "--publish", "c/{topic[1]}", "--qos", "2")
	if rule.Action != "publish" || rule.Topic != "c/{topic[1]}" || rule.QoS != 2 || len(rule.Events) != 2 || rule.Secret != "" {
		t.Errorf("rule %+v", rule)
	}
	if code, _, told := w.run("", "hook", "create", in.ID, "--name", "third", "--filter", "x", "--publish", "y"); code != 1 || !strings.Contains(told, "api.hook.limit") {
		t.Errorf("more than the plan allows: %d %s", code, told)
	}
	w.ok(&rule, "", "hook", "set", in.ID, rule.ID, "--event", "schedule", "--schedule", "0 23 * * *", "--zone", "Asia/Tokyo", "--template", "off")
	if rule.Schedule != "0 23 * * *" || rule.Zone != "Asia/Tokyo" {
		t.Errorf("at a time %+v", rule)
	}
	w.ok(&rule, "", "hook", "set", in.ID, rule.ID, "--event", "silence,back", "--filter", "b/#", "--silence", "600", "--quiet", "60")
	if rule.Silence != 600 || rule.Quiet != 60 || rule.Schedule != "" {
		t.Errorf("of silence %+v", rule)
	}
	w.ok(&rule, "", "hook", "set", in.ID, rule.ID, "--event", "message,connect", "--condition", "payload > 5", "--edge", "--rearm", "payload < 4")
	if !rule.Edge || rule.Rearm != "payload < 4" || rule.Silence != 0 {
		t.Errorf("of some messages %+v", rule)
	}
	w.ok(&changed, "", "hook", "set", in.ID, made.ID, "--name", "cold", "--enabled=false")
	if changed.Name != "cold" || changed.State != "off" || changed.URL != made.URL || changed.Secret != "" || changed.Filter != "a/#" {
		t.Errorf("changed %+v", changed)
	}
	code, table, _ := w.run("", "hook", "list", in.ID)
	if code != 0 || !strings.Contains(table, "connect,message b/#") || !strings.Contains(table, "post https://h.example/in") || !strings.Contains(table, "off") {
		t.Errorf("table %d\n%s", code, table)
	}
	for _, secret := range []string{made.Secret, "canary"} {
		if _, out, _ := w.run("", "hook", "list", in.ID, "--json"); strings.Contains(out+table, secret) {
			t.Errorf("a secret is listed: %s", out)
		}
	}
	var other struct{ Secret string }
	w.ok(&other, "", "hook", "secret", in.ID, made.ID)
	if other.Secret == made.Secret || !strings.HasPrefix(other.Secret, "whsec_") {
		t.Errorf("another secret %q", other.Secret)
	}
	w.ok(nil, "", "hook", "test", in.ID, made.ID, "--topic", "a/1", "--payload", "hello")
	if code, _, told := w.run("", "hook", "test", in.ID, made.ID, "--topic", "bad"); code != 1 || !strings.Contains(told, "no answer") {
		t.Errorf("a test that fails: %d %s", code, told)
	}
	if len(w.hooks.tried) != 2 || string(w.hooks.tried[0].Payload) != "hello" || w.hooks.tried[0].Type != "message" {
		t.Errorf("tried %+v", w.hooks.tried)
	}
	w.ok(nil, "", "hook", "delete", in.ID, made.ID)
	var list []hookThing
	w.ok(&list, "", "hook", "list", in.ID)
	if len(list) != 1 || list[0].ID != rule.ID || list[0].LastError == "" {
		t.Errorf("left %+v", list)
	}
}

// TestDeadLetters lists, retries and discards them.
func TestDeadLetters(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	var hook hookThing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	w.ok(&hook, "", "hook", "create", in.ID, "--name", "hot", "--filter", "a/#", "--post", "https://h.example/in")
	for _, event := range []string{"e1", "e2", "e3", "e4"} {
		err := w.accounts.KeepDeadLetter(t.Context(), account.DeadLetter{Instance: in.ID, Hook: hook.ID, Event: event, Topic: "a", Body: []byte(`{"id":"` + event + `"}`), Cause: "500", Attempts: 10})
		if err != nil {
			t.Fatal(err)
		}
	}
	var letters []struct {
		ID    int64
		Event struct{ ID string }
		Cause string
	}
	w.ok(&letters, "", "hook", "dead", in.ID, hook.ID)
	if len(letters) != 4 || letters[0].Event.ID != "e4" || letters[0].Cause != "500" {
		t.Fatalf("dead letters %+v", letters)
	}
	_, table, _ := w.run("", "hook", "dead", in.ID, hook.ID)
	id := strings.Fields(strings.Split(table, "\n")[1])[0] // as a script takes it
	var retried struct{ Delivered, Failed, Left int }
	w.ok(&retried, "", "hook", "retry", in.ID, hook.ID, "--id", id)
	if retried.Delivered != 1 || retried.Left != 3 {
		t.Errorf("retried %+v", retried)
	}
	w.hooks.fail = map[string]bool{"e2": true, "e3": true}
	if code, out, told := w.run("", "hook", "retry", in.ID, hook.ID); code != 1 || !strings.Contains(out, "delivered") || !strings.Contains(told, "2 failed: the receiver answered 500") {
		t.Errorf("a retry that fails: %d %s %s", code, out, told)
	}
	w.ok(&letters, "", "hook", "dead", in.ID, hook.ID)
	if len(letters) != 2 || letters[0].Event.ID != "e3" {
		t.Errorf("left %+v", letters)
	}
	var dropped struct{ Count int }
	w.ok(&dropped, "", "hook", "discard", in.ID, hook.ID)
	if dropped.Count != 2 {
		t.Errorf("discarded %d", dropped.Count)
	}
}
