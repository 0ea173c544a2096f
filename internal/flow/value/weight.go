package value

// How much of a value Weight looks at.
const (
	weighDepth  = 4
	weighSample = 10 // elements of an array or keys of an object
)

// Weight is about Size, but looks at a few elements of each container only, so that it costs much the same for messages
// of every size. What a queue holds is counted with it.
func Weight(v Value) int { return weight(v, weighDepth) }

func weight(v Value, depth int) int {
	switch r := v.ref.(type) {
	case chars:
		return 24 + int(v.num)
	case *Buffer:
		return 48 + len(r.B)
	case *List:
		return r.weight(depth)
	case *Map:
		return r.Weight(depth)
	case *lazy:
		if r.raw != nil {
			return 96 + len(r.raw)
		}
		return weight(r.val, depth)
	}
	return 24
}

// Weight is that of the object; depth is how deep it looks.
func (o *Map) Weight(depth int) int {
	n := len(o.m)
	if depth == 0 {
		return 64 + 40*n
	}
	sum := 64 + 40*n
	if n <= weighSample {
		for i := range o.m {
			if v := &o.m[i].val; v.ref != tag(Number) && v.ref != tag(Bool) {
				sum += weight(*v, depth-1) - 24
			}
		}
		return sum
	}
	part := 0
	for k := range weighSample {
		part += weight(o.m[place(k, n)].val, depth-1) - 24
	}
	return sum + scaled(part, n)
}

func (l *List) weight(depth int) int {
	n := len(l.a)
	if depth == 0 || n == 0 {
		return 48 + 40*n
	}
	part := 0
	for k := range weighSample {
		part += weight(l.a[place(k, n)], depth-1)
	}
	return 48 + scaled(part, n)
}

// place is one in part k of n elements; with few elements some are looked at twice.
func place(k, n int) int {
	from, to := k*n/weighSample, (k+1)*n/weighSample
	return from + k*7919%max(to-from, 1)
}

func scaled(part, n int) int { return int(int64(part) * int64(n) / weighSample) }
