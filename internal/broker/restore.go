package broker

import (
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
	start     uint64             // of a group: the offset from which on the first of its members counts
	round     uint64             // the logReader's: for which message index is good
	index     int
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
	ended := map[string]*Session{} // connections that were there, with a will and a session that ends with them
	for _, id := range slices.Sorted(maps.Keys(sessions)) {
		r := sessions[id]
		if r.s != nil && r.s.expiry == 0 {
			ended[id] = r.s
			delete(sessions, id)
			continue
		}
		from = min(from, r.cursor.low())
		if r.s == nil {
			continue
		}
		b.sessions[id], r.s.restoring = r.s, r
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
			r.s.restoring = nil
			r.s.maybe = min(r.s.maybe, b.backlog.routed.Load())
			b.awake(r)
		}
	}
	for id, s := range ended {
		b.bury(id, s)
	}
	return nil
}

// bury ends a session that was to end with its connection, which a crash has ended: its will comes, its record goes.
func (b *Broker) bury(id string, s *Session) {
	b.orphan(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.will == nil {
		_ = b.commit.post(&orphanOp{b, id})
		return
	}
	s.fireWill(nil, &orphanOp{b, id})
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
		r.start = r.g.start()
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
			b.keepRetained(m, strings.Clone(name), false)
			return nil
		},
		Session: func(client string, state []byte) error {
			r := &restoring{}
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
	if sub.member != nil {
		sub.share() // it has its identifier now
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
		r.s.putIn(id, inReceived)
		return nil
	}
	if r.packets == nil { // most sessions have none
		r.packets, r.sent = map[uint16]packetState{}, map[sentKey]uint16{}
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
		s.fireWill(nil, nil)
		s.dirtyMeta = true
		b.cursors.touch(s, false)
	}
	b.timers.arm(s)
}
