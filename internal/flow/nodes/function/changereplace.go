package function

import (
	"github.com/dlclark/regexp2"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// from is what a change rule looks for in one message.
type from struct {
	typ  string
	text string
	bool bool // the value is a boolean, not its text
	re   *regexp2.Regexp
}

func (n *change) fromOf(s *step, m *flow.Msg) (f from, err error) {
	if s.fromPath == nil {
		return from{typ: s.fromType, text: s.from, re: s.fromRE}, nil
	}
	v, err := s.fromPath.Eval(m)
	if err != nil {
		return f, err
	}
	f.text = v.Text()
	switch v.Kind() {
	case value.Number:
		f.typ = "num"
	case value.Bool:
		f.typ, f.bool = "bool", true
	case value.String:
		f.typ = "str"
		f.re, err = compileRegex(escapeRegex(f.text), false)
	default:
		n.b.Error(flow.NewError("Invalid 'from' property: unsupported type: %s", v.TypeOf()), m)
	}
	return f, err
}

// replace looks for a value in the place of a step and puts v in its stead.
func (n *change) replace(s *step, m *flow.Msg, v value.Value) bool {
	f, err := n.fromOf(s, m)
	if err != nil {
		return true
	}
	current, err := n.read(s, m)
	if err != nil {
		return true
	}
	switch current.Kind() {
	case value.String:
		exact := f.typ == "str" || f.typ == "num" && s.fromPath == nil || f.typ == "bool" && !f.bool
		if exact && current.Str() == f.text {
			return n.write(s, m, v)
		}
		if f.re == nil {
			return true
		}
		text, err := replaceAll(f.re, current.Str(), v.Text())
		if err != nil {
			n.b.Error(err, m)
			return false
		}
		if s.to.typ == "bool" && text == v.Text() && s.target.path != nil {
			return n.write(s, m, v)
		}
		return n.write(s, m, value.Str(text))
	case value.Number:
		if f.typ == "num" && current.Num() == value.ParseNumber(f.text) {
			return n.write(s, m, v)
		}
	case value.Bool:
		if f.typ == "bool" && !f.bool && current.Text() == f.text {
			return n.write(s, m, v)
		}
	}
	return true
}
