package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// receiver counts what arrives. All but count belongs to its goroutine until that has ended.
type receiver struct {
	*link
	run     *run
	index   int
	count   atomic.Int64
	streams []stream // by publisher
	latency histogram
	batch   struct {
		now     time.Duration
		count   int64
		credits []int64 // messages of each publisher in this batch
		from    []int   // publishers that have some
	}
}

// stream is what has come of one publisher's messages to one receiver.
type stream struct {
	next    uint64              // the number that is due
	missing map[uint64]struct{} // numbers below next that have not come
	doubled uint64
	late    uint64 // came after a later one
}

// maxMissing bounds what is remembered of holes; past it, lateness is taken for loss and doubling.
const maxMissing = 1 << 20

// saw notes a number.
func (s *stream) saw(n uint64) {
	if n == s.next {
		s.next++
		return
	}
	if n < s.next {
		if _, ok := s.missing[n]; ok {
			delete(s.missing, n)
			s.late++
		} else {
			s.doubled++
		}
		return
	}
	if s.missing == nil {
		s.missing = make(map[uint64]struct{})
	}
	for i := s.next; i < n && len(s.missing) < maxMissing; i++ {
		s.missing[i] = struct{}{}
	}
	s.next = n + 1
}

// lost is the number of messages that never came, of those that were sent.
func (s *stream) lost(sent uint64) uint64 { return sent - min(s.next, sent) + uint64(len(s.missing)) }

var errForeign = errors.New("a message that is not of this run: is somebody else using the broker?")

// listen reads messages until the connection ends.
func (r *receiver) listen() error { return r.read(r.handle, r.done) }

func (r *receiver) handle(f mqtt.Frame) error {
	switch f.Type() {
	case mqtt.PUBLISH:
		return r.message(f)
	case mqtt.PUBREL:
		if len(f.Body) < 2 {
			return errForeign
		}
		r.ack(mqtt.PUBCOMP, binary.BigEndian.Uint16(f.Body)) // nobody else writes here
	case mqtt.DISCONNECT:
		return fmt.Errorf("the broker disconnected a receiver: %x", f.Body)
	}
	return nil
}

// message takes a PUBLISH apart as far as it is needed.
func (r *receiver) message(f mqtt.Frame) error {
	body := f.Body
	if len(body) < 2 {
		return errForeign
	}
	at := 2 + int(binary.BigEndian.Uint16(body))
	qos := f.First >> 1 & 3
	if qos > 0 {
		if at+2 > len(body) {
			return errForeign
		}
		id := binary.BigEndian.Uint16(body[at:])
		at += 2
		if qos == 1 {
			r.ack(mqtt.PUBACK, id)
		} else {
			r.ack(mqtt.PUBREC, id)
		}
	}
	if r.version == mqtt.V5 {
		if at >= len(body) || body[at] > 0x7F {
			return errForeign
		}
		at += 1 + int(body[at])
	}
	if len(body)-at != r.run.o.size {
		return errForeign
	}
	payload := body[at:]
	from := int(binary.BigEndian.Uint32(payload[atPublisher:]))
	if from >= len(r.streams) {
		return errForeign
	}
	r.streams[from].saw(binary.BigEndian.Uint64(payload[atNumber:]))
	b := &r.batch
	if b.now == 0 {
		b.now = r.run.now()
	}
	if r.run.measuring.Load() {
		r.latency.add(b.now - time.Duration(binary.BigEndian.Uint64(payload[atTime:])))
	}
	b.count++
	if b.credits[from] == 0 {
		b.from = append(b.from, from)
	}
	b.credits[from]++
	return nil
}

// done ends a batch: the acknowledgements go out, and the publishers may go on.
func (r *receiver) done() error {
	if err := r.flush(); err != nil {
		return err
	}
	b := &r.batch
	r.count.Add(b.count)
	b.now, b.count = 0, 0
	for _, from := range b.from {
		n := b.credits[from]
		b.credits[from] = 0
		if err := r.run.publishers[from].arrivedMore(n); err != nil { // the publisher's connection
			return err
		}
	}
	b.from = b.from[:0]
	return nil
}
