package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/filling"
)

// silent makes a hook that tells of silence and its end.
func silent(filter string, seconds int) Config {
	c := mailing(account.HookSilence, account.HookBack)
	c.Filter, c.Silence = filter, seconds
	return c
}

// lines are the events since the last call: type and topic, or payload of a message.
func (s *site) lines() (list []string) {
	s.t.Helper()
	for _, m := range s.told() {
		what := m.Topic
		if m.Type == "message" {
			what += "=" + string(m.Payload)
		}
		list = append(list, m.Type+" "+what)
	}
	return list
}

func (s *site) want(what string, want ...string) {
	s.t.Helper()
	if got := s.lines(); !slices.Equal(got, want) {
		s.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// loose publishes with QoS 0.
func (s *site) loose(topic, payload string) {
	s.t.Helper()
	if err := s.broker.Publish(context.Background(), topic, []byte(payload), 0, false); err != nil {
		s.t.Fatal(err)
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.set(silent("pump/state", 600))
		s.wait(9 * time.Minute)
		s.loose("pump/state", "on")
		s.wait(9 * time.Minute)
		s.publish("pump/state", "on")
		s.want("it speaks")
		s.wait(10*time.Minute - time.Second)
		s.want("almost")
		s.wait(time.Second)
		list := s.told()
		if len(list) != 1 || list[0].Type != "silence" || list[0].Topic != "pump/state" {
			t.Fatalf("events %+v", list)
		}
		var e own
		if err := json.Unmarshal(list[0].Payload, &e); err != nil || e.Seconds != 600 || e.Since == nil || e.Time.Sub(*e.Since) != 10*time.Minute {
			t.Errorf("payload %s, %v", list[0].Payload, err)
		}
		if st := s.state("h"); st.Watched != 1 || st.Silent != 1 || st.Fired != 1 {
			t.Errorf("state %+v", st)
		}
		s.wait(24 * time.Hour)
		s.want("it is told once")
		s.loose("pump/state", "on")
		s.want("it is back", "back pump/state")
		s.wait(11 * time.Minute)
		s.want("again", "silence pump/state")
		s.restart()
		s.set(silent("pump/state", 600))
		s.wait(9 * time.Minute)
		s.want("the clock starts with the server")
		s.wait(2 * time.Minute)
		s.want("nothing came", "silence pump/state")
		renamed := silent("pump/state", 600)
		renamed.Name = "pump"
		s.set(renamed)
		s.wait(time.Hour)
		s.want("a rule that has another name goes on")
		s.publish("pump/state", "on")
		s.want("back again", "back pump/state")
	})
}

// TestSilenceOfEach has topics that fall silent by themselves, and messages that don't count.
func TestSilenceOfEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		c := silent("s/+", 60)
		c.Condition = "payload.ok = true"
		both := silent("s/+", 60)
		both.ID, both.Together = "both", true
		s.set(c)
		s.wait(time.Hour)
		s.want("no topic yet")
		s.loose("s/a", `{"ok":true}`)
		s.loose("s/b", `{"ok":true}`)
		s.wait(40 * time.Second)
		s.loose("s/a", `{"ok":true}`)
		s.loose("s/b", `{"ok":false}`)
		s.wait(30 * time.Second)
		s.want("b only", "silence s/b")
		s.wait(30 * time.Second)
		s.want("a later", "silence s/a")
		s.loose("s/b", `{"ok":false}`)
		s.want("that doesn't count")
		s.set(both)
		s.wait(50 * time.Second)
		s.loose("s/x", "")
		s.wait(50 * time.Second)
		s.want("one of them is enough")
		s.wait(10 * time.Second)
		s.want("as one", "silence s/+")
	})
}

// TestSilenceQuiet has a rule tell of a topic that comes and goes once in its time, and as the state is then.
func TestSilenceQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		c := silent("a", 60)
		c.Quiet = 3600
		s.set(c)
		s.wait(time.Minute)
		s.want("the first", "silence a")
		s.loose("a", "")
		s.want("back", "back a")
		s.wait(58 * time.Minute)
		s.want("silent in the quiet time")
		s.wait(3 * time.Minute)
		s.want("still silent after it", "silence a")
	})
}

// TestSilenceWhileStuck: a receiver that is away keeps no message from being heard.
func TestSilenceWhileStuck(t *testing.T) {
	stuck := make(chan struct{})
	r := newReceiver(t, func(_ http.ResponseWriter, req *http.Request, _ int) {
		select {
		case <-stuck:
		case <-req.Context().Done():
		}
	})
	s := newSite(t, func(o *Options) { o.Timeout = time.Hour })
	c := postTo(r.URL, "a/#")
	c.Events, c.Silence = []account.HookEvent{account.HookSilence, account.HookBack}, 3600
	s.set(c)
	for i := range 3 * window {
		s.publish(fmt.Sprintf("a/%d", i), "")
	}
	s.until("all are heard", func() bool { return s.state("h").Watched == 3*window })
	s.hooks.mu.Lock()
	u := s.hooks.all["instance"]["h"]
	s.hooks.mu.Unlock()
	u.silence.mu.Lock()
	for _, h := range u.silence.topics {
		h.last = h.last.Add(-2 * time.Hour) // they have been silent
	}
	u.silence.mu.Unlock()
	u.silence.nudge()
	s.until("calls are stuck", func() bool { return len(r.calls()) == window })
	for i := range 3 * window {
		s.publish(fmt.Sprintf("a/%d", i), "")
	}
	s.until("they are heard all the same", func() bool { return s.state("h").Silent == 0 })
	close(stuck)
	s.until("all is told", func() bool { return s.state("h").Delivered == 6*window })
}

// TestSilenceBound follows so many topics, forgets those that have been silent the longest first, and says when all speak.
func TestSilenceBound(t *testing.T) {
	r, err := compile(silent("#", 60))
	if err != nil {
		t.Fatal(err)
	}
	w, now := newWatcher(r), time.Unix(1e9, 0)
	for i := range maxTopics {
		if err := w.heard(fmt.Appendf(nil, "t/%d", i), now.Add(time.Duration(i)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.heard([]byte("more"), now); err == nil || !strings.Contains(err.Error(), "narrow the filter") {
		t.Errorf("one more: %v", err)
	}
	w.first(now.Add(time.Minute + 10*time.Millisecond)) // the first few fall silent
	if err := w.heard([]byte("more"), now); err != nil || w.topics["t/0"] != nil || w.topics["t/1"] == nil {
		t.Errorf("in the place of a silent one: %v", err)
	}
	if watched, silent := w.counts(); watched != maxTopics || silent != 10 {
		t.Errorf("%d watched, %d silent", watched, silent)
	}
	w = newWatcher(r)
	long := strings.Repeat("x", 60_000)
	for i := range 4 {
		if err := w.heard([]byte(long+fmt.Sprint(i)), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.heard([]byte(long+"5"), now); err == nil {
		t.Error("names beyond the bound are taken")
	}
}

// watching makes a hook that tells of messages by its condition.
func watching(filter, condition string, change func(*account.Hook)) Config {
	c := mailing(account.HookMessage)
	c.Filter, c.Condition = filter, condition
	if change != nil {
		change(&c.Hook)
	}
	return c
}

func TestEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		say := func(list ...string) {
			t.Helper()
			for _, x := range list {
				topic, payload, _ := strings.Cut(x, "=")
				s.publish(topic, payload)
				time.Sleep(time.Millisecond)
			}
		}
		c := watching("f/+", "payload > -15", func(h *account.Hook) { h.Edge = true })
		s.set(c)
		say("f/a=-20", "f/a=-14", "f/a=-13", "f/b=-10", "f/a=-16", "f/a=-12")
		s.want("each topic by itself", "message f/a=-14", "message f/b=-10", "message f/a=-12")
		if st := s.state("h"); st.Held != 1 || st.Fired != 3 {
			t.Errorf("state %+v", st)
		}
		c.Rearm = "payload <= -18"
		s.set(c)
		say("f/a=-12", "f/a=-16", "f/a=-12", "f/a=-18", "f/a=-12")
		s.want("with a distance", "message f/a=-12", "message f/a=-12")
		c.Name = "freezer"
		s.set(c)
		say("f/a=-11", "f/b=-11")
		s.want("a rule that has another name goes on", "message f/b=-11")
		s.restart()
		s.set(c)
		say("f/a=-11", "f/a=-10")
		s.want("after a restart a state that stands is told once", "message f/a=-11")
		c.Together = true
		s.set(c)
		say("f/a=-11", "f/b=-11", "f/c=-20", "f/b=-11")
		s.want("all as one", "message f/a=-11", "message f/b=-11")
	})
}

func TestChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.set(watching("door/+", "payload.state changed", nil))
		for _, x := range []string{"open", "open", "shut", "shut", "open"} {
			s.publish("door/a", fmt.Sprintf(`{"state":%q,"battery":%d}`, x, time.Now().UnixMilli()))
			s.publish("door/a", "no state")
			s.publish("door/b", `{"state":"open"}`)
			time.Sleep(time.Millisecond)
		}
		if list := s.lines(); len(list) != 2 || !strings.Contains(list[0], "shut") || !strings.Contains(list[1], "open") {
			t.Errorf("events %q", list)
		}
	})
}

func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.set(watching("q/+", "payload > 1", func(h *account.Hook) { h.Quiet = 60 }))
		s.publish("q/a", "2")
		s.publish("q/a", "3")
		s.publish("q/b", "4")
		s.wait(59 * time.Second)
		s.publish("q/a", "5")
		s.want("in the quiet time", "message q/a=2", "message q/b=4")
		s.wait(time.Second)
		s.publish("q/a", "6")
		s.want("after it", "message q/a=6")
		c := watching("q/+", "payload > 1", func(h *account.Hook) { h.Quiet, h.Edge = 60, true })
		s.set(c)
		for _, x := range []string{"2", "0", "3", "4"} {
			s.publish("q/a", x)
		}
		s.want("both", "message q/a=2")
		s.wait(time.Minute)
		s.publish("q/a", "5")
		s.publish("q/a", "6")
		s.want("what became true meanwhile is told afterwards", "message q/a=5")
	})
}

// TestEdgeIsOwed ends the hook's connection while what it was told of is on its way: it comes again, though the
// condition was true before.
func TestEdgeIsOwed(t *testing.T) {
	for _, name := range []string{"the rule is changed", "the server is restarted"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			arrived := make(chan struct{}, 1)
			r := newReceiver(t, func(_ http.ResponseWriter, req *http.Request, n int) {
				if n == 1 {
					arrived <- struct{}{}
					<-req.Context().Done()
				}
			})
			c := postTo(r.URL, "a")
			c.Condition, c.Edge, c.Quiet = "payload > 1", true, 3600
			s.set(c)
			s.publish("a", "2")
			s.publish("a", "3")
			<-arrived
			s.until("the second is left out", func() bool { return s.state("h").Held == 1 })
			if c.Name = "another"; name == "the server is restarted" {
				s.restart()
			}
			s.set(c)
			s.until("it comes again", func() bool { return s.state("h").Delivered == 1 })
			if calls := r.calls(); len(calls) != 2 || calls[1].event.Payload != "2" || calls[1].event.ID != calls[0].event.ID {
				t.Errorf("calls %+v", calls)
			}
		})
	}
}

// TestChangeIsOwed restarts the server while a change is on its way: it comes again, though what was before isn't known
// any more.
func TestChangeIsOwed(t *testing.T) {
	s := newSite(t, nil)
	arrived := make(chan struct{}, 1)
	r := newReceiver(t, func(_ http.ResponseWriter, req *http.Request, n int) {
		if n == 1 {
			arrived <- struct{}{}
			<-req.Context().Done()
		}
	})
	c := postTo(r.URL, "a")
	c.Condition = "payload changed"
	s.set(c)
	s.publish("a", "1")
	s.publish("a", "2")
	<-arrived
	s.restart()
	s.set(c)
	s.until("it comes again", func() bool { return s.state("h").Delivered == 1 })
	s.publish("a", "2")
	s.publish("a", "3")
	s.until("the next change", func() bool { return s.state("h").Delivered == 2 })
	if calls := r.calls(); len(calls) != 3 || calls[1].event.Payload != "2" || calls[2].event.Payload != "3" {
		t.Errorf("calls %+v", calls)
	}
}

// TestGateBound follows so many topics, forgets those of which nothing has to be known, and says when there are none.
func TestGateBound(t *testing.T) {
	r, err := compile(watching("t/#", "payload > 1", func(h *account.Hook) { h.Edge = true }))
	if err != nil {
		t.Fatal(err)
	}
	g, now := newGate(r), time.Unix(1e9, 0)
	pass := func(topic, payload string) (bool, error) {
		now = now.Add(2 * sweepEvery)
		ok, _, err := g.pass(&filling.Message{Type: "message", Time: now, Topic: topic, Payload: []byte(payload)}, false)
		return ok, err
	}
	for i := range maxTopics {
		if ok, err := pass(fmt.Sprint(i), "2"); !ok || err != nil {
			t.Fatalf("%d: %v, %v", i, ok, err)
		}
	}
	if ok, err := pass("more", "2"); ok || err == nil || !strings.Contains(err.Error(), `"more"`) {
		t.Errorf("one more: %v, %v", ok, err)
	}
	if _, err := pass("more", "0"); err != nil {
		t.Errorf("one of which nothing has to be known: %v", err)
	}
	if ok, err := pass("7", "2"); ok || err != nil {
		t.Errorf("one that is followed: %v, %v", ok, err)
	}
	_, _ = pass("7", "0")
	if ok, err := pass("more", "2"); !ok || err != nil {
		t.Errorf("in the place of one that is at rest: %v, %v", ok, err)
	}
}
