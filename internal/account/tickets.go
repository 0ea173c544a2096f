package account

import (
	"sync"
	"time"
)

// tickets are single-use secrets that wait to be shown, by the hash of the secret. They are not stored: a restart makes
// them void.
type tickets[V any] struct {
	each int // most of one group
	all  int // most of all together

	mu   sync.Mutex // guards wait
	wait map[[32]byte]*ticket[V]
}

type ticket[V any] struct {
	value   V
	group   string   // whose bound it counts against
	session [32]byte // BrowserSession.Hash that it ends with; zero: none
	ends    time.Time
	tries   int
}

func newTickets[V any](each, all int) *tickets[V] {
	return &tickets[V]{each: each, all: all, wait: map[[32]byte]*ticket[V]{}}
}

// add keeps a secret; false when its group or all have too many. Those that are over go.
func (q *tickets[V]) add(hash [32]byte, n ticket[V], now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	same := 0
	for h, w := range q.wait {
		if !now.Before(w.ends) {
			delete(q.wait, h)
		} else if w.group == n.group {
			same++
		}
	}
	if same >= q.each || len(q.wait) >= q.all {
		return false
	}
	q.wait[hash] = &n
	return true
}

// take uses a secret up: of many at once, one gets it.
func (q *tickets[V]) take(hash [32]byte, now time.Time) (value V, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.wait[hash]
	delete(q.wait, hash)
	if w == nil || !now.Before(w.ends) {
		return value, false
	}
	return w.value, true
}

// look leaves the secret where it is.
func (q *tickets[V]) look(hash [32]byte, now time.Time) (value V, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.wait[hash]
	if w == nil || !now.Before(w.ends) {
		return value, false
	}
	return w.value, true
}

// try is look with one of so many tries spent. Where none is left, or good says no, the secret is used up.
func (q *tickets[V]) try(hash [32]byte, tries int, now time.Time, good func(V) bool) (value V, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.wait[hash]
	if w == nil {
		return value, false
	}
	w.tries++
	if w.tries > tries || !now.Before(w.ends) || !good(w.value) {
		delete(q.wait, hash)
		return value, false
	}
	return w.value, true
}

// endSession makes void what belongs to a session that is over.
func (q *tickets[V]) endSession(session [32]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for h, w := range q.wait {
		if w.session == session {
			delete(q.wait, h)
		}
	}
}
