package jsonata

import "tsunagi/internal/flow/value"

// higher are the functions that take functions.
func higher() []definition {
	return []definition{
		{"map", "<af>", 2, lift(libMap)},
		{"filter", "<af>", 2, lift(libFilter)},
		{"single", "<af?>", 2, lift(libSingle)},
		{"reduce", "<afj?:j>", 3, lift(libReduce)},
		{"sift", "<o-f?:o>", 2, libSift},
		{"each", "<o-f:a>", 2, libEach},
		{"sort", "<af?:a>", 2, lift(libSort)},
	}
}

// visitor calls a function for each member of something, with as many arguments as it has
// parameters: the value, its index or key, the whole.
type visitor struct {
	c     *call
	f     *function
	args  [3]value.Value
	count int
}

func (c *call) visitor(f value.Value, whole value.Value) *visitor {
	v := &visitor{c: c, f: fnOf(f), count: 1}
	if v.f == nil {
		c.r.fail(&Error{Code: "T1006"})
		return v
	}
	v.count = max(1, min(3, v.f.arity))
	v.args[2] = whole
	return v
}

func (v *visitor) call(x, key value.Value) value.Value {
	if v.f == nil || !v.c.r.tick() {
		return value.Value{}
	}
	v.args[0], v.args[1] = x, key
	return v.c.r.apply(v.f, v.args[:v.count], value.Nil(), v.c.env)
}

func libMap(c *call, v value.Value) value.Value {
	visit := c.visitor(c.arg(1), v)
	l := v.List()
	out := make([]value.Value, 0, l.Len())
	for i, e := range l.All() {
		x := visit.call(e, value.Int(i))
		if c.r.err != nil {
			return value.Value{}
		}
		if x.Defined() {
			out = c.r.push(out, x)
		}
	}
	return sequence(out...)
}

func libFilter(c *call, v value.Value) value.Value {
	visit := c.visitor(c.arg(1), v)
	var out []value.Value
	for i, e := range v.List().All() {
		if c.r.truth(visit.call(e, value.Int(i))) {
			out = c.r.push(out, e)
		}
		if c.r.err != nil {
			return value.Value{}
		}
	}
	return sequence(out...)
}

func libSingle(c *call, v value.Value) value.Value {
	var found value.Value
	n := 0
	var visit *visitor
	if f := c.arg(1); f.Defined() {
		visit = c.visitor(f, v)
	}
	for i, e := range v.List().All() {
		if visit != nil && !c.r.truth(visit.call(e, value.Int(i))) {
			if c.r.err != nil {
				return value.Value{}
			}
			continue
		}
		if n++; n > 1 {
			return c.r.fail(&Error{Code: "D3138", Index: i})
		}
		found = e
	}
	if n == 0 {
		return c.r.fail(&Error{Code: "D3139"})
	}
	return found
}

func libReduce(c *call, v value.Value) value.Value {
	f := fnOf(c.arg(1))
	if f == nil || f.arity < 2 {
		return c.r.fail(&Error{Code: "D3050", Index: 1})
	}
	l, acc, from := v.List(), c.arg(2), 0
	if !acc.Defined() && l.Len() > 0 {
		acc, from = l.At(0), 1
	}
	var args [4]value.Value
	for i := from; i < l.Len() && c.r.tick(); i++ {
		args = [4]value.Value{acc, l.At(i), value.Int(i), v}
		acc = c.r.apply(f, args[:min(4, f.arity)], value.Nil(), c.env)
	}
	return acc
}

func libSift(c *call) value.Value {
	out := value.NewMap(0)
	if !c.arg(1).Defined() {
		return c.r.fail(&Error{Code: "T1006"})
	}
	visit := c.visitor(c.arg(1), c.arg(0))
	each(c.arg(0), func(k string, e value.Value) bool {
		if c.r.truth(visit.call(e, value.Str(k))) {
			out.Set(k, e.Clone())
		}
		return c.r.err == nil
	})
	if out.Len() == 0 {
		return value.Value{}
	}
	return out.Value()
}

func libEach(c *call) value.Value {
	var out []value.Value
	visit := c.visitor(c.arg(1), c.arg(0))
	each(c.arg(0), func(k string, e value.Value) bool {
		if x := visit.call(e, value.Str(k)); x.Defined() {
			out = c.r.push(out, x)
		}
		return c.r.err == nil
	})
	return sequence(out...)
}

func libSort(c *call, v value.Value) value.Value {
	if v.List().Len() <= 1 {
		return v
	}
	items := itemsOf(v)
	f := fnOf(c.arg(1))
	if f == nil {
		for _, e := range items {
			if k := e.Kind(); k != items[0].Kind() || k != value.Number && k != value.String {
				return c.r.fail(&Error{Code: "D3070", Index: 1})
			}
		}
	}
	items = mergeSort(items, func(a, b value.Value) bool {
		if !c.r.tick() {
			return false
		}
		if f == nil {
			less, _ := value.Less(b, a)
			return less
		}
		return c.r.invoke(f, a, b).Truthy()
	})
	return plainArray(items)
}
