package stats_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/stats"
	"tsunagi/internal/store/sqlite"
)

// rig is a collector over a real store with one instance, whose readings a test makes.
type rig struct {
	t     *testing.T
	store *sqlite.Store
	c     *stats.Collector
	o     stats.Options

	r     map[string]stats.Reading
	q     []stats.Quota
	told  []stats.Crossing
	clock time.Time
}

var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newRig(t *testing.T) *rig {
	store, err := sqlite.Open(context.Background(), sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	err = store.Accounts.Update(context.Background(), func(tx account.Tx) error {
		return tx.Insert(account.Account{ID: "a", Email: "a@example.org"}, account.Instance{ID: "i", Owner: "a"}, account.Instance{ID: "j", Owner: "a"})
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, store: store, r: map[string]stats.Reading{}, clock: begin}
	r.o = stats.Options{Store: store.Accounts, Now: func() time.Time { return r.clock }, Read: func() map[string]stats.Reading { return r.r },
		Quotas: func(_ context.Context, instance string) ([]stats.Quota, error) {
			if instance != "i" {
				return nil, stats.ErrGone
			}
			return r.q, nil
		},
		Alarms: []stats.Alarm{func(_ context.Context, c stats.Crossing) { r.told = append(r.told, c) }}}
	r.c = stats.New(r.o)
	return r
}

// at reads at a time after begin.
func (r *rig) at(after time.Duration, in int64, connections int64) {
	r.clock = begin.Add(after)
	r.r["i"] = stats.Reading{Since: begin.Add(-time.Hour), Gauges: stats.Gauges{Connections: connections}, Counts: stats.Counts{MessagesIn: in}}
	r.c.Read(context.Background())
}

func (r *rig) save() {
	r.t.Helper()
	if err := r.c.Save(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// want compares minute and messages and connections of the points.
func (r *rig) want(step stats.Step, want ...string) {
	r.t.Helper()
	list, err := r.c.History(context.Background(), "i", step, time.Time{})
	if err != nil {
		r.t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprintf("%d: %d %d", (p.At-begin.Unix())/60, p.MessagesIn, p.Connections))
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("points by %d: %q, want %q", step, got, want)
	}
}

func TestPointsGrowAndEnd(t *testing.T) {
	r := newRig(t)
	r.at(1*time.Second, 5, 1) // since the broker was made
	r.at(30*time.Second, 15, 4)
	r.at(59*time.Second, 15, 2)
	r.want(stats.Minute, "0: 15 4")
	r.at(61*time.Second, 18, 0)
	r.want(stats.Minute, "0: 15 4", "1: 3 0")
	r.want(stats.Hour, "0: 18 4")
	r.save()
	r.want(stats.Minute, "0: 15 4", "1: 3 0")
	r.at(70*time.Second, 20, 0)
	r.want(stats.Minute, "0: 15 4", "1: 5 0")
	r.at(5*time.Minute, 20, 0) // nothing comes, nobody is there: no points
	r.at(6*time.Minute, 20, 0)
	r.want(stats.Minute, "0: 15 4", "1: 5 0")
	r.at(61*time.Minute, 21, 0)
	r.want(stats.Hour, "0: 20 4", "60: 1 0")

	r.r["i"] = stats.Reading{Since: begin.Add(time.Hour), Counts: stats.Counts{MessagesIn: 2}} // the broker was made anew
	r.c.Read(context.Background())
	r.want(stats.Hour, "0: 20 4", "60: 3 0")
	delete(r.r, "i") // and let go
	r.c.Read(context.Background())
	r.want(stats.Hour, "0: 20 4", "60: 3 0")
	r.save()
	r.want(stats.Hour, "0: 20 4", "60: 3 0")
}

// TestRestart goes on with the minute and the hour that an earlier process had begun.
func TestRestart(t *testing.T) {
	r := newRig(t)
	r.at(10*time.Second, 100, 7)
	r.save()
	r.c = stats.New(r.o)
	r.r["i"] = stats.Reading{Since: begin.Add(20 * time.Second), Counts: stats.Counts{MessagesIn: 1}}
	r.clock = begin.Add(30 * time.Second)
	r.c.Read(context.Background())
	r.want(stats.Minute, "0: 101 7")
	r.save()
	r.want(stats.Minute, "0: 101 7")
	r.want(stats.Hour, "0: 101 7")
}

// TestRunSavesAtTheEnd is the collector's own life.
func TestRunSavesAtTheEnd(t *testing.T) {
	r := newRig(t)
	o := r.o
	read := make(chan struct{}, 100)
	o.Every, o.Save = time.Millisecond, time.Hour
	o.Read = func() map[string]stats.Reading {
		select {
		case read <- struct{}{}:
		default:
		}
		return map[string]stats.Reading{"i": {Since: begin, Counts: stats.Counts{BytesIn: 9}}}
	}
	c := stats.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	<-read
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	list, err := r.store.Accounts.Points(context.Background(), "i", stats.Minute, 0)
	if err != nil || len(list) != 1 || list[0].BytesIn != 9 {
		t.Errorf("%+v, %v", list, err)
	}
}

type deafStore struct{ stats.Store }

func (deafStore) SavePoints(context.Context, []stats.Point, time.Time) error {
	return errors.New("no room")
}

func TestPendingIsBounded(t *testing.T) {
	r := newRig(t)
	o := r.o
	o.Store = deafStore{r.o.Store}
	now, n := begin, int64(0)
	o.Now = func() time.Time { return now }
	o.Read = func() map[string]stats.Reading {
		all := map[string]stats.Reading{}
		n++
		for i := range 1000 {
			all[fmt.Sprint(i)] = stats.Reading{Since: begin, Counts: stats.Counts{MessagesIn: n}}
		}
		return all
	}
	c := stats.New(o)
	for range 60 {
		c.Read(context.Background())
		now = now.Add(time.Minute)
	}
	if err := c.Save(context.Background()); err == nil {
		t.Error("no error")
	}
	if n := c.Pending(); n > 50_000 {
		t.Errorf("%d points wait", n)
	}
}

func TestEncoding(t *testing.T) {
	p := stats.Point{Instance: "i", Step: stats.Hour, At: 3600}
	p.Connections, p.QueuedBytes, p.MessagesIn, p.Lost[7] = 1, 1<<50, 2, 3
	var q stats.Point
	q.Instance, q.Step, q.At = p.Instance, p.Step, p.At
	if err := q.Decode(p.Encode()); err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("%+v, %v", q, err)
	}
	raw := p.Encode()
	if err := q.Decode(append(raw, 9)); err != nil { // a newer program's
		t.Error(err)
	}
	if err := q.Decode(raw[:3]); err != nil { // an older one's
		t.Error(err)
	}
	for _, bad := range [][]byte{nil, {2}, {1, 0x80}, {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}} {
		if err := q.Decode(bad); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	p := stats.Point{Counts: stats.Counts{BytesIn: 1 << 40}}
	f.Add(p.Encode())
	f.Add([]byte{1, 0x80})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a, b stats.Point
		if a.Decode(raw) == nil {
			if err := b.Decode(a.Encode()); err != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("%x: %+v became %+v, %v", raw, a, b, err)
			}
		}
	})
}

// TestAlarms crosses levels up and down. Each crossing is told once, also over a restart; what swings is one crossing.
func TestAlarms(t *testing.T) {
	r := newRig(t)
	use := func(after time.Duration, used int64) {
		r.q = []stats.Quota{{Name: "connections", Used: used, Limit: 20}, {Name: "sessions", Used: used}}
		r.at(after, 0, used)
		r.c.Judge(context.Background())
	}
	want := func(levels ...int) {
		t.Helper()
		var got []int
		for _, c := range r.told {
			got = append(got, c.Level)
		}
		if !slices.Equal(got, levels) {
			t.Errorf("told %v, want %v", got, levels)
		}
	}
	use(0, 14)
	want()
	use(1*time.Minute, 15)
	want(75)
	use(2*time.Minute, 16)
	use(3*time.Minute, 14)
	use(4*time.Minute, 15)
	want(75)
	use(5*time.Minute, 20)
	want(75, 100)
	r.c = stats.New(r.o) // restart
	if err := r.c.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	use(6*time.Minute, 20)
	want(75, 100)
	use(7*time.Minute, 17) // below 90 %, for ten minutes
	use(16*time.Minute, 17)
	use(16*time.Minute+30*time.Second, 20)
	want(75, 100)
	use(17*time.Minute, 17)
	use(27*time.Minute, 17)
	states, err := r.c.Quotas(context.Background(), "i")
	if err != nil || len(states) != 2 || states[0].Level != 75 || states[1].Level != 0 {
		t.Errorf("%+v, %v", states, err)
	}
	use(28*time.Minute, 20)
	want(75, 100, 100)
	use(29*time.Minute, 0)
	use(39*time.Minute, 0)
	if raised, err := r.store.Accounts.AllRaised(context.Background()); err != nil || len(raised) != 0 {
		t.Errorf("still raised: %+v, %v", raised, err)
	}
	use(40*time.Minute, 15)
	want(75, 100, 100, 75)
	if c := r.told[0]; c.Instance != "i" || c.Quota.Used != 15 || c.Quota.Limit != 20 || c.Quota.Name != "connections" {
		t.Errorf("%+v", c)
	}
}

// TestAlarmsOfNobody: an instance that is gone is forgotten.
func TestAlarmsOfNobody(t *testing.T) {
	r := newRig(t)
	r.r["j"] = stats.Reading{Gauges: stats.Gauges{Sessions: 1}}
	r.c.Read(context.Background())
	r.c.Judge(context.Background())
	if len(r.told) != 0 {
		t.Errorf("%+v", r.told)
	}
}

// TestOwed: a crossing is told until it is taken, and after a restart as well, always as the same one.
func TestOwed(t *testing.T) {
	r := newRig(t)
	var told []stats.Crossing
	fail := errors.New("nobody takes it")
	r.o.Owed = func(_ context.Context, c stats.Crossing) error { told = append(told, c); return fail }
	r.c = stats.New(r.o)
	use := func(after time.Duration) {
		r.q = []stats.Quota{{Name: "users", Used: 15, Limit: 20}}
		r.at(after, 0, 1)
		r.c.Judge(context.Background())
	}
	use(0)
	use(time.Minute)
	r.c = stats.New(r.o) // restart
	if err := r.c.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	fail = nil
	use(2 * time.Minute)
	use(3 * time.Minute)
	r.c = stats.New(r.o)
	if err := r.c.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	use(4 * time.Minute)
	if len(told) != 3 || len(r.told) != 1 {
		t.Fatalf("told %d times, want 3; other alarms %d times, want once", len(told), len(r.told))
	}
	for _, c := range told {
		if !c.At.Equal(begin) || c.Level != 75 {
			t.Errorf("%+v, want that of %v", c, begin)
		}
	}
}

type deafAlarms struct {
	stats.Store
	deaf *bool
}

func (s deafAlarms) SaveRaised(ctx context.Context, r stats.Raised) error {
	if *s.deaf {
		return errors.New("no room")
	}
	return s.Store.SaveRaised(ctx, r)
}

// TestAlarmIsNotLost: a crossing that could not be stored is told once it can be.
func TestAlarmIsNotLost(t *testing.T) {
	r := newRig(t)
	deaf := true
	r.o.Store = deafAlarms{r.o.Store, &deaf}
	r.c = stats.New(r.o)
	r.q = []stats.Quota{{Name: "users", Used: 15, Limit: 20}}
	for i := range 4 {
		deaf = i < 2
		r.at(time.Duration(i)*time.Minute, 0, 1)
		r.c.Judge(context.Background())
	}
	if len(r.told) != 1 {
		t.Errorf("told %d times, want once", len(r.told))
	}
}
