package broker

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// restoring is a session while it is read from the store.
type restoring struct {
	s         *Session
	cursor    cursor
	connected bool // it was connected when its record was written: a crash, or it would say since when it is away
	away      time.Time
	packets   map[uint16]packetState // outgoing
	sent      map[uint64]uint16      // offset -> identifier under which it has been sent
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
		for _, sub := range r.s.subs {
			b.tree.Add(sub.filter, sub)
			b.total.subscriptions.Add(1)
		}
		b.sessions[id] = r.s
		if r.s.maybe = r.cursor.maybe; r.connected { // it may have been sent more since the cursor was written
			r.s.maybe = math.MaxInt64
		}
		r.s.persistent.Store(true)
		b.persistent++
	}
	if next := b.commit.store.NextOffset(); next > 0 {
		b.backlog.routed.Store(next - 1)
	}
	if err := b.replay(sessions, from); err != nil {
		return fmt.Errorf("read the message log of instance %q: %w", b.id, err)
	}
	for _, r := range sessions {
		r.s.maybe = min(r.s.maybe, b.backlog.routed.Load())
		b.awake(r)
	}
	return nil
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
			r := &restoring{s: &Session{b: b, id: client}, packets: map[uint16]packetState{}, sent: map[uint64]uint16{}}
			var err error
			r.connected, r.away, err = r.s.decode(state)
			sessions[client] = r
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
	f, err := parseStored(filter)
	if err != nil {
		return err
	}
	sub := &subscription{s: r.s, full: filter, filter: f}
	if err := sub.decode(state); err != nil {
		return err
	}
	if r.s.subs == nil {
		r.s.subs = map[string]*subscription{}
	}
	r.s.subs[filter] = sub
	return nil
}

func (r *restoring) packet(d Direction, id uint16, state []byte) error {
	p, err := readPacket(state)
	if err != nil || id == 0 {
		return errState
	}
	if d == Incoming {
		r.s.in.put(id, inReceived)
		r.s.inOpen.Store(int32(r.s.in.n))
		return nil
	}
	r.packets[id] = p
	if p.state == packetSent && p.offset != 0 {
		r.sent[p.offset] = id
	}
	return nil
}

// replay reads the log from the lowest cursor and gives each session what it is owed.
func (b *Broker) replay(sessions map[string]*restoring, from uint64) error {
	for _, r := range sessions { // what was only in memory is completed, so that the client lets go of the identifier
		for id, p := range r.packets {
			if p.state == packetReleased || p.offset == 0 {
				r.s.out.claim(id, slotReleased).ref.qos = 2
			}
		}
	}
	if len(sessions) == 0 {
		return nil
	}
	open := map[uint64][]*restoring{} // who has been sent a record and has not acknowledged it
	for _, r := range sessions {
		for at := range r.cursor.open {
			open[at] = append(open[at], r)
		}
		for at := range r.sent {
			open[at] = append(open[at], r)
		}
	}
	var bad error
	err := b.commit.store.ReadLog(b.id, from, func(rec Record) bool {
		o, err := readRecord(append([]byte(nil), rec.Message...), &b.clock)
		if err != nil {
			bad = fmt.Errorf("offset %d: %w", rec.Offset, err)
			return false
		}
		b.owe(sessions, open[rec.Offset], rec, o)
		return true
	})
	if err == nil {
		err = bad
	}
	return err
}

// owe gives one record to the sessions that still need it. open are those to which it has been sent: they are owed it
// even when the subscription has gone.
func (b *Broker) owe(sessions map[string]*restoring, open []*restoring, rec Record, o *body) {
	claims := map[*restoring]ref{}
	for _, sub := range b.tree.Match(o.topic, nil) {
		r := sessions[sub.s.id]
		if sub.noLocal && o.publisher == sub.s.id || sub.qos == 0 || rec.Offset < sub.start {
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
		claims[r] = x
	}
	for _, r := range open {
		if _, matched := claims[r]; !matched {
			claims[r] = ref{qos: 1}
		}
	}
	if len(claims) == 0 {
		return
	}
	m := &message{offset: rec.Offset, size: len(rec.Message) + refSize}
	m.body.Store(o)
	b.backlog.add(m)
	b.commit.bodies.add(m)
	for r, x := range claims {
		x.m = m
		r.claim(x)
	}
	b.backlog.settle(m)
}

// claim queues one message for the session, unless the cursor says that it is done.
func (r *restoring) claim(x ref) {
	s := r.s
	if id, ok := r.sent[x.m.offset]; ok {
		x.qos, x.flag = 2, r.packets[id].flag
		s.out.claim(id, slotWaiting).ref = x
		x.m.owe()
		return
	}
	state, open := r.cursor.open[x.m.offset]
	switch {
	case open:
		x.qos, x.flag = state&0x03, refFlag(state>>2)&refRetain|refDup
	case x.m.offset <= r.cursor.high:
		return
	case x.m.offset <= s.maybe:
		x.flag |= refDup
	}
	if x.qos > 0 {
		s.enqueue(x)
	}
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
