package hook

import (
	"encoding/json"
	"hash/maphash"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/filling"
)

// gate lets an event through where its hook tells of some only: when a condition becomes true, when a value changes, once
// in a time. It is one goroutine's.
type gate struct {
	r     *rule
	seed  maphash.Seed
	by    map[uint64]*passage // by topic, or what else an event is about; hashed
	swept time.Time
}

// passage is one topic.
type passage struct {
	active  bool      // the condition is true
	pending bool      // it became true in the quiet time and was not told
	known   bool      // there was a value before:
	value   uint64    // hashed
	told    time.Time // the last event that was let through
}

// newGate is nil where a hook tells of everything.
func newGate(r *rule) *gate {
	if !r.Edge && r.Quiet == 0 && !r.condition.Changes() {
		return nil
	}
	return &gate{r: r, seed: maphash.MakeSeed(), by: map[uint64]*passage{}}
}

// sweepEvery is how often a gate that is full looks for topics that it can forget.
const sweepEvery = time.Second

// pass judges an event. again says that it may have come before this process. held says that it is left out though the
// condition holds; the error that the gate is full.
func (g *gate) pass(m *filling.Message, again bool) (ok, held bool, err error) {
	holds := g.r.condition.Holds(m)
	edge := g.r.Edge && m.Type == string(account.HookMessage)
	if !holds && !edge {
		return false, false, nil
	}
	if edge && !holds {
		if _, there := g.r.condition.Value(m); !there {
			return false, false, nil // it says nothing about it
		}
	}
	key := maphash.String(g.seed, g.about(m))
	p := g.by[key]
	if p == nil {
		if edge && !holds {
			return false, false, nil // as it is without a passage
		}
		if len(g.by) >= maxTopics && !g.sweep(m.Time) {
			return false, false, errTopics(m.Topic)
		}
		p = &passage{}
		g.by[key] = p
	}
	fire := true
	if g.r.condition.Changes() {
		text, _ := g.r.condition.Value(m)
		value := maphash.String(g.seed, text)
		fire = p.known && p.value != value || !p.known && again
		p.known, p.value = true, value
		if !fire {
			return false, false, nil
		}
	}
	if edge {
		if !holds {
			if g.r.rearm == nil || g.r.rearm.Holds(m) {
				p.active, p.pending = false, false
			}
			return false, false, nil
		}
		fire = !p.active || p.pending
		p.active = true
	}
	if quiet := time.Duration(g.r.Quiet) * time.Second; fire && !p.told.IsZero() && m.Time.Sub(p.told) < quiet {
		p.pending = edge
		return false, true, nil
	}
	if fire {
		p.told, p.pending = m.Time, false
	}
	return fire, !fire, nil
}

// about is what an event is one of several of.
func (g *gate) about(m *filling.Message) string {
	switch account.HookEvent(m.Type) {
	case account.HookMessage:
		if g.r.Together {
			return ""
		}
		return m.Topic
	case account.HookQuota:
		var q Quota
		_ = json.Unmarshal(m.Payload, &q) // it was read before
		return m.Type + "\x00" + q.Quota
	}
	return m.Type + "\x00" + m.Client
}

// sweep forgets topics of which nothing has to be known, and says whether there is room.
func (g *gate) sweep(now time.Time) bool {
	if now.Sub(g.swept).Abs() < sweepEvery {
		return false
	}
	g.swept = now
	quiet := time.Duration(g.r.Quiet) * time.Second
	for key, p := range g.by {
		if !p.active && !p.known && now.Sub(p.told) >= quiet {
			delete(g.by, key)
		}
	}
	return len(g.by) < maxTopics
}
