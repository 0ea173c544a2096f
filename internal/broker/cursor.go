package broker

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// cursors writes lazily how far sessions have got in the log: at most a second after a change, earlier after 256
// acknowledgements. A crash before that means that a message is sent again with DUP, which QoS 1 allows; QoS 2 writes
// its cursor with each step.
type cursors struct {
	b     *Broker
	mu    sync.Mutex
	list  []keeper    // guarded by mu: what to write
	timer *time.Timer // guarded by mu: not nil while list waits
}

const (
	cursorDelay = time.Second
	cursorAcks  = 256
)

// keeper is what has a cursor: a session, or a group of a shared subscription.
type keeper interface {
	name() (b *Broker, client string) // under which it is stored
	takeCursor() []byte
	meta(p *plan)   // writes its record, if that has changed
	planned() *bool // whether its cursor is in the batch that is being built; the committer's
}

func (s *Session) name() (*Broker, string) { return s.b, s.id }
func (s *Session) planned() *bool          { return &s.inPlan }
func (g *group) name() (*Broker, string)   { return g.b, groupPrefix + g.full }
func (g *group) planned() *bool            { return &g.inPlan }
func (g *group) meta(*plan)                {}

// touch puts s on the list; now asks for the write at once. Callers may hold s.mu, or the committer calls.
func (k *cursors) touch(s keeper, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.list[max(0, len(k.list)-8):], s) { // most often it is among the last; twice does no harm
		k.list = append(k.list, s)
	}
	switch {
	case now:
		k.start(0)
	case k.timer == nil:
		k.start(cursorDelay)
	}
}

func (k *cursors) start(d time.Duration) {
	if k.timer == nil {
		k.timer = time.AfterFunc(d, func() { _ = k.b.commit.post(&cursorOp{b: k.b}) })
	} else {
		k.timer.Reset(d)
	}
}

// takeList empties the list; the next touch starts a new timer.
func (k *cursors) takeList() []keeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.list
	k.list = nil
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
	return list
}

// flush writes what waits and returns when it is on disk.
func (k *cursors) flush(ctx context.Context) error {
	op := &cursorOp{b: k.b, finished: make(chan error, 1)}
	if err := k.b.commit.post(op); err != nil {
		return err
	}
	select {
	case err := <-op.finished:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cursorOp writes the cursors that wait, and from where on the instance needs the log.
type cursorOp struct {
	b        *Broker
	finished chan error // told the outcome; nil: nobody waits
}

func (o *cursorOp) size() int     { return 256 }
func (o *cursorOp) grows() growth { return growsNot }

func (o *cursorOp) prepare(p *plan) {
	for _, s := range o.b.cursors.takeList() {
		s.meta(p)
		p.cursor(s)
	}
	if k := p.k; k.pinned(o.b.id) {
		if at := o.b.backlog.lowest(); !p.logs(o.b.id) && k.pinOf(o.b.id) != at {
			p.pin(o.b.id, at)
		}
	}
}

func (o *cursorOp) done(_ *Turn, err error) {
	if o.finished != nil {
		o.finished <- err
	}
	o.b.commit.logged += trimEvery // what has been acknowledged may be let go
}

func (s *Session) meta(p *plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirtyMeta && !s.ended && s.persistent.Load() {
		p.session(s, s.encode())
	}
	s.dirtyMeta = false
}

// logs says whether the plan has a record of the instance already.
func (p *plan) logs(instance string) bool {
	return slices.ContainsFunc(p.batch.Log, func(r Record) bool { return r.Instance == instance })
}

func (k *Committer) pinOf(instance string) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pins[instance]
}

// The form of a cursor:
//
//	version,
//	maybe (varint): what is open up to this offset may have been sent before an earlier crash,
//	high (varint): everything up to this offset is done, but for these exceptions, which were sent:
//	for each: offset (varint, as the difference to the one before), QoS and flags (1 byte)
//
// An exception is settled by PUBACK, PUBREC or PUBCOMP; what lies above high and maybe has not been sent, or only after
// the cursor was written.

// takeCursor encodes the cursor, nil when the session needs none, and notes that it is written.
func (s *Session) takeCursor() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty, s.acks = false, 0
	if s.ended || !s.persistent.Load() {
		return nil
	}
	high, open := s.b.waiting(&s.queue)
	for i := range s.out.slots {
		sl := &s.out.slots[i]
		if sl.state != slotFree && sl.state != slotReleasing && sl.ref.g == nil && sl.ref.m != nil && sl.ref.m.offset != 0 {
			open = append(open, sl.ref)
		}
	}
	return encodeCursor(s.maybe, high, open)
}

// takeCursor is that of a group: the exceptions are what members have.
func (g *group) takeCursor() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dirty, g.acks = false, 0
	if g.dead || !g.durable.Load() {
		return nil
	}
	high, open := g.b.waiting(&g.queue)
	for _, r := range g.out {
		open = append(open, r)
	}
	return encodeCursor(g.maybe, high, open)
}

// waiting is up to where nothing waits in a queue, but for those that are listed as exceptions.
func (b *Broker) waiting(queue *ring[ref]) (high uint64, open []ref) {
	high = b.backlog.routed.Load()
	for i := range queue.len() {
		r := queue.at(i)
		if r.flag&refListed != 0 && r.m.offset != 0 {
			open = append(open, *r)
		} else if r.m.offset != 0 {
			return r.m.offset - 1, open
		}
	}
	return high, open
}

func encodeCursor(maybe, high uint64, open []ref) []byte {
	slices.SortFunc(open, func(a, b ref) int { return cmp.Compare(a.m.offset, b.m.offset) })
	state := binary.AppendUvarint(binary.AppendUvarint([]byte{stateVersion}, maybe), high)
	last := uint64(0)
	for _, r := range open {
		state = binary.AppendUvarint(state, r.m.offset-last)
		state = append(state, r.qos|byte(r.flag&refRetain)<<2)
		last = r.m.offset
	}
	return state
}

// cursor is a cursor as it was read.
type cursor struct {
	maybe uint64
	high  uint64
	open  map[uint64]byte // offset -> QoS and flags
}

func readCursor(state []byte) (c cursor, err error) {
	if len(state) == 0 || state[0] != stateVersion {
		return c, errState
	}
	c.open = map[uint64]byte{}
	r := state[1:]
	if c.maybe, r, err = cutUvarint(r); err != nil {
		return c, errState
	}
	if c.high, r, err = cutUvarint(r); err != nil {
		return c, errState
	}
	last := uint64(0)
	for len(r) > 0 {
		var d uint64
		if d, r, err = cutUvarint(r); err != nil || len(r) == 0 {
			return c, errState
		}
		last += d
		c.open[last] = r[0]
		r = r[1:]
	}
	return c, nil
}

// low is the first offset that the session may need.
func (c *cursor) low() uint64 {
	low := c.high + 1
	for at := range c.open {
		low = min(low, at)
	}
	return low
}

// acked notes that a stored message is settled. Callers hold s.mu.
func (s *Session) acked() {
	if !s.persistent.Load() {
		return
	}
	if s.acks++; !s.dirty || s.acks == cursorAcks {
		s.dirty = true
		s.b.cursors.touch(s, s.acks >= cursorAcks)
	}
}
