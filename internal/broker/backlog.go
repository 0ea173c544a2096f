package broker

import (
	"sync"
	"sync/atomic"
)

// backlog knows which records of the log an instance still needs.
type backlog struct {
	mu     sync.Mutex
	list   ring[*message] // guarded by mu: in the order in which they stand in the log
	live   atomic.Int64   // messages that are owed to somebody
	routed atomic.Uint64  // the last record that has been routed to its receivers
}

// add takes in a message with its first claim on it, that of the caller.
func (k *backlog) add(m *message) {
	m.owed.Store(1)
	live := k.live.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list.push(m)
	if n := k.list.len(); n > 4096 && int64(n) > 2*live {
		k.list.filter(func(m **message) bool { return (*m).owed.Load() > 0 })
	}
}

// owe adds a claim.
func (m *message) owe() {
	if m.offset != 0 {
		m.owed.Add(1)
	}
}

// settle ends a claim.
func (k *backlog) settle(m *message) {
	if m.offset != 0 && m.owed.Add(-1) == 0 {
		k.live.Add(-1)
	}
}

// lowest is the first offset that is still needed, 0 when none is.
func (k *backlog) lowest() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.list.len() > 0 {
		if m := *k.list.at(0); m.owed.Load() > 0 {
			return m.at.Load()
		}
		k.list.pop()
	}
	return 0
}

// old are the first messages that are still owed and stand below an offset, most of them at most and bytes of memory;
// all says that there are no more.
func (k *backlog) old(below uint64, most, bytes int) (list []*message, all bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.list.len() {
		m := *k.list.at(i)
		if m.at.Load() >= below {
			break
		}
		if m.owed.Load() == 0 {
			continue
		}
		if len(list) == most || bytes < 0 {
			return list, false
		}
		list = append(list, m)
		bytes -= m.size
	}
	return list, true
}

// moved puts messages to the end: they stand there now.
func (k *backlog) moved(list map[*message]bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var back []*message
	k.list.filter(func(m **message) bool {
		if list[*m] {
			back = append(back, *m)
		}
		return !list[*m]
	})
	for _, m := range back {
		k.list.push(m)
	}
}

// bodyCache bounds the memory of stored messages: the oldest lose their bodies and are read back when they are sent.
type bodyCache struct {
	mu    sync.Mutex
	list  ring[*message] // guarded by mu
	bytes int            // guarded by mu
	from  uint64         // guarded by mu: messages from this offset on aren't in the store yet; 0: all are
	limit int
}

// hold keeps the bodies of messages from an offset on, which can't be read back yet; 0: all can be.
func (k *bodyCache) hold(from uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.from = from
}

func (k *bodyCache) add(m *message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list.push(m)
	k.bytes += m.size
	for k.bytes > k.limit && k.list.len() > 1 {
		if at := (*k.list.at(0)).at.Load(); k.from != 0 && at >= k.from {
			return
		}
		old := k.list.pop()
		k.bytes -= old.size
		old.body.Store(nil)
	}
}
