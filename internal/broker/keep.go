package broker

import "tsunagi/internal/mqtt"

// A session that keeps what waits for it, such as that of a bridge which must lose nothing: where the queue of another
// session drops its oldest messages, messages for this one are refused to their publishers, who still have them. The
// bound is looked at when a message comes, so that those which wait for the committer then, 8 MiB at most, and wills go
// beyond it.

// keeps says whether the session's queue drops nothing.
func (s *Session) keeps() bool { return s.b.keep != "" && s.id == s.b.keep }

// keepRoom judges a message that is owed to a persistent session; nil: it may be accepted. One that has been accepted
// before, and comes again, is none of its business.
func (c *Client) keepRoom(p *mqtt.Publish, m *match) *Refusal {
	for i := range m.receivers {
		s := m.receivers[i].s
		if !s.keeps() || s == c.s {
			continue
		}
		l := c.b.limits.Load()
		s.mu.Lock()
		full := s.keptFull(l)
		s.mu.Unlock()
		if full && !c.holds(p) {
			return &Refusal{mqtt.QuotaExceeded, "what waits for the other broker has reached its bound; try again later"}
		}
	}
	return nil
}

// holds says whether a QoS 2 message was accepted under its identifier already.
func (c *Client) holds(p *mqtt.Publish) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return p.QoS == 2 && c.s.in.get(p.PacketID) != 0
}

// refuseFull is refuse with an event now and then, since a full queue refuses every message.
func (c *Client) refuseFull(p *mqtt.Publish, m *match, r *Refusal, t *Turn) error {
	gate := ""
	if c.seldom().refusals.hit(1, c.b.clock.ms()) > 0 {
		gate = "queue"
	}
	return c.refuse(p, m, r, gate, "keep", t)
}

// lifted is what becomes of a QoS 0 message for the session that keeps everything; see Options.KeepQoS0.
type lifted byte

const (
	liftedNot  lifted = iota // it is an ordinary message
	liftedKept               // it goes to that session as of QoS 1, to the others as it came
	liftedLost               // the store has no room: only the others get it
)

// lifts says whether a QoS 0 message is kept for the session that keeps everything, and there is room. from is who
// published it.
func (b *Broker) lifts(m *match, from *Session) bool {
	if !m.stored {
		return false
	}
	for i := range m.receivers {
		r := &m.receivers[i]
		if !r.s.keeps() || r.s == from || r.qos == 0 {
			continue
		}
		l := b.limits.Load()
		r.s.mu.Lock()
		defer r.s.mu.Unlock()
		return !r.s.keptFull(l)
	}
	return false
}

// keptFull says whether as much waits as may. Callers hold s.mu.
func (s *Session) keptFull(l *Limits) bool {
	return l.KeepMessages > 0 && s.queue.len() >= l.KeepMessages || l.KeepBytes > 0 && s.queueBytes >= l.KeepBytes
}

// liftedQoS is the QoS at which a session gets a message where there are lifted ones; false: it doesn't. What could not
// be kept for the session that keeps everything is lost to it: passing by what waits, it would be out of order.
func (s *Session) liftedQoS(qos byte, r *receiver, how lifted) (byte, bool) {
	switch {
	case !s.keeps():
		if how != liftedNot {
			return 0, true
		}
	case how == liftedLost, how == liftedNot && qos == 0 && r.qos > 0:
		s.lose(LossQueueBytes, 1)
		return 0, false
	}
	return qos, true
}
