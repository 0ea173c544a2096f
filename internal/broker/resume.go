package broker

import (
	"cmp"
	"fmt"
	"slices"

	"tsunagi/internal/mqtt"
)

// resume has everything sent again that was open when the last connection ended [MQTT-4.4.0-1]: the releases at once,
// the messages as the window allows, both in the order in which they went out first. Callers hold s.mu.
func (s *Session) resume(c *Client, t *Turn) {
	s.resend = s.resend[:0]
	for i := range s.out.slots {
		s.out.slots[i].open = false
		switch s.out.slots[i].state {
		case slotSent1, slotSent2, slotWaiting, slotReleased:
			s.resend = append(s.resend, uint16(i+1))
		}
	}
	slices.SortFunc(s.resend, func(a, b uint16) int {
		return cmp.Compare(s.out.slots[a-1].order, s.out.slots[b-1].order)
	})
	s.resend = slices.DeleteFunc(s.resend, func(id uint16) bool {
		sl := s.out.at(id)
		if sl.state != slotReleased {
			sl.state = slotWaiting
			return false
		}
		c.sendAck(mqtt.PUBREL, id, mqtt.Success, t)
		return true
	})
	s.pump(c, t)
}

// sendAgain sends the first of what waits to be sent again, with its identifier and DUP [MQTT-3.3.1-1]. Callers hold
// s.mu.
func (s *Session) sendAgain(c *Client, t *Turn) bool {
	id := s.resend[0]
	sl := s.out.at(id)
	if sl == nil || sl.state != slotWaiting {
		s.resend = s.resend[1:]
		return true
	}
	b := sl.ref.b
	if b == nil {
		b = sl.ref.m.body.Load()
	}
	if b == nil {
		s.load()
		return false
	}
	if c.open >= c.window {
		return false
	}
	// A topic that is denied now ends here; what began at QoS 2 is completed all the same. Expiry is for what has not
	// been sent yet [MQTT-3.3.2-5] [MQTT-4.3.3-7].
	if sl.ref.qos < 2 && !c.mayReceive(b.topic) {
		s.finish(id, sl)
		s.resend = s.resend[1:]
		return true
	}
	r := sl.ref
	if r.flag&refFresh == 0 {
		r.flag |= refDup
	}
	switch c.sendBody(b, r, id, t) {
	case noRoom:
		return false
	case tooLarge:
		s.finish(id, sl)
		s.resend = s.resend[1:]
		return true
	}
	if c.opened(sl); r.qos == 2 {
		sl.state = slotSent2
	} else {
		sl.state = slotSent1
	}
	sl.ref.b, sl.ref.flag = nil, sl.ref.flag&^refFresh
	s.resend = s.resend[1:]
	return true
}

// finish settles what an identifier stands for and frees it; for stored QoS 2, once that is durable. Callers hold s.mu.
func (s *Session) finish(id uint16, sl *slot) {
	r := sl.ref
	if c := s.client.Load(); c != nil {
		c.closed(sl)
	}
	if r.qos == 2 && s.persistent.Load() {
		s.closePacket(id, sl)
		return
	}
	s.out.free(id)
	if r.m != nil {
		s.forget(r)
	}
}

// load has bodies read back that memory has let go. Callers hold s.mu.
func (s *Session) load() {
	if !s.loading {
		s.loading = true
		go s.fetch() // ends when it has read once
	}
}

// fetchAtOnce is how many bodies a session reads back at a time.
const fetchAtOnce = 64

// fetch reads the bodies at the front of what waits, and goes on sending.
func (s *Session) fetch() {
	k := s.b.commit
	k.reads <- struct{}{}
	wanted := s.wanted()
	err := s.b.readBodies(wanted)
	<-k.reads
	s.mu.Lock()
	s.loading = false
	s.place(wanted)
	var t Turn
	c := s.client.Load()
	if c != nil && err == nil {
		s.pump(c, &t)
	}
	s.mu.Unlock()
	t.Flush()
	if err != nil {
		s.b.log.Error("stored messages of a client can't be read", "client", s.id, "error", err)
		if c != nil {
			c.Expel(mqtt.ServerUnavailable, "the server can't read the messages that are stored for this client")
		}
	}
}

// front calls yield for the references that are sent next, until it says false. Callers hold s.mu.
func (s *Session) front(yield func(*ref) bool) {
	for _, id := range s.resend {
		if sl := s.out.at(id); sl != nil && sl.ref.m != nil && !yield(&sl.ref) {
			return
		}
	}
	for i := range s.queue.len() {
		if !yield(s.queue.at(i)) {
			return
		}
	}
}

// wanted is a message that is to be read back.
type wanted struct {
	m  *message
	at uint64
	b  *body
}

// wanted lists the messages to read, in the order of the log.
func (s *Session) wanted() []wanted {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []wanted
	s.front(func(r *ref) bool {
		if r.b == nil && r.m.offset != 0 {
			if b := r.m.body.Load(); b != nil {
				r.b = b
			} else {
				list = append(list, wanted{m: r.m, at: r.m.at.Load()})
			}
		}
		return len(list) < fetchAtOnce
	})
	slices.SortFunc(list, func(x, y wanted) int { return cmp.Compare(x.at, y.at) })
	return list
}

// readBodies fills in the bodies of a list in the order of the log.
func (b *Broker) readBodies(list []wanted) error {
	if len(list) == 0 {
		return nil
	}
	offsets := make([]uint64, 0, len(list))
	for _, w := range list {
		offsets = append(offsets, w.at)
	}
	var bad error
	err := b.commit.store.ReadAt(b.id, slices.Compact(offsets), func(r Record) bool {
		var o *body
		if o, bad = readRecord(append([]byte(nil), r.Message...), &b.clock); bad != nil {
			return false
		}
		for i := range list {
			if list[i].at == r.Offset {
				o.expires = list[i].m.until
				list[i].b = o
			}
		}
		return true
	})
	if err == nil {
		err = bad
	}
	for _, w := range list {
		if err == nil && w.b == nil && w.m.at.Load() == w.at { // else it was carried forward meanwhile
			err = fmt.Errorf("%w: the log has no message at offset %d", ErrStoreCorrupt, w.at)
		}
	}
	return err
}

// place puts what was read to the references that wait for it. Callers hold s.mu.
func (s *Session) place(list []wanted) {
	n := 0
	s.front(func(r *ref) bool {
		for i := range list {
			if r.b == nil && list[i].m == r.m {
				r.b = list[i].b
			}
		}
		n++
		return n < 2*fetchAtOnce
	})
}
