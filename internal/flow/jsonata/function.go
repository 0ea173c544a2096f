package jsonata

import (
	"context"
	"errors"

	"tsunagi/internal/flow/value"
)

// function is a value that can be called.
type function struct {
	name   string
	arity  int
	sig    *signature
	native func(c *call) value.Value // nil for a lambda
	re     *regex                    // of a regular expression

	params []string
	body   eval
	weight int // stack that the body takes, beyond that of a small one
	env    *frame
	input  value.Value
}

// AppendJSON prints a function as the original does: as an empty string.
func (f *function) AppendJSON(b []byte) []byte { return append(b, `""`...) }

func (f *function) value() value.Value { return value.Opaque(f) }

func fnOf(v value.Value) *function {
	if !v.Is(value.Handle) {
		return nil
	}
	if f, ok := v.Handle().(*function); ok {
		return f
	}
	if m, ok := v.Handle().(*value.Method); ok { // of something that the program gave
		f, err := foreign(m.Name, Function{Call: func(_ context.Context, args []value.Value) (value.Value, error) { return m.Call(args) }})
		if err == nil {
			return f
		}
	}
	return nil
}

// call is what a native function sees.
type call struct {
	r     *run
	args  []value.Value
	input value.Value
	env   *frame
}

// arg returns argument i, undefined when it was not given.
func (c *call) arg(i int) value.Value {
	if i < len(c.args) {
		return c.args[i]
	}
	return value.Value{}
}

// apply calls f for a function of the language.
func (r *run) apply(f *function, args []value.Value, input value.Value, env *frame) value.Value {
	return r.applyAt(nil, f, args, input, env)
}

// applyAt calls f and the calls that it leaves in tail position. An error names the
// outermost call it went through, as in the original; at is nil for calls that are not
// written in the expression.
func (r *run) applyAt(at *node, f *function, args []value.Value, input value.Value, env *frame) value.Value {
	if r.depth += 1 + f.weight; r.depth > r.limits.Depth {
		r.fail(&Error{Code: "D1011"})
		r.err.locateAt(at)
		return value.Value{}
	}
	v := r.once(f, args, input, env)
	if r.err != nil {
		r.err.locateAt(at)
	}
	for r.tail.ready && r.tick() {
		t := r.tail
		r.tail = tailCall{}
		v = r.once(t.fn, t.args, input, env)
		if r.err != nil && !r.tail.ready {
			r.err.locate(t.node.proc.pos, t.node.calleeName())
		}
	}
	r.depth -= 1 + f.weight
	return v
}

// once calls f; it may leave a tail call.
func (r *run) once(f *function, args []value.Value, input value.Value, env *frame) value.Value {
	if !r.tick() {
		return value.Value{}
	}
	if f.sig != nil {
		for _, a := range args {
			if l := a.List(); l != nil {
				r.spend(l.Len() / 4) // its elements are looked at
			}
		}
		fitted, err := f.sig.validate(args, input)
		if err != nil {
			err.Token = f.name
			return r.fail(err)
		}
		args = fitted
	}
	if f.native != nil {
		r.made++
		return f.native(&call{r, args, input, env})
	}
	scope := newFrame(f.env)
	for i, p := range f.params {
		var v value.Value
		if i < len(args) {
			v = args[i]
		}
		scope.bind(p, v)
	}
	return f.body(r, f.input, scope)
}

// invoke calls a function given as argument, as $map and its like do.
func (r *run) invoke(f *function, args ...value.Value) value.Value {
	return r.apply(f, args, value.Nil(), nil)
}

func (e *Error) locateAt(n *node) {
	if n != nil {
		e.locate(n.pos, n.calleeName())
	}
}

// locate says where the error came up to in the expression.
func (e *Error) locate(pos int, name string) {
	e.Position = pos
	if e.Token == "" {
		e.Token = name
	}
}

func (n *node) calleeName() string {
	if n.proc.kind == kPath {
		return n.proc.list[0].value
	}
	return n.proc.value
}

func compileAll(list []*node) []eval {
	codes := make([]eval, len(list))
	for i, n := range list {
		codes[i] = compile(n)
	}
	return codes
}

// noFunction is the error of calling v, which is none.
func (n *node) noFunction(r *run, v value.Value, env *frame, guess, none string) {
	name := n.calleeName()
	if !v.Defined() && n.proc.kind == kPath {
		if known, ok := env.lookup(name); ok && known.Truthy() || !ok && builtin(name).Defined() {
			none = guess
		}
	}
	r.fail(&Error{Code: none, Position: n.pos, Token: name})
}

func compileCall(n *node) eval {
	c := newCaller(n)
	if n.tail {
		return c.leave
	}
	return func(r *run, in value.Value, env *frame) value.Value {
		return c.call(r, in, env, nil)
	}
}

// caller is a compiled function call.
type caller struct {
	node *node
	proc eval
	args []eval
}

func newCaller(n *node) *caller { return &caller{n, compile(n.proc), compileAll(n.list)} }

// prepare evaluates the function and its arguments; first, if any, goes before them.
func (c *caller) prepare(r *run, in value.Value, env *frame, first *value.Value) (*function, []value.Value) {
	v := c.proc(r, in, env)
	args := make([]value.Value, 0, len(c.args)+1)
	if first != nil {
		args = append(args, *first)
	}
	for _, a := range c.args {
		args = append(args, a(r, in, env))
	}
	f := fnOf(v)
	if f == nil && r.err == nil {
		c.node.noFunction(r, v, env, "T1005", "T1006")
	}
	return f, args
}

func (c *caller) call(r *run, in value.Value, env *frame, first *value.Value) value.Value {
	f, args := c.prepare(r, in, env, first)
	if f == nil || r.err != nil {
		return value.Value{}
	}
	return r.applyAt(c.node, f, args, in, env)
}

// leave evaluates the call's parts and leaves the call to whoever called the lambda.
func (c *caller) leave(r *run, in value.Value, env *frame) value.Value {
	f, args := c.prepare(r, in, env, nil)
	if f != nil && r.err == nil {
		r.tail = tailCall{f, args, c.node, true}
	}
	return value.Value{}
}

// weightOf is the height of a lambda that counts as one more call.
const weightOf = 50

func compileLambda(n *node) eval {
	params := make([]string, len(n.list))
	for i, p := range n.list {
		params[i] = p.value
	}
	body, weight := compile(n.body), n.body.height()/weightOf
	return func(_ *run, in value.Value, env *frame) value.Value {
		f := &function{arity: len(params), sig: n.sig, params: params, body: body, weight: weight, env: env, input: in}
		return f.value()
	}
}

func compilePartial(n *node) eval {
	proc := compile(n.proc)
	codes := make([]eval, len(n.list))
	holes := 0
	for i, a := range n.list {
		if a.kind == kOperator && a.value == "?" {
			holes++
		} else {
			codes[i] = compile(a)
		}
	}
	return func(r *run, in value.Value, env *frame) value.Value {
		args := make([]value.Value, len(codes))
		for i, c := range codes {
			if c != nil {
				args[i] = c(r, in, env)
			}
		}
		if r.err != nil {
			return value.Value{}
		}
		v := proc(r, in, env)
		f := fnOf(v)
		if f == nil {
			n.noFunction(r, v, env, "T1007", "T1008")
			return value.Value{}
		}
		return f.partial(codes, args, holes).value()
	}
}

// partial returns a function of what is missing among the arguments. It has no signature,
// as in the original.
func (f *function) partial(given []eval, args []value.Value, holes int) *function {
	bare := *f
	bare.sig = nil
	return &function{name: f.name, arity: holes, native: func(c *call) value.Value {
		all := make([]value.Value, len(args))
		next := 0
		for i := range args {
			if all[i] = args[i]; given[i] == nil {
				all[i] = c.arg(next)
				next++
			}
		}
		return c.r.apply(&bare, all, value.Value{}, c.env)
	}}
}

func compileApply(n *node) eval {
	lhs := compile(n.lhs)
	if n.rhs.kind == kFunction {
		c := newCaller(n.rhs)
		return func(r *run, in value.Value, env *frame) value.Value {
			first := lhs(r, in, env)
			if r.err != nil {
				return value.Value{}
			}
			return c.call(r, in, env, &first)
		}
	}
	rhs := compile(n.rhs)
	return func(r *run, in value.Value, env *frame) value.Value {
		first := lhs(r, in, env)
		v := rhs(r, in, env)
		if r.err != nil {
			return value.Value{}
		}
		g := fnOf(v)
		if g == nil {
			return r.fail(&Error{Code: "T2006", Position: n.pos, Token: "~>", Value: v})
		}
		if f := fnOf(first); f != nil {
			return chain(f, g).value()
		}
		return r.apply(g, []value.Value{first}, value.Nil(), env)
	}
}

// chain is the function that calls f and then g.
func chain(f, g *function) *function {
	return &function{arity: 1, native: func(c *call) value.Value {
		v := c.r.apply(f, []value.Value{c.arg(0)}, value.Nil(), c.env)
		if c.r.err != nil {
			return value.Value{}
		}
		return c.r.apply(g, []value.Value{v}, value.Nil(), c.env)
	}}
}

// foreign wraps a function of the program.
func foreign(name string, f Function) (*function, error) {
	out := &function{name: name, arity: f.Arity}
	if f.Signature != "" {
		sig, err := parseSignature(f.Signature)
		if err != nil {
			return nil, err
		}
		out.sig = sig
	}
	out.native = func(c *call) value.Value {
		v, err := f.Call(c.r.ctx, c.args)
		var own *Error
		switch {
		case err == nil:
			return v
		case errors.As(err, &own):
			copied := *own
			return c.r.fail(&copied)
		}
		return c.r.fail(&Error{Code: "D3142", Token: name, Text: err.Error(), Cause: err})
	}
	return out, nil
}
