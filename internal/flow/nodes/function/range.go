package function

import (
	"math"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// scale maps numbers of one range to another: the range node.
type scale struct {
	b                            *flow.Base
	action                       string
	round                        bool
	minIn, maxIn, minOut, maxOut float64
	path                         *value.Path
	err                          error // the property is no path
}

// Range maps numbers of one range to another.
func Range() flow.Type {
	return flow.Type{Name: "range", Fields: []string{"minin", "maxin", "minout", "maxout", "action", "round", "property"}, New: newRange}
}

func newRange(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &scale{b: b, action: c.Str("action"), round: c.Get("round").Truthy(),
		minIn: c.Get("minin").ToNumber(), maxIn: c.Get("maxin").ToNumber(), minOut: c.Get("minout").ToNumber(), maxOut: c.Get("maxout").ToNumber()}
	switch n.action {
	case "scale", "clamp", "roll", "drop", "":
	default:
		return nil, c.Refuse("Action", n.action)
	}
	if n.minIn > n.maxIn {
		n.minIn, n.maxIn, n.minOut, n.maxOut = n.maxIn, n.minIn, n.maxOut, n.minOut
	}
	if n.round {
		n.maxOut, n.minOut = math.Floor(n.maxOut), math.Ceil(n.minOut)
	}
	n.path, n.err = value.ParseMessagePath(c.StrOr("property", "payload"))
	return n, nil
}

func (n *scale) Receive(m *flow.Msg) {
	v, ok := n.b.At(m, n.path, n.err)
	if !ok {
		return
	}
	if !v.Defined() {
		n.b.Send(m)
		n.b.Done(m, nil)
		return
	}
	x := v.ToNumber()
	if math.IsNaN(x) {
		n.b.Log("Not a number: " + v.Text())
		n.b.Done(m, nil)
		return
	}
	switch n.action {
	case "drop":
		if x < n.minIn || x > n.maxIn {
			n.b.Done(m, nil)
			return
		}
	case "clamp":
		x = min(max(x, n.minIn), n.maxIn)
	case "roll":
		d := n.maxIn - n.minIn
		x = math.Mod(math.Mod(x-n.minIn, d)+d, d) + n.minIn
	}
	x = (x-n.minIn)/(n.maxIn-n.minIn)*(n.maxOut-n.minOut) + n.minOut
	if n.round {
		x = math.Floor(x + .5) // Math.round
	}
	if _, err := m.SetPath(n.path, value.Num(x), true); err != nil {
		n.b.Error(flow.AsError(err), m)
		return
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}
