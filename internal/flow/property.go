package flow

import (
	"errors"
	"strings"
	"time"

	"tsunagi/internal/flow/moment"
	"tsunagi/internal/flow/value"
)

// Property is a compiled typed value of a dialog: a type such as str, num, msg or flow and
// what it holds. Faults in it are faults of each evaluation, as in Node-RED.
type Property struct {
	b     *Base
	typ   string
	text  string
	fixed value.Value // str, num, bool, json, bin: cloned at each evaluation
	path  *value.Path // msg
	key   ContextKey  // flow, global
	expr  Expression  // jsonata
	err   error
}

// Property compiles a typed value. The error is Unsupported for types that can't be run.
func (b *Base) Property(v value.Value, typ string) (*Property, error) {
	p := &Property{b: b, typ: typ, text: v.Text()}
	switch typ {
	case "jsonata":
		p.expr, p.err = b.Expression(p.text)
		var u *Unsupported
		if errors.As(p.err, &u) {
			return nil, p.err
		}
	case "msg":
		p.path, p.err = value.ParseMessagePath(p.text)
	case "flow", "global":
		p.key, p.err = ParseContextKey(p.text)
	case "date":
		if !v.Truthy() {
			p.text = ""
		}
	case "env":
	default:
		p.fixed, p.err = evaluateConstant(v, typ)
	}
	return p, nil
}

// evaluateConstant is the value of a type that depends on nothing.
func evaluateConstant(v value.Value, typ string) (value.Value, error) {
	switch typ {
	case "str":
		return value.Str(v.Text()), nil
	case "num":
		return value.Num(v.ToNumber()), nil
	case "bool":
		return value.Of(strings.EqualFold(v.Text(), "true")), nil
	case "json":
		return value.ParseString(v.Text())
	case "bin":
		return parseBuffer(v.Text())
	}
	return v, nil // as Node-RED does with types it doesn't know
}

// parseBuffer reads the JSON of a buffer: an array of bytes or a text.
func parseBuffer(text string) (value.Value, error) {
	v, err := value.ParseString(text)
	if err != nil {
		return value.Value{}, err
	}
	switch v.Kind() {
	case value.String:
		return value.Data([]byte(v.Str())), nil
	case value.Array:
		b := make([]byte, 0, v.List().Len())
		for _, e := range v.List().All() {
			b = append(b, toByte(e.ToNumber()))
		}
		return value.Data(b), nil
	}
	return value.Value{}, &Error{Message: "Not string or array", Code: "INVALID_BUFFER_DATA"}
}

// toByte is what a number becomes in a Uint8Array.
func toByte(f float64) byte {
	if f != f || f > 1<<62 || f < -1<<62 {
		return 0
	}
	return byte(int64(f))
}

// Fault is what is wrong with the text of the dialog, nil if nothing is.
func (p *Property) Fault() error { return p.err }

// Expression says whether the value is a JSONata expression.
func (p *Property) Expression() bool { return p.typ == "jsonata" }

// Eval returns the value for a message, which may be nil.
func (p *Property) Eval(m *Msg) (value.Value, error) { return p.EvalWith(m, nil) }

// EvalWith is Eval with variables for a JSONata expression.
func (p *Property) EvalWith(m *Msg, vars map[string]value.Value) (value.Value, error) {
	if p.err != nil {
		return value.Value{}, AsError(p.err)
	}
	switch p.typ {
	case "jsonata":
		return p.expr.Eval(m, vars)
	case "msg":
		if m == nil {
			return value.Str(p.text), nil
		}
		v, err := m.GetPath(p.path)
		if err != nil {
			return value.Value{}, AsError(err)
		}
		return v, nil
	case "flow", "global":
		return p.b.Context(p.typ).Get(p.key, m)
	case "date":
		return dateNow(p.text), nil
	case "env":
		return expandEnv(p.text, p.b.Env), nil
	}
	return p.fixed.Clone(), nil
}

// Ref is Eval for a value that is to be kept by reference: of an object in a message or a
// context it returns the very object, so that writing to it shows in both places.
func (p *Property) Ref(m *Msg) (value.Value, error) {
	switch {
	case p.err != nil || m == nil:
	case p.typ == "msg":
		v, err := m.OwnPath(p.path)
		if err != nil {
			return value.Value{}, AsError(err)
		}
		return v, nil
	case p.typ == "flow" || p.typ == "global":
		return p.b.Context(p.typ).get(p.key, m, true)
	}
	return p.Eval(m)
}

func dateNow(format string) value.Value {
	now := time.Now()
	switch format {
	case "":
		return value.Num(float64(now.UnixMilli()))
	case "object":
		return value.Time(now)
	case "iso":
		s, _ := value.ISO(value.Time(now))
		return value.Str(s)
	}
	return value.Str(moment.Format(now, format))
}
