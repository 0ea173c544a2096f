package function

import (
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// waiting is the queue of a delay node.
type waiting struct {
	b    *flow.Base
	list []waiter
	busy *flow.Timer // the number of those who wait will be shown
}

// waiter is a message that waits; of is the one that came, which may be another copy.
type waiter struct {
	m, of *flow.Msg
	size  int
}

// add lets a message wait, behind or before all others. It says no when there is no room.
func (q *waiting) add(of, m *flow.Msg, front bool) bool {
	w := waiter{m: m, of: of, size: m.Size()}
	if err := q.b.Keep(w.size); err != nil {
		q.b.Done(of, err)
		return false
	}
	if !q.b.Heard() {
		w.of = m
	}
	if front {
		q.list = append([]waiter{w}, q.list...)
	} else {
		q.list = append(q.list, w)
	}
	return true
}

func (q *waiting) shift() waiter {
	w := q.list[0]
	q.list[0] = waiter{}
	if q.list = q.list[1:]; len(q.list) == 0 {
		q.list = nil
	}
	q.b.Release(w.size)
	return w
}

// flush sends the first n messages that have more than so many properties.
func (q *waiting) flush(n, more int) {
	for range n {
		w := q.shift()
		w.m.Delete("flush")
		w.m.Delete("reset")
		if w.m.Root().Len() > more {
			q.b.Send(w.m)
			q.b.Done(w.of, nil)
		}
	}
}

// forget drops all messages.
func (q *waiting) forget(done bool) {
	for len(q.list) > 0 {
		w := q.shift()
		if done {
			q.b.Done(w.of, nil)
		}
	}
}

// report shows how many wait, in half a second.
func (q *waiting) report() {
	if q.busy == nil {
		q.busy = q.b.After(500*time.Millisecond, func() {
			q.busy = nil
			depth(q.b, "dot", len(q.list))
		})
	}
}

func (q *waiting) end(done func()) {
	q.busy.Stop()
	q.forget(true)
	q.b.Status(flow.Status{})
	done()
}

// topicQueue keeps the last message of each topic, and sends one topic at a time, or all.
type topicQueue struct {
	waiting
	pace   pace
	ticker *flow.Ticker
	all    bool
	second bool // replaced messages go to the second output
}

func newTopicQueue(b *flow.Base, c flow.Config, all bool) *topicQueue {
	n := &topicQueue{waiting: waiting{b: b}, pace: newPace(c), all: all, second: c.Get("outputs").ToNumber() == 2}
	n.ticker = b.Every(n.pace.interval(), n.tick)
	return n
}

func (n *topicQueue) tick() {
	for len(n.list) > 0 {
		w := n.shift()
		n.b.Send(w.m)
		n.b.Done(w.of, nil)
		if !n.all {
			break
		}
	}
	n.report()
}

// next is the tick after a message has changed the rate: then each topic has its turn, and
// the first time without any is the last.
func (n *topicQueue) next() {
	if len(n.list) == 0 {
		n.ticker.Stop()
	} else if w := n.shift(); w.m.Root().Len() > 1 {
		n.b.Send(w.m)
		n.b.Done(w.of, nil)
	}
	n.report()
}

func (n *topicQueue) Receive(m *flow.Msg) {
	if n.pace.change(m) {
		n.ticker.Stop()
		n.ticker = n.b.Every(n.pace.interval(), n.next)
	}
	if !m.Has("topic") {
		m.Set("topic", value.Str("_none_"))
	}
	if !n.replace(m) {
		if !n.add(m, m, false) {
			return
		}
		n.report()
	}
	if m.Has("flush") {
		n.flush(flushed(m.Get("flush"), len(n.list)), 2)
		n.b.Status(flow.Status{})
		n.b.Done(m, nil)
	}
	if m.Has("reset") {
		n.forget(true)
		n.pace.now = n.pace.fixed
		n.b.StatusValue(value.MapOf("text", "reset"))
		n.b.Done(m, nil)
	}
}

// replace puts a message in the place of one with the same topic, if there is one.
func (n *topicQueue) replace(m *flow.Msg) bool {
	for i := range n.list {
		w := &n.list[i]
		if !value.Same(w.m.Get("topic"), m.Get("topic")) {
			continue
		}
		size := m.Size()
		if err := n.b.Keep(size); err != nil {
			n.b.Done(m, err)
			return true
		}
		n.b.Release(w.size)
		if n.second {
			n.b.SendTo(1, w.m)
		}
		n.b.Done(w.of, nil)
		*w = waiter{m: m, of: m, size: size}
		return true
	}
	return false
}

// Close forgets what waits.
func (n *topicQueue) Close(_ bool, done func()) {
	n.ticker.Stop()
	n.end(done)
}
