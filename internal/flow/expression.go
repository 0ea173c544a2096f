package flow

import (
	"tsunagi/internal/flow/value"
)

// Expression is a compiled JSONata expression of a dialog.
type Expression interface {
	// Eval evaluates the expression for a message, which may be nil; vars are further
	// variables, by name without $.
	Eval(m *Msg, vars map[string]value.Value) (value.Value, error)
}

// ValueExpression is what expressions are that can be evaluated for any value.
type ValueExpression interface {
	EvalOn(v value.Value) (value.Value, error)
}

// Expression compiles a JSONata expression for the node. The error is Unsupported where
// expressions can't be run, else it says what is wrong with the text.
func (b *Base) Expression(text string) (Expression, error) {
	if b.rt.o.JSONata == nil {
		return nil, &Unsupported{Type: b.def.typ, Option: "type of a value", Value: "JSONata expression"}
	}
	return b.rt.o.JSONata(b, text)
}

// ExpressionError is what is shown of a fault in a JSONata expression.
func ExpressionError(err error) error { return Text("Invalid JSONata expression: " + err.Error()) }

// jsonata evaluates an entry of an environment.
func (c *container) jsonata(text string) (value.Value, error) {
	b := &Base{rt: c.rt, in: c, def: c.sheet.definition(), path: c.path, ctx: c.rt.ctx, cancel: func() {}}
	e, err := b.Expression(text)
	if err != nil {
		return value.Value{}, err
	}
	return e.Eval(nil, nil)
}
