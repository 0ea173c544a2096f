package broker

import (
	"cmp"
	"slices"
	"time"
)

// feed gives the oldest waiting message to a member; false: there is none, or it can't take one now. Callers hold s.mu.
func (g *group) feed(m *membership, c *Client, t *Turn) bool {
	if c.open >= c.window {
		return false
	}
	r, b := g.next()
	if b == nil {
		return false
	}
	if b.expired(g.b.clock.ms()) {
		g.done(r)
		g.b.total.losses[LossExpired].Add(1)
		return true
	}
	back := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.unpop(r)
		return false
	}
	sub := m.sub
	if !m.allows(c, b.topic) {
		back() // for another member, if there is one that may have it
		g.judgeLater()
		return false
	}
	x := r
	x.qos, x.ids = min(sub.qos, b.qos), m.ids
	if x.flag &^= refRetain; b.retain && sub.rap {
		x.flag |= refRetain
	}
	if x.qos == 0 {
		if c.sendBody(b, x, 0, t) == noRoom {
			return back()
		}
		g.done(r)
		return true
	}
	switch sub.s.sendRef(c, x, b, t) {
	case noRoom:
		return back()
	case tooLarge:
		g.done(r)
	}
	return true
}

// next takes the oldest message off the queue, with its body; without one there is none, or it is being read back.
func (g *group) next() (ref, *body) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.queue.len() == 0 {
		return ref{}, nil
	}
	r := g.queue.at(0)
	b := r.b
	if b == nil {
		b = r.m.body.Load()
	}
	if b == nil {
		if !g.loading {
			g.loading = true
			go g.fetch() // ends when it has read once
		}
		return ref{}, nil
	}
	x := g.pop()
	x.b = nil
	if x.m.offset != 0 {
		if g.out == nil {
			g.out = map[uint64]ref{}
		}
		g.out[x.m.offset] = ref{m: x.m, qos: x.qos, flag: x.flag & refRetain}
	}
	return x, b
}

// judgeLater has the messages at the front judged that a member may not receive.
func (g *group) judgeLater() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.judging {
		g.judging = true
		go g.judge() // ends at the first message that somebody may receive, or with the queue
	}
}

// judge drops what waits at the front and no member may receive, be it connected or not: else it would keep all that is
// behind it from those who may.
func (g *group) judge() {
	for {
		m, b, members := g.front()
		if b == nil {
			return
		}
		may := g.mayAnybody(members, b.topic)
		var r ref
		g.mu.Lock()
		still := g.queue.len() > 0 && g.queue.at(0).m == m // else a member has just put another one back in front
		if still && may {
			g.judging = false
			g.mu.Unlock()
			return
		}
		if still {
			r = g.pop()
		}
		g.mu.Unlock()
		if r.m != nil {
			g.done(r)
			g.lost("acl", "no member of the shared subscription may receive the message")
			g.stirLater()
		}
	}
}

// front is the message at the front, for judge; without a body there is nothing more to judge now.
func (g *group) front() (*message, *body, []*subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.queue.len() > 0 {
		r := g.queue.at(0)
		b := r.b
		if b == nil {
			b = r.m.body.Load()
		}
		if b != nil {
			return r.m, b, g.members
		}
	}
	g.judging = false
	return nil, nil, nil
}

// mayAnybody says whether one of the members may receive a topic. For those that are away the rights of their user may
// have to be read. Callers hold no lock.
func (g *group) mayAnybody(members []*subscription, name string) bool {
	for _, sub := range members {
		if c := sub.s.client.Load(); c != nil {
			if (*c.rights.Load()).MayReceive(name, sub.s.id).Allowed {
				return true
			}
			continue
		}
		if g.b.rights == nil {
			return true
		}
		if rights, _ := g.b.rights(sub.s.owner()); rights != nil && rights.MayReceive(name, sub.s.id).Allowed {
			return true
		}
	}
	return false
}

// fetch reads the bodies of the next messages back and gives them out.
func (g *group) fetch() {
	k := g.b.commit
	k.reads <- struct{}{}
	var list []wanted
	g.mu.Lock()
	for i := range min(g.queue.len(), fetchAtOnce) {
		if r := g.queue.at(i); r.b == nil && r.m.offset != 0 && r.m.body.Load() == nil {
			list = append(list, wanted{m: r.m, at: r.m.at.Load()})
		}
	}
	g.mu.Unlock()
	slices.SortFunc(list, func(x, y wanted) int { return cmp.Compare(x.at, y.at) })
	err := g.b.readBodies(list)
	<-k.reads
	g.mu.Lock()
	for i := range min(g.queue.len(), 2*fetchAtOnce) {
		for _, w := range list {
			if r := g.queue.at(i); r.m == w.m && r.b == nil {
				r.b = w.b
			}
		}
	}
	g.loading = false
	g.mu.Unlock()
	if err != nil {
		g.b.log.Error("stored messages of a shared subscription can't be read", "filter", g.full, "error", err)
		time.AfterFunc(10*time.Second, g.stirLater) // the log may be whole again
		return
	}
	var t Turn
	g.stir(&t)
	t.Flush()
}

// stir has every member that can take what waits. Callers hold no lock.
func (g *group) stir(t *Turn) {
	g.mu.Lock()
	members := g.members
	g.mu.Unlock()
	for _, sub := range members {
		s := sub.s
		s.mu.Lock()
		if c := s.client.Load(); c != nil {
			s.pump(c, t)
		}
		s.mu.Unlock()
	}
}

// stirLater is stir from where locks are held.
func (g *group) stirLater() { _ = g.b.commit.post(&stirOp{g}) }

type stirOp struct{ g *group }

func (o *stirOp) size() int             { return 64 }
func (o *stirOp) grows() growth         { return growsNot }
func (o *stirOp) prepare(*plan)         {}
func (o *stirOp) done(t *Turn, _ error) { o.g.stir(t) }
