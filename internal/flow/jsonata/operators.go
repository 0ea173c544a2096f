package jsonata

import (
	"math"

	"tsunagi/internal/flow/value"
)

func compileBinary(n *node) eval {
	lhs, rhs, op, pos := compile(n.lhs), compile(n.rhs), n.value, n.pos
	switch op {
	case "and", "or":
		or := op == "or"
		return func(r *run, in value.Value, env *frame) value.Value {
			a := lhs(r, in, env)
			if r.err != nil {
				return value.Value{}
			}
			v := r.truth(a)
			if v != or && r.err == nil {
				v = r.truth(rhs(r, in, env))
			}
			if r.err != nil {
				r.err.Position, r.err.Token = pos, op
			}
			return value.Of(v)
		}
	case "+", "-", "*", "/", "%":
		return arithmetic(lhs, rhs, op, pos)
	}
	apply := map[string]func(*run, value.Value, value.Value) value.Value{
		"=": func(r *run, a, b value.Value) value.Value {
			return value.Of(a.Defined() && b.Defined() && r.same(a, b))
		},
		"!=": func(r *run, a, b value.Value) value.Value {
			return value.Of(a.Defined() && b.Defined() && !r.same(a, b))
		},
		"<":  ordering(op, func(c int) bool { return c < 0 }),
		"<=": ordering(op, func(c int) bool { return c <= 0 }),
		">":  ordering(op, func(c int) bool { return c > 0 }),
		">=": ordering(op, func(c int) bool { return c >= 0 }),
		"&":  (*run).concat,
		"..": (*run).span,
		"in": includes,
	}[op]
	return func(r *run, in value.Value, env *frame) value.Value {
		a := lhs(r, in, env)
		b := rhs(r, in, env)
		if r.err != nil {
			return value.Value{}
		}
		v := apply(r, a, b)
		if r.err != nil {
			r.err.Position, r.err.Token = pos, op
		}
		return v
	}
}

func arithmetic(lhs, rhs eval, op string, pos int) eval {
	var do func(a, b float64) float64
	switch op {
	case "+":
		do = func(a, b float64) float64 { return a + b }
	case "-":
		do = func(a, b float64) float64 { return a - b }
	case "*":
		do = func(a, b float64) float64 { return a * b }
	case "/":
		do = func(a, b float64) float64 { return a / b }
	default:
		do = math.Mod
	}
	return func(r *run, in value.Value, env *frame) value.Value {
		a := lhs(r, in, env)
		b := rhs(r, in, env)
		switch {
		case r.err != nil:
			return value.Value{}
		case a.Defined() && !r.numeric(a):
			return r.fail(&Error{Code: "T2001", Position: pos, Token: op, Value: a})
		case b.Defined() && !r.numeric(b):
			return r.fail(&Error{Code: "T2002", Position: pos, Token: op, Value: b})
		case r.err != nil:
			r.err.Position, r.err.Token = pos, op
			return value.Value{}
		case !a.Defined() || !b.Defined():
			return value.Value{}
		}
		return value.Num(do(a.Num(), b.Num()))
	}
}

// ordering makes a comparison of numbers or of strings.
func ordering(op string, holds func(int) bool) func(*run, value.Value, value.Value) value.Value {
	return func(r *run, a, b value.Value) value.Value {
		if !comparable(a) || !comparable(b) {
			at := a
			if a.Is(value.String) || a.Is(value.Number) {
				at = b
			}
			return r.fail(&Error{Code: "T2010", Value: at})
		}
		if !a.Defined() || !b.Defined() {
			return value.Value{}
		}
		if a.Kind() != b.Kind() {
			return r.fail(&Error{Code: "T2009", Value: a, Other: b, Token: op})
		}
		c, ok := compare(a, b)
		return value.Of(ok && holds(c))
	}
}

func comparable(v value.Value) bool {
	return !v.Defined() || v.Is(value.String) || v.Is(value.Number)
}

// compare orders two numbers or two strings; it fails with NaN.
func compare(a, b value.Value) (int, bool) {
	if less, ok := value.Less(a, b); !ok {
		return 0, false
	} else if less {
		return -1, true
	}
	if less, _ := value.Less(b, a); less {
		return 1, true
	}
	return 0, true
}

func includes(_ *run, a, b value.Value) value.Value {
	if !a.Defined() || !b.Defined() {
		return value.Of(false)
	}
	if !b.Is(value.Array) {
		return value.Of(value.Same(a, b))
	}
	for _, e := range b.List().All() {
		if value.Same(a, e) {
			return value.Of(true)
		}
	}
	return value.Of(false)
}

func (r *run) concat(a, b value.Value) value.Value {
	x, y := r.text(a), r.text(b)
	if y == "" {
		return r.str(x)
	}
	if len(x)+len(y) > r.limits.String {
		return r.tooLong()
	}
	r.spend((len(x) + len(y)) / 64)
	return value.Str(x + y)
}

// str makes a string value, within the limit.
func (r *run) str(s string) value.Value {
	if len(s) > r.limits.String {
		return r.tooLong()
	}
	return value.Str(s)
}

func (r *run) tooLong() value.Value {
	return r.fail(&Error{Code: "D1014", Value: value.Int(r.limits.String)})
}

// maxRange is the most numbers the original allows in a range.
const maxRange = 1e7

// span is the range operator.
func (r *run) span(a, b value.Value) value.Value {
	whole := func(v value.Value) bool { return !v.Defined() || v.Is(value.Number) && isWhole(v.Num()) }
	switch {
	case !whole(a):
		return r.fail(&Error{Code: "T2003", Value: a})
	case !whole(b):
		return r.fail(&Error{Code: "T2004", Value: b})
	case !a.Defined() || !b.Defined() || a.Num() > b.Num():
		return value.Value{}
	}
	from, n := a.Num(), b.Num()-a.Num()+1
	if n > maxRange {
		return r.fail(&Error{Code: "D2014", Value: value.Num(n)})
	}
	if n > float64(r.limits.Sequence) {
		return r.fail(&Error{Code: "D2015", Value: value.Int(r.limits.Sequence)})
	}
	if !r.spend(int(n) / 4) {
		return value.Value{}
	}
	out := make([]value.Value, int(n))
	for i := range out {
		out[i] = value.Num(from + float64(i))
	}
	return sequence(out...)
}
