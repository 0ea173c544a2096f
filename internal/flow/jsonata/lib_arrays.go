package jsonata

import (
	"math/rand/v2"

	"tsunagi/internal/flow/value"
)

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

// structures are the functions on arrays and objects.
func structures() []definition {
	return []definition{
		{"zip", "<a+>", 0, libZip},
		{"keys", "<x-:a<s>>", 1, func(c *call) value.Value { return sequence(c.r.keys(c.arg(0))...) }},
		{"lookup", "<x-s:x>", 2, func(c *call) value.Value { return c.r.lookup(c.arg(0), c.arg(1).Str()) }},
		{"append", "<xx:a>", 2, func(c *call) value.Value { return c.r.appended(c.arg(0), c.arg(1)) }},
		{"exists", "<x:b>", 1, func(c *call) value.Value { return value.Of(c.arg(0).Defined()) }},
		{"spread", "<x-:a<o>>", 1, func(c *call) value.Value { return c.r.spreadObject(c.arg(0)) }},
		{"merge", "<a<o>:o>", 1, lift(libMerge)},
		{"reverse", "<a:a>", 1, lift(func(_ *call, v value.Value) value.Value {
			l := v.List()
			if l.Len() <= 1 {
				return v
			}
			out := make([]value.Value, l.Len())
			for i := range out {
				out[len(out)-1-i] = l.At(i).Clone()
			}
			return plainArray(out)
		})},
		{"shuffle", "<a:a>", 1, lift(func(_ *call, v value.Value) value.Value {
			if v.List().Len() <= 1 {
				return v
			}
			out := itemsOf(v.Clone())
			rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
			return plainArray(out)
		})},
		{"distinct", "<x:x>", 1, lift(libDistinct)},
		{"type", "<x:s>", 1, lift(func(_ *call, v value.Value) value.Value { return value.Str(typeName(v)) })},
		{"clone", "<(oa)-:o>", 1, lift(func(c *call, v value.Value) value.Value {
			if v = unwrapped(v); !c.r.fits(v) {
				return value.Value{}
			}
			return c.r.deepCopy(v)
		})},
	}
}

func typeName(v value.Value) string {
	switch v.Kind() {
	case value.Null:
		return "null"
	case value.Number:
		return "number"
	case value.String:
		return "string"
	case value.Bool:
		return "boolean"
	case value.Array:
		return "array"
	}
	if fnOf(v) != nil {
		return "function"
	}
	return "object"
}

func libZip(c *call) value.Value {
	n := -1
	for _, a := range c.args {
		l := a.List()
		if l == nil {
			return plainArray(nil)
		}
		if n < 0 || l.Len() < n {
			n = l.Len()
		}
	}
	var out []value.Value
	for i := range max(n, 0) {
		row := make([]value.Value, len(c.args))
		for j, a := range c.args {
			row[j] = a.List().At(i).Clone()
		}
		if out = c.r.push(out, plainArray(row)); !c.r.tick() {
			break
		}
	}
	return plainArray(out)
}

// keys are the keys of an object, or those of all objects of an array.
func (r *run) keys(v value.Value) []value.Value {
	var out []value.Value
	switch v.Kind() {
	case value.Array:
		seen := value.NewMap(0)
		for _, e := range v.List().All() {
			for _, k := range r.keys(e) {
				seen.Set(k.Str(), value.Nil())
			}
			if !r.tick() {
				break
			}
		}
		return r.keys(seen.Value())
	case value.Object:
		for k := range v.Map().All() {
			out = r.push(out, value.Str(k))
		}
	}
	return out
}

func (r *run) spreadObject(v value.Value) value.Value {
	switch v.Kind() {
	case value.Array:
		out := sequence()
		for _, e := range v.List().All() {
			if out = r.appended(out, r.spreadObject(e)); !r.tick() {
				break
			}
		}
		return out
	case value.Object:
		var out []value.Value
		for k, e := range v.Map().All() {
			one := value.NewMap(1)
			out = r.push(out, one.Set(k, e.Clone()).Value())
		}
		return sequence(out...)
	}
	return v
}

func libMerge(c *call, v value.Value) value.Value {
	out := value.NewMap(0)
	for _, o := range v.List().All() {
		if !c.r.tick() {
			break
		}
		if m := o.Map(); m != nil {
			for k, e := range m.All() {
				out.Set(k, e.Clone())
			}
		}
	}
	return out.Value()
}

func libDistinct(c *call, v value.Value) value.Value {
	l := v.List()
	if l == nil || l.Len() <= 1 {
		return v
	}
	var out, others []value.Value
	texts, nums := map[string]bool{}, map[float64]bool{}
	for _, e := range l.All() {
		if !c.r.tick() {
			break
		}
		switch e.Kind() {
		case value.String:
			if texts[e.Str()] {
				continue
			}
			texts[e.Str()] = true
		case value.Number:
			if nums[e.Num()] {
				continue
			}
			nums[e.Num()] = true
		default:
			if c.among(others, e) {
				continue
			}
			others = append(others, e)
		}
		out = c.r.push(out, e)
	}
	return marked(out, l.Mark()&markSequence)
}

func (c *call) among(list []value.Value, v value.Value) bool {
	for _, o := range list {
		if c.r.same(o, v) || !c.r.tick() {
			return true
		}
	}
	return false
}
