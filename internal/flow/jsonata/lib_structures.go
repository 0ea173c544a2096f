package jsonata

import (
	"math/rand/v2"

	"tsunagi/internal/flow/value"
)

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
