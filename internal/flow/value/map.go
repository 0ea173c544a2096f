package value

import "slices"

// Map is a JavaScript object: keys in JavaScript's order, that is whole numbers ascending
// and before all others, the rest as they were set.
//
// A Map that Own or NewMap returned may be written to; one that was got from a message may
// be shared with others, and writing to it panics.
type Map struct {
	m      []member
	index  map[string]int32 // made for a look-up when m is long; nil when it must be made anew
	whole  int32            // how many of the first keys are whole numbers
	shared bool
}

type member struct {
	key string
	val Value
}

// indexAbove is the number of keys above which look-ups go through an index.
const indexAbove = 10

// NewMap returns an empty object with room for n keys.
func NewMap(n int) *Map { return &Map{m: make([]member, 0, n)} }

// Room is an empty object with room for the keys of most messages in the same piece of memory. It must not be copied.
type Room struct {
	o    Map
	keys [roomSize]member
}

const roomSize = 6

// Map makes r an empty object and returns it; called again, it would empty what the first call returned.
func (r *Room) Map() *Map {
	r.o.m = r.keys[:0]
	return &r.o
}

// MapOf makes an object of keys and values in turn.
func MapOf(kv ...any) *Map {
	o := NewMap(len(kv) / 2)
	for i := 0; i+1 < len(kv); i += 2 {
		o.Set(kv[i].(string), From(kv[i+1]))
	}
	return o
}

// Value returns the object as a Value.
func (o *Map) Value() Value { return Value{ref: o} }

// Len is the number of keys.
func (o *Map) Len() int { return len(o.m) }

func (o *Map) find(key string) int {
	if len(o.m) <= indexAbove {
		for i := range o.m {
			if o.m[i].key == key {
				return i
			}
		}
		return -1
	}
	if o.index == nil {
		o.index = make(map[string]int32, len(o.m))
		for i := range o.m {
			o.index[o.m[i].key] = int32(i)
		}
	}
	if i, ok := o.index[key]; ok {
		return int(i)
	}
	return -1
}

// Has says whether the object has the key, be its value undefined.
func (o *Map) Has(key string) bool { return o.find(key) >= 0 }

// Get returns the value of a key, undefined when it has none.
func (o *Map) Get(key string) Value {
	i := o.find(key)
	if i < 0 {
		return Value{}
	}
	return o.at(i)
}

// at hands a value out; what comes out of a shared object is shared itself.
func (o *Map) at(i int) Value {
	v := o.m[i].val
	if o.shared {
		v.share()
	}
	return v
}

// At returns key and value number i.
func (o *Map) At(i int) (string, Value) { return o.m[i].key, o.at(i) }

// Key returns key number i.
func (o *Map) Key(i int) string { return o.m[i].key }

// All ranges over keys and values in order.
func (o *Map) All() func(func(string, Value) bool) {
	return func(yield func(string, Value) bool) {
		for i := range o.m {
			if !yield(o.m[i].key, o.at(i)) {
				return
			}
		}
	}
}

// Own returns an equal object that may be written to: o itself, or a copy if o is shared.
func (o *Map) Own() *Map {
	if !o.shared {
		return o
	}
	c := &Map{m: make([]member, len(o.m), len(o.m)+2), whole: o.whole}
	copy(c.m, o.m)
	for i := range c.m {
		c.m[i].val.share()
	}
	return c
}

// Clone returns an object that stays as o is now.
func (o *Map) Clone() *Map {
	o.shared = true
	return o
}

// Set sets a key and returns o.
func (o *Map) Set(key string, v Value) *Map {
	o.mustOwn()
	if i := o.find(key); i >= 0 {
		o.m[i].val = v
		return o
	}
	if _, ok := wholeKey(key); ok {
		o.insertWhole(key, v)
		return o
	}
	if o.index != nil {
		o.index[key] = int32(len(o.m))
	}
	o.grow()
	o.m = append(o.m, member{key, v})
	return o
}

// grow makes room for another key. Small objects seldom get more than a few, so they grow by less than append gives.
func (o *Map) grow() {
	if n := len(o.m); n == cap(o.m) && n < 16 {
		m := make([]member, n, n+max(3, n/2))
		copy(m, o.m)
		o.m = m
	}
}

// Put adds a key that the object doesn't have. Keys come in JavaScript's order: those that are whole numbers first,
// ascending.
func (o *Map) Put(key string, v Value) {
	o.mustOwn()
	if key != "" && key[0] <= '9' {
		if _, ok := wholeKey(key); ok {
			o.whole++
		}
	}
	o.index = nil
	o.grow()
	o.m = append(o.m, member{key, v})
}

// insertWhole puts a key that is a whole number at its place among such keys.
func (o *Map) insertWhole(key string, v Value) {
	n, _ := wholeKey(key)
	at := int(o.whole)
	for at > 0 {
		if p, _ := wholeKey(o.m[at-1].key); p < n {
			break
		}
		at--
	}
	o.m = slices.Insert(o.m, at, member{key, v})
	o.whole++
	o.index = nil
}

// Delete removes a key.
func (o *Map) Delete(key string) {
	i := o.find(key)
	if i < 0 {
		return
	}
	o.mustOwn()
	if i < int(o.whole) {
		o.whole--
	}
	o.m = slices.Delete(o.m, i, i+1)
	o.index = nil
}

func (o *Map) mustOwn() {
	if o.shared {
		panic("value: write to a shared object")
	}
}

// wholeKey says whether a key is an array index in JavaScript's sense: 0 to 2^32-2, written
// without leading zeros. Such keys come first, ascending.
func wholeKey(key string) (uint32, bool) {
	if len(key) == 0 || len(key) > 10 || key[0] < '0' || key[0] > '9' || key[0] == '0' && len(key) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(key) {
		c := key[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n < 1<<32-1
}
