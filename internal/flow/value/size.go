package value

// Size is about how many bytes of memory v takes, what it shares with others included.
func Size(v Value) int {
	const header = 24
	switch r := v.ref.(type) {
	case chars:
		return header + int(v.num)
	case *Buffer:
		return 2*header + len(r.B)
	case *List:
		return r.size()
	case *Map:
		return r.size()
	case *lazy:
		if r.raw != nil {
			return 4*header + len(r.raw)
		}
		return Size(r.val)
	}
	return header
}

func (l *List) size() int {
	n := 48
	for i := range l.a {
		n += Size(l.a[i])
	}
	return n
}

func (o *Map) size() int {
	n := 64
	for i := range o.m {
		n += 16 + Size(o.m[i].val) // keys are mostly shared
	}
	return n
}
