package topic

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Tree finds the values (a broker's subscribers) whose filters match a name. Its zero value is ready, and it may be
// used by several goroutines. The cost of a question depends on the levels of the name and on the filters that match
// its beginning, not on how many filters there are.
type Tree[T comparable] struct {
	generation atomic.Uint64
	mu         sync.RWMutex
	root       node[T] // guarded by mu
	length     int     // guarded by mu
}

// Add puts v under filter, which ParseFilter has accepted and which comes without its "$share/<group>/". It answers
// false, and changes nothing, when that v stands there already. The tree keeps its own copy of the filter.
func (t *Tree[T]) Add(filter string, v T) bool {
	if strings.Count(filter, "/") >= MaxLevels {
		return false // ParseFilter refuses these
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &t.root
	for rest, more := filter, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		n = n.childOrNew(level)
	}
	if !n.values.add(v) {
		return false
	}
	t.length++
	t.generation.Add(1)
	return true
}

// Remove takes v from filter and answers whether it stood there.
func (t *Tree[T]) Remove(filter string, v T) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	var room [usualLevels]*node[T]
	above := room[:0]
	n := &t.root
	for rest, more := filter, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		above = append(above, n)
		if n = n.child(level); n == nil {
			return false
		}
	}
	if !n.values.remove(v) {
		return false
	}
	for i := len(above) - 1; i >= 0 && n.empty(); i-- {
		above[i].drop(n)
		n = above[i]
	}
	t.length--
	t.generation.Add(1)
	return true
}

// Match appends to dst every value whose filter matches name (as the function Match does) and returns it. Values of one
// filter come in the order of their Add; a value under several matching filters comes several times. It allocates
// nothing but the growth of dst, and for names of very many levels.
func (t *Tree[T]) Match(name string, dst []T) []T {
	type branch struct {
		n  *node[T]
		at int // where the next level begins in name; len(name)+1: none is left
	}
	var room [usualLevels]branch
	waiting := room[:0] // at most one for each level of the deepest filter
	t.mu.RLock()
	defer t.mu.RUnlock()
	system := name != "" && name[0] == '$'
	for b := (branch{n: &t.root}); ; {
		for b.n != nil && b.at <= len(name) {
			end := len(name)
			if i := strings.IndexByte(name[b.at:], '/'); i >= 0 {
				end = b.at + i
			}
			if !system || b.at > 0 { // else hidden from wildcards [MQTT-4.7.2-1]
				if b.n.hash != nil {
					dst = b.n.hash.values.appendTo(dst)
				}
				if b.n.plus != nil {
					waiting = append(waiting, branch{b.n.plus, end + 1})
				}
			}
			b = branch{b.n.named(name[b.at:end]), end + 1}
		}
		if b.n != nil { // the whole name is used up
			dst = b.n.values.appendTo(dst)
			if b.n.hash != nil { // "a/#" matches "a", too (4.7.1.2)
				dst = b.n.hash.values.appendTo(dst)
			}
		}
		if len(waiting) == 0 {
			return dst
		}
		b = waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
	}
}

// WarmMost is the most names that Warm looks up, one beside the other.
const WarmMost = 16

// Warm appends values that Match is going to find for some of the names, and returns it. It is no answer: it brings what
// Match will read into the processor's caches, with the waiting for memory of all names at the same time. It takes the
// way of a word before that of a "+", and one way only.
func (t *Tree[T]) Warm(names []string, dst []T) []T {
	var room [WarmMost]struct {
		n  *node[T]
		at int // as in Match
	}
	names = names[:min(len(names), WarmMost)]
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := range names {
		room[i].n = &t.root
	}
	for more := true; more; {
		more = false
		for i, name := range names {
			b := &room[i]
			if b.n == nil || b.at > len(name) {
				continue
			}
			end := len(name)
			if i := strings.IndexByte(name[b.at:], '/'); i >= 0 {
				end = b.at + i
			}
			next := b.n.named(name[b.at:end])
			if next == nil {
				next = b.n.plus
			}
			b.n, b.at, more = next, end+1, true
		}
	}
	for i := range names {
		if n := room[i].n; n != nil && n.values.lone {
			dst = append(dst, n.values.one)
		}
	}
	return dst
}

// usualLevels is how many levels that a "+" matches cost Match no memory, and how many of a filter cost Remove none.
const usualLevels = 16

// Generation is a number that every Add and Remove which changed something raises, so that results of Match can be
// kept by the caller for as long as it stays the same.
func (t *Tree[T]) Generation() uint64 { return t.generation.Load() }

// Len is the number of values in the tree.
func (t *Tree[T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.length
}
