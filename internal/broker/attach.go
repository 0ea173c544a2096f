package broker

import (
	"context"
	"errors"

	"tsunagi/internal/mqtt"
)

// attachSession finds or makes the session of a client that is being accepted, and makes it durable. Callers hold the
// lock of the client id.
func (b *Broker) attachSession(ctx context.Context, c *Client, id string, req *ConnectRequest) (present bool, err error) {
	p := req.Packet
	if old := b.session(id); old != nil {
		if b.limits.Load().BindClientIDs && old.owner() != c.user {
			return false, &Refusal{mqtt.ClientIdentifierNotValid, "the client identifier belongs to another user's session"}
		}
		if was := old.client.Load(); was != nil {
			if b.limits.Load().Clash == ClashRefuse {
				if err := was.defends(c); err != nil {
					return false, err
				}
			}
			if !was.mayTakeOver(c) {
				return false, &Refusal{mqtt.ServerBusy, "two clients fight for this client identifier: give each its own"}
			}
			b.fightOn(was, c)
			was.takeOver(req.Remote)
		}
	}
	old := b.session(id) // one that ended with its connection is gone now
	resumed := old != nil && !p.Clean
	s := old
	if !resumed {
		s = &Session{b: b, id: id}
		s.losses.Store(b.past.take(id, c.user))
	}
	c.s = s
	op := &connectOp{s: s}
	if old != nil && !resumed {
		op.old = old
	}
	undo := b.prepareSession(s, op, c, p)
	if err := b.makeDurable(ctx, op); err != nil {
		undo()
		return false, err
	}
	if op.old != nil {
		b.mu.Lock()
		op.old.end(false)
		b.mu.Unlock()
	}
	b.mu.Lock()
	b.sessions[id] = s
	b.mu.Unlock()
	return resumed, nil
}

func (b *Broker) session(id string) *Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[id]
}

// owner is the user who connected last.
func (s *Session) owner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// prepareSession sets what the session record says. The old session stops being stored, so that no operation that is
// still on its way writes to the name after its deletion. undo takes it all back.
func (b *Broker) prepareSession(s *Session, op *connectOp, c *Client, p *mqtt.Connect) (undo func()) {
	expiry := b.sessionExpiry(p)
	s.mu.Lock()
	before, was, wasRecorded := s.sessionMeta, s.persistent.Load(), s.recorded
	s.sessionMeta = sessionMeta{user: c.user, version: p.Version, expiry: expiry}
	if p.Will != nil {
		s.will = newWill(p.Will)
	}
	s.recorded = expiry == 0 && p.Will != nil && !c.web && !b.fast() // the rights of a web client end with it
	orphan := (s.recorded || expiry > 0) && b.adopt(s.id)
	s.mu.Unlock()
	op.delete = was && expiry == 0
	b.setPersistent(s, expiry > 0)
	oldWas := false
	if op.old != nil {
		oldWas = op.old.persistent.Load()
		op.deleteOld = oldWas
		b.setPersistent(op.old, false)
	}
	return func() {
		if orphan {
			b.abandon(s.id)
		}
		b.setPersistent(s, was)
		s.mu.Lock()
		s.sessionMeta, s.recorded = before, wasRecorded
		if s.awayAt != 0 {
			b.timers.arm(s)
		}
		s.mu.Unlock()
		if op.old != nil {
			b.setPersistent(op.old, oldWas)
		}
	}
}

// setPersistent changes whether the session's messages are kept in the log.
func (b *Broker) setPersistent(s *Session, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.persistent.Swap(on) == on {
		return
	}
	if on {
		b.persistent++
	} else {
		b.persistent--
	}
	if s.subs.len() > 0 {
		b.gen.Add(1) // who must be stored for is part of a match
	}
	for m := s.shared; m != nil; m = m.next {
		m.group.mu.Lock()
		m.group.recount()
		m.group.mu.Unlock()
	}
}

// makeDurable waits until the session's new state is on disk, if any of it is kept there.
func (b *Broker) makeDurable(ctx context.Context, op *connectOp) error {
	if !op.stores() && !op.delete && !op.deleteOld {
		return nil
	}
	op.finished = make(chan error, 1)
	if err := b.commit.post(op); err != nil {
		return &Refusal{mqtt.ServerUnavailable, "the server can't store the session"}
	}
	select {
	case err := <-op.finished:
		if errors.Is(err, ErrStoreFull) && !op.s.persistent.Load() && !op.delete && !op.deleteOld {
			op.s.mu.Lock()
			op.s.recorded = false // logging in goes on; the will doesn't outlive the process
			op.s.mu.Unlock()
			b.abandon(op.s.id)
			return nil
		}
		if errors.Is(err, ErrStoreFull) {
			return &Refusal{mqtt.QuotaExceeded, "the server's storage is full; try again later or connect with a clean session"}
		}
		if err != nil {
			return &Refusal{mqtt.ServerUnavailable, "the server can't store the session"}
		}
		return nil
	case <-ctx.Done():
		<-op.finished // it can't be taken back, so its outcome has to be known
		return &Refusal{mqtt.ServerBusy, "the server's storage is too slow"}
	}
}

// connectOp stores a session that is being connected to, and removes what it replaces.
type connectOp struct {
	s         *Session
	old       *Session // ended by a clean start
	delete    bool     // the session has been stored and no longer is
	deleteOld bool
	finished  chan error
}

func (o *connectOp) size() int { return 512 }

func (o *connectOp) grows() growth {
	if o.stores() {
		return growsState
	}
	return growsNot
}

// stores says whether the session has a record from now on.
func (o *connectOp) stores() bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return o.s.persistent.Load() || o.s.recorded
}

func (o *connectOp) prepare(p *plan) {
	if o.deleteOld {
		o.old.mu.Lock()
		o.old.erase(p)
		o.old.mu.Unlock()
	}
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if o.s.persistent.Load() {
		p.session(o.s, o.s.encode())
		p.cursor(o.s)
		return
	}
	if o.delete {
		o.s.erase(p)
	}
	if o.s.recorded {
		p.session(o.s, o.s.encode())
	}
}

func (o *connectOp) done(_ *Turn, err error) { o.finished <- err }

// erase removes all that is stored of a session, name by name: a session that is stored under the same client id later
// in the batch must not lose what is its own. Callers hold s.mu.
func (s *Session) erase(p *plan) {
	p.session(s, nil)
	for filter := range s.subs.all() {
		p.subscription(s, filter, nil)
	}
	s.in.each(func(id uint16, _ byte) { p.packet(s, Incoming, id, nil) })
	for i := range s.out.slots {
		if s.out.slots[i].state != slotFree {
			p.packet(s, Outgoing, uint16(i+1), nil)
		}
	}
	p.batch.Cursors = append(p.batch.Cursors, CursorWrite{s.b.id, s.id, nil})
}
