package admin_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
	"tsunagi/internal/store/sqlitetest"
)

// fakeBrokers has one client that is connected and one that is away.
type fakeBrokers struct {
	panel.Brokers            // what no test asks for
	mu            sync.Mutex // guards what follows
	calls         []string
}

func (*fakeBrokers) Connected(string) int { return 1 }

func (f *fakeBrokers) note(words ...any) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprint(words...))
	return true
}

func (f *fakeBrokers) Sessions(_ string, q panel.ClientQuery) panel.Clients[panel.Session] {
	list := []panel.Session{{ClientID: "pi/1 a", Connected: true, Remote: "192.0.2.7:5", Subscriptions: []string{"a/#", "b"}}}
	if q.State != "connected" {
		list = append(list, panel.Session{ClientID: "away", Queue: 3})
	}
	if q.Contains == "nobody" {
		return panel.Clients[panel.Session]{Items: []panel.Session{}}
	}
	return panel.Clients[panel.Session]{Items: list, Total: len(list) + 4}
}

func (f *fakeBrokers) Stats(string) panel.Stats { return panel.Stats{} }

func (f *fakeBrokers) Kick(_, id string) bool { return id == "pi/1 a" && f.note("kick ", id) }

func (f *fakeBrokers) Forget(_, id string) bool { return id == "away" && f.note("forget ", id) }

func (f *fakeBrokers) Restart(_ context.Context, instance string) error {
	f.note("restart ", instance)
	return nil
}

// TestClients lists clients and sessions and ends them; a client id may hold anything.
func TestClients(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	var list struct {
		Items []struct {
			ClientID string `json:"client_id"`
			Queue    int
		}
		Total int
	}
	w.ok(&list, "", "connection", "list", in.ID)
	if len(list.Items) != 1 || list.Items[0].ClientID != "pi/1 a" || list.Total != 5 {
		t.Errorf("connections %+v", list)
	}
	w.ok(&list, "", "session", "list", in.ID)
	if len(list.Items) != 2 || list.Items[1].Queue != 3 {
		t.Errorf("sessions %+v", list)
	}
	if code, out, _ := w.run("", "session", "list", in.ID); code != 0 || !strings.Contains(out, "192.0.2.7:5") || !strings.Contains(out, "and more  4") {
		t.Errorf("table %d\n%s", code, out)
	}
	if code, out, _ := w.run("", "connection", "list", in.ID, "--query", "nobody", "--json"); code != 0 || !strings.Contains(out, `"items": []`) {
		t.Errorf("nobody: %d %s", code, out)
	}
	w.ok(nil, "", "connection", "kick", in.ID, "pi/1 a")
	w.ok(nil, "", "session", "forget", in.ID, "away")
	w.ok(nil, "", "instance", "restart", in.ID)
	if got := strings.Join(w.brokers.calls, ", "); got != "kick pi/1 a, forget away, restart "+in.ID {
		t.Errorf("done: %s", got)
	}
	for _, args := range [][]string{{"connection", "kick", in.ID, "away"}, {"session", "forget", in.ID, "x"}, {"session", "list", "zzzzzzzz"},
		{"instance", "restart", "zzzzzzzz"}, {"connection", "kick", "zzzzzzzz", "pi/1 a"}} {
		if code, _, told := w.run("", args...); code != 1 || !strings.Contains(told, "text of api.") {
			t.Errorf("%v: %d %s", args, code, told)
		}
	}
	if len(w.brokers.calls) != 3 {
		t.Errorf("of an instance that isn't: %v", w.brokers.calls)
	}
}

func TestInstanceChange(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in, changed struct{ ID, Name, Plan string }
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	w.ok(&changed, "", "instance", "rename", in.ID, "温室")
	if changed.Name != "温室" || changed.Plan != "free" {
		t.Errorf("renamed %+v", changed)
	}
	w.ok(&changed, "", "instance", "plan", in.ID, "big")
	if changed.Name != "温室" || changed.Plan != "big" {
		t.Errorf("on another plan %+v", changed)
	}
	if code, _, told := w.run("", "instance", "plan", in.ID, "none"); code != 1 || !strings.Contains(told, "api.plan") {
		t.Errorf("an unknown plan: %d %s", code, told)
	}
}

func TestLog(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	for i, kind := range []string{"connected", "denied", "disconnected", "denied"} {
		w.journal.Add(account.LogLine{Instance: in.ID, Kind: kind, Client: "pi", Topic: fmt.Sprint("t/", i), Cause: "no rule allows it"})
	}
	var log struct {
		Items []struct {
			ID          int64
			Kind, Topic string
		}
		Next int64
	}
	w.ok(&log, "", "log", "show", in.ID, "--kind", "denied")
	if len(log.Items) != 2 || log.Items[0].Topic != "t/3" || log.Items[1].Topic != "t/1" || log.Next != 0 {
		t.Errorf("denied %+v", log)
	}
	w.ok(&log, "", "log", "show", in.ID, "--limit", "1", "--before", fmt.Sprint(log.Items[0].ID))
	if len(log.Items) != 1 || log.Items[0].Topic != "t/2" || log.Next != log.Items[0].ID {
		t.Errorf("the page behind it %+v", log)
	}
	if _, out, _ := w.run("", "log", "show", in.ID, "--limit", "1"); !strings.Contains(out, "older: --before ") {
		t.Errorf("no way to the next page:\n%s", out)
	}
	if code, out, _ := w.run("", "log", "show", in.ID, "--query", "t/0"); code != 0 || !strings.Contains(out, "no rule allows it") || strings.Contains(out, "denied") {
		t.Errorf("table %d\n%s", code, out)
	}
	if code, _, told := w.run("", "log", "show", "zzzzzzzz"); code != 1 || !strings.Contains(told, "api.not_found") {
		t.Errorf("of no instance: %d %s", code, told)
	}
}
