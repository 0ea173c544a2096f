package function

import (
	"container/list"
	"math"
	"math/rand/v2"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// Delay holds messages back: for a time, or to a rate.
func Delay() flow.Type {
	return flow.Type{Name: "delay", New: newDelay, Fields: []string{"pauseType", "timeout", "timeoutUnits", "rate", "nbRateUnits", "rateUnits",
		"randomFirst", "randomLast", "randomUnits", "drop", "allowrate", "outputs"}}
}

func newDelay(b *flow.Base, c flow.Config) (flow.Node, error) {
	switch typ := c.Str("pauseType"); typ {
	case "delay", "delayv", "random":
		n := &pause{b: b, mode: typ, held: list.New(), timeout: configNumber(c, "timeout") * unit(c, "timeoutUnits", "seconds")}
		n.first = configNumber(c, "randomFirst") * unit(c, "randomUnits", "seconds")
		n.spread = configNumber(c, "randomLast")*unit(c, "randomUnits", "seconds") - n.first
		return n, nil
	case "rate":
		return newRateLimit(b, c), nil
	case "burst":
		return newBurst(b, c), nil
	case "queue", "timed":
		return newTopicQueue(b, c, typ == "timed"), nil
	default:
		return nil, c.Refuse("Action", typ)
	}
}

func configNumber(c flow.Config, key string) float64 { return c.Get(key).ToNumber() }

// unit is how many milliseconds a unit of the dialog has; unknown ones are the usual.
func unit(c flow.Config, key, usual string) float64 {
	ms := map[string]float64{"milliseconds": 1, "second": 1000, "seconds": 1000, "minute": 60_000, "minutes": 60_000,
		"hour": 3_600_000, "hours": 3_600_000, "day": 86_400_000, "days": 86_400_000}
	if n, ok := ms[c.Str(key)]; ok {
		return n
	}
	return ms[usual]
}

// depth shows how many messages wait.
func depth(b *flow.Base, shape string, n int) {
	b.StatusValue(value.MapOf("fill", "blue", "shape", shape, "text", n))
}

// pause holds each message for a time: a fixed one, one of the message, or a random one.
type pause struct {
	b             *flow.Base
	mode          string  // delay, delayv, random
	timeout       float64 // milliseconds, as are the others
	first, spread float64
	held          *list.List // of *paused, in the order of their coming
}

// paused is a message that waits for its time.
type paused struct {
	m     *flow.Msg
	timer *flow.Timer
	place *list.Element // nil when it is not held
	size  int
}

func (n *pause) Receive(m *flow.Msg) {
	wait := n.timeout
	switch n.mode {
	case "delayv":
		if m.Has("delay") {
			if f := value.ParseFloat(m.Get("delay").Text()); !math.IsNaN(f) {
				wait = f
			}
		}
		wait = max(wait, 0)
	case "random":
		wait = n.first + n.spread*rand.Float64() //nolint:gosec // a time, not a secret
	}
	flush := m.Has("flush")
	if flush && m.Root().Len() == 2 { // a message that only flushes
		n.b.Done(m, nil)
	} else if !n.hold(m, wait) {
		return
	}
	reset := m.Has("reset")
	if reset {
		n.clear()
		depth(n.b, "ring", 0)
	}
	if flush && !(reset && n.mode == "delay") {
		n.flush(m.Get("flush"))
		n.b.Done(m, nil)
	}
	switch {
	case n.mode == "delay" && !reset && !flush && n.timeout > 1000, n.mode == "delayv", n.mode == "random" && n.timeout >= 1000:
		depth(n.b, "dot", n.held.Len())
	}
}

// hold keeps a message for so many milliseconds.
func (n *pause) hold(m *flow.Msg, wait float64) bool {
	p := &paused{m: m, size: m.Size()}
	if err := n.b.Keep(p.size); err != nil {
		n.b.Done(m, err)
		return false
	}
	p.place = n.held.PushBack(p)
	p.timer = n.b.After(flow.Milliseconds(wait), func() { n.release(p) })
	return true
}

// release sends a message whose time has come.
func (n *pause) release(p *paused) {
	n.drop(p)
	switch n.mode {
	case "delay":
		if n.timeout > 1000 {
			depth(n.b, "dot", n.held.Len())
		}
		n.b.Send(p.m)
	case "delayv":
		n.b.Send(p.m)
		depth(n.b, "dot", n.held.Len())
	default:
		n.b.Send(p.m)
		if n.timeout >= 1000 {
			depth(n.b, "dot", n.held.Len())
		}
	}
	n.b.Done(p.m, nil)
}

func (n *pause) drop(p *paused) {
	p.timer.Stop()
	n.held.Remove(p.place)
	n.b.Release(p.size)
}

// flush sends so many messages, or all when it is no number.
func (n *pause) flush(many value.Value) {
	left := flushed(many, n.held.Len())
	for ; left > 0; left-- {
		n.release(n.held.Front().Value.(*paused))
	}
	depth(n.b, "dot", n.held.Len())
}

// flushed is how many of n messages a flush property asks for.
func flushed(many value.Value, n int) int {
	if many.Is(value.Number) {
		return int(math.Max(math.Min(math.Floor(many.Num()), float64(n)), 0))
	}
	return n
}

// clear forgets all messages.
func (n *pause) clear() {
	for n.held.Len() > 0 {
		p := n.held.Front().Value.(*paused)
		n.drop(p)
		n.b.Done(p.m, nil)
	}
}

// Close forgets what waits.
func (n *pause) Close(_ bool, done func()) {
	n.clear()
	n.b.Status(flow.Status{})
	done()
}
