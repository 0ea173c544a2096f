package function

import (
	"context"
	"errors"
	"regexp"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/jsonata"
	"tsunagi/internal/flow/moment"
	"tsunagi/internal/flow/value"
)

// evalLimit is how long one expression may take: the loop waits for it.
const evalLimit = 5 * time.Second

// expression is a JSONata expression with what Node-RED adds to the language.
type expression struct {
	b      *flow.Base
	e      *jsonata.Expr
	legacy bool // the text speaks of "msg": the message is a property of that name
	msg    *flow.Msg
}

var legacyMode = regexp.MustCompile(`(^|[^a-zA-Z0-9_'".])msg([^a-zA-Z0-9_'"]|$)`)

// CompileJSONata is flow.Options.JSONata: expressions with $flowContext, $globalContext, $env,
// $moment and $clone.
func CompileJSONata(b *flow.Base, text string) (flow.Expression, error) {
	x := &expression{b: b, legacy: legacyMode.MatchString(text)}
	e, err := jsonata.Compile(text, jsonata.Options{Functions: map[string]jsonata.Function{
		"flowContext":   {Arity: 2, Call: x.fromContext("flow")},
		"globalContext": {Arity: 2, Call: x.fromContext("global")},
		"env":           {Arity: 1, Call: x.env},
		"moment":        {Arity: 4, Call: newMoment},
		"clone":         {Signature: "<(oa)-:o>", Arity: 1, Call: clone},
	}})
	if err != nil {
		return nil, err
	}
	x.e = e
	return x, nil
}

func (x *expression) fromContext(scope string) jsonata.Func {
	return func(_ context.Context, args []value.Value) (value.Value, error) {
		text := argument(args, 0).Text()
		if store := argument(args, 1); store.Defined() {
			text = "#:(" + store.Text() + ")::" + text
		}
		key, err := flow.ParseContextKey(text)
		if err != nil {
			return value.Value{}, err
		}
		return x.b.Context(scope).Get(key, x.msg)
	}
}

func (x *expression) env(_ context.Context, args []value.Value) (value.Value, error) {
	if v := x.b.Env(argument(args, 0).Text()); v.Defined() {
		return v, nil
	}
	return value.Str(""), nil
}

func newMoment(_ context.Context, args []value.Value) (value.Value, error) {
	m, err := moment.New(time.Now(), args)
	if err != nil {
		return value.Value{}, err
	}
	return m.Value(), nil
}

func clone(_ context.Context, args []value.Value) (value.Value, error) {
	return argument(args, 0).Clone(), nil
}

func argument(args []value.Value, i int) value.Value {
	if i < len(args) {
		return args[i]
	}
	return value.Value{}
}

// Eval evaluates the expression for a message.
func (x *expression) Eval(m *flow.Msg, vars map[string]value.Value) (value.Value, error) {
	input := value.Nil()
	if m != nil {
		input = m.Root().Value()
	}
	return x.eval(m, input, vars)
}

// EvalOn evaluates the expression for any value in the place of a message.
func (x *expression) EvalOn(v value.Value) (value.Value, error) { return x.eval(nil, v, nil) }

func (x *expression) eval(m *flow.Msg, input value.Value, vars map[string]value.Value) (value.Value, error) {
	if x.legacy {
		input = value.NewMap(1).Set("msg", input).Value()
	}
	ctx, cancel := context.WithTimeout(x.b.Life(), evalLimit)
	defer cancel()
	was := x.msg
	x.msg = m
	v, err := x.e.Eval(ctx, input, vars)
	x.msg = was
	if errors.Is(err, context.DeadlineExceeded) {
		return v, flow.NewError("the expression took longer than %v", evalLimit)
	}
	return v, err
}

// Thrown is what Node-RED makes of an error of an expression that it passes on as it is: an
// object that has a code and no text.
func Thrown(err error) error {
	var e *jsonata.Error
	if errors.As(err, &e) {
		return &flow.Error{Name: "[object Object]", Code: e.Code}
	}
	return err
}
