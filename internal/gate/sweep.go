package gate

import (
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// The wheel's measures. A connection is looked at when it could be over, at the latest after the horizon.
const (
	tick    = 250 * time.Millisecond
	slots   = 256
	horizon = 60 * time.Second
)

// sweep ends connections that have been silent for too long. It also keeps the coarse clock that readers take their
// time stamps from, so that a batch of bytes costs no look at a real one.
type sweep struct {
	now atomic.Int64 // nanoseconds since start, a multiple of tick

	mu    sync.Mutex
	wheel [slots][]*conn
	start time.Time
	at    int64 // ticks since start that are done
}

// busy stands in place of the time while a peer's packets are handled: that is no silence of the peer.
const busy = 1 << 62

// touch notes that the peer has been heard.
func (c *conn) touch() { c.seen.Store(c.srv.sweep.now.Load()) }

// silence is how long a client may say nothing: one and a half times its keep-alive [MQTT-3.1.2-22], and what our
// clock may be behind. Zero switches it off.
func silence(keepAlive time.Duration) time.Duration {
	if keepAlive == 0 {
		return 0
	}
	return keepAlive + keepAlive/2 + tick
}

// add puts a connection on the wheel, if it can ever be overdue.
func (s *sweep) add(c *conn) {
	if c.limit == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(c)
}

// put chooses the slot of the next look. The caller holds mu.
func (s *sweep) put(c *conn) {
	due := min(time.Duration(s.now.Load())+horizon, time.Duration(c.seen.Load())+c.limit)
	ticks := max(int64((due+tick-1)/tick), s.at+1)
	slot := ticks % slots
	c.slot, c.place = int32(slot)+1, int32(len(s.wheel[slot]))
	s.wheel[slot] = append(s.wheel[slot], c)
}

// remove takes a connection that has ended off the wheel, so that it holds no memory.
func (s *sweep) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.slot == 0 {
		return
	}
	list := s.wheel[c.slot-1]
	last := list[len(list)-1]
	list[c.place], last.place = last, c.place
	list[len(list)-1] = nil
	s.wheel[c.slot-1] = list[:len(list)-1]
	c.slot = 0
}

// run ticks until stop is closed.
func (s *sweep) run(stop <-chan struct{}) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			s.advance(now.Sub(s.start))
		}
	}
}

// advance ends every connection that is overdue by now.
func (s *sweep) advance(now time.Duration) {
	s.now.Store(int64(now))
	for _, c := range s.overdue(now) {
		c.sess.expel(mqtt.KeepAliveTimeout, "nothing was heard for one and a half times the keep-alive")
	}
}

// overdue looks at the connections that are due and takes those off the wheel that are over.
func (s *sweep) overdue(now time.Duration) (over []*conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for done := int64(now / tick); s.at < done; {
		s.at++
		slot := &s.wheel[s.at%slots]
		due := *slot
		*slot = nil
		for _, c := range due {
			c.slot = 0
			switch silent := now - time.Duration(c.seen.Load()); {
			case c.ending.Load() != nil:
			case silent > c.limit:
				over = append(over, c)
			default:
				s.put(c)
			}
		}
	}
	return over
}
