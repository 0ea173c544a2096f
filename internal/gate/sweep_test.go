package gate

import (
	"errors"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestSweep drives the wheel by hand: each connection ends in its own time, and those that have gone leave no trace.
func TestSweep(t *testing.T) {
	s := &Server{}
	s.sweep.start = time.Now()
	at := func(d time.Duration) { s.sweep.advance(d) }
	add := func(keepAlive time.Duration) *conn {
		c := &conn{srv: s, limit: silence(keepAlive), sess: expelled{t}}
		c.touch()
		s.sweep.add(c)
		return c
	}
	count := func() int {
		n := 0
		for _, slot := range s.sweep.wheel {
			n += len(slot)
		}
		return n
	}
	none, short, long, talker, busyOne := add(0), add(time.Second), add(10*time.Minute), add(2*time.Second), add(time.Second)
	for _, c := range []*conn{short, long, talker, busyOne} {
		c.sess = &expels{}
	}
	busyOne.seen.Store(busy)
	var gone []*conn
	for range 300 {
		c := add(time.Hour)
		gone = append(gone, c)
	}
	if n := count(); n != 304 {
		t.Fatalf("%d connections on the wheel, want 304", n)
	}
	for i := range gone {
		s.sweep.remove(gone[(i*7)%len(gone)])
	}
	s.sweep.remove(none)
	if n := count(); n != 4 {
		t.Fatalf("%d connections on the wheel, want 4", n)
	}
	ended := func(c *conn) bool { return c.sess.(*expels).times > 0 }
	at(1500 * time.Millisecond)
	if ended(short) {
		t.Error("cut off before one and a half times the keep-alive")
	}
	for d := 1750 * time.Millisecond; d <= 16*time.Minute; d += 333 * time.Millisecond {
		at(d)
		talker.touch()
		if ended(short) != (d > 1750*time.Millisecond+tick) && d > 2500*time.Millisecond {
			t.Fatalf("after %v: %v", d, ended(short))
		}
		if d < 15*time.Minute && ended(long) {
			t.Fatalf("the long one was cut off after %v", d)
		}
	}
	if !ended(long) || ended(talker) || ended(busyOne) || short.sess.(*expels).times != 1 {
		t.Error("long, talker, busy, short:", ended(long), ended(talker), ended(busyOne), short.sess.(*expels).times)
	}
	if n := count(); n != 2 {
		t.Errorf("%d connections on the wheel at the end, want 2", n)
	}
}

// expels is a session that counts how often it is expelled.
type expels struct {
	session
	times int
}

func (e *expels) expel(r mqtt.Reason, _ string) {
	if !errors.Is(r, mqtt.KeepAliveTimeout) {
		panic("another reason")
	}
	e.times++
}

// expelled fails when it is.
type expelled struct{ *testing.T }

func (e expelled) handle([]byte, flushers) (int, error) { return 0, nil }
func (e expelled) flush(writeFunc) error                { return nil }
func (e expelled) waiting() int                         { return 0 }
func (e expelled) full() bool                           { return false }
func (e expelled) keepAlive() time.Duration             { return 0 }
func (e expelled) gone(error)                           {}
func (e expelled) expel(mqtt.Reason, string)            { e.Error("cut off, though it had gone") }
