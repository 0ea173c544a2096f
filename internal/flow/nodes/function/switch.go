package function

import (
	"math"

	"github.com/dlclark/regexp2"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// switchNode sends messages on by rules, one output each.
type switchNode struct {
	b        *flow.Base
	property *flow.Property
	rules    []rule
	all      bool // go on behind the first rule that holds
	previous value.Value

	repair   bool // make sequences of the outputs' own
	whole    bool // rules need the number of messages of a sequence
	waiting  []*flow.Msg
	handling bool
	onward   []bool // see apply
	groups   sequences
}

// rule is one line of the dialog.
type rule struct {
	op         string
	v, v2      operand
	ignoreCase bool
	re         *regexp2.Regexp // of a fixed pattern
}

// operand is what a rule compares with.
type operand struct {
	typ  string // "" for none, prev, else a type of flow.Property
	prop *flow.Property
}

// Switch sends messages on by rules.
func Switch() flow.Type {
	return flow.Type{Name: "switch", Fields: []string{"property", "propertyType", "rules", "checkall", "repair", "outputs"}, New: newSwitch}
}

func newSwitch(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &switchNode{b: b, all: c.StrOr("checkall", "true") != "false", previous: value.Nil(), repair: c.Get("repair").Truthy()}
	n.whole = n.repair
	n.groups.b = b
	typ := c.StrOr("propertyType", "msg")
	var err error
	if n.property, err = b.Property(c.Get("property"), typ); err != nil {
		return nil, err
	}
	valid := !wrongExpression(b, n.property)
	if l := c.Get("rules").List(); l != nil {
		for _, e := range l.All() {
			r, err := compileRule(b, c, e.Map())
			if err != nil {
				return nil, err
			}
			n.whole = n.whole || r.op == "tail"
			n.rules = append(n.rules, r)
			valid = !wrongExpression(b, r.v.prop) && !wrongExpression(b, r.v2.prop) && valid
		}
	}
	if !valid { // Node-RED's node takes no messages then
		return deaf{}, nil
	}
	return n, nil
}

// wrongExpression reports a JSONata expression that can't be read.
func wrongExpression(b *flow.Base, p *flow.Property) bool {
	if p == nil || !p.Expression() || p.Fault() == nil {
		return false
	}
	b.Error(flow.ExpressionError(p.Fault()), nil)
	return true
}

func compileRule(b *flow.Base, c flow.Config, o *value.Map) (r rule, err error) {
	if o == nil {
		o = value.NewMap(0)
	}
	r.op, r.ignoreCase = o.Get("t").Str(), o.Get("case").Truthy()
	if !operators[r.op] {
		return r, c.Refuse("rule", r.op)
	}
	if r.v, err = compileOperand(b, c, o.Get("v"), o.Get("vt"), true); err != nil {
		return r, err
	}
	if r.v2, err = compileOperand(b, c, o.Get("v2"), o.Get("v2t"), o.Get("v2").Defined()); err != nil {
		return r, err
	}
	if r.op == "regex" && (r.v.typ == "str" || r.v.typ == "re" || r.v.typ == "num") {
		if v, err := r.v.prop.Eval(nil); err == nil {
			r.re, _ = compileRegex(v.Text(), r.ignoreCase) // a fault is one of each message
		}
	}
	return r, nil
}

func compileOperand(b *flow.Base, c flow.Config, v, typ value.Value, given bool) (o operand, err error) {
	if !given {
		return operand{}, nil
	}
	o.typ = typ.Str()
	if o.typ == "" {
		o.typ = "str"
		if !math.IsNaN(v.ToNumber()) {
			o.typ = "num"
		}
	}
	switch o.typ {
	case "prev":
		return o, nil
	case "json", "null": // Node-RED compares with these words
		v, o.typ = value.Str(o.typ), "str"
	}
	o.prop, err = b.Property(v, o.typ)
	return o, err
}

// get returns the value for a message. A fault makes it undefined, but that of an expression
// is an error.
func (o operand) get(n *switchNode, m *flow.Msg, vars map[string]value.Value) (value.Value, error) {
	switch o.typ {
	case "":
		return value.Value{}, nil
	case "prev":
		return n.previous, nil
	}
	v, err := o.prop.EvalWith(m, vars)
	if err != nil && o.prop.Expression() {
		return v, flow.ExpressionError(err)
	}
	if err != nil {
		return value.Value{}, nil
	}
	return v, nil
}

// Receive handles messages one after the other, each a turn behind the one before, as
// Node-RED does.
func (n *switchNode) Receive(m *flow.Msg) {
	if n.handling {
		if len(n.waiting) >= maxKept {
			n.b.Error(flow.Text("too many pending messages in switch node"), m)
			return
		}
		n.waiting = append(n.waiting, m)
		return
	}
	n.handling = true
	n.process(m, true)
	n.b.Again()
}

// Resume goes on with the next message.
func (n *switchNode) Resume() {
	if len(n.waiting) == 0 {
		n.handling = false
		return
	}
	m := n.waiting[0]
	n.waiting[0] = nil
	n.waiting = n.waiting[1:]
	if len(n.waiting) == 0 {
		n.waiting = nil
	}
	n.process(m, true)
	n.b.Again()
}

func (n *switchNode) process(m *flow.Msg, collect bool) {
	parts, ok := hasParts(m)
	if n.whole && collect && ok {
		n.groups.add(m, parts, func(m *flow.Msg) { n.process(m, false) })
		return
	}
	property, err := n.property.Eval(m)
	if err != nil && n.property.Expression() {
		n.b.Warn(flow.ExpressionError(err).Error())
		return
	}
	if err != nil {
		property = value.Value{}
	}
	onward, err := n.apply(m, property, parts)
	switch {
	case err != nil:
		n.b.Error(err, m)
	case n.repair && ok:
		n.groups.renumber(m, parts, onward)
	default:
		n.b.SendOn(m, onward)
	}
}

// apply says which rules hold, in a slice that the next message uses again.
func (n *switchNode) apply(m *flow.Msg, property value.Value, parts *value.Map) ([]bool, error) {
	onward := n.onward[:0]
	none := true
	for i := range n.rules {
		r := &n.rules[i]
		var vars map[string]value.Value
		if r.op == "jsonata_exp" && parts != nil {
			vars = map[string]value.Value{"I": parts.Get("index"), "N": parts.Get("count")}
		}
		v1, err := r.v.get(n, m, vars)
		if err != nil {
			return nil, err
		}
		v2, err := r.v2.get(n, m, nil)
		if err != nil {
			return nil, err
		}
		subject := property
		if r.op == "else" {
			subject = value.Of(none)
			none = true
		}
		yes, err := r.holds(subject, v1, v2, parts)
		if err != nil {
			return nil, err
		}
		onward = append(onward, yes)
		if yes {
			none = false
			if !n.all {
				break
			}
		}
	}
	n.previous, n.onward = property, onward
	return onward, nil
}

// Close forgets what waits.
func (n *switchNode) Close(_ bool, done func()) {
	n.waiting = nil
	n.groups.clear()
	done()
}
