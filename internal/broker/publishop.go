package broker

import "tsunagi/internal/mqtt"

// submit hands an accepted message to the committer. kept is not 0 for a QoS 0 message that has gone to its receivers
// already: only its retained copy is to be kept, at that place in the order of retained messages. One of QoS 0 with 0 is
// for the session that keeps everything; see Options.KeepQoS0.
func (c *Client) submit(p *mqtt.Publish, m *match, kept uint64, t *Turn) error {
	b := c.b
	now := int64(0)
	if p.Props.HasExpiry {
		now = b.clock.ms()
	}
	lifted := p.QoS == 0 && kept == 0
	if lifted {
		q := *p
		q.QoS, p = 1, &q
	}
	msg, rec := newMessage(m.topic, p, c.s.id, c.user, b.clock.now(), now)
	op := &publishOp{b: b, c: c, s: c.s, m: msg, rec: rec, topic: msg.body.Load().topic, qos: p.QoS, id: p.PacketID,
		retain: p.Retain, clear: len(p.Payload) == 0, routed: kept != 0, lifted: lifted}
	op.aged = b.age(m.topic, p, c.s.id, c.user)
	op.place(kept)
	switch {
	case lifted:
	case p.QoS == 1:
		c.unacked.Add(1)
	case p.QoS == 2:
		c.s.setIn(p.PacketID, inStoring)
	}
	if p.Retain && p.QoS == 0 { // nothing is promised: who subscribes now must get it, as its receivers did
		op.keep()
	}
	op.ask()
	c.pending.Add(1)
	return b.commit.submit(op, t)
}

// publishOp is an accepted message that waits for the committer. What it stores is decided when the batch is built:
// the order of the operations is the order in which things happen.
type publishOp struct {
	b      *Broker
	c      *Client  // who waits for the acknowledgement; nil: nobody
	s      *Session // who has published; nil: the server
	m      *message
	rec    []byte
	topic  string
	then   func(error) // told the outcome; nil: nobody
	aged   *aged       // what is retained instead of m; nil: m
	with   operation   // done in the same batch; nil: nothing
	id     uint16
	qos    byte
	retain bool
	clear  bool // the payload is empty: the retained message goes
	routed bool // receivers have it already
	asked  bool // counted in retAsked
	lifted bool // came with QoS 0: nobody waits for an answer
}

// ask counts a retained message against the bounds of the plan until it is kept; see retainRoom.
func (o *publishOp) ask() {
	if !o.retain || o.clear || o.routed {
		return
	}
	_, had := o.b.retained.Get(o.topic)
	if l := o.b.limits.Load(); !had && (l.RetainedMessages > 0 || l.RetainedBytes > 0) {
		o.asked = true
		o.b.retAsked.add(o.topic, o.m.size)
	}
}

// unask is called once: from here on the message counts as retained, or not at all.
func (o *publishOp) unask() {
	if o.asked {
		o.b.retAsked.done(o.topic)
	}
}

func (o *publishOp) size() int { return len(o.rec) + 256 }
func (o *publishOp) grows() growth {
	if o.m.offset != 0 || o.retain && !o.clear {
		return growsMessages
	}
	return growsNot
}

func (o *publishOp) prepare(p *plan) {
	o.m.offset = 0
	if o.qos > 0 && !o.routed && o.b.matchOf(o.topic, &p.match).stored {
		o.m.offset = p.log(o.b, o.rec)
	}
	p.match.forget()
	if o.retain {
		switch {
		case o.clear:
			p.retain(o.b, o.topic, nil)
		case o.aged != nil:
			p.retain(o.b, o.topic, o.aged.rec)
		default:
			p.retain(o.b, o.topic, o.rec)
		}
	}
	if o.qos == 2 && o.s != nil && o.s.live() {
		p.packet(o.s, Incoming, o.id, []byte{stateVersion, packetReceived})
	}
	if o.with != nil {
		o.with.prepare(p)
	}
}

func (o *publishOp) done(t *Turn, err error) {
	if o.c != nil {
		defer o.c.pending.Add(-1)
	}
	if o.then != nil {
		defer func() { o.then(err) }()
	}
	if o.with != nil {
		defer o.with.done(t, err)
	}
	if err != nil {
		o.unask()
		if o.lifted { // to who is there it goes all the same
			o.m.offset = 0
			o.route(o.b.matchOf(o.topic, &t.match), t, liftedLost)
		}
		o.fail(err, t)
		return
	}
	if o.retain && !o.routed { // before it is routed: who subscribes from now on gets it from the one or the other
		o.place(o.b.retOrder.Add(1))
	}
	m := o.b.matchOf(o.topic, &t.match)
	if !o.routed {
		how := liftedNot
		if o.lifted {
			how = liftedKept
		}
		o.route(m, t, how)
	}
	if o.retain {
		o.keep()
	}
	o.unask() // before the answer: who has it may replace the message at once
	o.answer(reached(m), t)
}

// route hands the message to its receivers; if it is stored it is owed to those that are persistent until they have
// acknowledged it.
func (o *publishOp) route(m *match, t *Turn, how lifted) {
	b := o.b
	if o.m.offset != 0 {
		o.m.at.Store(o.m.offset)
		b.backlog.add(o.m)
		b.commit.bodies.add(o.m)
	}
	t.out.fromBody(o.m, o.m.body.Load(), m, o.s)
	t.out.lifted = how
	b.route(&t.out, t)
	if o.m.offset != 0 {
		b.backlog.settle(o.m)
		b.backlog.routed.Store(o.m.offset)
	}
}

// place gives the retained message its place in their order, before anybody else sees it.
func (o *publishOp) place(kept uint64) {
	o.m.kept = kept
	if o.aged != nil {
		o.aged.m.kept = kept
	}
}

// keep sets or clears the topic's retained message.
func (o *publishOp) keep() {
	if had := o.b.keepRetained(o.retainedCopy(), o.topic, o.clear); !had && !o.clear && Command(o.topic) {
		o.commandKept()
	}
}

// retainedCopy is the message for the retained index, whose body is never let go and whose claims aren't counted.
func (o *publishOp) retainedCopy() *message {
	if o.aged != nil {
		return o.aged.m
	}
	if o.m.offset == 0 {
		return o.m
	}
	m := &message{size: o.m.size, kept: o.m.kept}
	b, err := readRecord(o.rec, &o.b.clock)
	if err != nil {
		b = &body{topic: o.topic} // can't be: it has just been encoded
	}
	b.expires = o.m.until
	m.body.Store(b)
	return m
}

// answer acknowledges the message to its publisher, if that connection still stands; a QoS 2 identifier belongs to the
// session and is answered on whatever connection it has now.
func (o *publishOp) answer(r mqtt.Reason, t *Turn) {
	switch {
	case o.c == nil || o.lifted:
	case o.qos == 1:
		o.c.unacked.Add(-1)
		o.c.sendAck(mqtt.PUBACK, o.id, r, t)
	case o.qos == 2:
		o.s.setIn(o.id, inReceived)
		if c := o.s.client.Load(); c != nil {
			c.sendAck(mqtt.PUBREC, o.id, r, t)
		}
	}
}

// fail tells the publisher that its message was not kept. Nobody has received it, but for QoS 0.
func (o *publishOp) fail(err error, t *Turn) {
	r := storeRefusal(err)
	e := Event{Kind: "refused", Topic: o.topic, Gate: "store", Reason: r.Reason, Cause: r.Words}
	if o.c == nil {
		o.b.event(e)
		return
	}
	o.c.event(e)
	switch {
	case o.lifted:
		return
	case o.qos == 1:
		o.c.unacked.Add(-1)
	case o.qos == 2:
		o.s.setIn(o.id, 0)
	default:
		return
	}
	if o.b.commit.Err() != nil { // nothing is said any more
		return
	}
	if err := o.c.refuseID(o.qos, o.id, r, t); err != nil {
		o.c.link.Close(err)
	}
}
