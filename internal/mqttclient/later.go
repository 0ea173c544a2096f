package mqttclient

import (
	"time"

	"tsunagi/internal/mqtt"
)

// Waiter hears what became of a message of PublishLater, as done of PublishAsync does: from any goroutine, once.
type Waiter interface{ Finish(err error) }

// readyBytes are QoS 0 messages that are encoded and wait for the next write. Client.mu guards them.
type readyBytes struct {
	buf     []byte
	waiters []Waiter
	bytes   int // on the books of the outbox
}

func (r *readyBytes) moveTo(b *batch) {
	if len(r.waiters) == 0 {
		return
	}
	if len(b.buf) == 0 {
		b.buf, r.buf = r.buf, b.buf
	} else {
		b.buf = append(b.buf, r.buf...)
		r.buf = r.buf[:0]
	}
	b.waiters, r.waiters = r.waiters, b.waiters[:0]
	b.bytes, r.bytes = r.bytes, 0
	if cap(r.buf) > 4*maxBatch {
		r.buf = nil
	}
}

// PublishLater is PublishAsync for who publishes many messages in a row and calls Flush behind them. The payload may be
// used again when it returns. w hears the answer; with an error PublishLater has done nothing.
func (c *Client) PublishLater(m *Message, w Waiter) error {
	c.mu.Lock()
	if done, err := c.encodeNow(m, w); done || err != nil {
		c.mu.Unlock()
		return err
	}
	c.mu.Unlock()
	own := *m
	own.Payload = append([]byte(nil), m.Payload...)
	_, err := c.queueUp(&own, w.Finish, false)
	return err
}

// plainPayload is the length in bytes up to which a payload fits a packet without properties, whatever its topic.
const plainPayload = mqtt.MaxRemaining - 0xFFFF - 64

// encodeNow makes bytes of a plain QoS 0 message, if nothing waits that it would overtake. It is called under mu.
func (c *Client) encodeNow(m *Message, w Waiter) (done bool, err error) {
	l := c.link
	if l == nil || c.over || m.QoS != 0 || m.TopicAlias != 0 || l.bye != nil || len(c.out.queue) > 0 || len(c.out.again) > 0 ||
		m.Retain && l.connack.RetainUnavailable || m.needsProperties() {
		return false, nil
	}
	if m.Topic == "" || m.Topic != c.checked || len(m.Payload) > plainPayload {
		if err := m.validate(); err != nil {
			return false, err
		}
		c.checked = m.Topic
	}
	size := len(m.Topic) + len(m.Payload) + 16
	if l.maxPacket > 0 && size > l.maxPacket {
		return false, nil
	}
	if c.out.bytes > 0 && c.out.bytes+size > c.out.maxBytes || len(l.ready.waiters) >= c.out.maxMessages {
		return false, ErrOutboxFull
	}
	p := mqtt.Publish{Topic: []byte(m.Topic), Retain: m.Retain, Payload: m.Payload}
	l.ready.buf = p.Append(l.ready.buf, l.version)
	l.ready.waiters = append(l.ready.waiters, w)
	l.ready.bytes += size
	c.out.bytes += size
	c.out.writing++
	return true, nil
}

// needsProperties says whether m carries more than version 3.1.1 can say.
func (m *Message) needsProperties() bool {
	return m.PayloadFormat != 0 || m.HasExpiry || m.ResponseTopic != "" || m.Correlation != nil || m.ContentType != "" || len(m.UserProps) > 0
}

// Flush writes what waits, as far as the socket takes it at once; what it doesn't take is written by the client's own
// goroutine. It never waits. The waiters of the messages that are written are appended to sent instead of being called.
func (c *Client) Flush(sent []Waiter) []Waiter {
	c.mu.Lock()
	l := c.link
	if l == nil {
		c.mu.Unlock()
		return sent
	}
	if l.direct == nil || l.bye != nil || !l.writing.TryLock() {
		c.wake()
		c.mu.Unlock()
		return sent
	}
	c.mu.Unlock()
	defer l.writing.Unlock()
	return l.flushNow(sent)
}

// flushNow is Flush, when nobody else writes.
func (l *link) flushNow(sent []Waiter) []Waiter {
	b := &l.batch
	if b.left {
		l.wakeWriter()
		return sent
	}
	l.collect(b)
	n := 0
	if len(b.buf) > 0 && !b.last {
		n = l.tryWrite(b.buf)
	}
	if n < len(b.buf) {
		b.buf, b.left = b.buf[n:], true
		l.wakeWriter()
		return sent
	}
	if n == 0 {
		return sent
	}
	more := n >= maxBatch
	l.wrote.Store(time.Now().UnixNano())
	l.written(b)
	sent = append(sent, b.waiters...)
	for _, m := range b.sent {
		m.finish(nil)
	}
	b.done()
	if more {
		l.wakeWriter()
	}
	return sent
}

func (l *link) wakeWriter() {
	select {
	case l.work <- struct{}{}:
	default:
	}
}
