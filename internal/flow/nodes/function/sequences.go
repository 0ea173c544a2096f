package function

import (
	"slices"
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// maxKept bounds the messages of unfinished sequences that a switch node keeps.
const maxKept = 100_000

// sequences collects the messages of sequences until they are complete, on the way in and on
// the way out.
type sequences struct {
	b    *flow.Base
	in   map[string]*incoming
	out  map[string]*outgoing
	kept int
}

type incoming struct {
	msgs  []*flow.Msg
	count float64 // 0 while it is not known
}

type outgoing struct {
	msgs     []*flow.Msg
	onward   [][]bool
	received float64
}

// add keeps a message; when its sequence is complete, all of it is given to next, with the
// count in every message.
func (s *sequences) add(m *flow.Msg, parts *value.Map, next func(*flow.Msg)) {
	if s.in == nil {
		s.in = map[string]*incoming{}
	}
	id := parts.Get("id").Text()
	g := s.in[id]
	if g == nil {
		g = &incoming{}
		s.in[id] = g
	}
	g.msgs = append(g.msgs, m)
	if s.kept++; s.full(m) {
		return
	}
	if parts.Has("count") {
		g.count = parts.Get("count").ToNumber()
	}
	if g.count != float64(len(g.msgs)) {
		return
	}
	s.kept -= len(g.msgs)
	delete(s.in, id)
	count, _ := value.ParsePath("parts.count")
	for _, m := range g.msgs {
		_, _ = m.SetPath(count, value.Num(g.count), true) // parts is an object: add was given it
		next(m)
	}
}

// renumber keeps which outputs a message goes to; when its sequence is complete, each output
// gets a sequence of its own.
func (s *sequences) renumber(m *flow.Msg, parts *value.Map, onward []bool) {
	if s.out == nil {
		s.out = map[string]*outgoing{}
	}
	id := parts.Get("id").Text()
	g := s.out[id]
	if g == nil {
		g = &outgoing{}
		s.out[id] = g
	}
	g.msgs = append(g.msgs, m)
	g.onward = append(g.onward, slices.Clone(onward))
	g.received++
	if s.kept++; s.full(m) {
		return
	}
	if g.received != parts.Get("count").ToNumber() {
		return
	}
	s.kept -= len(g.msgs)
	delete(s.out, id)
	s.send(g)
}

func (s *sequences) send(g *outgoing) {
	ports := 0
	for _, o := range g.onward {
		ports = max(ports, len(o))
	}
	ids, counts, indexes := make([]value.Value, ports), make([]int, ports), make([]int, ports)
	for j := range ports {
		ids[j] = value.Str(flow.NewID())
		for _, o := range g.onward {
			if j < len(o) && o[j] {
				counts[j]++
			}
		}
	}
	for i, m := range g.msgs {
		outs := make([][]*flow.Msg, len(g.onward[i]))
		for j, yes := range g.onward[i] {
			if !yes {
				continue
			}
			c := m.Clone()
			p := c.Get("parts").Own().Map()
			p.Set("id", ids[j]).Set("index", value.Int(indexes[j])).Set("count", value.Int(counts[j]))
			c.Set("parts", p.Value())
			outs[j] = []*flow.Msg{c}
			indexes[j]++
		}
		s.b.SendAll(outs...)
	}
}

// full gives all up when too much is kept.
func (s *sequences) full(m *flow.Msg) bool {
	if s.kept <= maxKept {
		return false
	}
	s.clear()
	s.b.Error(flow.Text("too many pending messages in switch node"), m)
	return true
}

func (s *sequences) clear() { s.in, s.out, s.kept = nil, nil, 0 }
