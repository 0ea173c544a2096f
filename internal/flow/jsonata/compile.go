package jsonata

import (
	"math"

	"tsunagi/internal/flow/value"
)

// compile makes the closure of a resolved node, with its predicates and grouping around.
func compile(n *node) eval {
	code := compileKind(n)
	for i := range n.predicate {
		code = withPredicate(code, newFilter(n.predicate[i].expr))
	}
	if n.group != nil && n.kind != kPath {
		code = withGroup(code, newGrouping(n.group.pairs, n.group.pos))
	}
	switch n.kind {
	case kLiteral, kName, kRegex, kLambda, kPartial, kTransform:
		if n.kind != kName && n.predicate == nil {
			return code
		}
	case kBinary:
		if n.value != ".." && n.predicate == nil {
			return code
		}
	}
	keep := n.keepArray
	return func(r *run, in value.Value, env *frame) value.Value {
		return collapse(code(r, in, env), keep)
	}
}

func withPredicate(code eval, f *filter) eval {
	return func(r *run, in value.Value, env *frame) value.Value {
		return f.apply(r, code(r, in, env), env)
	}
}

func withGroup(code eval, g *grouping) eval {
	return func(r *run, in value.Value, env *frame) value.Value {
		return g.apply(r, code(r, in, env), env)
	}
}

func compileKind(n *node) eval {
	switch n.kind {
	case kPath:
		return compilePath(n)
	case kName:
		key := n.value
		return func(r *run, in value.Value, _ *frame) value.Value { return r.lookup(in, key) }
	case kLiteral:
		lit := n.lit
		return func(*run, value.Value, *frame) value.Value { return lit }
	case kVariable:
		return compileVariable(n.value)
	case kRegex:
		f := n.re.function().value()
		return func(*run, value.Value, *frame) value.Value { return f }
	case kWildcard:
		return wildcard
	case kDescendant:
		return descendants
	case kParent:
		label := n.slot.label
		return func(_ *run, _ value.Value, env *frame) value.Value {
			v, _ := env.lookup(label)
			return v
		}
	case kBinary:
		return compileBinary(n)
	case kUnary:
		return compileUnary(n)
	case kCondition:
		return compileCondition(n)
	case kBlock:
		return compileBlock(n)
	case kBind:
		name, rhs := n.lhs.value, compile(n.rhs)
		return func(r *run, in value.Value, env *frame) value.Value {
			v := rhs(r, in, env)
			env.bind(name, v)
			return v
		}
	case kFunction:
		return compileCall(n)
	case kPartial:
		return compilePartial(n)
	case kLambda:
		return compileLambda(n)
	case kApply:
		return compileApply(n)
	case kTransform:
		return compileTransform(n)
	}
	// A bare ? behind a name is all that is left, and no parser lets it through to here.
	return func(r *run, _ value.Value, _ *frame) value.Value {
		return r.fail(&Error{Code: "S0206", Position: n.pos, Token: n.value})
	}
}

func compileVariable(name string) eval {
	if name == "" {
		return func(_ *run, in value.Value, _ *frame) value.Value { return unwrapped(in) }
	}
	fallback := builtin(name)
	return func(_ *run, _ value.Value, env *frame) value.Value {
		if v, ok := env.lookup(name); ok {
			return v
		}
		return fallback
	}
}

func compileCondition(n *node) eval {
	cond, then := compile(n.cond), compile(n.then)
	var other eval
	if n.other != nil {
		other = compile(n.other)
	}
	return func(r *run, in value.Value, env *frame) value.Value {
		if r.truth(cond(r, in, env)) {
			if r.err != nil {
				return value.Value{}
			}
			return then(r, in, env)
		}
		if other == nil || r.err != nil {
			return value.Value{}
		}
		return other(r, in, env)
	}
}

func compileBlock(n *node) eval {
	codes := make([]eval, len(n.list))
	binds := false
	for i, e := range n.list {
		codes[i] = compile(e)
		binds = binds || e.binds()
	}
	return func(r *run, in value.Value, env *frame) (v value.Value) {
		if binds {
			env = newFrame(env)
		}
		for _, c := range codes {
			if v = c(r, in, env); r.err != nil {
				return value.Value{}
			}
		}
		return v
	}
}

// binds says whether a variable could be bound in the scope that n is evaluated in.
func (n *node) binds() bool {
	switch n.kind {
	case kLiteral, kName, kVariable, kRegex, kWildcard, kDescendant, kParent:
		return n.predicate != nil || n.stages != nil || n.group != nil
	case kBinary:
		return n.predicate != nil || n.group != nil || n.lhs.binds() || n.rhs.binds()
	case kPath:
		for _, s := range n.list {
			if s.binds() {
				return true
			}
		}
		return n.group != nil
	case kCondition:
		return n.cond.binds() || n.then.binds() || n.other != nil && n.other.binds()
	case kFunction:
		for _, a := range n.list {
			if a.binds() {
				return true
			}
		}
		return n.proc.binds() || n.predicate != nil || n.group != nil ||
			n.proc.kind == kVariable && n.proc.value == "eval" || n.proc.kind != kVariable
	}
	return true
}

func compileUnary(n *node) eval {
	switch n.value {
	case "[":
		return compileArray(n)
	case "{":
		g := newGrouping(n.pairs, n.pos)
		return g.apply
	}
	code, pos := compile(n.lhs), n.pos
	return func(r *run, in value.Value, env *frame) value.Value {
		v := code(r, in, env)
		if !v.Defined() || r.err != nil {
			return value.Value{}
		}
		if r.numeric(v) {
			return value.Num(-v.Num())
		}
		return r.fail(&Error{Code: "D1002", Position: pos, Token: "-", Value: v})
	}
}

func compileArray(n *node) eval {
	codes := make([]eval, len(n.list))
	nested := make([]bool, len(n.list))
	for i, e := range n.list {
		codes[i] = compile(e)
		nested[i] = e.kind == kUnary && e.value == "["
	}
	var mark uint8
	if n.consArray {
		mark = markCons
	}
	return func(r *run, in value.Value, env *frame) value.Value {
		if r.made++; !r.tick() {
			return value.Value{}
		}
		out := make([]value.Value, 0, len(codes))
		for i, c := range codes {
			v := c(r, in, env)
			switch {
			case r.err != nil:
				return value.Value{}
			case !v.Defined():
			case nested[i]:
				out = r.push(out, v)
			default:
				out = r.spread(out, v)
			}
		}
		return marked(out, mark)
	}
}

func wildcard(r *run, in value.Value, _ *frame) value.Value {
	var out []value.Value
	each(unwrapped(in), func(_ string, v value.Value) bool {
		if v.Is(value.Array) {
			out = r.flatten(out, v)
		} else {
			out = r.push(out, v)
		}
		return r.tick()
	})
	return sequence(out...)
}

// flatten pushes what is in an array, however deep.
func (r *run) flatten(out []value.Value, v value.Value) []value.Value {
	l := v.List()
	if l == nil {
		return r.push(out, v)
	}
	for _, e := range l.All() {
		if out = r.flatten(out, e); !r.tick() {
			break
		}
	}
	return out
}

func descendants(r *run, in value.Value, _ *frame) value.Value {
	if !in.Defined() {
		return in
	}
	out := r.descend(nil, in)
	if len(out) == 1 {
		return out[0]
	}
	return sequence(out...)
}

func (r *run) descend(out []value.Value, v value.Value) []value.Value {
	if !v.Is(value.Array) {
		out = r.push(out, v)
	}
	r.depth++
	if r.depth > maxDescend {
		r.fail(&Error{Code: "D1011"})
		return out
	}
	each(v, func(_ string, e value.Value) bool {
		out = r.descend(out, e)
		return r.tick()
	})
	r.depth--
	return out
}

// maxDescend bounds how deep ** goes into data.
const maxDescend = 10_000

// each ranges over the members of an object or the elements of an array.
func each(v value.Value, f func(string, value.Value) bool) {
	switch v.Kind() {
	case value.Object:
		for k, e := range v.Map().All() {
			if !f(k, e) {
				return
			}
		}
	case value.Array:
		for i, e := range v.List().All() {
			if !f(string(value.AppendNumber(nil, float64(i))), e) {
				return
			}
		}
	}
}

func isWhole(f float64) bool { return f == math.Trunc(f) && !math.IsInf(f, 0) }
