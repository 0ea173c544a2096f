package broker

import (
	"errors"

	"tsunagi/internal/mqtt"
)

// disconnect carries out a DISCONNECT of the client: no will, unless it asks for it [MQTT-3.14.4-3].
func (c *Client) disconnect(p *mqtt.Disconnect) error {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() != c {
		return ErrDisconnected
	}
	if p.ServerReference != "" {
		return &Refusal{mqtt.ProtocolError, "a client sends no server reference"}
	}
	if p.HasSessionExpiry {
		if s.expiry == 0 && p.SessionExpiry != 0 { // 3.14.2.2.2
			return &Refusal{mqtt.ProtocolError, "a session that was to end with the connection can't be kept by DISCONNECT"}
		}
		s.expiry = c.b.capExpiry(p.SessionExpiry)
	}
	c.orderly = p.Reason == mqtt.Success
	return ErrDisconnected
}

// Gone tells the broker that the connection has ended. Without a DISCONNECT of the client the will follows. It is
// idempotent and must come after the last Handle has returned.
func (c *Client) Gone(cause error) {
	if r := c.rare.Load(); r != nil && r.until != nil {
		r.until.Stop()
	}
	if c.detach() {
		e := Event{Kind: "disconnected", Gate: "listener"}
		if cause != nil && !errors.Is(cause, ErrDisconnected) {
			e.Cause = cause.Error()
			if r, ok := errors.AsType[mqtt.Reason](cause); ok {
				e.Reason = r
			}
		}
		c.event(e)
	}
	c.outbox.close()
}

// takeOver ends the connection because the same client id connects once more [MQTT-3.1.4-3].
func (c *Client) takeOver(by string) {
	var t Turn
	c.detach()
	c.farewell(mqtt.SessionTakenOver, "another connection uses this client identifier", &t)
	c.flush() // as in Expel
	c.link.Close(&Refusal{mqtt.SessionTakenOver, "another connection uses this client identifier"})
	c.event(Event{Kind: "takeover", Gate: "listener", Reason: mqtt.SessionTakenOver,
		Cause: "a connection from " + by + " uses the same client identifier"})
}

// detach takes the client off its session, which ends or waits for another one; false when it is off already.
func (c *Client) detach() bool {
	b, s := c.b, c.s
	b.mu.Lock()
	defer b.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() != c {
		return false
	}
	s.client.Store(nil)
	c.gone.Store(true)
	b.vacate(c)
	b.total.add(c)
	if s.awayAt = b.clock.ms(); c.orderly {
		s.will = nil
	}
	if s.expiry == 0 || !s.persistent.Load() {
		s.endLocked(c, true)
		return true
	}
	s.giveBack(false)
	if s.will != nil && s.will.delay == 0 {
		s.fireWill(c, nil)
	}
	s.dirty, s.dirtyMeta = true, true
	b.cursors.touch(s, true)
	b.timers.arm(s)
	return true
}

// end ends a session that is away. erase says that it is to be removed from the store, too. Callers hold b.mu.
func (s *Session) end(erase bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.endLocked(nil, erase)
	}
}

// endLocked ends a session: a will that was still to come comes now (3.1.3.2.2), the subscriptions go, nothing is owed
// any more. c is the connection that ends with it, if one does. Callers hold b.mu and s.mu.
func (s *Session) endLocked(c *Client, erase bool) {
	b := s.b
	var removal operation
	if erase && (s.persistent.Load() || s.recorded) {
		removal = newEraseOp(s)
	}
	if s.will != nil && s.recorded && erase {
		b.orphan(s.id)
		s.fireWill(c, &orphanOp{b, s.id}) // its record goes when the will is published, not before
		removal = nil
	} else if s.will != nil {
		s.fireWill(c, nil)
	}
	if removal != nil {
		_ = b.commit.post(removal)
	}
	if s.persistent.Load() {
		b.persistent--
	}
	s.giveBack(true)
	s.lastLosses(c)
	s.ended = true
	if b.sessions[s.id] == s {
		delete(b.sessions, s.id)
	}
	for filter := range s.subs.all() {
		s.drop(filter)
	}
	for i := range s.out.slots {
		if m := s.out.slots[i].ref.m; m != nil {
			b.backlog.settle(m)
		}
	}
	for s.queue.len() > 0 {
		b.backlog.settle(s.pop().m)
	}
	s.out, s.in, s.resend, s.replays, s.rare = slotTable{}, nil, nil, nil, nil
}

// lastLosses counts what a session that ends takes along, and keeps the count. c is as in endLocked. Callers hold s.mu.
func (s *Session) lastLosses(c *Client) {
	waiting := s.queue.len()
	for i := range s.out.slots {
		if s.out.slots[i].ref.m != nil {
			waiting++
		}
	}
	if waiting > 0 {
		s.b.total.dropped.Add(uint64(waiting))
		s.lose(LossEnded, waiting)
		cause := "the session ended while messages waited for the client: it had been away for longer than its session expiry, or was ended on purpose"
		if c != nil {
			cause = "the session ended with its connection, and with it the messages that waited: connect with a session expiry and without clean start"
		}
		s.b.event(Event{Kind: "dropped", Client: s.id, User: s.user, Gate: "session", Rule: "session_expiry", Count: waiting, Cause: cause})
	}
	if m := s.losses.Load(); m != nil {
		s.b.past.put(s.id, s.user, m)
	}
}

// eraseOp removes a session from the store. What it holds is collected when the session ends.
type eraseOp struct{ p plan }

func newEraseOp(s *Session) *eraseOp {
	o := &eraseOp{}
	s.erase(&o.p)
	return o
}

func (o *eraseOp) size() int         { return 256 }
func (o *eraseOp) grows() growth     { return growsNot }
func (o *eraseOp) done(*Turn, error) {}

func (o *eraseOp) prepare(p *plan) {
	p.batch.Sessions = append(p.batch.Sessions, o.p.batch.Sessions...)
	p.batch.Subscriptions = append(p.batch.Subscriptions, o.p.batch.Subscriptions...)
	p.batch.Cursors = append(p.batch.Cursors, o.p.batch.Cursors...)
	p.batch.Packets = append(p.batch.Packets, o.p.batch.Packets...)
}
