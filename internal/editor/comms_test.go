package editor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/flow"
)

func TestFits(t *testing.T) {
	tests := []struct {
		filter, topic string
		want          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a/b", "a", false}, {"a", "a/b", false}, {"+", "a", true}, {"+/b", "a/b", true},
		{"a/+", "a", false}, {"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"#", "a/b", true}, {"+/#", "a", true},
		{"status/#", "status/x.y", true}, {"", "a", false}, {"notification/#", "notification", true},
	}
	for _, tt := range tests {
		if got := fits(tt.filter, tt.topic); got != tt.want {
			t.Errorf("fits(%q, %q) = %v", tt.filter, tt.topic, got)
		}
	}
}

func TestCommsRetained(t *testing.T) {
	w := newWorld(t, Options{})
	w.comms.Publish(flow.Event{Topic: "status/a", Data: map[string]string{"text": "one"}, Retain: true})
	w.comms.Publish(flow.Event{Topic: "status/b", Data: map[string]string{"text": "two"}, Retain: true})
	w.comms.Publish(flow.Event{Topic: "status/b", Retain: true}) // forgotten
	w.comms.Publish(flow.Event{Topic: "status/c", Data: map[string]string{"text": "three"}, Retain: true})
	w.comms.Publish(flow.Event{Topic: "status/c", Data: map[string]string{}})                   // cleared
	w.comms.Publish(flow.Event{Topic: "debug", Data: map[string]string{"msg": "nobody looks"}}) // not kept
	b := w.dial(t)
	b.subscribe("status/#")
	if got := b.next(); got != `[{"topic":"status/a","data":{"text":"one"}}]` {
		t.Errorf("retained: %s", got)
	}
	w.comms.Publish(flow.Event{Topic: "debug", Data: map[string]string{"msg": "now"}})
	if got := b.next(); got != `[{"topic":"debug","data":{"msg":"now"}}]` { // without a subscription
		t.Errorf("live: %s", got)
	}
}

func TestCommsNeedsSignIn(t *testing.T) {
	w, _ := newLoginWorld(t)
	w.comms.Publish(flow.Event{Topic: "status/a", Data: 1, Retain: true})
	w.signIn("guest")
	b := w.dial(t)
	b.send(`{"subscribe":"#"}`)
	if got := b.next(); got != `{"auth":"fail"}` {
		t.Errorf("without a token: %s", got)
	}
	b.closed()
	b = w.dial(t)
	b.send(`{"auth":"wrong"}`)
	if got := b.next(); got != `{"auth":"fail"}` {
		t.Errorf("with a wrong token: %s", got)
	}
	b.closed()
	b = w.dial(t)
	b.send(`not json`)
	b.send(`{"auth":"` + w.token + `"}`)
	if got := b.next(); got != `{"auth":"ok"}` {
		t.Errorf("with a token: %s", got)
	}
	b.subscribe("status/a")
	if got := b.next(); got != `[{"topic":"status/a","data":1}]` {
		t.Errorf("signed in: %s", got)
	}
	w.form("/auth/revoke", "token", w.token).want(t, 200, "")
	if got := b.next(); got != `{"auth":"fail"}` {
		t.Errorf("after the token was revoked: %s", got)
	}
	b.closed()
}

func TestCommsSignsInWithinATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewComms(nil)
		c.open(func(string) (User, bool) { return User{}, false })
		ended := false
		b := &browser{comms: c, wake: make(chan struct{}, 1), stop: func() { ended = true }}
		late := b.dismissLate()
		defer late.Stop()
		time.Sleep(signInTime + time.Second)
		synctest.Wait()
		if !ended {
			t.Error("a connection that never signs in stays")
		}
	})
}

func TestCommsKeepsOrderInBatches(t *testing.T) {
	w := newWorld(t, Options{})
	b := w.dial(t)
	b.subscribe("x") // an answer-less frame: the connection is known when it is handled
	w.comms.Publish(flow.Event{Topic: "notification/r", Data: "r", Retain: true})
	b.subscribe("notification/r")
	b.next()
	const n = 500
	for i := range n {
		w.comms.Publish(flow.Event{Topic: "event-log/x", Data: i})
	}
	for want := 0; want < n; {
		var batch []struct {
			Topic string
			Data  any
		}
		if err := json.Unmarshal([]byte(b.next()), &batch); err != nil || len(batch) > batchItems+1 {
			t.Fatalf("frame of %d: %v", len(batch), err)
		}
		for _, it := range batch {
			if it.Topic != "event-log/x" {
				continue
			}
			if it.Data != float64(want) {
				t.Fatalf("got %v, want %d", it.Data, want)
			}
			want++
		}
	}
}

// idle is a browser whose writer doesn't run.
func idle(c *Comms) (*browser, *bool) {
	ended := new(bool)
	b := &browser{comms: c, known: true, wake: make(chan struct{}, 1), stop: func() { *ended = true }}
	c.browsers[b] = true
	return b, ended
}

func TestSlowBrowser(t *testing.T) {
	c := NewComms(nil)
	b, ended := idle(c)
	for i := range maxDebug + 500 {
		c.Publish(flow.Event{Topic: "debug", Data: i})
	}
	if b.debug != maxDebug || b.dropped != 500 || *ended {
		t.Fatalf("%d debug messages wait, %d dropped, ended %v", b.debug, b.dropped, *ended)
	}
	for i := range 5000 {
		c.Publish(flow.Event{Topic: fmt.Sprint("status/", i%10), Data: i, Retain: true})
	}
	if len(b.queue) != maxDebug+10 || *ended {
		t.Errorf("%d messages wait; of each status one is wanted; ended %v", len(b.queue), *ended)
	}
	if last := b.queue[len(b.queue)-1]; string(last.text) != `{"topic":"status/9","data":4999}` {
		t.Errorf("last status %s", last.text)
	}
	var said string
	for len(b.queue) > 0 {
		_, batch, _ := b.take()
		for _, it := range batch {
			said += string(it.text)
		}
	}
	if !strings.Contains(said, "500 debug messages") {
		t.Error("what was left out is not told")
	}
	if b.bytes != 0 || b.debug != 0 {
		t.Errorf("%d bytes and %d debug messages in an empty queue", b.bytes, b.debug)
	}
	for i := range maxQueue + 1 {
		c.Publish(flow.Event{Topic: fmt.Sprint("notification/", i), Data: 1})
	}
	if !*ended {
		t.Error("a browser that never reads keeps its connection")
	}
}

func TestLargeMessagesEndASlowBrowser(t *testing.T) {
	c := NewComms(nil)
	_, ended := idle(c)
	for range 10 {
		c.Publish(flow.Event{Topic: "notification/x", Data: strings.Repeat("x", 1<<20)})
	}
	if !*ended {
		t.Error("more bytes wait than allowed")
	}
}

func TestRetainedIsBounded(t *testing.T) {
	c := NewComms(nil)
	for i := range maxRetained + 10 {
		c.Publish(flow.Event{Topic: fmt.Sprint("status/", i), Data: 1, Retain: true})
	}
	if len(c.retained) != maxRetained {
		t.Errorf("%d topics kept", len(c.retained))
	}
	for i := range maxRetained {
		c.Publish(flow.Event{Topic: fmt.Sprint("status/", i), Retain: true})
	}
	for range 1000 {
		c.Publish(flow.Event{Topic: "status/x", Data: 1, Retain: true})
		c.Publish(flow.Event{Topic: "status/x", Retain: true})
	}
	if len(c.order) > 300 {
		t.Errorf("%d names kept for %d topics", len(c.order), len(c.retained))
	}
}

func TestTooManyBrowsers(t *testing.T) {
	w := newWorld(t, Options{})
	for range maxBrowsers {
		if !w.comms.join(&browser{comms: w.comms, stop: func() {}}) {
			t.Fatal("refused too early")
		}
	}
	w.get("/comms", "Upgrade", "websocket", "Connection", "Upgrade").wantPart(t, 503, "Too many")
}

func TestMultiplayer(t *testing.T) {
	w := newWorld(t, Options{})
	anna, ben := w.dial(t), w.dial(t)
	anna.send(`{"topic":"multiplayer/connect","data":{"session":"privateA"}}`)
	init := anna.next()
	if !strings.Contains(init, `"topic":"multiplayer/init"`) || strings.Contains(init, "privateA") || !strings.Contains(init, `"username":"Anon `) {
		t.Fatalf("init %s", init)
	}
	public := strings.SplitN(strings.SplitN(init, `"session":"`, 2)[1], `"`, 2)[0]
	ben.send(`{"topic":"multiplayer/connect","data":{"session":"privateB"}}`)
	for got := ben.next(); !strings.Contains(got, "multiplayer/init") || !strings.Contains(got, public); got = ben.next() {
	}
	if got := anna.next(); !strings.Contains(got, "multiplayer/connection-added") || strings.Contains(got, "privateB") {
		t.Errorf("anna saw %s", got)
	}
	ben.send(`{"topic":"multiplayer/location","data":{"workspace":"../<b>"}}`)
	ben.send(`{"topic":"multiplayer/location","data":{"workspace":"w1","cursor":{"x":1.5,"y":"no"}}}`)
	ben.send(`{"topic":"multiplayer/location","data":{"workspace":"w1","node":"n.1","cursor":{"x":1.5,"y":2}}}`)
	if got := anna.next(); !strings.Contains(got, `"cursor":{"x":1.5,"y":2}`) || !strings.Contains(got, `"workspace":"w1"`) {
		t.Errorf("anna saw %s", got)
	}
	ben.conn.CloseNow()
	if got := anna.next(); !strings.Contains(got, "multiplayer/connection-removed") || strings.Contains(got, "disconnected") {
		t.Errorf("anna saw %s", got)
	}
	again := w.dial(t)
	again.send(`{"topic":"multiplayer/connect","data":{"session":"privateB"}}`)
	if got := again.next(); !strings.Contains(got, "n.1") {
		t.Errorf("a session that came back lost its place: %s", got)
	}
	anna.next()
	again.send(`{"topic":"multiplayer/disconnect","data":{}}`)
	if got := anna.next(); !strings.Contains(got, `"disconnected":true`) {
		t.Errorf("anna saw %s", got)
	}
	anna.send(`{"topic":"multiplayer/connect","data":{"session":"<script>"}}`)
	w.comms.mu.Lock()
	defer w.comms.mu.Unlock()
	if n := len(w.comms.players.byPrivate); n != 1 {
		t.Errorf("%d sessions known", n)
	}
}
