package jsonata

import (
	"math"
	"strconv"

	"tsunagi/internal/flow/value"
)

// compileTransform makes |pattern|update,delete|: a function that returns a changed copy.
func compileTransform(n *node) eval {
	t := &transformer{pattern: compile(n.pattern), update: compile(n.update), pos: n.pos, updatePos: n.update.pos}
	if n.remove != nil {
		t.remove, t.removePos = compile(n.remove), n.remove.pos
	}
	sig, _ := parseSignature("<(oa):o>")
	return func(_ *run, _ value.Value, env *frame) value.Value {
		f := &function{arity: 1, sig: sig, native: func(c *call) value.Value { return t.apply(c.r, c.arg(0), env) }}
		return f.value()
	}
}

type transformer struct {
	pattern, update, remove   eval
	pos, updatePos, removePos int
}

func (t *transformer) apply(r *run, in value.Value, env *frame) value.Value {
	if !in.Defined() {
		return in
	}
	clone, ok := env.lookup("clone")
	if !ok {
		clone = builtin("clone")
	}
	f := fnOf(clone)
	if f == nil {
		return r.fail(&Error{Code: "T2013", Position: t.pos})
	}
	root := r.apply(f, []value.Value{in}, value.Nil(), env)
	found := t.pattern(r, root, env)
	if !found.Defined() || r.err != nil {
		return root
	}
	ed := editor{r: r, done: map[*value.Map]*value.Map{}}
	for _, m := range itemsOf(found) {
		if !t.change(r, &ed, m, env) {
			return value.Value{}
		}
	}
	return ed.rebuild(root)
}

// change updates one match.
func (t *transformer) change(r *run, ed *editor, m value.Value, env *frame) bool {
	now := ed.rebuild(m)
	if o := m.Map(); o != nil && now.Map() == o { // what holds itself after the update must be another object
		copied := value.NewMap(o.Len())
		for k, v := range o.All() {
			copied.Set(k, v)
		}
		now = copied.Value()
	}
	update := t.update(r, now, env)
	if r.err != nil {
		return false
	}
	own := value.NewMap(0)
	if o := now.Map(); o != nil {
		for k, v := range o.All() {
			own.Set(k, v)
		}
	}
	if update.Defined() {
		if !update.Is(value.Object) {
			r.fail(&Error{Code: "T2011", Position: t.updatePos, Value: update})
			return false
		}
		for k, v := range update.Map().All() {
			own.Set(k, v.Clone())
		}
	}
	if t.remove != nil && !t.delete(r, own, env) {
		return false
	}
	if o := m.Map(); o != nil {
		ed.done[o] = own
	}
	return r.tick()
}

func (t *transformer) delete(r *run, own *value.Map, env *frame) bool {
	names := t.remove(r, own.Clone().Value(), env)
	if !names.Defined() || r.err != nil {
		return r.err == nil
	}
	kept := own.Own()
	for _, k := range itemsOf(names) {
		if !k.Is(value.String) {
			r.fail(&Error{Code: "T2012", Position: t.removePos, Value: names})
			return false
		}
		kept.Delete(k.Str())
	}
	*own = *kept
	return true
}

// editor remembers the objects that were changed, by what they were in the copy.
type editor struct {
	r    *run
	done map[*value.Map]*value.Map
}

// rebuild returns v with the changed objects in their places.
func (e *editor) rebuild(v value.Value) value.Value {
	if len(e.done) == 0 || !e.r.tick() {
		return v
	}
	if l := v.List(); l != nil {
		out := make([]value.Value, l.Len())
		for i := range out {
			out[i] = e.rebuild(l.At(i))
		}
		return plainArray(out)
	}
	m := v.Map()
	if m == nil {
		return v
	}
	if changed, ok := e.done[m]; ok {
		m = changed
	}
	out := value.NewMap(m.Len())
	for k, x := range m.All() {
		out.Set(k, e.rebuild(x))
	}
	return out.Value()
}

// deepCopy is $clone: through JSON and back, so that every container is a new one.
func (r *run) deepCopy(v value.Value) value.Value {
	if r.depth++; r.depth > maxDescend {
		return r.fail(&Error{Code: "D1011"})
	}
	defer func() { r.depth-- }()
	if !r.tick() {
		return v
	}
	switch v.Kind() {
	case value.Undefined:
		return value.Nil()
	case value.Number:
		if !r.numeric(v) {
			return value.Nil()
		}
		return value.Num(rounded15(v.Num()))
	case value.Array:
		l := v.List()
		out := make([]value.Value, l.Len())
		for i := range out {
			out[i] = r.deepCopy(l.At(i))
		}
		return plainArray(out)
	case value.Object:
		out := value.NewMap(v.Map().Len())
		for k, x := range v.Map().All() {
			if x.Defined() {
				out.Set(k, r.deepCopy(x))
			}
		}
		return out.Value()
	case value.Date, value.Bytes, value.Handle:
		c, err := value.ParseString(value.JSON(v))
		if err != nil {
			return value.Nil()
		}
		return c
	}
	return v
}

// rounded15 is the number with 15 digits, which is how fractions become text.
func rounded15(f float64) float64 {
	if f == math.Trunc(f) {
		return f
	}
	g, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
	if err != nil {
		return f
	}
	return g
}
