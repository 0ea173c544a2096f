package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

// site is one broker on a real store, with its history.
type site struct {
	t   *testing.T
	dir string
	now time.Time

	store   *sqlite.Store
	broker  *broker.Broker
	history *Manager
	end     context.CancelFunc
	ended   chan struct{}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: sqlitetest.Dir(t), now: time.Now()}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) start() {
	t := s.t
	t.Helper()
	var err error
	if s.store, err = sqlite.Open(context.Background(), sqlite.Options{Dir: s.dir, BallastBytes: -1}); err != nil {
		t.Fatal(err)
	}
	committer := broker.NewCommitter(s.store.Messages, func(t *broker.Turn) { t.Flush() }, nil)
	ctx, cancel := context.WithCancel(context.Background())
	s.end, s.ended = cancel, make(chan struct{})
	go func() { defer close(s.ended); _ = committer.Run(ctx) }() // ends with ctx
	if s.broker, err = broker.New(broker.Options{ID: "instance", Committer: committer}); err != nil {
		t.Fatal(err)
	}
	s.history = New(Options{Dir: filepath.Join(s.dir, "history"), Batch: time.Millisecond, Pause: time.Millisecond,
		Broker: func(context.Context, string) (*broker.Broker, error) { return s.broker, nil },
		Find:   func(string) *broker.Broker { return s.broker },
		Rights: func(context.Context, string) (broker.Rights, error) { return broker.AllowAll{}, nil },
	})
}

func (s *site) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := errors.Join(s.history.Stop(ctx), s.broker.Stop(ctx))
	s.end()
	<-s.ended
	if err := errors.Join(err, s.store.Close()); err != nil {
		s.t.Errorf("stop: %v", err)
	}
}

func (s *site) until(what string, good func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !good(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// set chooses what is kept, and waits until the history listens.
func (s *site) set(list ...account.HistoryFilter) {
	s.t.Helper()
	s.history.Set("instance", list)
	s.until("it listens", func() bool {
		info, ok := s.broker.Session(ClientID)
		if !ok || !info.Connected || len(info.Subscriptions) != len(list) {
			return false
		}
		for _, f := range list {
			if !strings.Contains(strings.Join(info.Subscriptions, " "), f.Filter) {
				return false
			}
		}
		return true
	})
}

func (s *site) publish(topic, payload string, qos byte) {
	s.t.Helper()
	if err := s.broker.PublishPacket(context.Background(), &mqtt.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: qos}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) read(q Query) ([]Message, int64) {
	s.t.Helper()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	list, next, err := s.history.Read(context.Background(), "instance", q)
	if err != nil {
		s.t.Fatal(err)
	}
	return list, next
}

func payloads(list []Message) string {
	var all []string
	for _, m := range list {
		all = append(all, string(m.Payload))
	}
	return strings.Join(all, " ")
}

func TestKeeps(t *testing.T) {
	s := newSite(t)
	s.set(account.HistoryFilter{Filter: "a/#", Bytes: 1 << 20}, account.HistoryFilter{Filter: "+/b", Bytes: 1 << 20})
	for i, name := range []string{"a/b", "a/c", "x/b", "x/y", "a/b"} {
		s.publish(name, fmt.Sprint(i), byte(i%3))
	}
	s.until("four are kept", func() bool { list, _ := s.read(Query{}); return len(list) == 4 })
	for filter, want := range map[string]string{"": "4 2 1 0", "a/b": "4 0", "a/#": "4 1 0", "+/b": "4 2 0", "none": ""} {
		if list, _ := s.read(Query{Filter: filter}); payloads(list) != want {
			t.Errorf("of %q: %q, want %q", filter, payloads(list), want)
		}
	}
	for wanted, want := range map[string]string{"4": "4", "A/B": "4 0", "/C": "1", "none": ""} {
		if list, next := s.read(Query{Contains: wanted}); payloads(list) != want || next != 0 {
			t.Errorf("with %q: %q, next %d, want %q", wanted, payloads(list), next, want)
		}
	}
	first, next := s.read(Query{Limit: 3})
	rest, last := s.read(Query{Limit: 3, Before: next})
	if payloads(first) != "4 2 1" || payloads(rest) != "0" || last != 0 {
		t.Errorf("pages %q, %q, next %d", payloads(first), payloads(rest), last)
	}
	if small, next := s.read(Query{Bytes: 5}); len(small) != 1 || next == 0 {
		t.Errorf("a page of few bytes: %q, next %d", payloads(small), next)
	}
	if list, _ := s.read(Query{From: time.Now().Add(time.Hour)}); len(list) != 0 {
		t.Errorf("of the future: %q", payloads(list))
	}
	topics, err := s.history.Topics(context.Background(), "instance", 99)
	if err != nil || len(topics) != 3 || topics[0].Topic != "a/b" || topics[0].Count != 2 {
		t.Errorf("topics %+v, %v", topics, err)
	}
	use, err := s.history.Use(context.Background(), "instance")
	if err != nil || use["a/#"].Messages != 3 || use["+/b"].Messages != 1 {
		t.Errorf("use %+v, %v", use, err)
	}
}

// TestReadsWhileChoicesChange has a reader that came just before the choices changed: the keeper that it found closes the
// file before it is read, and the next one has it. Nobody is told that nothing is kept.
func TestReadsWhileChoicesChange(t *testing.T) {
	s := newSite(t)
	s.set(account.HistoryFilter{Filter: "a/#", Bytes: 1 << 20})
	s.publish("a/b", "kept", 1)
	s.until("it is kept", func() bool { list, _ := s.read(Query{}); return len(list) == 1 })
	place := func(k *keeper) (before *keeper) {
		s.history.mu.Lock()
		defer s.history.mu.Unlock()
		before, s.history.all["instance"] = s.history.all["instance"], k
		return before
	}
	old := &keeper{opened: make(chan struct{}), done: make(chan struct{})}
	next := place(old)
	old.using.Lock()
	var list []Message
	var err error
	ended := make(chan struct{})
	go func() { // ends when it has read
		defer close(ended)
		list, _, err = s.history.Read(context.Background(), "instance", Query{Limit: 1})
	}()
	old.opened <- struct{}{} // it has found the old one
	place(next)
	old.using.Unlock()
	if <-ended; err != nil || payloads(list) != "kept" {
		t.Errorf("%q, %v", payloads(list), err)
	}
}

// TestRestarts keeps what comes while nobody keeps, and nothing twice.
func TestRestarts(t *testing.T) {
	s := newSite(t)
	choice := account.HistoryFilter{Filter: "a", Bytes: 1 << 20}
	s.set(choice)
	var want []string
	for i := range 30 {
		if i == 10 {
			s.stop()
			s.start()
			s.publish("a", "away", 1) // the session is there
			want = append([]string{"away"}, want...)
		}
		if i == 20 {
			s.set(choice)
		}
		s.publish("a", fmt.Sprint(i), 1)
		want = append([]string{fmt.Sprint(i)}, want...)
	}
	s.until("all are kept", func() bool { list, _ := s.read(Query{}); return len(list) == 31 })
	if list, _ := s.read(Query{}); payloads(list) != strings.Join(want, " ") {
		t.Errorf("kept %q, want %q", payloads(list), want)
	}
	// What the broker sends once more, as after a crash before the acknowledgement was on disk, is there already.
	f, err := openFile(context.Background(), s.history.path("instance"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	list, _ := s.read(Query{Limit: 1})
	twice := kept{Message: list[0], filter: "a"}
	twice.place = 7
	for range 2 {
		if err := f.add(context.Background(), []kept{twice}, []account.HistoryFilter{choice}, s.now); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := s.read(Query{}); len(list) != 32 {
		t.Errorf("%d are kept", len(list))
	}
}

func TestBounds(t *testing.T) {
	ctx := context.Background()
	f, err := openFile(ctx, filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	choices := []account.HistoryFilter{{Filter: "bytes", Bytes: 20_000}, {Filter: "days", Bytes: 1 << 30, Days: 2}}
	for i := range 100 {
		at := now.Add(time.Duration(i) * time.Hour)
		err := f.add(ctx, []kept{
			{Message{Time: at, Topic: "t", Payload: make([]byte, 1000), place: uint64(2*i + 1)}, "bytes"},
			{Message{Time: at, Topic: "t", Payload: []byte("x"), place: uint64(2*i + 2)}, "days"},
		}, choices, at)
		if err != nil {
			t.Fatal(err)
		}
		use, err := f.use(ctx)
		if err != nil || use["bytes"].Bytes > 20_000 || f.sums["bytes"] != use["bytes"].Bytes || f.sums["days"] != use["days"].Bytes {
			t.Fatalf("after %d: %+v, %v, counted %v", i, use, err, f.sums)
		}
	}
	use, _ := f.use(ctx)
	if use["days"].Messages != 49 || use["bytes"].Messages < 15 {
		t.Errorf("kept %+v", use)
	}
	list, _, err := f.read(ctx, Query{Limit: 1})
	if err != nil || !list[0].Time.Equal(now.Add(99*time.Hour)) {
		t.Errorf("the newest is of %v, %v", list[0].Time, err)
	}
	if err := f.add(ctx, nil, choices[:1], now); err != nil { // the other choice ends
		t.Fatal(err)
	}
	if use, _ := f.use(ctx); use["days"].Messages != 0 || use["bytes"].Messages == 0 {
		t.Errorf("kept %+v", use)
	}
}

func TestOff(t *testing.T) {
	s := newSite(t)
	if _, _, err := s.history.Read(context.Background(), "instance", Query{Limit: 1}); !errors.Is(err, ErrOff) {
		t.Errorf("Read: %v", err)
	}
	s.set(account.HistoryFilter{Filter: "a", Bytes: 1 << 20})
	s.publish("a", "x", 1)
	s.until("it is kept", func() bool { list, _ := s.read(Query{}); return len(list) == 1 })
	s.history.Set("instance", nil)
	s.until("file and session are gone", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "history", "instance.db"))
		_, there := s.broker.Session(ClientID)
		return errors.Is(err, os.ErrNotExist) && !there
	})
	s.until("it is off", func() bool {
		_, _, err := s.history.Read(context.Background(), "instance", Query{Limit: 1})
		return errors.Is(err, ErrOff)
	})
}

// TestRest: what rests keeps nothing new, can be read, and takes what waited when it goes on.
func TestRest(t *testing.T) {
	s := newSite(t)
	choice := account.HistoryFilter{Filter: "a/#", Bytes: 100_000}
	s.set(choice)
	s.publish("a/1", "x", 1)
	s.until("it is kept", func() bool {
		list, _, _ := s.history.Read(context.Background(), "instance", Query{Limit: 10})
		return len(list) == 1
	})
	s.history.Rest("instance", []account.HistoryFilter{choice})
	s.until("it left", func() bool { info, ok := s.broker.Session(ClientID); return ok && !info.Connected })
	s.publish("a/2", "x", 1)
	list, _, err := s.history.Read(context.Background(), "instance", Query{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("while it rests: %d messages, %v", len(list), err)
	}
	s.set(choice)
	s.until("what waited is kept", func() bool {
		list, _, _ := s.history.Read(context.Background(), "instance", Query{Limit: 10})
		return len(list) == 2
	})
}
