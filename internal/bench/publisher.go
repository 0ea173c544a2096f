package bench

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// The beginning of every payload, big endian: which publisher, which number in the stream to this receiver, when sent
// (ns of the run's clock).
const (
	atPublisher = 0
	atNumber    = 4
	atTime      = 12
)

// target is one topic of a publisher, with the packet that is sent to it.
type target struct {
	packet   []byte
	id       int // where the packet identifier is; 0: none
	payload  int // where the payload is
	receiver int // the stream that its messages are numbered in
}

// publisher keeps a window of messages on their way. Whoever sees one arrive, or acknowledged, calls send.
type publisher struct {
	*link
	run     *run
	index   int
	qos     byte
	window  int64
	copies  int64 // arrivals of one message
	targets []target
	next    int // of targets

	byAcks  bool         // who receives is away: the window counts acknowledgements alone
	paced   bool         // no more is sent than allowed
	allowed atomic.Int64 // by the rate
	arrived atomic.Int64 // copies that have arrived, or were given up
	acked   atomic.Int64 // messages acknowledged; equal to sent at QoS 0

	sent    atomic.Int64 // guarded by mu for changes
	numbers []uint64     // sent in each stream; guarded by mu

	sentAt  []atomic.Int64 // when each open message was sent, by packet identifier; nil at QoS 0
	latency histogram      // of acknowledgements; belongs to listen until that has ended
}

// newPublisher makes a publisher that begins at the topic first.
func newPublisher(l *link, r *run, index, copies int, targets []target, first, streams int) *publisher {
	o := r.o
	p := &publisher{link: l, run: r, index: index, qos: byte(o.qos), window: int64(o.window), copies: int64(copies), targets: targets,
		next: first, numbers: make([]uint64, streams), byAcks: o.absent, paced: o.rate > 0}
	if o.qos > 0 {
		p.sentAt = make([]atomic.Int64, 2<<bits.Len(uint(o.window)))
	}
	return p
}

// slot is where the time of a message is kept. Those that are open have identifiers in a row, so no two share one.
func (p *publisher) slot(id uint16) *atomic.Int64 { return &p.sentAt[int(id)&(len(p.sentAt)-1)] }

func newTarget(name string, o *options, receiver int) target {
	p := mqtt.Publish{Topic: []byte(name), QoS: byte(o.qos), PacketID: 1, Payload: make([]byte, o.size)}
	for i := minSize; i < o.size; i++ {
		p.Payload[i] = byte(i)
	}
	t := target{packet: p.Append(nil, o.protocol()), receiver: receiver}
	t.payload = len(t.packet) - o.size
	if o.qos > 0 {
		t.id = t.payload - 2
		if o.protocol() == mqtt.V5 {
			t.id-- // the length of no properties
		}
	}
	return t
}

// open is the number of messages that may still be sent. The caller holds mu.
func (p *publisher) open() int64 {
	back := p.arrived.Load() / p.copies
	if p.byAcks {
		back = p.acked.Load()
	} else if p.qos > 0 {
		back = min(back, p.acked.Load())
	}
	sent := p.sent.Load()
	n := p.window - (sent - back)
	if p.paced {
		n = min(n, p.allowed.Load()-sent)
	}
	return n
}

// send fills the window. It is called from many goroutines.
func (p *publisher) send() error {
	if p.run.stopped.Load() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.open()
	if n <= 0 {
		return nil
	}
	now := p.run.now()
	for range n {
		p.add(now)
	}
	return p.flush()
}

// add builds the next message. The caller holds mu.
func (p *publisher) add(now time.Duration) {
	t := &p.targets[p.next]
	if p.next++; p.next == len(p.targets) {
		p.next = 0
	}
	start := len(p.out)
	p.out = append(p.out, t.packet...)
	packet := p.out[start:]
	sent := p.sent.Add(1)
	if t.id > 0 {
		id := uint16((sent-1)%0xFFFF) + 1
		binary.BigEndian.PutUint16(packet[t.id:], id)
		p.slot(id).Store(int64(now))
	}
	payload := packet[t.payload:]
	binary.BigEndian.PutUint32(payload[atPublisher:], uint32(p.index))
	binary.BigEndian.PutUint64(payload[atNumber:], p.numbers[t.receiver])
	binary.BigEndian.PutUint64(payload[atTime:], uint64(now))
	p.numbers[t.receiver]++
}

// listen reads acknowledgements until the connection ends.
func (p *publisher) listen() error {
	var b ackBatch
	return p.read(func(f mqtt.Frame) error { return p.handle(&b, f) }, func() error { return p.handled(&b) })
}

// ackBatch is what was read at once.
type ackBatch struct {
	acked    int64
	releases []uint16
	now      time.Duration
}

func (p *publisher) handle(b *ackBatch, f mqtt.Frame) error {
	if f.Type() == mqtt.DISCONNECT {
		return fmt.Errorf("the broker disconnected a publisher: %x", f.Body)
	}
	if len(f.Body) < 2 {
		return fmt.Errorf("an acknowledgement without identifier")
	}
	id := binary.BigEndian.Uint16(f.Body)
	switch f.Type() {
	case mqtt.PUBACK, mqtt.PUBCOMP:
		if len(f.Body) > 2 && f.Body[2] >= 0x80 {
			return fmt.Errorf("the broker refused a message: %w", mqtt.Reason(f.Body[2]))
		}
		b.acked++
		if p.run.measuring.Load() {
			if b.now == 0 {
				b.now = p.run.now()
			}
			p.latency.add(b.now - time.Duration(p.slot(id).Load()))
		}
	case mqtt.PUBREC:
		if len(f.Body) > 2 && f.Body[2] >= 0x80 {
			return fmt.Errorf("the broker refused a message: %w", mqtt.Reason(f.Body[2]))
		}
		b.releases = append(b.releases, id)
	}
	return nil
}

// handled ends a batch: releases go out, and the window may have opened.
func (p *publisher) handled(b *ackBatch) error {
	b.now = 0
	if len(b.releases) > 0 {
		p.mu.Lock()
		for _, id := range b.releases {
			p.ack(mqtt.PUBREL, id)
		}
		err := p.flush()
		p.mu.Unlock()
		b.releases = b.releases[:0]
		if err != nil {
			return err
		}
	}
	if b.acked == 0 {
		return nil
	}
	p.acked.Add(b.acked)
	b.acked = 0
	return p.send()
}

// reopen opens the window again when nothing has come back since the last look, at which done had: the messages are
// taken for lost, and shown so at the end. It returns what has come back now.
func (p *publisher) reopen(done int64) int64 {
	now, sent := p.arrived.Load(), p.sent.Load()
	if p.byAcks {
		now = p.acked.Load() * p.copies
	}
	if now == done && now < sent*p.copies {
		if !p.byAcks {
			p.arrived.Store(sent * p.copies)
		}
		p.acked.Store(sent)
		p.run.ended(p.send())
	}
	return now
}

// arrivedMore counts copies in and sends on when a whole message has arrived.
func (p *publisher) arrivedMore(n int64) error {
	after := p.arrived.Add(n)
	if p.copies > 1 && after/p.copies == (after-n)/p.copies {
		return nil
	}
	return p.send()
}
