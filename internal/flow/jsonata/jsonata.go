// Package jsonata evaluates JSONata 2 expressions on message values. An expression is read
// once, compiled to closures, and can then be evaluated any number of times.
//
// An evaluation is bounded: by its context, by the depth of calls and by the length of
// sequences and strings; each bound has an error of its own (see Error and Limits).
package jsonata

import (
	"context"
	"maps"
	"slices"
	"time"

	"tsunagi/internal/flow/value"
)

// Limits bound one evaluation. Zero values mean the default in brackets.
type Limits struct {
	Depth    int // calls of functions within each other, D1011 [1000]
	Sequence int // values in an array that is made, D2015 [1048576]
	String   int // bytes of a string that is made, or of a result as JSON, D1014 [32 MiB]
}

// Func is a function given by the program. Its arguments have passed its signature. What it
// returns as error becomes a D3142, unless it is an *Error.
type Func func(ctx context.Context, args []value.Value) (value.Value, error)

// Function is a Func with its signature, such as "<s-n?:s>"; without one it takes anything.
type Function struct {
	Signature string
	Arity     int // parameters, for $map and others that look
	Call      Func
}

// Options are what expressions find beside the language.
type Options struct {
	Limits    Limits
	Functions map[string]Function    // by name without $
	Vars      map[string]value.Value // by name without $
	Now       func() time.Time       // for $now and $millis [time.Now]
}

func (o *Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// Expr is a compiled expression. It doesn't change: several goroutines may evaluate it, each
// with values of its own. Containers in Options.Vars are shared by all of them.
type Expr struct {
	source string
	code   eval
	opts   Options
	env    *frame
}

// Compile reads an expression. What is wrong with it is an *Error.
func Compile(src string, o Options) (*Expr, error) {
	defaults(&o.Limits)
	base := newFrame(nil)
	for _, name := range slices.Sorted(maps.Keys(o.Functions)) {
		f, err := foreign(name, o.Functions[name])
		if err != nil {
			return nil, err
		}
		base.bind(name, f.value())
	}
	for _, name := range slices.Sorted(maps.Keys(o.Vars)) {
		base.bind(name, o.Vars[name].Clone())
	}
	n, err := parse(src)
	if err != nil {
		return nil, err
	}
	return &Expr{source: src, code: compile(n), opts: o, env: base}, nil
}

func defaults(l *Limits) {
	if l.Depth <= 0 {
		l.Depth = 1000
	}
	if l.Sequence <= 0 {
		l.Sequence = 1 << 20
	}
	if l.String <= 0 {
		l.String = 32 << 20
	}
}

// String returns the source.
func (e *Expr) String() string { return e.source }

// Eval evaluates the expression on input; vars are variables by name without $. The result
// may share containers with the input: it is marked so, and whoever writes copies.
func (e *Expr) Eval(ctx context.Context, input value.Value, vars map[string]value.Value) (value.Value, error) {
	r := &run{ctx: ctx, limits: e.opts.Limits, opts: &e.opts}
	if err := ctx.Err(); err != nil {
		return value.Value{}, &Error{Code: "D1012", Text: err.Error(), Cause: err}
	}
	env := newFrame(e.env)
	for name, v := range vars {
		env.bind(name, v)
	}
	env.bind("$", input)
	out := e.code(r, outer(input), env)
	if r.err != nil {
		return value.Value{}, r.err
	}
	if r.made > manyMade && !r.fits(out) {
		return value.Value{}, r.err
	}
	return out.Clone(), nil
}

// manyMade is the number of containers from which on a result may be far larger than the
// work that made it, since its parts may be shared.
const manyMade = 20

// outer wraps an array given as input, so that a path doesn't take it for a sequence.
func outer(input value.Value) value.Value {
	if l := input.List(); l != nil && l.Mark()&markSequence == 0 {
		return marked([]value.Value{input}, markSequence|markOuter)
	}
	return input
}

// unwrapped is the input as $ sees it.
func unwrapped(v value.Value) value.Value {
	if l := v.List(); l != nil && l.Mark()&markOuter != 0 {
		return l.At(0)
	}
	return v
}
