package function

import (
	"math"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// pace is a rate of messages, which messages may change.
type pace struct {
	fixed   value.Value // milliseconds between two messages
	now     value.Value
	allowed bool // messages may change it
}

func newPace(c flow.Config) pace {
	ms := unit(c, "rateUnits", "second") / configNumber(c, "rate")
	if many := configNumber(c, "nbRateUnits"); many > 0 {
		ms *= many
	}
	return pace{fixed: value.Num(ms), now: value.Num(ms), allowed: c.Get("allowrate").Truthy()}
}

func (p *pace) interval() time.Duration { return flow.Milliseconds(p.now.ToNumber()) }

// change takes the rate of a message over and says whether it is another one.
func (p *pace) change(m *flow.Msg) bool {
	if !p.allowed || !m.Has("rate") || math.IsNaN(value.ParseFloat(m.Get("rate").Text())) || value.Same(p.now, m.Get("rate")) {
		return false
	}
	p.now = m.Get("rate")
	return true
}

// rateLimit lets messages through at a rate; others wait, or are dropped.
type rateLimit struct {
	waiting
	pace   pace
	ticker *flow.Ticker
	drop   bool
	second bool      // dropped messages go to the second output
	last   time.Time // of the last message when others are dropped
}

func newRateLimit(b *flow.Base, c flow.Config) *rateLimit {
	return &rateLimit{waiting: waiting{b: b}, pace: newPace(c), drop: c.Get("drop").Truthy(), second: c.Get("outputs").ToNumber() == 2}
}

func (n *rateLimit) Receive(m *flow.Msg) {
	switch {
	case !n.drop:
		n.wait(m)
	case !m.Has("reset"):
		n.pass(m)
	}
	if !m.Has("reset") {
		return
	}
	if !m.Get("flush").Defined() {
		n.ticker.Stop()
		n.ticker = nil
		n.last = time.Time{}
	}
	n.forget(false)
	n.pace.now = n.pace.fixed
	depth(n.b, "ring", 0)
	n.b.Done(m, nil)
}

// pass sends a message if the last one is long enough ago, else drops it.
func (n *rateLimit) pass(m *flow.Msg) {
	n.pace.change(m)
	now := time.Now()
	switch {
	case n.last.IsZero() || float64(now.Sub(n.last))/float64(time.Millisecond) > n.pace.now.ToNumber():
		n.last = now
		n.b.Send(m)
	case n.second:
		n.b.SendTo(1, m)
	}
	n.b.Done(m, nil)
}

// wait sends the first message at once and lets those after it wait for their turn.
func (n *rateLimit) wait(m *flow.Msg) {
	c := m.Clone()
	c.Delete("flush")
	if c.Root().Len() > 1 && !n.take(m, c) {
		return
	}
	if !m.Has("flush") {
		return
	}
	left := flushed(m.Get("flush"), len(n.list))
	n.ticker.Stop()
	n.ticker = nil
	if left > 0 {
		n.flush(left, 1)
		n.ticker = n.b.Every(n.pace.interval(), n.next)
	}
	depth(n.b, "dot", len(n.list))
	n.b.Done(m, nil)
}

// take sends or keeps a message; c is the message without flush. It says no when there is
// no room for it.
func (n *rateLimit) take(m, c *flow.Msg) bool {
	if n.ticker == nil {
		n.pace.change(c)
		if !m.Has("reset") {
			n.b.Send(c)
		} else if m.Has("flush") && !n.add(m, c, false) {
			return false
		}
		n.report()
		n.ticker = n.b.Every(n.pace.interval(), n.next)
		n.b.Done(m, nil)
		return true
	}
	if n.pace.change(c) {
		n.ticker.Stop()
		n.ticker = n.b.Every(n.pace.interval(), n.next)
	}
	if limit := n.b.Options().MaxBuffered; limit > 0 && len(n.list) >= limit {
		n.forget(false)
		n.b.Error(flow.Text("too many pending messages in delay node"), c)
		return true
	}
	if !n.add(m, c, m.Get("toFront").Bool()) {
		return false
	}
	n.report()
	return true
}

// next sends the first message that waits; when there is none the next to come need not.
func (n *rateLimit) next() {
	if len(n.list) == 0 {
		n.ticker.Stop()
		n.ticker = nil
	} else if w := n.shift(); w.m.Root().Len() > 1 {
		n.b.Send(w.m)
		n.b.Done(w.of, nil)
	}
	n.report()
}

// Close forgets what waits.
func (n *rateLimit) Close(_ bool, done func()) { n.end(done) }

// burst lets so many messages through in a time, and drops others.
type burst struct {
	b      *flow.Base
	most   float64
	window time.Duration
	second bool
	count  int
	timers []*flow.Timer
}

func newBurst(b *flow.Base, c flow.Config) *burst {
	n := &burst{b: b, most: configNumber(c, "rate"), window: flow.Milliseconds(configNumber(c, "nbRateUnits") * unit(c, "rateUnits", "second")),
		second: c.Get("outputs").ToNumber() == 2}
	n.show("green", "ring")
	return n
}

func (n *burst) show(fill, shape string) { n.b.Status(flow.Status{Fill: fill, Shape: shape}) }

func (n *burst) Receive(m *flow.Msg) {
	switch {
	case m.Has("reset"):
		n.stop()
		n.count = 0
		n.show("green", "ring")
	case float64(n.count) < n.most:
		n.b.Send(m)
		n.pass()
	default:
		if n.second {
			n.b.SendTo(1, m)
		}
		n.show("red", "dot")
	}
	n.b.Done(m, nil)
}

// pass counts a message for the time of the window.
func (n *burst) pass() {
	t := n.b.After(n.window, func() {
		if float64(n.count) == n.most {
			n.show("green", "ring")
		}
		n.count--
	})
	if n.count < len(n.timers) {
		n.timers[n.count] = t
	} else {
		n.timers = append(n.timers, t)
	}
	n.count++
}

func (n *burst) stop() {
	for _, t := range n.timers {
		t.Stop()
	}
	n.timers = nil
}

// Close stops counting.
func (n *burst) Close(_ bool, done func()) {
	n.stop()
	n.b.Status(flow.Status{})
	done()
}
