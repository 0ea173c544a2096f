package broker

import (
	"container/heap"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// timers ends sessions and fires wills that were put off. There is one timer for a broker, and none while nothing is due.
type timers struct {
	b       *Broker
	mu      sync.Mutex
	heap    dueHeap     // guarded by mu
	timer   *time.Timer // guarded by mu
	stopped bool        // guarded by mu
}

type due struct {
	at int64 // ms of the broker's clock
	s  *Session
}

type dueHeap []due

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = due{}
	*h = old[:len(old)-1]
	return x
}

// armed says whether anything is due some time.
func (k *timers) armed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.heap) > 0
}

func (k *timers) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
	if k.timer != nil {
		k.timer.Stop()
	}
}

// arm has the session looked at when its next moment comes. Callers hold s.mu.
func (k *timers) arm(s *Session) {
	at := s.next()
	if at == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	heap.Push(&k.heap, due{at, s})
	k.set()
}

// set runs the timer for the earliest. Callers hold k.mu.
func (k *timers) set() {
	if k.stopped || len(k.heap) == 0 {
		return
	}
	d := time.Duration(max(0, k.heap[0].at-k.b.clock.ms())) * time.Millisecond
	if k.timer == nil {
		k.timer = time.AfterFunc(d, k.tick)
	} else {
		k.timer.Reset(d)
	}
}

// tick looks at all sessions whose moment has come.
func (k *timers) tick() {
	k.mu.Lock()
	if k.stopped {
		k.mu.Unlock()
		return
	}
	now := k.b.clock.ms()
	var list []*Session
	for len(k.heap) > 0 && k.heap[0].at <= now {
		list = append(list, heap.Pop(&k.heap).(due).s)
	}
	k.set()
	k.mu.Unlock()
	for _, s := range list {
		s.tick(now)
	}
}

// next is when something happens to the session if it stays away, in ms of the broker's clock; 0: never. Callers hold
// s.mu.
func (s *Session) next() int64 {
	if s.ended || s.awayAt == 0 {
		return 0
	}
	at := after(s.awayAt, s.expiry)
	if s.will != nil && s.will.delay != mqtt.SessionForever {
		if w := after(s.awayAt, s.will.delay); at == 0 || w < at {
			at = w
		}
	}
	return at
}

// tick does what is due: the will after its delay, then the end.
func (s *Session) tick(now int64) {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.awayAt == 0 || s.client.Load() != nil {
		return
	}
	if _, taken := b.connecting[s.id]; taken { // somebody is about to take it: look again if that fails
		b.timers.later(s)
		return
	}
	if end := after(s.awayAt, s.expiry); end != 0 && now >= end {
		s.endLocked(nil, true)
		return
	}
	if s.will != nil && s.will.delay != mqtt.SessionForever && now >= after(s.awayAt, s.will.delay) {
		s.fireWill(nil, nil)
		s.dirtyMeta = true
		b.cursors.touch(s, true)
	}
	b.timers.arm(s)
}

// later looks at a session again in a second.
func (k *timers) later(s *Session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	heap.Push(&k.heap, due{k.b.clock.ms() + 1000, s})
	k.set()
}
