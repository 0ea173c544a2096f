package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHooks makes webhooks and rules by the API: messages and comings and goings reach a receiver, what it refuses is a
// dead letter that can be delivered later, and mail goes to the instance's people.
func TestHooks(t *testing.T) {
	w := serveWorld(t, "--hook-allow", "127.0.0.1")
	p := w.signIn("owner@example.org")
	id, password := w.instance()
	got, refuse := make(chan map[string]any, 100), make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		select {
		case <-refuse:
			rw.WriteHeader(http.StatusGone)
			return
		default:
		}
		var e map[string]any
		if json.Unmarshal(raw, &e) == nil {
			got <- e
		}
	}))
	defer server.Close()
	next := func(what string) map[string]any {
		t.Helper()
		select {
		case e := <-got:
			return e
		case <-time.After(30 * time.Second):
			t.Fatalf("%s does not arrive\n%s", what, w.log)
			return nil
		}
	}
	var made struct {
		ID    string
		State struct{ State string }
	}
	at := "/instances/" + id + "/hooks"
	p.api("POST", at, map[string]any{"name": "post", "events": []string{"message", "connect", "disconnect"}, "filter": "alarm/#", "action": "post", "url": server.URL}, &made)
	var rule struct{ ID string }
	p.api("POST", at, map[string]any{"name": "rule", "filter": "sensors/+/t", "condition": "payload.c > 30", "action": "publish", "topic": "alarm/{topic[1]}", "template": "{payload.c} °C"}, &rule)
	var mail struct{ ID string }
	p.api("POST", at, map[string]any{"name": "mail", "filter": "alarm/#", "action": "mail", "mail_to": []string{"owner@example.org"}}, &mail)
	for _, hook := range []string{made.ID, rule.ID, mail.ID} {
		p.until(func() bool { p.api("GET", at+"/"+hook, nil, &made); return made.State.State == "running" })
	}
	var clock struct {
		ID    string
		State struct {
			State   string
			NextRun time.Time `json:"next_run"`
		}
	}
	p.api("POST", at, map[string]any{"name": "clock", "events": []string{"schedule"}, "schedule": "at 2999-12-24T18:00", "zone": "Asia/Tokyo", "action": "mail", "mail_to": []string{"owner@example.org"},
		"template": "Close the window, it is {payload.local}"}, &clock)
	p.until(func() bool { p.api("GET", at+"/"+clock.ID, nil, &clock); return !clock.State.NextRun.IsZero() })
	if clock.State.NextRun.UTC().Format(time.RFC3339) != "2999-12-24T09:00:00Z" {
		t.Errorf("clock %+v", clock)
	}
	p.api("POST", at+"/"+clock.ID+"/test", map[string]any{"type": "schedule"}, nil)
	p.until(func() bool {
		files, _ := filepath.Glob(filepath.Join(w.data, "mail", "*.eml"))
		return slices.ContainsFunc(files, func(name string) bool {
			raw, _ := os.ReadFile(name)
			return strings.Contains(string(raw), "Close the window, it is 20")
		})
	})
	if code := p.api("DELETE", at+"/"+clock.ID, nil, nil); code != 204 {
		t.Errorf("delete the clock: %d", code)
	}
	if code := p.api("POST", "/instances/"+id+"/publish", map[string]any{"topic": "sensors/attic/t", "payload": `{"c":31}`, "qos": 1}, nil); code != 200 {
		t.Fatalf("publish: %d", code)
	}
	if e := next("the alarm"); e["topic"] != "alarm/attic" || e["payload"] != "31 °C" || e["instance"] != id {
		t.Errorf("event %v", e)
	}
	c := w.client5(id, password, "pi-1")
	if e := next("the connect"); e["type"] != "connect" || e["client"] != "pi-1" {
		t.Errorf("event %v", e)
	}
	c.Close()
	if e := next("the disconnect"); e["type"] != "disconnect" || e["client"] != "pi-1" {
		t.Errorf("event %v", e)
	}
	p.until(func() bool {
		files, _ := filepath.Glob(filepath.Join(w.data, "mail", "*.eml"))
		for _, name := range files {
			if raw, _ := os.ReadFile(name); strings.Contains(string(raw), "alarm/attic") && strings.Contains(string(raw), "/instances/"+id+"/hooks") {
				return true
			}
		}
		return false
	})

	refuse <- true
	var hooks struct{ Items []struct{ ID, Name string } }
	p.api("GET", at, nil, &hooks)
	post := hooks.Items[0].ID
	p.api("POST", "/instances/"+id+"/publish", map[string]any{"topic": "alarm/late", "payload": "x", "qos": 1}, nil)
	var letters struct {
		Total int
		Items []struct {
			Cause string
			Told  struct {
				Code string
				Args map[string]string
			} `json:"cause_told"`
			Event struct{ ID string }
		}
	}
	p.until(func() bool { p.api("GET", at+"/"+post+"/dead-letters", nil, &letters); return letters.Total == 1 })
	if one := letters.Items[0]; !strings.Contains(one.Cause, "410") || one.Told.Code != "status" || one.Told.Args["status"] != "410 Gone" {
		t.Errorf("letter %+v", one)
	}
	var listed []struct {
		ID, State   string
		DeadLetters int `json:"dead_letters"`
	}
	w.admin(&listed, "hook", "list", id)
	if len(listed) != 3 || listed[0].ID != post || listed[0].State != "running" && listed[0].State != "retrying" || listed[0].DeadLetters != 1 {
		t.Errorf("listed %+v", listed)
	}
	var tried struct{ Done bool }
	w.admin(&tried, "hook", "test", id, post, "--event", "message", "--topic", "alarm/test", "--payload", "x")
	if e := next("the test"); !tried.Done || e["topic"] != "alarm/test" {
		t.Errorf("tried %+v, event %v", tried, e)
	}
	var retried struct{ Delivered, Left int }
	p.api("POST", at+"/"+post+"/dead-letters/retry", map[string]any{}, &retried)
	if e := next("the dead letter"); retried.Delivered != 1 || retried.Left != 0 || e["id"] != letters.Items[0].Event.ID || e["topic"] != "alarm/late" {
		t.Errorf("retried %+v, event %v", retried, e)
	}
	for _, hook := range hooks.Items {
		if code := p.api("DELETE", at+"/"+hook.ID, nil, nil); code != 204 {
			t.Errorf("delete %s: %d", hook.Name, code)
		}
	}
	var sessions struct {
		Items []struct {
			ClientID string `json:"client_id"`
		}
	}
	p.until(func() bool {
		p.api("GET", "/instances/"+id+"/sessions", nil, &sessions)
		return len(sessions.Items) == 0
	})
}
