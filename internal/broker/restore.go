package broker

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// restoring is a session, or the group of a shared subscription, while it is read from the store.
type restoring struct {
	s         *Session
	g         *group // of a group, once it has members; s is nil then
	cursor    cursor
	connected bool // it was connected when its record was written: a crash, or it would say since when it is away
	away      time.Time
	packets   map[uint16]packetState // outgoing
	subs      []*subscription
	sent      map[sentKey]uint16 // identifiers under which messages have been sent
	last      uint64             // the last message that was sent
}

// sentKey is a message that a session has been sent with QoS 2, as its own or as a member of a group.
type sentKey struct {
	place uint64
	group string
}

// restore reads the state of the instance and builds the queues of its sessions by reading the log once.
func (b *Broker) restore() error {
	sessions := map[string]*restoring{}
	if err := b.commit.store.Load(b.id, b.loader(sessions)); err != nil {
		return fmt.Errorf("load instance %q: %w", b.id, err)
	}
	from := uint64(math.MaxUint64)
	for _, id := range slices.Sorted(maps.Keys(sessions)) {
		r := sessions[id]
		from = min(from, r.cursor.low())
		if r.s == nil {
			continue
		}
		b.sessions[id] = r.s
		r.s.persistent.Store(true)
		b.persistent++
		for _, sub := range r.subs {
			r.s.put(sub)
		}
		if r.s.maybe = r.cursor.maybe; r.connected { // it may have been sent more since the cursor was written
			r.s.maybe = math.MaxInt64
		}
	}
	b.bindGroups(sessions)
	if next := b.commit.store.NextOffset(); next > 0 {
		b.backlog.routed.Store(next - 1)
	}
	if err := b.replay(sessions, from); err != nil {
		return fmt.Errorf("read the message log of instance %q: %w", b.id, err)
	}
	for _, r := range sessions {
		if r.s != nil {
			r.s.maybe = min(r.s.maybe, b.backlog.routed.Load())
			b.awake(r)
		}
	}
	return nil
}

// bindGroups gives groups their cursors. One that has no members any more is removed.
func (b *Broker) bindGroups(sessions map[string]*restoring) {
	for name, r := range sessions {
		if r.s != nil {
			continue
		}
		if r.g = b.groups[strings.TrimPrefix(name, groupPrefix)]; r.g == nil {
			_ = b.commit.post(&groupEndOp{&group{b: b, full: strings.TrimPrefix(name, groupPrefix)}})
			delete(sessions, name)
			continue
		}
		for at := range r.cursor.open {
			r.last = max(r.last, at)
		}
	}
	for _, member := range sessions {
		for key := range member.sent {
			if r := sessions[groupPrefix+key.group]; key.group != "" && r != nil {
				r.last = max(r.last, key.place)
			}
		}
	}
}

// loader puts what the store has into the index of retained messages and into sessions.
func (b *Broker) loader(sessions map[string]*restoring) Loader {
	of := func(client string) (*restoring, error) {
		if r := sessions[client]; r != nil {
			return r, nil
		}
		return nil, fmt.Errorf("%w: state without a session", errState)
	}
	return Loader{
		Retained: func(name string, rec Record) error {
			o, err := readRecord(append([]byte(nil), rec.Message...), &b.clock)
			if err != nil {
				return err
			}
			m := &message{size: len(rec.Message) + refSize}
			m.body.Store(o)
			b.keepRetained(m, name, false)
			return nil
		},
		Session: func(client string, state []byte) error {
			r := &restoring{packets: map[uint16]packetState{}, sent: map[sentKey]uint16{}}
			sessions[client] = r
			if strings.HasPrefix(client, groupPrefix) {
				return nil
			}
			r.s = &Session{b: b, id: client}
			var err error
			r.connected, r.away, err = r.s.decode(state)
			return err
		},
		Subscription: func(client, filter string, state []byte) error {
			r, err := of(client)
			if err != nil {
				return err
			}
			return r.subscription(filter, state)
		},
		Cursor: func(client string, state []byte) error {
			r, err := of(client)
			if err == nil {
				r.cursor, err = readCursor(state)
			}
			return err
		},
		Packet: func(client string, d Direction, id uint16, state []byte) error {
			r, err := of(client)
			if err != nil {
				return err
			}
			return r.packet(d, id, state)
		},
	}
}

func (r *restoring) subscription(filter string, state []byte) error {
	if r.s == nil {
		return errState
	}
	sub, err := r.s.stored(filter)
	if err != nil {
		return err
	}
	if err := sub.decode(state); err != nil {
		return err
	}
	if sub.shared {
		sub.share()
	}
	r.subs = append(r.subs, sub)
	return nil
}

func (r *restoring) packet(d Direction, id uint16, state []byte) error {
	p, err := readPacket(state)
	if err != nil || id == 0 || r.s == nil {
		return errState
	}
	if d == Incoming {
		r.s.in.put(id, inReceived)
		r.s.inOpen.Store(int32(r.s.in.n))
		return nil
	}
	r.packets[id] = p
	if p.state == packetSent && p.offset != 0 {
		r.sent[sentKey{p.offset, p.group}] = id
		if p.group == "" {
			r.last = max(r.last, p.offset)
		}
	}
	return nil
}

// replay reads the log from the lowest cursor and gives each session what it is owed.
func (b *Broker) replay(sessions map[string]*restoring, from uint64) error {
	if len(sessions) == 0 {
		return nil
	}
	l := logReader{b: b, sessions: sessions, open: map[uint64][]*restoring{}, lent: map[sentKey]*restoring{},
		owed: map[uint64]*message{}}
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
	owed     map[uint64]*message     // by their place in the order of messages
	carried  bool                    // some stand further back in the log than their place
}

func (l *logReader) read(rec Record) error {
	o, err := readRecord(rec.Message, &l.b.clock)
	if err != nil {
		return fmt.Errorf("offset %d: %w", rec.Offset, err)
	}
	place := placeOf(rec)
	if place != rec.Offset {
		l.carried = true
		if m := l.owed[place]; m != nil { // its first copy has not been trimmed yet
			m.at.Store(rec.Offset)
			return nil
		}
	}
	claims := l.claims(o, place)
	if len(claims) == 0 {
		return nil
	}
	o, err = readRecord(append([]byte(nil), rec.Message...), &l.b.clock) // without the block that it was read with
	if err != nil {
		return err
	}
	m := &message{offset: place, size: len(rec.Message) + refSize}
	m.at.Store(rec.Offset)
	m.body.Store(o)
	l.owed[place] = m
	l.b.backlog.add(m)
	l.b.commit.bodies.add(m)
	for r, x := range claims {
		x.m = m
		if r.g != nil {
			l.claimGroup(r, x)
		} else {
			r.claim(x)
		}
	}
	l.b.backlog.settle(m)
	return nil
}

// claims are the sessions to which a message may be owed: those whose subscriptions match, and those to which it has
// been sent, even when the subscription has gone.
func (l *logReader) claims(o *body, place uint64) map[*restoring]ref {
	var claims map[*restoring]ref
	claim := func(r *restoring, x ref) {
		if claims == nil {
			claims = map[*restoring]ref{}
		}
		claims[r] = x
	}
	for _, sub := range l.b.tree.Match(o.topic, nil) {
		if g := sub.group; g != nil {
			if r := l.sessions[groupPrefix+g.full]; r != nil && place >= g.start() {
				claim(r, ref{qos: o.qos, g: g})
			}
			continue
		}
		r := l.sessions[sub.s.id]
		if sub.noLocal && o.publisher == sub.s.id || sub.qos == 0 || place < sub.start {
			continue
		}
		x := claims[r]
		x.qos = max(x.qos, min(sub.qos, o.qos))
		if sub.rap && o.retain {
			x.flag |= refRetain
		}
		if sub.id != 0 {
			x.ids = append(x.ids, sub.id)
		}
		claim(r, x)
	}
	for _, r := range l.open[place] {
		if _, matched := claims[r]; !matched && r != nil {
			claim(r, ref{qos: 1})
		}
	}
	return claims
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

// awake starts the time of a session that is away: from when it went, or from now if it was connected to the end.
func (b *Broker) awake(r *restoring) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awayAt = b.clock.ms()
	if !r.connected {
		passed := max(0, b.clock.now().Round(0).Sub(r.away)).Milliseconds()
		s.awayAt -= min(passed, clockBase/2)
	} else {
		s.dirtyMeta = true
		b.cursors.touch(s, false)
	}
	if s.will != nil && s.will.delay == 0 {
		s.fireWill(nil)
		s.dirtyMeta = true
		b.cursors.touch(s, false)
	}
	b.timers.arm(s)
}
