package mqttclient

import (
	"fmt"
	"net"
	"time"

	"tsunagi/internal/mqtt"
)

// batch is what one write carries.
type batch struct {
	buf    []byte
	sent   []*outgoing // QoS 0: done when it is written
	failed []failure   // can't be sent on this connection
	last   bool        // buf ends with DISCONNECT
}

type failure struct {
	m   *outgoing
	err error
}

// writeLoop writes what there is to write and pings when there is nothing. It ends with nil when the link is over.
func (l *link) writeLoop() error {
	var b batch
	var tick <-chan time.Time
	wrote, pinged := time.Now(), time.Time{}
	if l.keepAlive > 0 {
		t := time.NewTicker(l.keepAlive / 4)
		defer t.Stop()
		tick = t.C
	}
	for {
		l.collect(&b)
		if len(b.buf) > 0 {
			if err := l.flush(&b); err != nil {
				return err
			}
			wrote = time.Now()
			continue
		}
		select {
		case <-l.work:
		case <-l.over:
			return nil
		case <-tick:
			ping, err := l.pulse(wrote, pinged)
			if err != nil {
				return err
			}
			if ping {
				pinged = time.Now()
				l.conn.SetWriteDeadline(pinged.Add(l.c.o.WriteTimeout))
				if _, err := l.conn.Write(mqtt.AppendPing(nil, mqtt.PINGREQ)); err != nil {
					return fmt.Errorf("writing to %s: %w", l.c.to.host, err)
				}
				wrote = pinged
			}
		}
	}
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
	*b = batch{buf: b.buf[:0], sent: b.sent[:0], failed: b.failed[:0]}
	if cap(b.buf) > 4*maxBatch {
		b.buf = nil
	}
	c := l.c
	c.mu.Lock()
	b.buf = append(b.buf, l.answers...)
	l.answers = l.answers[:0]
	l.room.Broadcast()
	if l.bye != nil {
		if b.last = !l.busy.Load(); b.last {
			b.buf = l.bye.Append(b.buf, l.version)
		}
	} else {
		b.buf = c.takeRequestsFor(l, b.buf)
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
	l.conn.SetWriteDeadline(time.Now().Add(l.c.o.WriteTimeout))
	_, err := l.conn.Write(b.buf)
	c := l.c
	c.mu.Lock()
	for _, m := range b.sent {
		c.out.forget(m)
	}
	c.settle()
	c.mu.Unlock()
	answer := err
	if err != nil {
		err = fmt.Errorf("writing to %s: %w", l.c.to.host, err)
		answer = fmt.Errorf("%w (%w)", ErrConnectionLost, err)
	}
	for _, m := range b.sent {
		m.finish(answer)
	}
	clear(b.sent)
	if err != nil || !b.last {
		return err
	}
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	<-l.over
	return net.ErrClosed
}
