package broker

// sendOp stores the identifier of a QoS 2 message and sends it.
type sendOp struct {
	s  *Session
	id uint16
}

func (o *sendOp) size() int     { return 64 }
func (o *sendOp) grows() growth { return growsNot }

func (o *sendOp) prepare(p *plan) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if sl := o.s.out.at(o.id); !o.s.ended && sl != nil && sl.state == slotStoring && o.s.persistent.Load() {
		p.packet(o.s, Outgoing, o.id, sentPacket(sl.ref))
	}
}

func (o *sendOp) done(t *Turn, err error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.out.at(o.id)
	if s.ended || sl == nil || sl.state != slotStoring {
		return
	}
	c := s.client.Load()
	if c != nil {
		c.closed(sl) // until it is sent
	}
	if err != nil {
		s.unsend(o.id, sl)
		return
	}
	sl.state = slotWaiting
	if c == nil {
		return
	}
	b := sl.ref.b
	if b == nil {
		b = sl.ref.m.body.Load()
	}
	if b != nil && len(s.resend) == 0 && c.open < c.window && c.sendBody(b, sl.ref, o.id, t) == sentBody {
		c.opened(sl)
		sl.ref.b, sl.ref.flag = nil, sl.ref.flag&^refFresh
		sl.state = slotSent2
		return
	}
	s.resend = append(s.resend, o.id)
	s.pump(c, t)
}

// unsend takes back what could not be stored. Callers hold s.mu.
func (s *Session) unsend(id uint16, sl *slot) {
	r := sl.ref
	s.out.free(id)
	if r.g != nil {
		r.g.mu.Lock()
		defer r.g.mu.Unlock()
		r.g.unpop(r)
		return
	}
	r.flag = r.flag&^refFresh | refListed // later ones may have been sent
	s.queue.unpop(r)
	s.queueBytes += r.m.size
}

// releaseOp makes PUBREC durable, then PUBREL goes out.
type releaseOp struct {
	s  *Session
	id uint16
}

func (o *releaseOp) size() int     { return 64 }
func (o *releaseOp) grows() growth { return growsNot }

func (o *releaseOp) prepare(p *plan) {
	if o.s.live() {
		p.packet(o.s, Outgoing, o.id, []byte{stateVersion, packetReleased})
		o.s.cursorOf(p, o.id)
	}
}

// cursorOf has the cursor written that says about the message under an identifier: the session's, or its group's.
func (s *Session) cursorOf(p *plan, id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl := s.out.at(id); sl != nil && sl.ref.g != nil {
		sl.ref.g.mu.Lock()
		sl.ref.g.untake(sl.ref)
		sl.ref.g.mu.Unlock()
		p.cursor(sl.ref.g)
		return
	}
	p.cursor(s)
}

func (o *releaseOp) done(t *Turn, err error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.out.at(o.id)
	if s.ended || sl == nil || sl.state != slotReleasing {
		return
	}
	if err != nil { // it is asked for again by sending the message once more
		sl.state = slotSent2
		return
	}
	s.release(o.id, sl, t)
}

// closeOp removes the state of an outgoing identifier.
type closeOp struct {
	s  *Session
	id uint16
}

func (o *closeOp) size() int     { return 64 }
func (o *closeOp) grows() growth { return growsNot }

func (o *closeOp) prepare(p *plan) {
	if o.s.live() {
		p.packet(o.s, Outgoing, o.id, nil)
		o.s.cursorOf(p, o.id)
	}
}

func (o *closeOp) done(t *Turn, err error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.out.at(o.id)
	if s.ended || sl == nil || sl.state != slotClosing {
		return
	}
	if err != nil { // the client is asked to complete it once more when it comes again
		sl.state = slotReleased
		return
	}
	r := sl.ref
	s.out.free(o.id)
	if r.m != nil {
		s.forget(r)
	}
	if c := s.client.Load(); c != nil {
		s.more(c, t)
	}
}

// live says whether the session's state is still kept in the store.
func (s *Session) live() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended && s.persistent.Load()
}
