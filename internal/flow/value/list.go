package value

import "slices"

// List is a JavaScript array. As with Map, only one that Own or NewList returned may be
// written to.
type List struct {
	a      []Value
	shared bool
	mark   uint8
}

// MaxHole bounds how far beyond its end an array may be set, since the hole takes memory.
const MaxHole = 1 << 16

// NewList returns an array that owns a from now on.
func NewList(a ...Value) *List { return &List{a: a} }

// Value returns the array as a Value.
func (l *List) Value() Value { return Value{ref: l} }

// Mark returns what SetMark left, 0 on every other array and on every copy.
func (l *List) Mark() uint8 { return l.mark }

// SetMark leaves a note of the code that made the array; JSONata tells its sequences from
// arrays by it. It has no meaning in this package.
func (l *List) SetMark(m uint8) { l.mark = m }

// Len is the number of elements.
func (l *List) Len() int { return len(l.a) }

// At returns element i, undefined when there is none.
func (l *List) At(i int) Value {
	if i < 0 || i >= len(l.a) {
		return Value{}
	}
	v := l.a[i]
	if l.shared {
		v.share()
	}
	return v
}

// All ranges over the elements.
func (l *List) All() func(func(int, Value) bool) {
	return func(yield func(int, Value) bool) {
		for i := range l.a {
			if !yield(i, l.At(i)) {
				return
			}
		}
	}
}

// Own returns an equal array that may be written to.
func (l *List) Own() *List {
	if !l.shared {
		return l
	}
	c := &List{a: slices.Clone(l.a)}
	for _, v := range c.a {
		v.share()
	}
	return c
}

// Set sets element i, filling a hole with undefined. It says whether it could: i is negative
// or more than MaxHole behind the end otherwise.
func (l *List) Set(i int, v Value) bool {
	l.mustOwn()
	if i < 0 || i > len(l.a)+MaxHole {
		return false
	}
	for i >= len(l.a) {
		l.a = append(l.a, Value{})
	}
	l.a[i] = v
	return true
}

// Append adds elements at the end.
func (l *List) Append(v ...Value) *List {
	l.mustOwn()
	l.a = append(l.a, v...)
	return l
}

// Remove takes element i out, as splice(i, 1) does.
func (l *List) Remove(i int) {
	l.mustOwn()
	if i >= 0 && i < len(l.a) {
		l.a = slices.Delete(l.a, i, i+1)
	}
}

func (l *List) mustOwn() {
	if l.shared {
		panic("value: write to a shared array")
	}
}
