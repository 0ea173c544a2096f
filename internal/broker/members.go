package broker

import (
	"slices"
)

// join makes a subscription a member of its group, which is made when it is the first. Callers hold s.mu.
func (b *Broker) join(sub *subscription, filter string) *group {
	b.groupsMu.Lock()
	defer b.groupsMu.Unlock()
	g := b.groups[sub.full]
	if g == nil {
		g = &group{b: b, full: sub.full}
		g.rep = &subscription{full: sub.full, filter: filter, member: &membership{group: g}}
		if b.groups == nil {
			b.groups = map[string]*group{}
		}
		b.groups[sub.full] = g
		b.tree.Add(filter, g.rep)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = append(slices.Clip(g.members), sub)
	g.recount()
	return g
}

// leave takes a member off its group; with the last one the group and all that waits in it go. Callers hold s.mu.
func (b *Broker) leave(sub *subscription) {
	g := sub.member.group
	b.groupsMu.Lock()
	defer b.groupsMu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = slices.DeleteFunc(slices.Clone(g.members), func(m *subscription) bool { return m == sub })
	g.recount()
	if len(g.members) > 0 || g.dead {
		return
	}
	g.dead = true
	delete(b.groups, g.full)
	b.tree.Remove(g.rep.filter, g.rep)
	for g.queue.len() > 0 {
		b.backlog.settle(g.pop().m)
	}
	if g.stored {
		_ = b.commit.post(&groupEndOp{g})
	}
}

// recount looks whether a persistent session is among the members. Callers hold g.mu.
func (g *group) recount() {
	durable := slices.ContainsFunc(g.members, func(m *subscription) bool { return m.qos > 0 && m.s.persistent.Load() })
	g.durable.Store(durable)
	g.stored = g.stored || durable
	g.b.gen.Add(1)
}

// groupEndOp removes a group from the store, unless it has been made again meanwhile.
type groupEndOp struct{ g *group }

func (o *groupEndOp) size() int         { return 64 }
func (o *groupEndOp) grows() growth     { return growsNot }
func (o *groupEndOp) done(*Turn, error) {}

func (o *groupEndOp) prepare(p *plan) {
	b := o.g.b
	b.groupsMu.Lock()
	now := b.groups[o.g.full]
	b.groupsMu.Unlock()
	if now == nil || !now.durable.Load() {
		p.batch.Sessions = append(p.batch.Sessions, SessionWrite{b.id, groupPrefix + o.g.full, nil})
		p.batch.Cursors = append(p.batch.Cursors, CursorWrite{b.id, groupPrefix + o.g.full, nil})
	}
}

// group adds the record of a group, with a cursor if it has none: before its first persistent member counts.
func (p *plan) group(b *Broker, full string) {
	p.batch.Sessions = append(p.batch.Sessions, SessionWrite{b.id, groupPrefix + full, []byte{stateVersion}})
	b.groupsMu.Lock()
	g := b.groups[full]
	b.groupsMu.Unlock()
	if g != nil && g.durable.Load() {
		return
	}
	p.batch.Cursors = append(p.batch.Cursors,
		CursorWrite{b.id, groupPrefix + full, encodeCursor(0, b.backlog.routed.Load(), nil)})
}

// giveBack returns what a session that has lost its connection, or ends, had of shared subscriptions: QoS 1 goes to
// other members, QoS 2 that has begun goes to nobody when the session ends. Callers hold s.mu.
func (s *Session) giveBack(ends bool) {
	type lent struct {
		r     ref
		order uint64
	}
	var list []lent
	for i := range s.out.slots {
		sl := &s.out.slots[i]
		switch {
		case sl.state == slotFree || sl.ref.g == nil:
		case sl.ref.qos == 1:
			list = append(list, lent{sl.ref, sl.order})
			s.out.free(uint16(i + 1))
		case ends:
			sl.ref.g.done(sl.ref)
			sl.ref = ref{qos: 2}
		}
	}
	slices.SortFunc(list, func(x, y lent) int { return int(int64(x.order) - int64(y.order)) })
	byGroup := map[*group][]ref{}
	for _, l := range list {
		byGroup[l.r.g] = append(byGroup[l.r.g], l.r)
	}
	for g, refs := range byGroup {
		g.mu.Lock()
		dead := g.dead
		if !dead {
			g.unpop(refs...)
		}
		g.mu.Unlock()
		if dead {
			for _, r := range refs {
				g.done(r)
			}
			continue
		}
		g.stirLater()
	}
}
