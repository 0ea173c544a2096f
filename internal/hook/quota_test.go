package hook

import (
	"context"
	"net/http"
	"testing"
	"time"

	"tsunagi/internal/account"
)

func alarmTo(url string) Config {
	c := postTo(url, "")
	c.Events = []account.HookEvent{account.HookQuota}
	return c
}

var nearly = Quota{Quota: "connections", Level: 75, Used: 15, Limit: 20, Time: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}

// TestQuota has a receiver fail, time out and refuse: what it could take comes until it is taken, always as the same
// event, and what it refuses is a dead letter that can be read and tried again.
func TestQuota(t *testing.T) {
	slow := make(chan struct{})
	defer close(slow)
	r := newReceiver(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			select { // longer than the hook waits
			case <-slow:
			case <-r.Context().Done():
			}
		case 4:
			w.WriteHeader(http.StatusGone)
		}
	})
	s := newSite(t, func(o *Options) { o.Timeout = 300 * time.Millisecond })
	s.set(alarmTo(r.URL))
	tell := func(q Quota) {
		t.Helper()
		if err := s.hooks.TellQuota(context.Background(), "instance", q); err != nil {
			t.Fatal(err)
		}
	}
	tell(nearly)
	s.until("it is delivered", func() bool { return s.state("h").Delivered == 1 })
	if ids := r.ids(); len(r.calls()) != 3 || len(ids) != 1 {
		t.Errorf("%d calls of events %v, want three of one", len(r.calls()), ids)
	}
	first := r.calls()[2]
	if e := first.event; e.Type != "quota" || e.Quota != "connections" || e.Level != 75 || e.Used == nil || *e.Used != 15 || e.Limit != 20 || !e.Time.Equal(nearly.Time) {
		t.Errorf("event %s", first.body)
	}
	if first.header.Get("Webhook-Signature") == "" || first.header.Get("Webhook-Id") != first.event.ID {
		t.Errorf("header %v", first.header)
	}

	full := nearly
	full.Level, full.Used = 100, 20
	tell(full)
	s.until("it is given up", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.letters) == 1 })
	if err := s.hooks.Again(context.Background(), alarmTo(r.URL), s.letters[0]); err != nil {
		t.Fatal(err)
	}
	if last := r.calls()[4]; last.event.Level != 100 || last.event.ID != s.letters[0].Event || *last.event.Used != 20 {
		t.Errorf("tried again: %s", last.body)
	}
}

// TestQuotaToldTwice: a crossing that is told again, as after a crash, is the same event; a later one isn't.
func TestQuotaToldTwice(t *testing.T) {
	s, r := newSite(t, nil), newReceiver(t, nil)
	c := alarmTo(r.URL)
	c.Condition = "payload.level = 75"
	s.set(c)
	later := nearly
	later.Time = nearly.Time.Add(time.Hour)
	full := nearly
	full.Level = 100
	for _, q := range []Quota{nearly, nearly, full, later} {
		if err := s.hooks.TellQuota(context.Background(), "instance", q); err != nil {
			t.Fatal(err)
		}
	}
	s.until("all came", func() bool { return len(r.calls()) == 3 })
	if ids := r.ids(); len(ids) != 2 {
		t.Errorf("events %v, want two", ids)
	}
}

// TestQuotaWaits: what is told while the receiver is away, and over a restart, is delivered.
func TestQuotaWaits(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := newSite(t, func(o *Options) { o.RetryMin, o.RetryMax = time.Hour, time.Hour })
	s.set(alarmTo(r.URL))
	if err := s.hooks.TellQuota(context.Background(), "instance", nearly); err != nil {
		t.Fatal(err)
	}
	s.until("it was tried", func() bool { return len(r.calls()) == 1 })
	s.restart()
	s.set(alarmTo(r.URL))
	s.until("it is delivered", func() bool { return s.state("h").Delivered == 1 })
	if ids := r.ids(); len(ids) != 1 {
		t.Errorf("events %v, want one", ids)
	}
}
