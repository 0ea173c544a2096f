package jsonata

import (
	"context"
	"math"
	"time"

	"tsunagi/internal/flow/value"
)

// Marks of the arrays that an evaluation makes. An array without marks is plain data.
const (
	markSequence uint8 = 1 << iota // results that collapse: none is nothing, one is itself
	markKeep                       // a sequence that stays an array with one value
	markCons                       // [ ] as a step of a path: not flattened
	markOuter                      // the array that wraps an array given as input
)

// eval is a compiled part of an expression. After a failure, which run.err holds, it may
// return anything.
type eval func(r *run, in value.Value, env *frame) value.Value

// run is one evaluation.
type run struct {
	ctx    context.Context
	limits Limits
	opts   *Options
	err    *Error
	now    time.Time
	steps  int // work done, roughly in values touched
	look   int // steps at which the context is looked at next
	made   int // containers made by constructors and functions
	depth  int
	tail   tailCall
}

// tailCall is a call that a lambda leaves to whoever called it.
type tailCall struct {
	fn    *function
	args  []value.Value
	node  *node
	ready bool
}

// every is the number of steps between two looks at the context.
const every = 1 << 10

// tick counts a step and says whether to go on.
func (r *run) tick() bool { return r.spend(1) }

// spend counts steps and says whether to go on.
func (r *run) spend(steps int) bool {
	if r.steps += steps; r.steps >= r.look && r.err == nil {
		r.look = r.steps + every
		if err := r.ctx.Err(); err != nil {
			r.fail(&Error{Code: "D1012", Text: err.Error(), Cause: err})
		}
	}
	return r.err == nil
}

// fail keeps the first error and returns undefined.
func (r *run) fail(e *Error) value.Value {
	if r.err == nil {
		r.err = e
	}
	return value.Value{}
}

// timestamp is the moment of the evaluation, the same for all of it.
func (r *run) timestamp() time.Time {
	if r.now.IsZero() {
		r.now = r.opts.now()
	}
	return r.now
}

// frame holds the variables of one scope.
type frame struct {
	up     *frame
	vars   []variable
	inline [2]variable
}

type variable struct {
	name string
	val  value.Value
}

func newFrame(up *frame) *frame {
	f := &frame{up: up}
	f.vars = f.inline[:0]
	return f
}

func (f *frame) bind(name string, v value.Value) {
	for i := range f.vars {
		if f.vars[i].name == name {
			f.vars[i].val = v
			return
		}
	}
	f.vars = append(f.vars, variable{name, v})
}

func (f *frame) lookup(name string) (value.Value, bool) {
	for ; f != nil; f = f.up {
		for i := range f.vars {
			if f.vars[i].name == name {
				return f.vars[i].val, true
			}
		}
	}
	return value.Value{}, false
}

// push appends values to a sequence that is being made; it shares them, since they are now
// reachable from two places.
func (r *run) push(to []value.Value, v value.Value) []value.Value {
	if len(to) >= r.limits.Sequence {
		r.fail(&Error{Code: "D2015", Value: value.Int(r.limits.Sequence)})
		return to
	}
	return append(to, v.Clone())
}

func (r *run) pushAll(to []value.Value, l *value.List) []value.Value {
	r.spend(l.Len() / 4)
	for _, v := range l.All() {
		if to = r.push(to, v); r.err != nil {
			break
		}
	}
	return to
}

// spread pushes the elements of an array, or a single value.
func (r *run) spread(to []value.Value, v value.Value) []value.Value {
	if l := v.List(); l != nil {
		return r.pushAll(to, l)
	}
	return r.push(to, v)
}

func marked(items []value.Value, mark uint8) value.Value {
	l := value.NewList(items...)
	l.SetMark(mark)
	return l.Value()
}

func sequence(items ...value.Value) value.Value { return marked(items, markSequence) }

// plainArray makes an array that is data.
func plainArray(items []value.Value) value.Value { return value.NewList(items...).Value() }

// collapse makes of a sequence with no value nothing, and of one with a single value that
// value.
func collapse(v value.Value, keep bool) value.Value {
	if !v.Is(value.Array) {
		return v
	}
	l := v.List()
	if l.Mark()&markSequence == 0 {
		return v
	}
	if keep {
		l.SetMark(l.Mark() | markKeep)
	}
	switch l.Len() {
	case 0:
		return value.Value{}
	case 1:
		if l.Mark()&markKeep == 0 {
			return l.At(0)
		}
	}
	return v
}

// items returns the elements of an array, or the value as the only one; nothing has one
// element too, undefined.
func itemsOf(v value.Value) []value.Value {
	l := v.List()
	if l == nil {
		return []value.Value{v}
	}
	out := make([]value.Value, l.Len())
	for i := range out {
		out[i] = l.At(i)
	}
	return out
}

// numeric says whether v is a number other than NaN; infinity is an error.
func (r *run) numeric(v value.Value) bool {
	if !v.Is(value.Number) {
		return false
	}
	f := v.Num()
	if math.IsInf(f, 0) {
		r.fail(&Error{Code: "D1001", Value: v})
	}
	return f == f
}

// truth is $boolean: empty things are false, functions too.
func (r *run) truth(v value.Value) bool {
	switch v.Kind() {
	case value.Bool:
		return v.Bool()
	case value.String:
		return v.Str() != ""
	case value.Number:
		return r.numeric(v) && v.Num() != 0
	case value.Array:
		for _, e := range v.List().All() {
			if r.truth(e) {
				return true
			}
			if !r.tick() {
				break
			}
		}
	case value.Object:
		return v.Map().Len() > 0
	case value.Bytes:
		return len(v.Bytes()) > 0
	}
	return false
}

// lookup is the property of an object, or of each object of an array.
func (r *run) lookup(v value.Value, key string) value.Value {
	switch v.Kind() {
	case value.Object:
		return v.Map().Get(key)
	case value.Array:
		var out []value.Value
		for _, e := range v.List().All() {
			if !r.tick() {
				break
			}
			x := r.lookup(e, key)
			if x.Defined() {
				out = r.spread(out, x)
			}
		}
		return sequence(out...)
	case value.Handle:
		if h, ok := v.Handle().(value.Properties); ok {
			return h.Property(key)
		}
	}
	return value.Value{}
}

// appended is $append.
func (r *run) appended(a, b value.Value) value.Value {
	if !a.Defined() {
		return b
	}
	if !b.Defined() {
		return a
	}
	var out []value.Value
	if l := a.List(); l != nil {
		out = make([]value.Value, 0, l.Len()+1)
	}
	return plainArray(r.spread(r.spread(out, a), b))
}

// fits says whether v can be walked through: not nested too deeply, and not so large that
// only sharing its parts made it possible.
func (r *run) fits(v value.Value) bool {
	bytes := r.limits.String
	return r.err == nil && r.measure(v, 0, &bytes)
}

func (r *run) measure(v value.Value, depth int, bytes *int) bool {
	if !r.tick() {
		return false
	}
	if depth > maxDescend {
		r.fail(&Error{Code: "D1011"})
		return false
	}
	if *bytes -= 2 + len(v.Str()); *bytes < 0 {
		r.tooLong()
		return false
	}
	if l := v.List(); l != nil {
		for _, e := range l.All() {
			if !r.measure(e, depth+1, bytes) {
				return false
			}
		}
	}
	if m := v.Map(); m != nil {
		for k, e := range m.All() {
			if *bytes -= len(k); !r.measure(e, depth+1, bytes) {
				return false
			}
		}
	}
	return true
}

// same is the equality of =: deep, order of keys aside.
func (r *run) same(a, b value.Value) bool {
	kind := a.Kind()
	if kind != b.Kind() || !r.tick() {
		return false
	}
	switch kind {
	case value.Array:
		x, y := a.List(), b.List()
		if x == y || x.Len() != y.Len() {
			return x == y
		}
		for i, e := range x.All() {
			if !r.same(e, y.At(i)) {
				return false
			}
		}
		return true
	case value.Object:
		x, y := a.Map(), b.Map()
		if x == y || x.Len() != y.Len() {
			return x == y
		}
		for k, e := range x.All() {
			if !y.Has(k) || !r.same(e, y.Get(k)) {
				return false
			}
		}
		return true
	}
	return value.Equal(a, b)
}
