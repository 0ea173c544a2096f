package topic

import (
	"strings"
	"sync"
)

// Retained is an index from topic names to values (a broker's retained messages) that can be asked with filters. Its
// zero value is ready, and it may be used by several goroutines.
type Retained[T any] struct {
	mu   sync.RWMutex
	list sorted[T] // guarded by mu
}

// Set puts v at name in place of what was there. The index keeps name, and forgets the one it had
// before.
func (r *Retained[T]) Set(name string, v T) (old T, had bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, found := seek(&r.list, name)
	if found {
		it := r.list.at(p)
		old, it.v = it.v, v
		it.name = name
		return old, true
	}
	r.list.insert(p, item[T]{name, v})
	return old, false
}

// Delete takes away what is at name.
func (r *Retained[T]) Delete(name string) (old T, had bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, found := seek(&r.list, name)
	if !found {
		return old, false
	}
	old = r.list.at(p).v
	r.list.remove(p)
	return old, true
}

// Get returns what is at name.
func (r *Retained[T]) Get(name string) (v T, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if p, found := seek(&r.list, name); found {
		return r.list.at(p).v, true
	}
	return v, false
}

// Len is the number of names.
func (r *Retained[T]) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.list.length
}

const (
	walkBatch = 64  // matches collected under one hold of the lock
	walkSteps = 256 // names looked at under one hold of the lock
)

// Match calls yield for every name that filter matches (as the function Match does), level by level in the order of
// their bytes, until yield returns false. No lock is held during a call, so yield may change the index; a change made
// during the walk is seen or not. It jumps over what can't match: the cost depends on the names below the filter's
// levels in front of its wildcards, not on all names.
func (r *Retained[T]) Match(filter string, yield func(name string, v T) bool) {
	key := append(make([]byte, 0, 128), literalPart(filter)...) // no match is before this name
	r.walk(filter, key, yield)
}

// MatchAfter goes on behind name, at which an earlier Match or MatchAfter with the same filter has stopped.
func (r *Retained[T]) MatchAfter(filter, name string, yield func(name string, v T) bool) {
	key := append(make([]byte, 0, 128), name...)
	r.walk(filter, append(key, '/'), yield)
}

// walk is Match from key on.
func (r *Retained[T]) walk(filter string, key []byte, yield func(name string, v T) bool) {
	var batch [walkBatch]item[T]
	for more := true; more; {
		var n int
		n, key, more = r.collect(filter, key, &batch)
		for i := range batch[:n] {
			if !yield(batch[i].name, batch[i].v) {
				return
			}
		}
	}
}

// collect fills batch with the next n matches from key on, and returns where to go on and whether to.
func (r *Retained[T]) collect(filter string, key []byte, batch *[walkBatch]item[T]) (n int, next []byte, more bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, _ := seek(&r.list, key)
	front, all := wholeBelow(filter)
	last := "" // the name to go on behind; empty: key says where
	defer func() {
		if last != "" {
			next = append(append(next[:0], last...), '/')
		}
	}()
	for range walkSteps {
		it := r.list.at(p)
		if it == nil {
			return n, key, false
		}
		if all && below(front, it.name) {
			last = it.name
			batch[n] = *it
			if n++; n == len(batch) {
				return n, key, true
			}
			p = r.list.after(p)
			continue
		}
		last = ""
		var matches bool
		if matches, key, more = step(filter, it.name, key); !more {
			return n, key, false
		}
		if !matches {
			p, _ = seekIn(&r.list, p, key)
			continue
		}
		batch[n] = *it
		if n++; n == len(batch) {
			return n, key, true
		}
		p = r.list.after(p)
	}
	return n, key, true
}

// wholeBelow is the front of a filter of the form "front/#", which matches front and all below; ok is false for others.
func wholeBelow(filter string) (front string, ok bool) {
	front = literalPart(filter)
	return front, front != "" && len(filter) == len(front)+len("/#") && filter[len(filter)-1] == '#'
}

// below says whether name is front, or below it.
func below(front, name string) bool {
	return strings.HasPrefix(name, front) && (len(name) == len(front) || name[len(front)] == '/')
}

// step says whether filter matches name, and writes to key[:0] the earliest name behind it that the filter may match;
// more is false when there can be none. It is the function Match with a memory of where to jump.
func step(filter, name string, key []byte) (matches bool, next []byte, more bool) {
	key = key[:0]
	if hidden(filter, name) {
		return false, append(key, '$'+1), true // behind all that begins with "$" [MQTT-4.7.2-1]
	}
	begin := 0 // of the level in name
	jump := -1 // end, in name, of the deepest level taken by a "+"
	for rest, fMore := filter, true; fMore; {
		var f string
		f, rest, fMore = strings.Cut(rest, "/")
		if f == "#" {
			return true, append(append(key, name...), '/'), true
		}
		end := len(name)
		if i := strings.IndexByte(name[begin:], '/'); i >= 0 {
			end = begin + i
		}
		if f == "+" {
			jump = end
		} else if c := strings.Compare(name[begin:end], f); c < 0 {
			return false, append(append(key, name[:begin]...), f...), true
		} else if c > 0 {
			break
		}
		if end == len(name) {
			matches = !fMore || rest == "#"
			return matches, append(append(key, name...), '/'), true
		}
		begin = end + 1
	}
	if jump < 0 {
		return false, key, false
	}
	return false, append(append(key, name[:jump]...), 0), true // behind all that is below that level
}

// literalPart is what every name that filter matches begins with, cut at a level.
func literalPart(filter string) string {
	i := strings.IndexAny(filter, "+#")
	switch {
	case i < 0:
		return filter
	case i == 0:
		return ""
	}
	return filter[:i-1]
}
