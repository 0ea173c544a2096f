package mqttclient

import (
	"fmt"
	"net"
	"time"

	"tsunagi/internal/mqtt"
)

// batch is what one write carries.
type batch struct {
	buf     []byte
	left    bool        // the beginning was written by Flush; buf is the rest
	sent    []*outgoing // QoS 0: done when it is written
	waiters []Waiter    // of PublishLater, the same
	bytes   int         // that their messages hold
	failed  []failure   // can't be sent on this connection
	last    bool        // buf ends with DISCONNECT
}

type failure struct {
	m   *outgoing
	err error
}

// writeLoop writes what there is to write and pings when there is nothing. It ends with nil when the link is over.
func (l *link) writeLoop() error {
	var tick <-chan time.Time
	pinged := time.Time{}
	l.wrote.Store(time.Now().UnixNano())
	if l.keepAlive > 0 {
		t := time.NewTicker(l.keepAlive / 4)
		defer t.Stop()
		tick = t.C
	}
	for {
		wrote, err := l.writeBatch()
		if err != nil {
			return err
		}
		if wrote {
			continue
		}
		select {
		case <-l.work:
		case <-l.over:
			return nil
		case <-tick:
			ping, err := l.pulse(time.Unix(0, l.wrote.Load()), pinged)
			if err != nil {
				return err
			}
			if ping {
				pinged = time.Now()
				if err := l.ping(); err != nil {
					return err
				}
			}
		}
	}
}

func (l *link) ping() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.batch.left { // in the middle of a packet; the rest of it serves as well
		return nil
	}
	return l.write(mqtt.AppendPing(nil, mqtt.PINGREQ))
}

// write waits until the socket has taken b, WriteTimeout at most.
func (l *link) write(b []byte) error {
	now := time.Now()
	l.conn.SetWriteDeadline(now.Add(l.c.o.WriteTimeout))
	if _, err := l.conn.Write(b); err != nil {
		return fmt.Errorf("writing to %s: %w", l.c.to.host, err)
	}
	l.wrote.Store(now.UnixNano())
	if l.direct != nil {
		l.conn.SetWriteDeadline(time.Time{}) // Flush never waits
	}
	return nil
}

// writeBatch writes what may be written now, and says whether there was anything.
func (l *link) writeBatch() (wrote bool, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	b := &l.batch
	if !b.left {
		l.collect(b)
	}
	if len(b.buf) == 0 {
		return false, nil
	}
	return true, l.flush(b)
}

// pulse decides on a PINGREQ: when nothing was written for most of the keep-alive time [MQTT-3.1.2-20], or nothing
// read, so that a dead connection shows even to who only publishes. A ping without any answer ends the connection.
func (l *link) pulse(wrote, pinged time.Time) (ping bool, err error) {
	heard := time.Unix(0, l.in.heard.Load())
	now := time.Now()
	due := l.keepAlive * 3 / 4
	if pinged.After(heard) { // waiting for an answer
		if l.busy.Load() || now.Sub(pinged) < due {
			return now.Sub(wrote) >= due, nil
		}
		return false, ErrNoAnswer
	}
	return now.Sub(wrote) >= due || now.Sub(heard) >= due, nil
}

// collect fills b with what may be sent now: answers, requests, then messages while the window lets them. Messages
// that this server can't be sent fail here.
func (l *link) collect(b *batch) {
	*b = batch{buf: b.buf[:0], sent: b.sent[:0], waiters: b.waiters[:0], failed: b.failed[:0]}
	if cap(b.buf) > 4*maxBatch {
		b.buf = nil
	}
	c := l.c
	c.mu.Lock()
	if len(l.answers) > 0 {
		b.buf = append(b.buf, l.answers...)
		l.answers = l.answers[:0]
		l.room.Broadcast()
	}
	if l.bye != nil {
		if b.last = !l.busy.Load(); b.last {
			b.buf = l.bye.Append(b.buf, l.version)
		}
	} else {
		b.buf = c.takeRequestsFor(l, b.buf)
		l.ready.moveTo(b)
		l.collectMessages(b)
	}
	c.settle()
	c.mu.Unlock()
	for _, f := range b.failed {
		f.m.finish(f.err)
	}
}

func (l *link) collectMessages(b *batch) {
	out := &l.c.out
	for len(b.buf) < maxBatch {
		m := out.next(l.window, l.c.newID)
		if m == nil {
			return
		}
		var err error
		b.buf, err = l.encode(b.buf, m)
		switch {
		case err != nil:
			out.forget(m)
			b.failed = append(b.failed, failure{m, err})
		case m.packet.QoS == 0:
			b.sent = append(b.sent, m)
		}
	}
}

// flush writes b. After DISCONNECT it only waits for the server to close [MQTT-3.14.4-1]: closing at once could make the
// kernel throw away what the server has not read yet.
func (l *link) flush(b *batch) error {
	err := l.write(b.buf)
	answer := err
	if err != nil {
		answer = fmt.Errorf("%w (%w)", ErrConnectionLost, err)
	}
	l.written(b)
	for _, w := range b.waiters {
		w.Finish(answer)
	}
	for _, m := range b.sent {
		m.finish(answer)
	}
	b.done()
	if err != nil || !b.last {
		return err
	}
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	<-l.over
	return net.ErrClosed
}

// written takes what b carried off the books.
func (l *link) written(b *batch) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range b.sent {
		c.out.forget(m)
	}
	c.out.writing -= len(b.waiters)
	c.out.bytes -= b.bytes
	c.settle()
}

// done forgets what b carried.
func (b *batch) done() {
	clear(b.sent)
	clear(b.waiters)
	b.buf, b.sent, b.waiters, b.bytes, b.left = b.buf[:0], b.sent[:0], b.waiters[:0], 0, false
}

// abandon ends what could not be written, when the writer has ended.
func (l *link) abandon() {
	l.writing.Lock()
	defer l.writing.Unlock()
	b := &l.batch
	l.written(b)
	for _, w := range b.waiters {
		w.Finish(ErrConnectionLost)
	}
	for _, m := range b.sent {
		m.finish(ErrConnectionLost)
	}
	b.done()
}
