package common

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// linkIn is where virtual wires end: those of link out nodes, and calls.
type linkIn struct{ pass }

// LinkIn receives from link out and link call nodes.
func LinkIn() flow.Type {
	return flow.Type{Name: "link in", Fields: []string{"links"}, New: func(b *flow.Base, _ flow.Config) (flow.Node, error) {
		return linkIn{pass{b}}, nil
	}}
}

// linkOut sends to link in nodes, or back to the link call node that a message came from.
type linkOut struct {
	b       *flow.Base
	returns bool
}

// LinkOut sends to link in nodes; its wires are made of the links of both ends.
func LinkOut() flow.Type {
	return flow.Type{Name: "link out", Fields: []string{"links", "mode"}, New: newLinkOut}
}

func newLinkOut(b *flow.Base, c flow.Config) (flow.Node, error) {
	switch mode := c.StrOr("mode", "link"); mode {
	case "link":
		return &linkOut{b: b}, nil
	case "return":
		return &linkOut{b: b, returns: true}, nil
	default:
		return nil, c.Refuse("mode", mode)
	}
}

const (
	keyEvent  = "_event"
	keySource = "_linkSource"
)

func (n *linkOut) Receive(m *flow.Msg) {
	m.Set(keyEvent, value.Str("node:"+n.b.ID()))
	if n.returns {
		n.giveBack(m)
	} else {
		n.b.Send(m)
	}
	n.b.Done(m, nil)
}

// giveBack takes the last caller off the message and returns to it.
func (n *linkOut) giveBack(m *flow.Msg) {
	callers := m.Get(keySource).List()
	if callers == nil || callers.Len() == 0 {
		n.b.Warn("Missing return node information")
		return
	}
	last := callers.At(callers.Len() - 1)
	callers = callers.Own()
	callers.Remove(callers.Len() - 1)
	m.Set(keySource, callers.Value())
	if caller := last.Map(); caller != nil {
		if call, ok := n.b.Anywhere(caller.Get("node").Str()).(LinkCaller); ok {
			call.Returned(caller.Get("id").Str(), m)
			return
		}
	}
	n.b.Warn("Missing return node information")
}

// LinkCaller is a node that messages come back to from link out nodes.
type LinkCaller interface {
	Returned(call string, m *flow.Msg)
}

// maxCalls bounds the calls of one link call node that wait for their return.
const maxCalls = 10_000

// linkCall sends a message to a link in node and waits until it comes back.
type linkCall struct {
	b       *flow.Base
	target  string
	dynamic bool
	limit   time.Duration
	calls   map[string]*call
}

type call struct {
	msg   *flow.Msg // as it was, for the error when it doesn't come back
	in    *flow.Msg // the very message, to be done with
	timer *flow.Timer
}

// LinkCall calls a link in node like a function.
func LinkCall() flow.Type {
	return flow.Type{Name: "link call", Fields: []string{"links", "linkType", "timeout"}, New: newLinkCall}
}

func newLinkCall(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &linkCall{b: b, dynamic: c.Str("linkType") == "dynamic", calls: map[string]*call{}}
	if l := c.Get("links").List(); l != nil {
		n.target = l.At(0).Str()
	} else {
		n.target = c.Str("links")
	}
	n.limit = time.Duration(c.Num("timeout", 30) * float64(time.Second))
	return n, nil
}

func (n *linkCall) Receive(m *flow.Msg) {
	name := n.target
	if n.dynamic {
		name = ""
		if t := m.Get("target"); t.Truthy() {
			name = t.Text()
		}
	}
	target, err := FindLinkIn(n.b, name, n.dynamic)
	if err != nil {
		n.b.Error(err, m)
		return
	}
	if len(n.calls) >= maxCalls {
		n.b.Error(flow.NewError("more than %d calls wait for their return", maxCalls), m)
		return
	}
	id := newCall()
	if !m.Get(keySource).Truthy() {
		m.Set(keySource, value.NewList().Value())
	}
	c := &call{msg: m.Clone(), in: m}
	c.timer = n.b.After(n.limit, func() {
		delete(n.calls, id)
		n.b.Error(flow.Text("timeout"), c.msg)
	})
	n.calls[id] = c
	callFrom(n.b, id, m)
	target.Inject(m)
}

// newCall makes a number for a call that nobody can guess.
func newCall() string {
	var raw [14]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// callFrom notes on a message that it is to come back to b.
func callFrom(b *flow.Base, id string, m *flow.Msg) {
	callers := value.NewList()
	if had := m.Get(keySource).List(); had != nil {
		callers = had.Own()
	}
	callers.Append(value.MapOf("id", id, "node", b.ID()).Value())
	m.Set(keySource, callers.Value())
}

// CallLink gives a message to a link in node, from which it comes back to b's Returned with
// the call's number.
func CallLink(b, target *flow.Base, m *flow.Msg) (call string) {
	call = newCall()
	callFrom(b, call, m)
	target.Inject(m)
	return call
}

// FindLinkIn returns the link in node with an id; for dynamic calls also the only one of that name
// on this flow, or else on all flows outside of subflows.
func FindLinkIn(from *flow.Base, name string, dynamic bool) (*flow.Base, error) {
	if b := from.Find(name); b != nil {
		if _, ok := b.Node().(linkIn); ok {
			return b, nil
		}
	}
	if dynamic && name != "" {
		var here, outside []*flow.Base
		for _, b := range from.All("link in") {
			if b.Name() != name {
				continue
			}
			if b.Z() == from.Z() {
				here = append(here, b)
			}
			if !b.InSubflow() {
				outside = append(outside, b)
			}
		}
		if len(here) != 1 {
			here = outside
		}
		if len(here) == 1 {
			return here[0], nil
		}
		if len(here) > 1 {
			return nil, flow.NewError("Multiple link-in nodes named '%s' found", name)
		}
	}
	return nil, flow.NewError("target link-in node '%s' not found", name)
}

// Returned sends on what a link out node gave back.
func (n *linkCall) Returned(id string, m *flow.Msg) {
	if l := m.Get(keySource).List(); l != nil && l.Len() == 0 {
		m.Delete(keySource)
	}
	c := n.calls[id]
	if c == nil {
		n.b.Send(m)
		return
	}
	c.timer.Stop()
	delete(n.calls, id)
	n.b.Send(m)
	n.b.Done(c.in, nil)
}
