package app

import (
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestRetainedCare gives retained messages a time at a running broker, which goes on after a start, and has a command that
// is retained told in log and list.
func TestRetainedCare(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	id, password := w.instance()
	pub := &device{w: w, Conn: w.client5(id, password, "pub")}
	at := "/instances/" + id
	type retained struct {
		Topic     string
		ExpiresIn int `json:"expires_in"`
		Command   bool
	}
	list := func() (byTopic map[string]retained) {
		t.Helper()
		var page struct{ Items []retained }
		if status := p.api("GET", at+"/retained", nil, &page); status != 200 {
			t.Fatal(status)
		}
		byTopic = map[string]retained{}
		for _, m := range page.Items {
			byTopic[m.Topic] = m
		}
		return byTopic
	}
	for body, want := range map[string]int{`[{"filter":"a/#/b","seconds":1}]`: 422, `[{"filter":"a","seconds":0}]`: 422, `[{"filter":"ha/#","seconds":600}]`: 200} {
		if answer, text := p.send("PATCH", "https://localhost"+p.port()+"/api/v1"+at+"/retained-expiry", strings.NewReader(`{"filters":`+body+`}`), "Content-Type", "application/json"); answer.StatusCode != want {
			t.Errorf("%s: %s %s, want %d", body, answer.Status, text, want)
		}
	}
	for _, name := range []string{"ha/lamp/config", "ha/lamp/set", "other"} {
		if r := pub.publish(name, "x", true); r != mqtt.Success && r != mqtt.NoMatchingSubscribers {
			t.Fatal(r)
		}
	}
	check := func(when string) {
		t.Helper()
		got := list()
		if one := got["ha/lamp/config"]; one.ExpiresIn < 500 || one.ExpiresIn > 600 || one.Command || got["other"].ExpiresIn != 0 || got["other"].Topic == "" || !got["ha/lamp/set"].Command {
			t.Errorf("%s: %+v", when, got)
		}
	}
	check("at once")
	var log struct {
		Items []struct{ Topic, Client, Cause string }
	}
	p.until(func() bool {
		p.api("GET", at+"/log?kind=command", nil, &log)
		return len(log.Items) > 0
	})
	if one := log.Items[0]; one.Topic != "ha/lamp/set" || one.Client != "pub" || one.Cause == "" {
		t.Errorf("log: %+v", one)
	}
	if code := w.stop(); code != ExitOK {
		t.Fatalf("exit code %d", code)
	}
	again := serveWorld(t, "--data", w.data)
	p.at(again)
	check("after a start")
	pub = &device{w: again, Conn: again.client5(id, password, "pub")}
	pub.publish("ha/later", "x", true)
	if got := list()["ha/later"]; got.ExpiresIn == 0 {
		t.Errorf("what is retained after a start: %+v", got)
	}
}
