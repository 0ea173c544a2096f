package sequence

import (
	"slices"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// concat is the batch node that puts sequences of several topics one behind the other.
type concat struct {
	flow.Emitter
	b       *flow.Base
	topics  []string
	groups  map[string][]*concatGroup // by topic, in the order of their coming
	pending int
}

// concatGroup is a sequence of one topic.
type concatGroup struct {
	id    string
	count value.Value
	list  []batched
}

func newConcat(b *flow.Base, c flow.Config) *concat {
	n := &concat{b: b, groups: map[string][]*concatGroup{}}
	n.Base, n.Handle = b, n.message
	if l := c.Get("topics").List(); l != nil {
		for _, t := range l.All() {
			n.topics = append(n.topics, property(t, "topic").Text())
		}
	}
	return n
}

func (n *concat) message(m *flow.Msg) {
	if m.Has("reset") {
		n.forget(nil)
		n.b.Done(m, nil)
		return
	}
	topic, parts := m.Get("topic"), m.Get("parts")
	if !topic.Is(value.String) || !slices.Contains(n.topics, topic.Str()) {
		return // as in Node-RED, it is never done with such a message
	}
	if !has(parts, "id") || !has(parts, "index") || !has(parts, "count") {
		n.b.Done(m, flow.Text("no parts property in message"))
		return
	}
	size := m.Size()
	if err := n.b.Keep(size); err != nil {
		n.forget(nil)
		n.b.Done(m, err)
		return
	}
	g := n.group(topic.Str(), property(parts, "id").Text())
	g.list = append(g.list, batched{m, size})
	if !g.count.Defined() {
		g.count = property(parts, "count")
	}
	n.pending++
	if limit := n.b.Options().MaxBuffered; limit > 0 && n.pending > limit {
		n.forget(flow.Text("too many pending messages in batch node"))
		return
	}
	n.try()
}

func (n *concat) group(topic, id string) *concatGroup {
	for _, g := range n.groups[topic] {
		if g.id == id {
			return g
		}
	}
	g := &concatGroup{id: id}
	n.groups[topic] = append(n.groups[topic], g)
	return g
}

// try sends the first sequences of all topics when they are complete.
func (n *concat) try() {
	for _, topic := range n.topics {
		gs := n.groups[topic]
		if len(gs) == 0 || !gs[0].count.Is(value.Number) || gs[0].count.Num() != float64(len(gs[0].list)) {
			return
		}
	}
	var list []batched
	for _, topic := range n.topics {
		list = append(list, n.groups[topic][0].list...)
	}
	for _, topic := range n.topics {
		if gs := n.groups[topic]; len(gs) > 0 {
			n.groups[topic] = gs[1:]
		}
	}
	n.pending -= len(list)
	for _, e := range list {
		n.b.Release(e.size)
	}
	emitSequence(&n.Emitter, list, true, func() {
		for _, e := range list {
			n.b.Done(e.m, nil)
		}
	})
}

// forget drops all sequences; with an error every message has it.
func (n *concat) forget(err error) {
	groups := n.groups
	n.groups, n.pending = map[string][]*concatGroup{}, 0
	for _, topic := range n.topics {
		for _, g := range groups[topic] {
			for _, e := range g.list {
				n.b.Release(e.size)
				n.b.Done(e.m, err)
			}
		}
		delete(groups, topic)
	}
}

// Close forgets what is kept.
func (n *concat) Close(_ bool, done func()) {
	n.forget(nil)
	n.Stop()
	done()
}
