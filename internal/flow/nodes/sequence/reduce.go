package sequence

import (
	"sort"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/function"
	"tsunagi/internal/flow/value"
)

// reduce is the join node that makes one value of a sequence by a JSONata expression.
type reduce struct {
	b       *flow.Base
	exp     flow.Expression
	fixup   flow.Expression // nil for none
	init    *flow.Property
	right   bool
	groups  map[string]*reduceGroup
	pending int // messages of groups
}

type reduceGroup struct {
	count value.Value
	msgs  []*flow.Msg
	kept  int
}

func newReduce(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &reduce{b: b, right: c.Get("reduceRight").Truthy(), groups: map[string]*reduceGroup{}}
	var err error
	if n.exp, err = b.Expression(c.Str("reduceExp")); err == nil {
		if fixup := c.Str("reduceFixup"); fixup != "" {
			n.fixup, err = b.Expression(fixup)
		}
	}
	if err != nil {
		b.Error(flow.ExpressionError(err), nil)
		return deaf{}, nil
	}
	n.init, err = b.Property(c.Get("reduceInit"), c.Str("reduceInitType"))
	return n, err
}

// Receive keeps a message until its sequence is complete; one that is of no sequence goes on.
func (n *reduce) Receive(m *flow.Msg) {
	if !m.Has("parts") {
		n.b.Send(m)
		n.b.Done(m, nil)
		return
	}
	parts := m.Get("parts")
	id := property(parts, "id").Text()
	size := m.Size()
	if err := n.b.Keep(size); err != nil {
		n.forget(nil)
		n.b.Done(m, err)
		return
	}
	g := n.groups[id]
	if g == nil {
		g = &reduceGroup{}
		n.groups[id] = g
	}
	if !g.count.Defined() {
		g.count = property(parts, "count")
	}
	g.msgs = append(g.msgs, m)
	g.kept += size
	n.pending++
	if g.count.Is(value.Number) && g.count.Num() == float64(len(g.msgs)) {
		delete(n.groups, id)
		n.pending -= len(g.msgs)
		n.b.Release(g.kept)
		if err := n.send(g); err != nil {
			n.b.Done(m, err)
			return
		}
	}
	if limit := n.b.Options().MaxBuffered; limit > 0 && n.pending > limit {
		n.forget(m)
		n.b.Done(m, flow.Text("too many pending messages in join node"))
	}
}

// send reduces a sequence and sends the result in its last message.
func (n *reduce) send(g *reduceGroup) error {
	acc, err := n.init.Eval(flow.NewMsg())
	if err != nil && !n.init.Expression() {
		return flow.NewError("Invalid JSONata expression: %s", message(err))
	}
	msgs := append([]*flow.Msg(nil), g.msgs...)
	sort.SliceStable(msgs, func(i, j int) bool {
		a, b := property(msgs[i].Get("parts"), "index"), property(msgs[j].Get("parts"), "index")
		if n.right {
			a, b = b, a
		}
		less, ok := value.Less(a, b)
		return ok && less
	})
	for _, m := range msgs {
		vars := map[string]value.Value{"I": property(m.Get("parts"), "index"), "N": g.count, "A": acc}
		if acc, err = n.exp.Eval(m, vars); err != nil {
			return n.failed(g, err)
		}
	}
	if n.fixup != nil {
		if acc, err = n.fixup.Eval(flow.NewMsg(), map[string]value.Value{"N": g.count, "A": acc}); err != nil {
			return n.failed(g, err)
		}
	}
	last := msgs[len(msgs)-1]
	last.Set("payload", acc)
	n.b.Send(last)
	for _, m := range g.msgs {
		n.b.Done(m, nil)
	}
	return nil
}

// failed ends the work on all messages but the last, which has the error.
func (n *reduce) failed(g *reduceGroup, err error) error {
	for _, m := range g.msgs[:len(g.msgs)-1] {
		n.b.Done(m, nil)
	}
	return function.Thrown(err)
}

// message is the text of an error without its name.
func message(err error) string {
	if e, ok := flow.AsError(err).(*flow.Error); ok { //nolint:errorlint // AsError made it
		return e.Message
	}
	return err.Error()
}

// forget gives all sequences up; every message but the last is done.
func (n *reduce) forget(last *flow.Msg) {
	groups := n.groups
	n.groups, n.pending = map[string]*reduceGroup{}, 0
	for _, g := range groups {
		n.b.Release(g.kept)
		for _, m := range g.msgs {
			if m != last {
				n.b.Done(m, nil)
			}
		}
	}
}

// Close forgets what is kept, without being done with it, as Node-RED's.
func (n *reduce) Close(_ bool, done func()) {
	n.groups = nil
	done()
}
