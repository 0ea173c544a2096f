package broker

import (
	"context"
	"errors"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// will is what a session has published when its connection ends unasked.
type will struct {
	pub   mqtt.Publish
	delay uint32 // seconds
}

// newWill copies a will out of its packet.
func newWill(w *mqtt.Will) *will {
	return &will{delay: w.Delay, pub: mqtt.Publish{QoS: w.QoS, Retain: w.Retain, Topic: append([]byte(nil), w.Topic...),
		Props: w.Props.Clone(), Payload: append([]byte(nil), w.Payload...)}}
}

// fireWill publishes the will, if its user may still do that, and forgets it. c is the connection that has just ended;
// nil: it ended some time ago. Callers hold s.mu.
func (s *Session) fireWill(c *Client) {
	b, w := s.b, s.will
	s.will = nil
	name := string(w.pub.Topic)
	var by *Rights
	if c != nil {
		by = c.rights.Load()
	}
	if b.rights != nil && (c == nil || !c.web) {
		if r, ok := b.rights(s.user); ok && r != nil {
			by = &r
		} else {
			b.event(Event{Kind: "denied", Client: s.id, User: s.user, Topic: name, Gate: "acl", Rule: "user", Reason: mqtt.NotAuthorized,
				Cause: "the will was not published: its user doesn't exist any more or may not connect"})
			return
		}
	}
	if by != nil {
		if v := (*by).MayPublish(name, s.id, w.pub.QoS, w.pub.Retain); !v.Allowed {
			b.event(Event{Kind: "denied", Client: s.id, User: s.user, Topic: name, Gate: "acl", Rule: v.Rule, Reason: mqtt.NotAuthorized,
				Cause: "the will was not published: the user may not publish to its topic any more"})
			return
		}
	}
	if w.pub.Retain && len(w.pub.Payload) > 0 {
		if r := b.retainRoom(name, len(w.pub.Payload)); r != nil {
			b.event(Event{Kind: "refused", Client: s.id, User: s.user, Topic: name, Gate: "limits", Reason: r.Reason, Cause: r.Words})
			return
		}
	}
	_ = b.commit.post(b.message(&w.pub, s.id, s.user))
}

// message is an operation that publishes p for nobody who waits for an acknowledgement.
func (b *Broker) message(p *mqtt.Publish, clientID, user string) *publishOp {
	name := string(p.Topic)
	m, rec := newMessage(name, p, clientID, user, b.clock.now(), b.clock.ms())
	return &publishOp{b: b, m: m, rec: rec, topic: name, qos: p.QoS, retain: p.Retain, clear: len(p.Payload) == 0}
}

// Publish publishes in the name of the server: for the panel, webhooks and rules. It returns when the message has been
// routed and, where it must be, is on disk.
func (b *Broker) Publish(ctx context.Context, name string, payload []byte, qos byte, retain bool) error {
	if err := topic.CheckName(name); err != nil {
		return err
	}
	if qos > 2 {
		return errors.New("QoS is 0, 1 or 2")
	}
	p := mqtt.Publish{QoS: qos, Retain: retain, Topic: []byte(name), Payload: payload}
	if retain && len(payload) > 0 {
		if r := b.retainRoom(name, len(payload)); r != nil {
			return r
		}
	}
	op := b.message(&p, "", "")
	finished := make(chan error, 1)
	op.then = func(err error) { finished <- err }
	if err := b.commit.post(op); err != nil {
		return err
	}
	select {
	case err := <-finished:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
