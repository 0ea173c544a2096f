package broker

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Loss is a cause for which a message did not reach a session that had subscribed to its topic.
type Loss byte

// The causes.
const (
	LossAway       Loss = iota // QoS 0, and the client was not connected
	LossSlow                   // QoS 0, and the client read more slowly than messages came
	LossQueue                  // more messages waited than the plan's QueueMessages
	LossQueueBytes             // more bytes waited than the plan's QueueBytes
	LossTooLarge               // larger than the client's Maximum Packet Size
	LossExpired                // its expiry passed while it waited
	LossEnded                  // its session ended while it waited or was not acknowledged
	LossDenied                 // the access list says no at delivery
	Losses         int  = iota // how many causes there are
)

var lossNames = [Losses]string{"away", "slow", "queue_messages", "queue_bytes", "too_large", "expired", "session_ended", "denied"}

func (l Loss) String() string { return lossNames[l] }

// lossMeter counts what one session has lost, by cause. It is made with the first loss.
type lossMeter struct {
	count [Losses]atomic.Uint64
	last  [Losses]atomic.Int64 // ms of the broker's clock; every 64th of a cause at least
}

func (m *lossMeter) add(l Loss, n int, c *clock) {
	if was := m.count[l].Add(uint64(n)) - uint64(n); was&^63 != (was+uint64(n))&^63 || was == 0 || l != LossAway {
		m.last[l].Store(c.ms()) // QoS 0 to absent clients may be many: reading a clock costs as much as the rest
	}
}

// lose counts messages that the session does not get. Any locks may be held.
func (s *Session) lose(l Loss, n int) {
	s.b.total.losses[l].Add(uint64(n))
	m := s.losses.Load()
	if m == nil {
		m = &lossMeter{}
		if !s.losses.CompareAndSwap(nil, m) {
			m = s.losses.Load()
		}
	}
	m.add(l, n, &s.b.clock)
}

// lossOf is the cause that stands behind a rule of a dropped message.
func lossOf(rule string) Loss {
	switch rule {
	case "outbox_bytes":
		return LossSlow
	case "queue_bytes":
		return LossQueueBytes
	case "max_packet":
		return LossTooLarge
	case "acl":
		return LossDenied
	default:
		return LossQueue
	}
}

// pastLosses keep the meters of sessions that have ended, the newest of them.
type pastLosses struct {
	mu    sync.Mutex
	of    map[string]*pastLoss // guarded by mu: by client id
	order []*pastLoss          // guarded by mu: as they were put in; those that were taken out or replaced stand in it, too
}

type pastLoss struct {
	client string
	user   string
	meter  *lossMeter
}

// maxPast bounds the meters of sessions that have ended, in one instance.
const maxPast = 500

// put keeps the meter of a session that ends.
func (p *pastLosses) put(client, user string, m *lossMeter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]*pastLoss{}
	}
	one := &pastLoss{client, user, m}
	p.of[client] = one
	p.order = append(p.order, one)
	if len(p.order) <= maxPast {
		return
	}
	p.order = slices.DeleteFunc(p.order, func(o *pastLoss) bool { return p.of[o.client] != o })
	if len(p.order) > maxPast {
		delete(p.of, p.order[0].client)
		p.order = slices.Delete(p.order, 0, 1)
	}
}

// take gives a meter back to a session of the same name.
func (p *pastLosses) take(client, user string) *lossMeter {
	p.mu.Lock()
	defer p.mu.Unlock()
	past := p.of[client]
	if past == nil || past.user != user {
		return nil
	}
	delete(p.of, client)
	return past.meter
}

// LossInfo is what one session has lost since the broker was made, or since its client id was last forgotten.
type LossInfo struct {
	Client string
	User   string
	Gone   bool // the session has ended
	Causes []LossCount
}

// LossCount is one cause.
type LossCount struct {
	Cause Loss
	Count uint64
	Last  time.Time // of the newest, nearly
}

// LossReport lists the sessions that have lost messages, those with the most first, at most limit. Sessions that have
// ended are among them as long as there is room for their count.
func (b *Broker) LossReport(limit int) []LossInfo {
	list := b.pastReport()
	b.mu.Lock()
	sessions := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, s := range sessions {
		if m := s.losses.Load(); m != nil {
			list = append(list, LossInfo{s.id, s.owner(), false, m.counts(&b.clock)})
		}
	}
	slices.SortFunc(list, func(x, y LossInfo) int {
		return cmp.Or(cmp.Compare(y.total(), x.total()), cmp.Compare(x.Client, y.Client))
	})
	return list[:min(limit, len(list))]
}

func (b *Broker) pastReport() (list []LossInfo) {
	b.past.mu.Lock()
	defer b.past.mu.Unlock()
	for client, p := range b.past.of {
		list = append(list, LossInfo{client, p.user, true, p.meter.counts(&b.clock)})
	}
	return list
}

func (i *LossInfo) total() (n uint64) {
	for _, c := range i.Causes {
		n += c.Count
	}
	return n
}

func (m *lossMeter) counts(c *clock) (list []LossCount) {
	now, ms := c.now(), c.ms()
	for l := range Losses {
		if n := m.count[l].Load(); n > 0 {
			list = append(list, LossCount{Loss(l), n, now.Add(time.Duration(m.last[l].Load()-ms) * time.Millisecond)})
		}
	}
	return list
}
