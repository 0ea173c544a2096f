package broker

import "slices"

// ring is a queue that grows by doubling and gives its memory back when it is empty. The zero value is ready.
type ring[T any] struct {
	buf  []T // its length is a power of two
	head int32
	n    int32
}

func (r *ring[T]) len() int { return int(r.n) }

// at is the i-th element from the front.
func (r *ring[T]) at(i int) *T { return &r.buf[(int(r.head)+i)&(len(r.buf)-1)] }

func (r *ring[T]) push(v T) {
	if r.len() == len(r.buf) {
		r.grow()
	}
	*r.at(r.len()) = v
	r.n++
}

// unpop puts v back to the front.
func (r *ring[T]) unpop(v T) {
	if r.len() == len(r.buf) {
		r.grow()
	}
	r.head = (r.head - 1) & int32(len(r.buf)-1)
	r.buf[r.head] = v
	r.n++
}

// pop takes the front element off. It is an error to call it on an empty ring.
func (r *ring[T]) pop() T {
	var zero T
	p := &r.buf[r.head]
	v := *p
	*p = zero
	r.head = (r.head + 1) & int32(len(r.buf)-1)
	if r.n--; r.n == 0 {
		r.head = 0
		if len(r.buf) > ringKept {
			r.buf = nil
		}
	}
	return v
}

// ringKept is how many places an empty ring keeps.
const ringKept = 16

func (r *ring[T]) grow() {
	buf := make([]T, max(4, 2*len(r.buf)))
	k := copy(buf, r.buf[r.head:])
	copy(buf[k:], r.buf[:r.head])
	r.buf, r.head = buf, 0
}

// filter keeps the elements for which keep says true, in their order.
func (r *ring[T]) filter(keep func(*T) bool) {
	var out ring[T]
	for i := range r.len() {
		if p := r.at(i); keep(p) {
			out.push(*p)
		}
	}
	*r = out
}

// sort orders the elements.
func (r *ring[T]) sort(compare func(a, b *T) int) {
	list := make([]T, r.n)
	for i := range list {
		list[i] = *r.at(i)
	}
	slices.SortStableFunc(list, func(a, b T) int { return compare(&a, &b) })
	for i := range list {
		*r.at(i) = list[i]
	}
}
