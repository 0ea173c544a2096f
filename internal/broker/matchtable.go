package broker

import (
	"hash/maphash"
	"unsafe"
)

// matchTable holds matches by topic: a hash table of sets of eight, so that to see that a topic is not in it costs a look
// at eight tags side by side, however large it is. A set that is full loses one of its matches. A topic that has been
// seen once has a tag without a match: what is published to a single time costs no more. The zero value is ready and
// holds no memory.
type matchTable struct {
	seed  maphash.Seed
	tags  []uint32 // a part of the topic's hash for each slot, 0: free
	slots []*match
	count int // slots that are not free
	bytes int // what the matches are charged with
	hand  int // the slot from which on room is looked for
}

const (
	setSize    = 8
	leastSlots = 4 * setSize
	mostSlots  = matchCacheBytes / 256
)

// set is where the set of a topic begins, and the topic's tag.
func (k *matchTable) set(name string) (at int, tag uint32) {
	h := maphash.String(k.seed, name)
	return int(uint32(h)) & (len(k.slots) - 1) &^ (setSize - 1), uint32(h>>32) | 1
}

// get is the match of a topic or nil; seen says that the topic was marked, and full that another one would have to go
// for it.
func (k *matchTable) get(name string) (m *match, seen, full bool) {
	if len(k.slots) == 0 {
		return nil, false, false
	}
	at, tag := k.set(name)
	free := false
	for i, have := range k.tags[at : at+setSize] {
		if have == tag {
			if m = k.slots[at+i]; m != nil && m.topic == name {
				return m, true, false
			}
			seen = seen || m == nil
		}
		free = free || have == 0
	}
	return nil, seen, k.bytes >= matchCacheBytes || !free && !k.grows()
}

// mark notes that a topic has been seen.
func (k *matchTable) mark(name string) {
	i, tag := k.take(name)
	k.drop(i)
	k.tags[i] = tag
	k.count++
}

// grows says whether a full set makes the table grow.
func (k *matchTable) grows() bool { return len(k.slots) < mostSlots && 2*k.count >= len(k.slots) }

// put adds a match, in place of others where there is no room.
func (k *matchTable) put(m *match) {
	size := m.size()
	if size > matchCacheBytes/2 {
		return
	}
	i, tag := k.take(m.topic)
	k.drop(i) // first: a topic that is there already takes nobody else's room
	for k.bytes > 0 && k.bytes+size > matchCacheBytes+largeMatch {
		k.drop(k.hand)
		k.hand = (k.hand + 1) & (len(k.slots) - 1)
	}
	k.tags[i], k.slots[i] = tag, m
	k.count++
	k.bytes += size
}

// take is the slot for a topic, which may be another's, and its tag.
func (k *matchTable) take(name string) (i int, tag uint32) {
	if len(k.slots) == 0 {
		k.seed = maphash.MakeSeed()
		k.make(leastSlots)
	}
	for {
		at, tag := k.set(name)
		if i := k.place(at, tag, name); i >= 0 {
			return i, tag
		}
		if !k.grows() {
			i := at + k.hand%setSize
			k.hand = (k.hand + 1) & (len(k.slots) - 1)
			return i, tag
		}
		k.grow()
	}
}

// largeMatch is by how much the bound may be passed, in bytes: a match that is no larger takes no other's place while
// there is a free slot and the bound has not been reached.
const largeMatch = 4 << 10

// place is the slot for a topic in the set at: its own or a free one, -1 without any.
func (k *matchTable) place(at int, tag uint32, name string) int {
	free := -1
	for i := at; i < at+setSize; i++ {
		if k.tags[i] == tag && (k.slots[i] == nil || k.slots[i].topic == name) {
			return i
		}
		if k.tags[i] == 0 {
			free = i
		}
	}
	return free
}

// drop makes a slot free.
func (k *matchTable) drop(i int) {
	if k.tags[i] == 0 {
		return
	}
	if m := k.slots[i]; m != nil {
		k.bytes -= m.size()
	}
	k.count--
	k.tags[i], k.slots[i] = 0, nil
}

func (k *matchTable) make(n int) {
	k.tags, k.slots = make([]uint32, n), make([]*match, n)
	k.count, k.bytes, k.hand = 0, 0, 0
}

// grow doubles the table. Marks are lost.
func (k *matchTable) grow() {
	old := k.slots
	k.make(2 * len(old))
	for _, m := range old {
		if m == nil {
			continue
		}
		at, tag := k.set(m.topic)
		if i := k.place(at, tag, m.topic); i >= 0 { // a set is never fuller than it was
			k.tags[i], k.slots[i] = tag, m
			k.count++
			k.bytes += m.size()
		}
	}
}

// size is what m is charged with in the cache, in bytes.
func (m *match) size() int {
	return matchSize + len(m.topic) + int(unsafe.Sizeof(receiver{}))*max(0, len(m.receivers)-1)
}

// matchSize is the size of a match with its slot, in bytes.
const matchSize = int(unsafe.Sizeof(match{})) + 24
