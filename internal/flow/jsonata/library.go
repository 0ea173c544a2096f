package jsonata

import (
	"sync"

	"tsunagi/internal/flow/value"
)

// definition is a function of the language: its signature, the number of parameters that
// $map and its like see, and what it does.
type definition struct {
	name, sig string
	arity     int
	do        func(c *call) value.Value
}

var library struct {
	once   sync.Once
	byName map[string]value.Value
}

// builtin returns a function of the language by its name, undefined when there is none.
func builtin(name string) value.Value {
	library.once.Do(func() {
		library.byName = map[string]value.Value{}
		for _, list := range [][]definition{aggregates(), strs(), numbers(), higher(), structures(), codes(), times(), control()} {
			for _, d := range list {
				sig, err := parseSignature(d.sig)
				if err != nil {
					panic("jsonata: signature of $" + d.name + ": " + err.Error())
				}
				f := &function{name: d.name, arity: d.arity, sig: sig, native: d.do}
				library.byName[d.name] = f.value()
			}
		}
	})
	return library.byName[name]
}

// lift makes of a function on a defined first argument one that passes nothing on.
func lift(do func(c *call, v value.Value) value.Value) func(*call) value.Value {
	return func(c *call) value.Value {
		v := c.arg(0)
		if !v.Defined() {
			return v
		}
		return do(c, v)
	}
}

func control() []definition {
	return []definition{
		{"eval", "<sx?:x>", 2, libEval},
		{"error", "<s?:x>", 1, func(c *call) value.Value {
			text := c.arg(0).Str()
			if text == "" {
				text = "$error() function evaluated"
			}
			return c.r.fail(&Error{Code: "D3137", Text: text})
		}},
		{"assert", "<bs?:x>", 2, func(c *call) value.Value {
			if c.arg(0).Truthy() {
				return value.Value{}
			}
			text := c.arg(1).Str()
			if text == "" {
				text = "$assert() statement failed"
			}
			return c.r.fail(&Error{Code: "D3141", Text: text})
		}},
		{"now", "<s?s?:s>", 2, func(c *call) value.Value {
			return formatMoment(c.r, float64(c.r.timestamp().UnixMilli()), c.arg(0), c.arg(1))
		}},
		{"millis", "<:n>", 0, func(c *call) value.Value { return value.Num(float64(c.r.timestamp().UnixMilli())) }},
	}
}

func libEval(c *call) value.Value {
	src := c.arg(0)
	if !src.Defined() {
		return src
	}
	if !c.r.spend(len(src.Str())) {
		return value.Value{}
	}
	n, err := parse(src.Str())
	if err != nil {
		return c.r.fail(&Error{Code: "D3120", Text: err.Error()})
	}
	in := c.input
	if v := c.arg(1); v.Defined() {
		in = outer(v)
	}
	weight := 1 + n.height()/weightOf
	if c.r.depth += weight; c.r.depth > c.r.limits.Depth {
		return c.r.fail(&Error{Code: "D1011"})
	}
	v := compile(n)(c.r, in, newFrame(c.env))
	c.r.depth -= weight
	if e := c.r.err; e != nil && !isLimit(e) {
		c.r.err = &Error{Code: "D3121", Text: e.Error()}
	}
	return v
}

// isLimit says whether the evaluation hit one of its bounds, which $eval doesn't hide.
func isLimit(e *Error) bool {
	switch e.Code {
	case ErrDepth.Code, ErrTime.Code, ErrString.Code, ErrSequence.Code:
		return true
	}
	return false
}
