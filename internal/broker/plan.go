package broker

import (
	"encoding/binary"
	"slices"
)

// plan is a batch while the committer builds it.
type plan struct {
	k       *Committer
	batch   Batch
	next    uint64     // offset of the next record
	cursors []keeper   // whose cursors are written
	match   match      // of a topic that isn't cached, reused
	opened  []pinWrite // instances that begin to need the log with this batch
}

type pinWrite struct {
	instance string
	offset   uint64 // 0: the instance needs nothing of the log
}

func (p *plan) reset(next uint64) {
	b := &p.batch
	for _, s := range p.cursors {
		*s.planned() = false
	}
	clear(b.Log)
	clear(b.Retained)
	clear(b.Sessions)
	clear(b.Subscriptions)
	clear(b.Cursors)
	clear(b.Packets)
	clear(p.cursors)
	*b = Batch{ // Owed is false again
		Log: b.Log[:0], Retained: b.Retained[:0], Sessions: b.Sessions[:0], Subscriptions: b.Subscriptions[:0],
		Cursors: b.Cursors[:0], Packets: b.Packets[:0],
	}
	p.next, p.cursors, p.opened = next, p.cursors[:0], p.opened[:0]
}

func (p *plan) empty() bool {
	b := &p.batch
	return len(b.Log)+len(b.Retained)+len(b.Sessions)+len(b.Subscriptions)+len(b.Cursors)+len(b.Packets) == 0
}

// log appends a record and says its offset.
func (p *plan) log(b *Broker, message []byte) uint64 {
	at := p.next
	p.next++
	p.batch.Log = append(p.batch.Log, Record{Offset: at, Instance: b.id, Message: message})
	if !p.k.pinned(b.id) && !slices.ContainsFunc(p.opened, func(w pinWrite) bool { return w.instance == b.id }) {
		p.pin(b.id, at)
	}
	return at
}

// pin writes from where on an instance needs the log.
func (p *plan) pin(instance string, at uint64) {
	p.opened = append(p.opened, pinWrite{instance, at})
	var state []byte
	if at != 0 {
		state = binary.AppendUvarint([]byte{stateVersion}, at)
	}
	p.batch.Sessions = append(p.batch.Sessions, SessionWrite{Instance: pinInstance, Client: instance, State: state})
}

// pinInstance is the name under which the committer keeps, for each instance that needs the log, from where on.
const pinInstance = ""

func (p *plan) retain(b *Broker, topic string, message []byte) {
	p.batch.Retained = append(p.batch.Retained, RetainedWrite{b.id, topic, message})
}

// retains says whether the plan has a retained message or its removal for a topic already.
func (p *plan) retains(instance, topic string) bool {
	return slices.ContainsFunc(p.batch.Retained, func(w RetainedWrite) bool { return w.Instance == instance && w.Topic == topic })
}

func (p *plan) session(s *Session, state []byte) {
	p.batch.Sessions = append(p.batch.Sessions, SessionWrite{s.b.id, s.id, state})
}

func (p *plan) subscription(s *Session, filter string, state []byte) {
	p.batch.Subscriptions = append(p.batch.Subscriptions, SubscriptionWrite{s.b.id, s.id, filter, state})
}

func (p *plan) packet(s *Session, d Direction, id uint16, state []byte) {
	p.batch.Packets = append(p.batch.Packets, PacketWrite{s.b.id, s.id, d, id, state})
}

// cursor has the cursor of s written with this batch, once, as it is when the batch is complete.
func (p *plan) cursor(s keeper) {
	if in := s.planned(); !*in {
		*in = true
		p.cursors = append(p.cursors, s)
	}
}

// close adds the cursors.
func (p *plan) close() {
	for _, s := range p.cursors {
		*s.planned() = false
		if state := s.takeCursor(); state != nil {
			b, client := s.name()
			p.batch.Cursors = append(p.batch.Cursors, CursorWrite{b.id, client, state})
		}
	}
}

// keep notes what is durable now; undo what is not.
func (p *plan) keep() {
	p.k.setPins(p.opened)
	p.cursors = p.cursors[:0]
}

func (p *plan) undo() {
	for _, s := range p.cursors {
		b, _ := s.name()
		b.cursors.touch(s, false)
	}
	p.cursors = p.cursors[:0]
}
