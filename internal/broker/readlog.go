package broker

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// replay reads the log from the lowest cursor and gives each session what it is owed.
func (b *Broker) replay(sessions map[string]*restoring, from uint64) error {
	if len(sessions) == 0 {
		return nil
	}
	l := logReader{b: b, sessions: sessions, open: map[uint64][]*restoring{}, lent: map[sentKey]*restoring{},
		room: bodyBytes, matches: map[string][]*subscription{}}
	for _, r := range sessions {
		for id, p := range r.packets { // what was only in memory is completed, so that the client lets go of the identifier
			if p.state == packetReleased || p.offset == 0 {
				r.s.out.claim(id, slotReleased).ref.qos = 2
			}
		}
		for at := range r.cursor.open {
			l.open[at] = append(l.open[at], r)
		}
		for key := range r.sent {
			if key.group == "" {
				l.open[key.place] = append(l.open[key.place], r)
			} else {
				l.lent[key] = r
				l.open[key.place] = append(l.open[key.place], sessions[groupPrefix+key.group])
			}
		}
	}
	var bad error
	err := b.commit.store.ReadLog(b.id, from, func(rec Record) bool {
		bad = l.read(rec)
		return bad == nil
	})
	if err == nil {
		err = bad
	}
	if l.carried {
		l.sort()
	}
	return err
}

// logReader gives the records of the log to the sessions that still need them.
type logReader struct {
	b        *Broker
	sessions map[string]*restoring
	open     map[uint64][]*restoring // who has been sent a message and has not acknowledged it
	lent     map[sentKey]*restoring  // to which member a message of a group has been sent with QoS 2
	firsts   []*message              // that stand at their place, in order
	view     body                    // of the record in hand, on its bytes
	room     int                     // bytes of bodies that may still be kept: those that are sent first
	matches  map[string][]*subscription
	list     []claimed // of the message in hand
	round    uint64    // counts messages
	carried  bool      // some stand further back in the log than their place
}

func (l *logReader) read(rec Record) error {
	name, err := recordTopic(rec.Message)
	if err != nil {
		return fmt.Errorf("offset %d: %w", rec.Offset, err)
	}
	place := placeOf(rec)
	if place != rec.Offset {
		l.carried = true
		if m := l.first(place); m != nil { // its first copy has not been trimmed yet
			m.at.Store(rec.Offset)
			return nil
		}
	}
	subs, open := l.matching(name), l.open[place]
	if len(subs)+len(open) == 0 {
		return nil
	}
	if _, _, err := l.view.readHead(rec.Message, &l.b.clock, viewBytes); err != nil {
		return fmt.Errorf("offset %d: %w", rec.Offset, err)
	}
	claims := l.claims(&l.view, place, subs, open)
	if len(claims) == 0 {
		return nil
	}
	m := &message{offset: place, size: len(rec.Message) + refSize, until: l.view.expires}
	m.at.Store(rec.Offset)
	if place == rec.Offset {
		l.firsts = append(l.firsts, m)
	}
	l.b.backlog.add(m)
	if l.room -= m.size; l.room > 0 {
		o, err := readRecord(append([]byte(nil), rec.Message...), &l.b.clock) // without the block that it was read with
		if err != nil {
			return fmt.Errorf("offset %d: %w", rec.Offset, err)
		}
		m.body.Store(o)
		l.b.commit.bodies.add(m)
	}
	for i := range claims {
		claims[i].x.m = m
		if claims[i].r.g != nil {
			l.claimGroup(claims[i].r, claims[i].x)
		} else {
			claims[i].r.claim(claims[i].x)
		}
	}
	l.b.backlog.settle(m)
	return nil
}

// first is the message that stands at its place, if it is owed to somebody.
func (l *logReader) first(place uint64) *message {
	i, found := slices.BinarySearchFunc(l.firsts, place, func(m *message, at uint64) int { return cmp.Compare(m.offset, at) })
	if !found {
		return nil
	}
	return l.firsts[i]
}

// matching asks the tree, or remembers what it said.
func (l *logReader) matching(name []byte) []*subscription {
	subs, known := l.matches[string(name)]
	if !known {
		if len(l.matches) >= matchesKept {
			clear(l.matches)
		}
		subs = l.b.tree.Match(string(name), nil)
		l.matches[string(name)] = subs
	}
	return subs
}

const matchesKept = 250_000 // topics

// claimed is what one session or group may be owed of a message.
type claimed struct {
	r *restoring
	x ref
}

// claims are the sessions and groups to which a message may be owed: those whose subscriptions match, and those to which
// it has been sent, even when the subscription has gone. The list is good until the next call.
func (l *logReader) claims(o *body, place uint64, subs []*subscription, open []*restoring) []claimed {
	l.list = l.list[:0]
	l.round++
	of := func(r *restoring) *ref {
		if r.round != l.round {
			r.round, r.index = l.round, len(l.list)
			l.list = append(l.list, claimed{r: r})
		}
		return &l.list[r.index].x
	}
	for _, sub := range subs {
		if sub.member != nil {
			if r := l.sessions[groupPrefix+sub.full]; r != nil && place >= r.start {
				of(r).qos = o.qos
			}
			continue
		}
		if sub.noLocal && o.publisher == sub.s.id || sub.qos == 0 || place < sub.start {
			continue
		}
		x := of(sub.s.restoring)
		x.qos = max(x.qos, min(sub.qos, o.qos))
		if sub.rap && o.retain {
			x.flag |= refRetain
		}
		if sub.id != 0 {
			x.ids = append(x.ids, sub.id)
		}
	}
	for _, r := range open {
		if r != nil && r.round != l.round {
			of(r).qos = 1
		}
	}
	return l.list
}

// sort brings queues back into the order of messages, and the backlog into that of the log.
func (l *logReader) sort() {
	for _, r := range l.sessions {
		queue := &ring[ref]{}
		if r.g != nil {
			queue = &r.g.queue
		} else {
			queue = &r.s.queue
		}
		queue.sort(func(a, b *ref) int { return cmp.Compare(a.m.offset, b.m.offset) })
	}
	l.b.backlog.list.sort(func(a, b **message) int { return cmp.Compare((*a).at.Load(), (*b).at.Load()) })
}

// claim queues one message for the session, unless the cursor says that it is done.
func (r *restoring) claim(x ref) {
	s := r.s
	if id, ok := r.sent[sentKey{place: x.m.offset}]; ok {
		x.qos, x.flag = 2, r.packets[id].flag
		s.out.claim(id, slotWaiting).ref = x
		x.m.owe()
		return
	}
	state, open := r.cursor.open[x.m.offset]
	switch {
	case open:
		x.qos, x.flag = state&0x03, refFlag(state>>2)&refRetain|refDup|refListed
	case x.m.offset <= r.cursor.high:
		return
	case x.m.offset <= s.maybe:
		x.flag |= refDup
	}
	if x.m.offset < r.last { // what comes behind it may be done first
		x.flag |= refListed
	}
	if x.qos > 0 {
		s.enqueue(x)
	}
}

// claimGroup queues one message for a group, unless its cursor says that it is done. What a member has been sent with
// QoS 2 stays that member's.
func (l *logReader) claimGroup(r *restoring, x ref) {
	g := r.g
	x.g = g
	key := sentKey{x.m.offset, g.full}
	if member := l.lent[key]; member != nil {
		id := member.sent[key]
		x.qos, x.flag = 2, member.packets[id].flag
		member.s.out.claim(id, slotWaiting).ref = x
		x.m.owe()
		g.give(x)
		return
	}
	_, open := r.cursor.open[x.m.offset]
	if !open && x.m.offset <= r.cursor.high {
		return
	}
	if open || x.m.offset < r.last {
		x.flag |= refListed
	}
	g.enqueue(x)
}

// start is the offset from which on the first of the members counts.
func (g *group) start() uint64 {
	start := uint64(math.MaxUint64)
	for _, sub := range g.members {
		if sub.qos > 0 {
			start = min(start, sub.start)
		}
	}
	return start
}
