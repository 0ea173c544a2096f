package broker

import (
	"sync"
	"time"
)

// What is accepted but waits for the committer counts against the bounds of the plan, too: else a client could go far
// beyond them with what it sends at once.

// ask counts a filter that is granted until settle; rule is the bound that forbids it, with the cause in words.
func (s *Session) ask(filter string) (rule, cause string) {
	l := s.b.limits.Load()
	most := l.Subscriptions
	if most <= 0 {
		most = maxSubscription
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := &s.seldom().asked
	waits := asked.get(filter)
	if waits > 0 {
		asked.set(filter, waits+1)
	}
	if waits > 0 || s.subs.get(filter) != nil { // is there already when it comes into force, or replaces
		return "", ""
	}
	if s.subs.len()+asked.len() >= most {
		return "subscriptions", "the plan allows no more subscriptions for one client"
	}
	if s.b.subsAsked.Add(1)+s.b.total.subscriptions.Load() > int64(l.AllSubscriptions) && l.AllSubscriptions > 0 {
		s.b.subsAsked.Add(-1)
		return "all_subscriptions", "the plan allows no more subscriptions for the whole instance"
	}
	asked.set(filter, 1)
	return "", ""
}

// settle ends what ask has counted for an operation. Callers hold s.mu.
func (o *subscribeOp) settle() {
	s := o.c.s
	if s.rare == nil {
		return
	}
	asked := &s.rare.asked
	for _, w := range o.list {
		if w.sub == nil {
			continue
		}
		switch waits := asked.get(w.sub.full); {
		case waits > 1:
			asked.set(w.sub.full, waits-1)
		case waits == 1:
			asked.drop(w.sub.full)
			s.b.subsAsked.Add(-1)
		}
	}
	if asked.len() == 0 && s.rare.drops.next.Load() == 0 {
		s.rare = nil // an idle session keeps nothing
	}
}

// bucket lets so many things happen at once and then so many a second. The zero value is full. It is not for use by
// several goroutines at a time.
type bucket struct {
	left float32
	last int64 // ms of the broker's clock, never 0 once it was used
}

// take says whether one more may happen now.
func (k *bucket) take(now int64, burst, rate float32) bool {
	if k.last == 0 {
		k.left = burst
	} else {
		k.left = min(burst, k.left+rate*float32(now-k.last)/1000)
	}
	k.last = max(now, 1)
	if k.left < 1 {
		return false
	}
	k.left--
	return true
}

// maySubscribeMore holds a client to the plan's SubscribeRate. As many filters as it may have are free, so that a
// client that comes back subscribes to all of them at once.
func (c *Client) maySubscribeMore() bool {
	l := c.b.limits.Load()
	if l.SubscribeRate <= 0 {
		return true
	}
	return c.seldom().filters.take(c.b.clock.ms(), float32(max(l.Subscriptions, l.SubscribeRate)), float32(l.SubscribeRate))
}

// Two clients that fight for one client identifier take it over again and again, each at the cost of a login and a
// session. After takeoverBurst times at once it can be taken over once in takeoverPause.
const (
	takeoverBurst = 20
	takeoverPause = time.Second
)

// mayTakeOver says whether next may have the place of c, and has it go on with the count.
func (c *Client) mayTakeOver(next *Client) bool {
	takeovers := &c.seldom().takeovers
	ok := takeovers.take(c.b.clock.ms(), takeoverBurst, float32(time.Second)/float32(takeoverPause))
	next.seldom().takeovers = *takeovers
	return ok
}

// keptOnce counts names that are about to be kept, each once however often it waits. The zero value is ready.
type keptOnce struct {
	mu    sync.Mutex
	names map[string]keptName // guarded by mu
	bytes int                 // guarded by mu: of all names
}

type keptName struct {
	waits int
	size  int // of the first that waits
}

// add counts a name, with the size of what is to be kept.
func (k *keptOnce) add(name string, size int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.names == nil {
		k.names = map[string]keptName{}
	}
	n, had := k.names[name]
	if !had {
		n.size = size
		k.bytes += size
	}
	n.waits++
	k.names[name] = n
}

// done takes one add back.
func (k *keptOnce) done(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.names[name]
	if n.waits--; n.waits > 0 {
		k.names[name] = n
		return
	}
	delete(k.names, name)
	k.bytes -= n.size
	if len(k.names) == 0 {
		k.names = nil // a quiet instance keeps nothing
	}
}

// besides says how many names but this one wait, and their bytes.
func (k *keptOnce) besides(name string) (count, bytes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	count, bytes = len(k.names), k.bytes
	if n, ok := k.names[name]; ok {
		count, bytes = count-1, bytes-n.size
	}
	return count, bytes
}
