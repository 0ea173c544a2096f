package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/filling"
)

// mailing is a hook whose events the site gathers.
func mailing(events ...account.HookEvent) Config {
	return Config{Hook: account.Hook{Instance: "instance", ID: "h", Name: "mail", Enabled: true, Events: events, Action: account.HookMail,
		MailTo: []string{"x@example.org"}}, Secrets: account.HookSecrets{Signing: "whsec_"}}
}

// at makes a hook with a schedule.
func at(schedule, zone string) Config {
	c := mailing(account.HookSchedule)
	c.Schedule, c.Zone = schedule, zone
	return c
}

// told are the events that came since the last call, in order of time.
func (s *site) told() (list []*filling.Message) {
	s.t.Helper()
	synctest.Wait()
	time.Sleep(50 * time.Millisecond) // what waits for a mail is written
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, mail := range s.mails {
		list = append(list, mail...)
	}
	s.mails = nil
	slices.SortStableFunc(list, func(a, b *filling.Message) int { return a.Time.Compare(b.Time) })
	return list
}

// wantTimes compares the events since the last call with times of the day.
func (s *site) wantTimes(what string, want ...string) {
	s.t.Helper()
	var got []string
	ids := map[string]bool{}
	for _, m := range s.told() {
		got, ids[m.ID] = append(got, m.Time.UTC().Format("15:04")), true
		if m.Type != "schedule" {
			s.t.Errorf("%s: type %s", what, m.Type)
		}
	}
	if !slices.Equal(got, want) || len(ids) != len(want) {
		s.t.Errorf("%s: %v with %d ids, want %v", what, got, len(ids), want)
	}
}

func (s *site) wait(d time.Duration) { s.t.Helper(); synctest.Wait(); time.Sleep(d); synctest.Wait() }

// TestSchedule lets hours pass: each due time fires once, at its time, over restarts and changes of the rule as well.
// The bubble's clock begins on 1 January 2000 at 00:00 UTC.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		c := at("*/30 * * * *", "")
		s.set(c)
		s.wait(95 * time.Minute)
		s.wantTimes("every half hour", "00:30", "01:00", "01:30")
		if st := s.state("h"); st.Fired != 3 || st.LastFired.UTC().Format("15:04") != "01:30" || st.NextRun.UTC().Format("15:04") != "02:00" {
			t.Errorf("state %+v", st)
		}
		s.restart()
		s.set(c)
		s.wait(30 * time.Minute) // 02:05
		s.wantTimes("after a restart", "02:00")
		if st := s.state("h"); st.Fired != 4 {
			t.Errorf("fired %d times, want 4", st.Fired)
		}

		s.stop()
		time.Sleep(27 * time.Minute) // 02:32
		s.start()
		s.set(c)
		s.wantTimes("what a restart covered", "02:30")
		s.stop()
		time.Sleep(2 * time.Hour) // 04:32
		s.start()
		s.set(c)
		s.wantTimes("what a restart covered, the last only", "04:30")
		s.stop()
		time.Sleep(100 * time.Minute) // 06:12
		s.start()
		s.set(c)
		s.wantTimes("what was due long ago")
		if st := s.state("h"); st.Skipped != 1 || !strings.Contains(st.LastSkip, "05:00") || st.Fired != 6 {
			t.Errorf("state %+v", st)
		}

		s.wait(16 * time.Minute) // 06:28
		if err := s.hooks.Set("instance", nil, func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		s.wait(4 * time.Minute) // 06:32
		s.set(c)
		s.wantTimes("while it was switched off")
		c.Schedule = "31 * * * *"
		s.set(c)
		s.wantTimes("a new time that is just over")
		s.wait(time.Hour)
		s.wantTimes("the new time", "07:31")
		s.set() // deleted
		s.wait(time.Second)
		if list, err := s.broker.Browse("$SYS/#", "", "", 10); err != nil || len(list) > 0 {
			t.Errorf("left behind: %+v, %v", list, err)
		}
	})
}

// TestEveryMinute has many firings and many restarts: none is lost and none comes twice.
func TestEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.set(at("every 1m", ""))
		var want []string
		for minute := range 40 {
			want = append(want, fmt.Sprintf("00:%02d", minute+1))
		}
		var got []string
		for range 8 {
			for _, m := range s.told() {
				got = append(got, m.Time.UTC().Format("15:04"))
			}
			s.restart()
			s.set(at("every 1m", ""))
			s.wait(5 * time.Minute)
		}
		for _, m := range s.told() {
			got = append(got, m.Time.UTC().Format("15:04"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// TestOnce fires at one time, in a zone, and is over then.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		c := at("at 2000-01-01T10:00", "Asia/Tokyo") // 01:00 UTC
		s.set(c)
		s.wait(59 * time.Minute)
		s.wantTimes("before it")
		s.wait(90 * time.Second)
		list := s.told()
		if len(list) != 1 {
			t.Fatalf("%d events", len(list))
		}
		var e own
		if err := json.Unmarshal(list[0].Payload, &e); err != nil || e.Local != "2000-01-01T10:00:00+09:00" || e.Zone != "Asia/Tokyo" || e.Count != 1 || e.Note != nil {
			t.Errorf("payload %s, %v", list[0].Payload, err)
		}
		s.restart()
		s.set(c)
		s.wait(3 * time.Hour)
		s.wantTimes("afterwards")
		if st := s.state("h"); !st.NextRun.IsZero() || st.Fired != 1 {
			t.Errorf("state %+v", st)
		}
	})
}

// TestClockIsSet has the machine's clock jump: forward over due times, and back.
func TestClockIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shift atomic.Int64
		s := newSite(t, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) } })
		s.set(at("0 * * * *", ""))
		s.wait(30 * time.Minute)
		shift.Store(int64(33 * time.Minute)) // 01:03
		s.wait(time.Minute)
		s.wantTimes("a little late", "01:00")
		shift.Add(int64(24*time.Hour + 20*time.Minute)) // 01:24 the next day
		s.wait(time.Minute)
		s.wantTimes("a day later")
		shift.Store(0) // 00:32 of the first day
		s.wait(time.Hour)
		list := s.told()
		if len(list) != 1 || list[0].Time.UTC().Format(time.DateTime) != "2000-01-01 01:00:00" {
			t.Errorf("set back: %d events", len(list))
		}
	})
}

// TestScheduleFull keeps time where the plan has no room for one more retained message.
func TestScheduleFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.broker.SetLimits(broker.Limits{Connections: 2, RetainedMessages: 1})
		if err := s.broker.Publish(context.Background(), "full", []byte("x"), 1, true); err != nil {
			t.Fatal(err)
		}
		s.set(at("0 * * * *", ""))
		s.wait(3*time.Hour + time.Minute)
		s.wantTimes("without a note", "01:00", "02:00", "03:00")
	})
}

// TestSchedulePublishes has a rule switch a light off, with a text of its own.
func TestSchedulePublishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		c := forward("h", "", "light/set", `OFF at {payload.local}`)
		c.Events, c.Schedule = []account.HookEvent{account.HookSchedule}, "0 2 * * *"
		w := mailing(account.HookMessage)
		w.ID, w.Filter = "w", "light/#"
		s.set(c, w)
		s.wait(4 * time.Hour)
		list := s.told()
		if len(list) != 1 || list[0].Topic != "light/set" || string(list[0].Payload) != "OFF at 2000-01-01T02:00:00Z" {
			t.Errorf("events %+v", list)
		}
	})
}
