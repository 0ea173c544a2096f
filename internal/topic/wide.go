package topic

import "hash/maphash"

// wide holds the children of a node that has many of them, by the hashes of their levels, with linear probing. A child
// that is there costs a look at its slot and one at itself, and nothing else that the processor has to wait for: a map
// of strings costs several more.
type wide[T comparable] struct {
	slots []slot[T] // a power of two
	count int
}

type slot[T comparable] struct {
	hash uint64
	n    *node[T] // nil: free
}

// leastSlots is the size of a new table; it is never more than three quarters full, or less than an eighth.
const leastSlots = 4 * fewChildren

var levelSeed = maphash.MakeSeed()

func newWide[T comparable]() *wide[T] { return &wide[T]{slots: make([]slot[T], leastSlots)} }

func (w *wide[T]) get(level string) *node[T] {
	h := maphash.String(levelSeed, level)
	for i := int(h) & (len(w.slots) - 1); ; i = (i + 1) & (len(w.slots) - 1) {
		s := &w.slots[i]
		if s.n == nil || s.hash == h && s.n.level == level {
			return s.n
		}
	}
}

// add puts in a child that isn't there.
func (w *wide[T]) add(n *node[T]) {
	if 4*(w.count+1) > 3*len(w.slots) {
		w.resize(2 * len(w.slots))
	}
	w.put(slot[T]{maphash.String(levelSeed, n.level), n})
	w.count++
}

func (w *wide[T]) put(s slot[T]) {
	i := int(s.hash) & (len(w.slots) - 1)
	for w.slots[i].n != nil {
		i = (i + 1) & (len(w.slots) - 1)
	}
	w.slots[i] = s
}

// remove takes out a child that is there. What stands behind it moves up, so that no search ends too early.
func (w *wide[T]) remove(n *node[T]) {
	mask := len(w.slots) - 1
	i := int(maphash.String(levelSeed, n.level)) & mask
	for w.slots[i].n != n {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; w.slots[j].n != nil; j = (j + 1) & mask {
		if home := int(w.slots[j].hash) & mask; (j-home)&mask >= (j-i)&mask {
			w.slots[i], i = w.slots[j], j
		}
	}
	w.slots[i] = slot[T]{}
	if w.count--; 8*w.count < len(w.slots) && len(w.slots) > leastSlots {
		w.resize(len(w.slots) / 2)
	}
}

func (w *wide[T]) resize(n int) {
	old := w.slots
	w.slots = make([]slot[T], n)
	for _, s := range old {
		if s.n != nil {
			w.put(s)
		}
	}
}
