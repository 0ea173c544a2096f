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
// nil: it ended some time ago. with is done together with the will, or alone when that may not be published; nil: nothing.
// Callers hold s.mu.
func (s *Session) fireWill(c *Client, with operation) {
	b := s.b
	f := firing{b: b, pub: s.will.pub, id: s.id, user: s.user, with: with}
	s.will = nil
	if c != nil {
		v := (*c.rights.Load()).MayPublish(string(f.pub.Topic), s.id, f.pub.QoS, f.pub.Retain)
		if v.Allowed {
			f.publish()
			return
		}
		if b.rights == nil || c.web {
			f.denied(v.Rule)
			return
		}
	}
	if b.rights == nil {
		f.publish()
		return
	}
	b.wills.Go(f.judge) // ends when the rights are known; Stop waits for it
}

// firing is a will whose time has come.
type firing struct {
	b        *Broker
	pub      mqtt.Publish
	id, user string
	with     operation
}

// judge asks for the rights that the user has now: the login of the connection may hold no more, as after a change of
// the password. It is called without locks, since the answer may have to be read.
func (f firing) judge() {
	r, ok := f.b.rights(f.user)
	if !ok || r == nil {
		f.denied("the user doesn't exist any more or may not connect")
		return
	}
	if v := r.MayPublish(string(f.pub.Topic), f.id, f.pub.QoS, f.pub.Retain); !v.Allowed {
		f.denied(v.Rule)
		return
	}
	f.publish()
}

func (f firing) denied(rule string) {
	f.alone()
	f.b.event(Event{Kind: "denied", Client: f.id, User: f.user, Topic: string(f.pub.Topic), Gate: "acl", Rule: rule,
		Reason: mqtt.NotAuthorized, Cause: "the will was not published: its user may not publish to its topic any more"})
}

func (f firing) publish() {
	name := string(f.pub.Topic)
	if f.pub.Retain && len(f.pub.Payload) > 0 {
		if r := f.b.retainRoom(name, f.id, f.user, &f.pub); r != nil {
			f.alone()
			f.b.event(Event{Kind: "refused", Client: f.id, User: f.user, Topic: name, Gate: "limits", Reason: r.Reason, Cause: r.Words})
			return
		}
	}
	op := f.b.message(&f.pub, f.id, f.user)
	op.with = f.with
	_ = f.b.commit.post(op)
}

// alone does what was to be done with the will, without it.
func (f firing) alone() {
	if f.with != nil {
		_ = f.b.commit.post(f.with)
	}
}

// orphanOp removes the record of a connection that is no more, unless the client has come again meanwhile: then the
// record is the new connection's.
type orphanOp struct {
	b  *Broker
	id string
}

func (o *orphanOp) size() int     { return 128 }
func (o *orphanOp) grows() growth { return growsNot }

func (o *orphanOp) prepare(p *plan) {
	o.b.orphansMu.Lock()
	defer o.b.orphansMu.Unlock()
	if o.b.orphans[o.id] {
		p.batch.Sessions = append(p.batch.Sessions, SessionWrite{o.b.id, o.id, nil})
	}
}

func (o *orphanOp) done(_ *Turn, err error) {
	if err == nil {
		o.b.adopt(o.id)
	}
}

// adopt says that the record of a client id is no orphan's any more, and whether it was.
func (b *Broker) adopt(id string) bool {
	b.orphansMu.Lock()
	defer b.orphansMu.Unlock()
	was := b.orphans[id]
	delete(b.orphans, id)
	return was
}

// abandon has the record of a client id removed, if there is one: nobody has taken it over.
func (b *Broker) abandon(id string) {
	b.orphan(id)
	_ = b.commit.post(&orphanOp{b, id})
}

// orphan marks the record of a client id as one that nobody has taken over.
func (b *Broker) orphan(id string) {
	b.orphansMu.Lock()
	defer b.orphansMu.Unlock()
	b.orphans[id] = true
}

// message is an operation that publishes p for nobody who waits for an acknowledgement.
func (b *Broker) message(p *mqtt.Publish, clientID, user string) *publishOp {
	name := string(p.Topic)
	lifted := false
	if b.lift && p.QoS == 0 {
		var own match
		if lifted = b.lifts(b.matchOf(name, &own), nil); lifted {
			q := *p
			q.QoS, p = 1, &q
		}
	}
	m, rec := newMessage(name, p, clientID, user, b.clock.now(), b.clock.ms())
	op := &publishOp{b: b, m: m, rec: rec, topic: name, qos: p.QoS, retain: p.Retain, clear: len(p.Payload) == 0, lifted: lifted, aged: b.age(name, p, clientID, user)}
	op.ask()
	return op
}

// Publish publishes in the name of the server: for the panel. It returns when the message has been routed and, where it
// must be, is on disk.
func (b *Broker) Publish(ctx context.Context, name string, payload []byte, qos byte, retain bool) error {
	return b.PublishPacket(ctx, &mqtt.Publish{QoS: qos, Retain: retain, Topic: []byte(name), Payload: payload})
}

// PublishPacket is Publish with properties, whose topic alias and subscription identifiers are not looked at.
func (b *Broker) PublishPacket(ctx context.Context, p *mqtt.Publish) error {
	name := string(p.Topic)
	if err := topic.CheckName(name); err != nil {
		return err
	}
	if p.QoS > 2 {
		return errors.New("QoS is 0, 1 or 2")
	}
	if p.Retain && len(p.Payload) > 0 {
		if r := b.retainRoom(name, "", "", p); r != nil {
			return r
		}
	}
	op := b.message(p, "", "")
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
