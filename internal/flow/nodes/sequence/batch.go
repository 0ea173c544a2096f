package sequence

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// batch makes sequences of messages: of so many, of those of a time, or of other sequences
// one behind the other.
type batch struct {
	flow.Emitter
	b       *flow.Base
	count   float64
	overlap int
	parts   bool // the end of a sequence ends the batch, too
	end     bool
	list    []batched
	pending int // Node-RED's count for its limit
	ticker  *flow.Ticker
	every   float64 // milliseconds
	empty   bool    // an empty message is sent when none has come
}

type batched struct {
	m    *flow.Msg
	size int
}

// Batch makes sequences of messages.
func Batch() flow.Type {
	return flow.Type{Name: "batch", New: newBatch, Fields: []string{"mode", "count", "overlap", "interval", "allowEmptySequence", "topics", "honourParts"}}
}

func newBatch(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &batch{b: b, parts: c.Get("honourParts").Truthy()}
	n.Base = b
	or := func(key string, empty float64) float64 {
		if v := c.Get(key); v.Truthy() {
			return v.ToNumber()
		}
		return empty
	}
	switch c.StrOr("mode", "count") {
	case "count":
		n.count = or("count", 1)
		overlap := or("overlap", 0)
		if n.count <= overlap {
			b.Error(flow.Text("Invalid count and overlap"), nil)
			return deaf{}, nil
		}
		n.overlap = int(max(overlap, 0))
		n.Handle = n.counted
	case "interval":
		n.Handle = n.timed
		n.empty = c.Get("allowEmptySequence").Truthy()
		if n.every = or("interval", 0) * 1000; n.every > 0 {
			n.ticker = b.Every(flow.Milliseconds(n.every), n.tick)
		}
	case "concat":
		return newConcat(b, c), nil
	default:
		b.Error(flow.Text("unexpected mode"), nil)
		return deaf{}, nil
	}
	return n, nil
}

// add keeps a message; it says no when there is no room.
func (n *batch) add(m *flow.Msg) bool {
	size := m.Size()
	if err := n.b.Keep(size); err != nil {
		n.forget(nil)
		n.b.Done(m, err)
		return false
	}
	n.list = append(n.list, batched{m, size})
	n.pending++
	return true
}

// forget drops all messages; with an error the last one has it.
func (n *batch) forget(err error) {
	list := n.list
	n.list, n.pending = nil, 0
	if last := len(list) - 1; err != nil && last >= 0 {
		n.b.Release(list[last].size)
		n.b.Done(list[last].m, err)
		list = list[:last]
	}
	for _, e := range list {
		n.b.Release(e.size)
		n.b.Done(e.m, nil)
	}
}

// full gives all up when there are more messages than may be kept.
func (n *batch) full() {
	if limit := n.b.Options().MaxBuffered; limit > 0 && n.pending > limit {
		n.forget(flow.Text("too many pending messages in batch node"))
	}
}

func (n *batch) reset(m *flow.Msg) bool {
	if !m.Has("reset") {
		return false
	}
	n.forget(nil)
	n.b.Done(m, nil)
	return true
}

// counted sends a sequence when there are enough messages.
func (n *batch) counted(m *flow.Msg) {
	if n.reset(m) {
		return
	}
	if parts := m.Get("parts"); n.parts && m.Has("parts") && property(parts, "index").ToNumber()+1 == property(parts, "count").ToNumber() {
		n.end = true
	}
	if !n.add(m) {
		return
	}
	if float64(len(n.list)) == n.count || n.end {
		n.end = false
		list := n.list
		n.list = append([]batched(nil), list[max(len(list)-n.overlap, 0):]...)
		n.pending = 0
		n.send(list, n.overlap > 0, max(len(list)-n.overlap, 0))
	}
	n.full()
}

// send sends messages as a sequence, and is done with the first of them.
func (n *batch) send(list []batched, clone bool, done int) {
	for _, e := range list[:done] {
		n.b.Release(e.size)
	}
	emitSequence(&n.Emitter, list, clone, func() {
		for _, e := range list[:done] {
			n.b.Done(e.m, nil)
		}
	})
}

// emitSequence sends messages with the parts of a sequence.
func emitSequence(e *flow.Emitter, list []batched, clone bool, end func()) {
	id := list[0].m.Get("_msgid")
	e.Emit(len(list), func(i int) *flow.Msg {
		m := list[i].m
		if clone {
			m = m.Clone()
		}
		parts := m.Get("parts").Own().Map()
		if parts == nil {
			parts = value.NewMap(3)
		}
		m.Set("parts", parts.Set("id", id).Set("index", value.Int(i)).Set("count", value.Int(len(list))).Value())
		return m
	}, end)
}

// timed keeps a message for the next tick.
func (n *batch) timed(m *flow.Msg) {
	if m.Has("reset") {
		n.ticker.Stop()
		n.reset(m)
		if n.every > 0 {
			n.ticker = n.b.Every(flow.Milliseconds(n.every), n.tick)
		}
		return
	}
	if n.add(m) {
		n.full()
	}
}

// tick sends what has come.
func (n *batch) tick() {
	if n.Busy() {
		return
	}
	if len(n.list) > 0 {
		list := n.list
		n.list, n.pending = nil, 0
		n.send(list, false, len(list))
	} else if n.empty {
		parts := value.MapOf("id", flow.NewID(), "index", 0, "count", 1)
		n.b.Send(flow.NewMsg("payload", nil, "parts", parts))
	}
}

// Close forgets what is kept.
func (n *batch) Close(_ bool, done func()) {
	n.ticker.Stop()
	n.forget(nil)
	n.Stop()
	done()
}
