package value

// lazy is a JSON object or array that is known to be right but was not looked at yet. A
// message that only passes through is never parsed; in its canonical form not even printed.
type lazy struct {
	raw       []byte // nil once resolved
	val       Value
	kind      Kind // Object or Array
	canonical bool // raw is what encoding val gives
	shared    bool
}

// ParseLazy reads JSON text like Parse, but puts off the work for objects and arrays. It
// owns raw from now on.
func ParseLazy(raw []byte) (Value, error) {
	c := checker{text: raw, canonical: true}
	kind, err := c.check()
	if err != nil {
		return Value{}, err
	}
	if kind != Object && kind != Array {
		return Parse(raw)
	}
	return Value{ref: &lazy{raw: raw, kind: kind, canonical: c.canonical}}, nil
}

func (l *lazy) resolve() Value {
	if l.raw == nil {
		return l.val
	}
	v, err := Parse(l.raw)
	if err != nil { // the text was checked by ParseLazy
		panic("value: lazy JSON: " + err.Error())
	}
	if l.shared {
		v.share()
	}
	l.raw, l.val = nil, v
	return v
}

func (l *lazy) share() {
	l.shared = true
	l.val.share()
}
