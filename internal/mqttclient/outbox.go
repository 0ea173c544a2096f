package mqttclient

import (
	"slices"

	"tsunagi/internal/mqtt"
)

// outgoing is a message on its way to the server.
type outgoing struct {
	packet   mqtt.Publish
	size     int         // bytes that it holds in memory
	seq      uint64      // order of publishing
	released bool        // QoS 2: PUBREC has come, PUBREL is what would be repeated
	done     func(error) // called once, without a lock
}

func (m *outgoing) finish(err error) {
	if m.done != nil {
		m.done(err)
	}
}

// outbox holds what has been published until the server has it. Client.mu guards it.
type outbox struct {
	queue       []*outgoing          // not sent yet, in order
	sent        map[uint16]*outgoing // QoS 1 and 2 by packet id, sent and not acknowledged
	again       []*outgoing          // of sent: to be repeated on this connection, in order
	writing     int                  // QoS 0 messages in the hands of the writer
	bytes       int                  // of all of them
	seq         uint64
	maxMessages int  // of queue
	maxBytes    int  // of all; one larger message is taken when nothing else is there
	online      bool // nothing may wait while the connection is away
}

func newOutbox(o *Options) outbox {
	b := outbox{sent: map[uint16]*outgoing{}, maxMessages: o.OutboxMessages, maxBytes: o.OutboxBytes}
	if o.OutboxMessages < 0 {
		b.maxMessages, b.online = defaultOutboxMessages, true
	}
	return b
}

func (b *outbox) empty() bool { return len(b.queue) == 0 && len(b.sent) == 0 && b.writing == 0 }

// add queues m, or says ErrOutboxFull.
func (b *outbox) add(m *outgoing) error {
	if len(b.queue) >= b.maxMessages || b.bytes > 0 && b.bytes+m.size > b.maxBytes {
		return ErrOutboxFull
	}
	b.seq++
	m.seq = b.seq
	b.bytes += m.size
	b.queue = append(b.queue, m)
	return nil
}

// next takes the message that is to be sent now, when window QoS 1 and 2 messages may be open; nil: none.
func (b *outbox) next(window int, newID func() uint16) *outgoing {
	open := len(b.sent) - len(b.again)
	if len(b.again) > 0 {
		if open >= window {
			return nil
		}
		m := b.again[0]
		b.again = b.again[1:]
		m.packet.Dup = true // [MQTT-3.3.1-1]
		return m
	}
	if len(b.queue) > 0 {
		m := b.queue[0]
		if m.packet.QoS == 0 {
			b.pop()
			b.writing++
			return m
		}
		if open >= window { // a later message of QoS 0 doesn't overtake it
			return nil
		}
		id := newID()
		if id == 0 {
			return nil
		}
		b.pop()
		m.packet.PacketID = id
		b.sent[id] = m
		return m
	}
	return nil
}

func (b *outbox) pop() {
	b.queue[0] = nil
	b.queue = b.queue[1:]
	if len(b.queue) == 0 {
		b.queue = nil
	}
}

// forget drops m, which next has given, from the books.
func (b *outbox) forget(m *outgoing) {
	b.bytes -= m.size
	if m.packet.QoS == 0 {
		b.writing--
		return
	}
	delete(b.sent, m.packet.PacketID)
}

// acked takes the message with packet id out; nil when there is none of that QoS.
func (b *outbox) acked(id uint16, qos byte) *outgoing {
	m := b.sent[id]
	if m == nil || m.packet.QoS != qos {
		return nil
	}
	if i := slices.Index(b.again, m); i >= 0 { // answered before it was repeated
		b.again = slices.Delete(b.again, i, i+1)
	}
	b.forget(m)
	return m
}

// inOrder are the sent messages as they were published.
func (b *outbox) inOrder() []*outgoing {
	all := make([]*outgoing, 0, len(b.sent))
	for _, m := range b.sent {
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y *outgoing) int {
		if x.seq < y.seq {
			return -1
		}
		return 1
	})
	return all
}

// resume prepares repeating what is open with the ids it had [MQTT-4.4.0-1]; it returns the ids whose PUBREL is due.
func (b *outbox) resume() (releases []uint16) {
	b.again = nil
	for _, m := range b.inOrder() {
		if m.released {
			releases = append(releases, m.packet.PacketID)
		} else {
			b.again = append(b.again, m)
		}
	}
	return releases
}

// restart prepares sending what is open as new messages, for the server has forgotten the session. Those that it had
// confirmed to have (PUBREC) are returned: they are done.
func (b *outbox) restart() (done []*outgoing) {
	var queue []*outgoing
	for _, m := range b.inOrder() {
		if m.released {
			done = append(done, m)
			b.bytes -= m.size
			continue
		}
		m.packet.Dup, m.packet.PacketID = false, 0
		queue = append(queue, m)
	}
	clear(b.sent)
	b.again = nil
	b.queue = append(queue, b.queue...)
	return done
}

// takeWaiting empties the queue.
func (b *outbox) takeWaiting() []*outgoing {
	all := b.queue
	for _, m := range all {
		b.bytes -= m.size
	}
	b.queue = nil
	return all
}

// withdraw takes m out if it has not been sent.
func (b *outbox) withdraw(m *outgoing) {
	if i := slices.Index(b.queue, m); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
		b.bytes -= m.size
	}
}

// takeAll empties the outbox.
func (b *outbox) takeAll() []*outgoing {
	all := b.inOrder()
	for _, m := range all {
		b.forget(m)
	}
	b.again = nil
	return append(all, b.takeWaiting()...)
}
