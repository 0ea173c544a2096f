package bench

import (
	"encoding/binary"
	"fmt"
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

	arrived atomic.Int64 // copies that have arrived, or were given up
	acked   atomic.Int64 // messages acknowledged; equal to sent at QoS 0

	sent    atomic.Int64 // guarded by mu for changes
	numbers []uint64     // sent in each stream; guarded by mu
}

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
	if p.qos > 0 {
		back = min(back, p.acked.Load())
	}
	return p.window - (p.sent.Load() - back)
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
		binary.BigEndian.PutUint16(packet[t.id:], uint16((sent-1)%0xFFFF)+1)
	}
	payload := packet[t.payload:]
	binary.BigEndian.PutUint32(payload[atPublisher:], uint32(p.index))
	binary.BigEndian.PutUint64(payload[atNumber:], p.numbers[t.receiver])
	binary.BigEndian.PutUint64(payload[atTime:], uint64(now))
	p.numbers[t.receiver]++
}

// listen reads acknowledgements until the connection ends.
func (p *publisher) listen() error {
	acked := int64(0)
	var releases []uint16
	return p.read(func(f mqtt.Frame) error {
		switch f.Type() {
		case mqtt.PUBACK, mqtt.PUBCOMP:
			acked++
		case mqtt.PUBREC:
			if len(f.Body) < 2 {
				return fmt.Errorf("a PUBREC without identifier")
			}
			releases = append(releases, binary.BigEndian.Uint16(f.Body))
		case mqtt.DISCONNECT:
			return fmt.Errorf("the broker disconnected a publisher: %x", f.Body)
		}
		return nil
	}, func() error {
		if len(releases) > 0 {
			p.mu.Lock()
			for _, id := range releases {
				p.ack(mqtt.PUBREL, id)
			}
			err := p.flush()
			p.mu.Unlock()
			releases = releases[:0]
			if err != nil {
				return err
			}
		}
		if acked > 0 {
			p.acked.Add(acked)
			acked = 0
			return p.send()
		}
		return nil
	})
}

// arrivedMore counts copies in and sends on when a whole message has arrived.
func (p *publisher) arrivedMore(n int64) error {
	after := p.arrived.Add(n)
	if p.copies > 1 && after/p.copies == (after-n)/p.copies {
		return nil
	}
	return p.send()
}
