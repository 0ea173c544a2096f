package function

import (
	"regexp"
	"strings"

	"github.com/dlclark/regexp2"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// change sets, replaces, deletes and moves properties of messages and contexts.
type change struct {
	b     *flow.Base
	rules []step
}

// step is one rule of the dialog, or a part of a move.
type step struct {
	op     string // set, delete, change, move
	target place
	to     source
	deep   bool // the value is cloned

	left    *value.Path // move: the property that goes
	instead []step      // move: the same in Node-RED's steps

	fromType string // change: num, bool, str, re, msg, flow, global
	from     string
	fromRE   *regexp2.Regexp
	fromPath *flow.Property
}

// place is a property that a rule writes.
type place struct {
	typ  string // msg, flow, global
	name string
	path *value.Path // msg; nil when it is none
	key  flow.ContextKey
	err  error
}

// source is the value that a rule writes.
type source struct {
	typ   string
	fixed value.Value
	prop  *flow.Property
}

// Change sets, replaces, deletes and moves properties.
func Change() flow.Type {
	return flow.Type{Name: "change", Fields: []string{"rules", "action", "property", "from", "to", "reg"}, New: newChange}
}

func newChange(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &change{b: b}
	valid := true
	for _, o := range changeRules(c) {
		steps, fault, err := n.compile(c, o)
		if err != nil {
			return nil, err
		}
		if fault != "" {
			b.Error(flow.Text(fault), nil)
			valid = false
		}
		n.rules = append(n.rules, steps...)
	}
	if !valid { // Node-RED's node takes no messages then
		n.rules = nil
		return deaf{}, nil
	}
	return n, nil
}

// deaf is a node whose dialog was filled in wrongly: messages to it vanish.
type deaf struct{}

func (deaf) Receive(*flow.Msg) {}

// changeRules returns the rules, of files of all ages.
func changeRules(c flow.Config) (rules []*value.Map) {
	if l := c.Get("rules").List(); l != nil {
		for _, e := range l.All() {
			if o := e.Map(); o != nil {
				rules = append(rules, o.Clone().Own())
			}
		}
		return rules
	}
	op := c.Str("action")
	if op == "replace" {
		op = "set"
	}
	o := value.MapOf("t", op, "p", c.Str("property"))
	if op != "delete" {
		o.Set("to", value.Str(c.Str("to")))
	}
	if op == "change" {
		o.Set("from", value.Str(c.Str("from"))).Set("re", value.Of(c.Get("reg").Truthy() || c.Get("reg").Is(value.Null)))
	}
	return []*value.Map{o}
}

// compile makes the steps of one rule. A fault is an error of the dialog that Node-RED shows;
// err is an option that can't be run.
func (n *change) compile(c flow.Config, o *value.Map) (steps []step, fault string, err error) {
	text := func(key, empty string) string {
		if v := o.Get(key); v.Truthy() {
			return v.Text()
		}
		return empty
	}
	op, p, pt := text("t", ""), text("p", ""), text("pt", "msg")
	to, tot := o.Get("to"), text("tot", "")
	if op == "set" && tot == "" && strings.HasPrefix(to.Str(), "msg.") {
		to, tot = value.Str(to.Str()[4:]), "msg"
	}
	if tot == "" {
		tot = "str"
	}
	switch op {
	case "delete":
		return []step{{op: op, target: newPlace(pt, p)}}, "", nil
	case "move":
		steps, err = n.compileMove(p, pt, to.Text(), tot)
		return steps, "", err
	case "set", "change":
	default:
		return nil, "", c.Refuse("rule", op)
	}
	s := step{op: op, target: newPlace(pt, p), deep: o.Get("dc").Truthy()}
	if s.to, fault, err = n.source(to, tot); err != nil || fault != "" {
		return nil, fault, err
	}
	if op == "change" {
		fault, err = n.compileFrom(&s, o, text("fromt", "str"))
	}
	return []step{s}, fault, err
}

// compileMove makes a set and a delete. When one place lies in the other, it goes by way of a third.
func (n *change) compileMove(p, pt, to, tot string) ([]step, error) {
	set := func(t, tt, from, ft string) (step, error) {
		prop, err := n.b.Property(value.Str(from), ft)
		return step{op: "set", target: newPlace(tt, t), to: source{typ: ft, prop: prop}}, err
	}
	drop := func(t, tt string) step { return step{op: "delete", target: newPlace(tt, t)} }
	if tot != pt || strings.Contains(p, to) && p != to {
		s, err := set(to, tot, p, pt)
		return []step{s, drop(p, pt)}, err
	}
	first, err := set(between, tot, p, pt)
	if err != nil {
		return nil, err
	}
	second, err := set(to, tot, between, pt)
	steps := []step{first, drop(p, pt), second, drop(between, pt)}
	left := steps[1].target
	if err != nil || pt != "msg" || left.err != nil || second.target.err != nil || strings.HasPrefix(p, between) || strings.HasPrefix(to, between) {
		return steps, err
	}
	return []step{{op: "move", target: second.target, to: first.to, left: left.path, instead: steps}}, nil
}

// between is the property by way of which Node-RED moves.
const between = "_temp_move"

// move is the steps of a move within a message without the property between, which nobody sees then.
func (n *change) move(s *step, m *flow.Msg) bool {
	if m.Has(between) {
		for i := range s.instead {
			if !n.run(&s.instead[i], m) {
				return false
			}
		}
		return true
	}
	v, err := s.to.prop.Ref(m)
	if err != nil {
		v = value.Value{}
	}
	_, _ = m.SetPath(s.left, value.Value{}, false) // what can't be deleted stays, as in Node-RED
	return n.write(s, m, v)
}

func newPlace(typ, name string) place {
	p := place{typ: typ, name: name}
	switch typ {
	case "flow", "global":
		p.key, p.err = flow.ParseContextKey(name)
	default:
		p.path, p.err = value.ParseMessagePath(name)
	}
	return p
}

func (n *change) source(to value.Value, typ string) (s source, fault string, err error) {
	s.typ = typ
	switch typ {
	case "json", "bin":
		if _, err := value.ParseString(to.Text()); err != nil {
			return s, "Invalid 'to' JSON property", nil
		}
	case "env":
		prop, err := n.b.Property(to, typ)
		if err != nil {
			return s, "", err
		}
		s.fixed, _ = prop.Eval(nil) // an environment always has an answer
		return s, "", nil
	case "str":
		s.fixed = to // as it is: files may hold numbers here
		return s, "", nil
	}
	s.prop, err = n.b.Property(to, typ)
	if err == nil && s.prop.Expression() && s.prop.Fault() != nil {
		return s, flow.ExpressionError(s.prop.Fault()).Error(), nil
	}
	return s, "", err
}

var special = regexp.MustCompile(`[-\[\]{}()*+?.,\\^$|#\s]`)

func escapeRegex(s string) string { return special.ReplaceAllString(s, `\$0`) }

func (n *change) compileFrom(s *step, o *value.Map, typ string) (fault string, err error) {
	if o.Get("re").Truthy() {
		typ = "re"
	}
	s.fromType, s.from = typ, o.Get("from").Text()
	switch typ {
	case "msg", "flow", "global":
		s.fromPath, err = n.b.Property(o.Get("from"), typ)
		return "", err
	case "jsonata":
		return "", &flow.Unsupported{Type: "change", Option: "search for", Value: "JSONata expression"}
	}
	pattern := s.from
	if typ != "re" {
		pattern = escapeRegex(pattern)
	}
	if s.fromRE, err = compileRegex(pattern, false); err != nil {
		return "Invalid 'from' property: " + strings.TrimPrefix(err.Error(), "SyntaxError: "), nil
	}
	return "", nil
}

func (n *change) Receive(m *flow.Msg) {
	for i := range n.rules {
		if !n.run(&n.rules[i], m) {
			return
		}
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

// run applies one step. It says no when an error was reported and the message ends here.
func (n *change) run(s *step, m *flow.Msg) bool {
	switch s.op {
	case "delete":
		return n.write(s, m, value.Value{})
	case "move":
		return n.move(s, m)
	}
	v := s.to.fixed
	if s.to.prop != nil {
		eval := s.to.prop.Ref
		if s.deep || s.op == "change" {
			eval = s.to.prop.Eval
		}
		var err error
		if v, err = eval(m); err != nil {
			switch s.to.typ {
			case "flow", "global":
				v = value.Value{}
			case "jsonata":
				n.b.Error(flow.ExpressionError(err), m)
				return false
			default:
				return true // "This is an okay error", says Node-RED
			}
		}
	}
	if s.deep {
		v = v.Clone()
	}
	if s.op == "set" {
		return n.write(s, m, v)
	}
	return n.replace(s, m, v)
}

// read returns what the place of a step holds.
func (n *change) read(s *step, m *flow.Msg) (value.Value, error) {
	if s.target.err != nil {
		return value.Value{}, s.target.err
	}
	if s.target.path != nil {
		return m.GetPath(s.target.path)
	}
	return n.b.Context(s.target.typ).Get(s.target.key, m)
}

// write sets what the place of a step holds; undefined deletes it.
func (n *change) write(s *step, m *flow.Msg, v value.Value) bool {
	t := &s.target
	if t.typ == "flow" || t.typ == "global" {
		err := t.err
		if err == nil {
			err = n.b.Context(t.typ).Set(t.key, v, m)
		}
		if err != nil {
			n.b.Error(flow.AsError(err), m)
			return false
		}
		return true
	}
	if t.err != nil {
		return true
	}
	ok, err := m.SetPath(t.path, v, v.Defined())
	if err == nil && !ok && (s.op == "set" || s.op == "move") {
		n.b.Warn("Cannot set property of non-object type: " + t.name)
	}
	return true
}
