package flow

import (
	"context"
	"time"

	"tsunagi/internal/flow/value"
)

// meter is what a node has done and what waits for it. It belongs to the loop.
type meter struct {
	received, sent uint64
	cost           time.Duration // of the loop, while somebody asks
	waiting        int           // deliveries in the queue
	waitingBytes   int
	shows          *value.Map // its own status
}

// Holder is implemented by nodes that hold memory of their own beside what Keep counts.
type Holder interface{ Held() int }

// NodeMeter says what one node cost while it was watched.
type NodeMeter struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	Z    string `json:"z,omitempty"`

	Received float64 `json:"received"` // messages a second
	Sent     float64 `json:"sent"`     // messages a second
	CPU      float64 `json:"cpu"`      // seconds of the event loop a second: 1 is all of it

	Queued      int `json:"queued"`      // messages that wait for it
	QueuedBytes int `json:"queuedBytes"` // what they hold
	Bytes       int `json:"bytes"`       // what the node holds: messages that it keeps, its script's memory
}

// Meter watches all nodes for the time d and returns what each did, the most expensive nodes in no order. While nobody
// asks, only messages are counted.
func (r *Runtime) Meter(ctx context.Context, d time.Duration) ([]NodeMeter, error) {
	type point struct {
		received, sent uint64
		cost           time.Duration
	}
	before := map[*Base]point{}
	var began time.Time
	if err := r.on(ctx, func() {
		r.meters++
		began = time.Now()
		r.each(func(b *Base) { before[b] = point{b.received, b.sent, b.cost} })
	}); err != nil {
		return nil, err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	var all []NodeMeter
	err := r.on(context.WithoutCancel(ctx), func() {
		r.meters--
		seconds := time.Since(began).Seconds()
		r.each(func(b *Base) {
			was := before[b]
			m := NodeMeter{ID: b.def.id, Type: b.def.typ, Name: b.def.name, Z: b.def.z,
				Received: float64(b.received-was.received) / seconds, Sent: float64(b.sent-was.sent) / seconds,
				CPU: (b.cost - was.cost).Seconds() / seconds, Queued: b.waiting, QueuedBytes: b.waitingBytes, Bytes: b.kept}
			if h, ok := b.node.(Holder); ok {
				m.Bytes += h.Held()
			}
			all = append(all, m)
		})
	})
	if err == nil {
		err = ctx.Err()
	}
	return all, err
}

// each calls f for every running node, those in subflows as well.
func (r *Runtime) each(f func(*Base)) {
	var walk func(c *container)
	walk = func(c *container) {
		if c == nil {
			return
		}
		for _, b := range c.active {
			f(b)
			if s, ok := b.node.(*instance); ok {
				walk(s.inner)
			}
		}
	}
	for _, id := range r.order {
		walk(r.flows[id])
	}
}

// meterReceive is receive with a look at the clock before and after.
func (b *Base) meterReceive(m *Msg) {
	began := time.Now()
	defer func() { b.cost += time.Since(began) }()
	b.receive(m)
}

func (r *Runtime) meterHandle(e event) {
	began := time.Now()
	defer func() { e.to.cost += time.Since(began) }()
	r.current, r.handling = e.to, e.msg
	if e.run != nil {
		r.handling = nil
		e.run()
		return
	}
	e.to.Send(e.msg)
}
