package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/filling"
)

func TestPost(t *testing.T) {
	s, r := newSite(t, nil), newReceiver(t, nil)
	c := postTo(r.URL, "a/#")
	c.Secrets.Authorization = "Bearer x"
	c.Condition = "payload != no"
	s.set(c)
	s.publish("b/1", "another topic")
	s.publish("a/1", "no")
	s.publish("a/1", "yes")
	s.publish("a/2", "\xff\x00")
	s.until("two calls", func() bool { return s.state("h").Delivered == 2 })
	calls := r.calls()
	slices.SortFunc(calls, func(a, b call) int { return strings.Compare(a.event.Topic, b.event.Topic) })
	if len(calls) != 2 {
		t.Fatalf("%d calls", len(calls))
	}
	one, h := calls[0].event, calls[0].header
	if one.Type != "message" || one.Topic != "a/1" || one.Payload != "yes" || one.Encoding != "text" || one.Hook != "h" || *one.QoS != 1 || one.ID == "" || one.Time.IsZero() {
		t.Errorf("event %s", calls[0].body)
	}
	if e := calls[1].event; e.Encoding != "base64" || e.Payload != "/wA=" || e.ID == one.ID {
		t.Errorf("event %s", calls[1].body)
	}
	mac := hmac.New(sha256.New, []byte("secret-secret-secret"))
	fmt.Fprintf(mac, "%s.%s.%s", one.ID, h.Get("Webhook-Timestamp"), calls[0].body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); h.Get("Webhook-Signature") != want || h.Get("Authorization") != "Bearer x" {
		t.Errorf("headers %v, want signature %s", h, want)
	}
	if s.state("h").Queued != 0 {
		t.Errorf("state %+v", s.state("h"))
	}
}

// TestFaults has receivers that fail in several ways: everything arrives, and what is tried again keeps its id.
func TestFaults(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Timeout = 200e6 })
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request, n int) {
		switch n % 5 {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			<-req.Context().Done() // time-out
		case 4:
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = c.Close()
			}
		default:
			w.WriteHeader(http.StatusOK)
		}
	})
	c := postTo(r.URL, "a")
	s.set(c)
	const n = 12
	for i := range n {
		s.publish("a", fmt.Sprint(i))
	}
	s.until("all arrive", func() bool { st := s.state("h"); return st.Delivered+st.Buried == n })
	payload := map[string]string{}
	for _, c := range r.calls() {
		if have, ok := payload[c.event.ID]; ok && have != c.event.Payload {
			t.Errorf("id %s stands for %q and %q", c.event.ID, have, c.event.Payload)
		}
		payload[c.event.ID] = c.event.Payload
	}
	if len(payload) != n {
		t.Errorf("%d ids of %d messages", len(payload), n)
	}
	if st := s.state("h"); st.Retries == 0 || st.LastError == "" {
		t.Errorf("state %+v", st)
	}
}

// TestRestart ends the process in the middle of calls: what was not answered comes again under its id, and all of it.
func TestRestart(t *testing.T) {
	s := newSite(t, nil)
	stuck := make(chan struct{})
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request, n int) {
		if n <= window {
			if n == window {
				close(stuck)
			}
			<-req.Context().Done()
		}
	})
	s.set(postTo(r.URL, "a"))
	const n = 20
	for i := range n {
		s.publish("a", fmt.Sprint(i))
	}
	<-stuck
	before := r.ids()
	s.restart()
	s.set(postTo(r.URL, "a"))
	s.until("all arrive", func() bool { return s.state("h").Delivered == n })
	after := r.ids()
	if len(after) != n {
		t.Errorf("%d ids of %d messages", len(after), n)
	}
	for id := range before {
		if after[id] < 2 {
			t.Errorf("%s came %d times", id, after[id])
		}
	}
}

func TestDeadLetters(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Attempts = 3 })
	good := false
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		switch {
		case good:
		case n == 1:
			w.WriteHeader(http.StatusBadRequest) // for good
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	c := postTo(r.URL, "a")
	s.set(c)
	s.publish("a", "1")
	s.until("the first is given up", func() bool { return s.state("h").Buried == 1 })
	s.mu.Lock()
	s.full = true
	s.mu.Unlock()
	s.publish("a", "2")
	s.until("it waits for room", func() bool { return s.state("h").State == Full })
	s.mu.Lock()
	s.full = false
	s.mu.Unlock()
	s.hooks.Room("instance")
	s.until("the second is given up", func() bool { return s.state("h").Buried == 2 })
	first, second := s.letters[0], s.letters[1]
	if first.Attempts != 1 || second.Attempts != 3 || first.Event == second.Event || !strings.Contains(first.Cause, "400") || !strings.Contains(second.Cause, "502") {
		t.Errorf("letters %+v", s.letters)
	}
	good = true
	if err := s.hooks.Again(context.Background(), c, second); err != nil {
		t.Error(err)
	}
	calls := r.calls()
	if last := calls[len(calls)-1]; last.event.ID != second.Event || last.event.Payload != "2" {
		t.Errorf("again: %s", last.body)
	}
	if len(s.log) == 0 || s.log[0].Gate != "hook" || s.log[0].Rule != "post" {
		t.Errorf("log %+v", s.log)
	}
}

func TestPublishes(t *testing.T) {
	s := newSite(t, nil)
	sink := newReceiver(t, nil)
	s.set(forward("r", "home/+/temp", "celsius/{topic[1]}", `{"v":{payload.t},"at":"{topic}"}`), postTo(sink.URL, "celsius/#"))
	s.publish("home/kitchen/temp", `{"t":21.5}`)
	s.publish("home/hall/temp", "no JSON")
	s.until("the other topic", func() bool { return len(sink.calls()) == 1 })
	if e := sink.calls()[0].event; e.Topic != "celsius/kitchen" || e.Payload != `{"v":21.5,"at":"home/kitchen/temp"}` {
		t.Errorf("event %+v", e)
	}
	s.until("the one without is left out", func() bool { return s.state("r").Skipped == 1 })
	if st := s.state("r"); !strings.Contains(st.LastSkip, "payload.t") || st.Delivered != 1 {
		t.Errorf("state %+v", st)
	}
}

// TestCircles has rules that set each other off: each message goes through each of them once.
func TestCircles(t *testing.T) {
	s := newSite(t, nil)
	sink := newReceiver(t, nil)
	s.set(forward("ab", "a", "b", ""), forward("ba", "b", "a", ""), forward("self", "c/#", "c/{topic}", ""), postTo(sink.URL, "#"))
	s.publish("a", "x")
	s.publish("c", "y")
	s.until("circles end", func() bool { return s.state("ab").Skipped == 1 && s.state("self").Skipped == 1 })
	s.until("all is told", func() bool { return len(sink.calls()) == 5 })
	var topics []string
	for _, c := range sink.calls() {
		topics = append(topics, c.event.Topic)
	}
	slices.Sort(topics)
	if got := strings.Join(topics, " "); got != "a a b c c/c" {
		t.Errorf("messages on %s", got)
	}
}

func TestComingAndGoing(t *testing.T) {
	s, r := newSite(t, nil), newReceiver(t, nil)
	c := postTo(r.URL, "")
	c.Events, c.Client = []account.HookEvent{account.HookConnect, account.HookDisconnect}, "pi*"
	s.set(c)
	other, pi := s.connect("other"), s.connect("pi-1")
	s.until("it came", func() bool { return len(r.calls()) == 1 })
	pi.Gone(fmt.Errorf("the cable is out"))
	other.Gone(nil)
	s.until("it went", func() bool { return len(r.calls()) == 2 })
	on, off := r.calls()[0].event, r.calls()[1].event
	if on.Type != "connect" || on.Client != "pi-1" || on.Remote != "192.0.2.1" || on.User != "u" || off.Type != "disconnect" || off.Cause != "the cable is out" || on.ID == off.ID {
		t.Errorf("events %+v, %+v", on, off)
	}
}

// TestPlaces lets hooks work where the plan has no connection left.
func TestPlaces(t *testing.T) {
	s, r := newSite(t, nil), newReceiver(t, nil)
	s.connect("1")
	s.connect("2") // all that there are
	s.set(postTo(r.URL, "a"))
	s.publish("a", "x")
	s.until("it arrives", func() bool { return len(r.calls()) == 1 })
	if st := s.broker.Stats(); st.Clients != 2 {
		t.Errorf("%d clients are counted", st.Clients)
	}
}

func TestMail(t *testing.T) {
	hold := make(chan struct{})
	s := newSite(t, func(o *Options) {
		inner := o.Mail
		first := true
		o.Mail = func(ctx context.Context, h account.Hook, list []*filling.Message, more int) error {
			if first {
				first = false
				<-hold
				return fmt.Errorf("no mail server")
			}
			return inner(ctx, h, list, more)
		}
	})
	c := forward("m", "a", "", "")
	c.Action, c.MailTo = account.HookMail, []string{"x@example.org"}
	s.set(c)
	s.publish("a", "first")
	s.until("it is on its way", func() bool { return s.state("m").Queued == 0 })
	for i := range 30 {
		s.publish("a", fmt.Sprint(i))
	}
	close(hold)
	all := func() (n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range s.mails {
			n += len(s.mails[i]) + s.more[i]
		}
		return n
	}
	s.until("all are written about", func() bool { return all() == 31 })
	if st := s.state("m"); st.Retries != 1 || len(s.mails) > 30 {
		t.Errorf("state %+v, %d mails", st, len(s.mails))
	}
}

func TestDeleted(t *testing.T) {
	s, r := newSite(t, nil), newReceiver(t, nil)
	s.set(postTo(r.URL, "a"))
	if err := s.hooks.Set("instance", nil, func(string) bool { return true }); err != nil { // switched off
		t.Fatal(err)
	}
	s.until("it is off", func() bool { i, ok := s.broker.Session(LocalID("h")); return ok && !i.Connected })
	s.publish("a", "kept")
	s.set(postTo(r.URL, "a"))
	s.until("it was kept", func() bool { return len(r.calls()) == 1 })
	s.set()
	s.until("its session ends", func() bool { _, ok := s.broker.Session(LocalID("h")); return !ok })
}

func TestTry(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Calls = func(string) int { return 8 } })
	r := newReceiver(t, nil)
	m := &filling.Message{ID: "msg_test", Type: "message", Instance: "instance", Topic: "a", Payload: []byte("x")}
	if got := s.hooks.Try(context.Background(), postTo(r.URL, "a"), m); !got.Done || !json.Valid([]byte(got.Body)) {
		t.Errorf("tried %+v", got)
	}
	if got := s.hooks.Try(context.Background(), forward("f", "a", "b/{payload.x}", ""), m); got.Done || got.Cause == "" {
		t.Errorf("tried %+v", got)
	}
	if got := s.hooks.Try(context.Background(), postTo(r.URL, "a"), m); got.Done || got.Cause != errBusy.Error() {
		t.Errorf("over the plan's calls: %+v", got)
	}
}
