package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tsunagi/internal/mqtt"
)

// link is one connection after its CONNACK. The reader (Run's goroutine) and the writer live as long as it.
type link struct {
	c         *Client
	conn      net.Conn
	in        *packetReader
	version   mqtt.Version
	connack   *mqtt.Connack
	keepAlive time.Duration // 0: off
	window    int           // QoS 1 and 2 messages that may be open
	maxPacket int           // bytes that the server takes, 0: no limit

	aliasesIn  []string          // by alias; the reader's
	topic      string            // of the last message received; the reader's
	aliasesOut map[uint16]string // the writer's

	writing sync.Mutex      // held to write; before Client.mu
	batch   batch           // what is being written; guarded by writing
	direct  syscall.RawConn // the socket itself, nil where bytes go through TLS or frames
	wrote   atomic.Int64    // when something was written last, Unix ns

	got   []*Message    // read and not handed on yet, for OnMessages; the reader's
	acks  []mqtt.Ack    // of got, the same place; Type 0: none
	bytes int           // of the payloads of got
	pace  pacer         // the reader's
	work  chan struct{} // wakes the writer
	over  chan struct{} // closed when reading has ended
	busy  atomic.Bool   // the reader is with a message: silence is not the server's, DISCONNECT waits for the answer
	quiet atomic.Bool   // DISCONNECT is on its way: what still comes in is not looked at

	// Under Client.mu:
	answers []byte     // acknowledgements to be written
	ready   readyBytes // what PublishLater has encoded
	room    *sync.Cond // answers have been taken, or the link failed
	bye     *mqtt.Disconnect
	cause   error // why it failed, when it wasn't the reader who saw it
}

const (
	maxAnswers   = 256 << 10       // bytes of acknowledgements; beyond it reading waits for the writer
	maxBatch     = 64 << 10        // bytes after which a write begins, if the last message doesn't cross it
	lastWords    = time.Second     // for a DISCONNECT of the server to be read after a write has failed
	leaveTimeout = 2 * time.Second // for DISCONNECT to be written and the server to close
)

// serve attaches l to its client, reads until the connection ends and says why it did.
func (l *link) serve(ctx context.Context) error {
	l.c.attach(l)
	if l.c.o.OnConnect != nil {
		l.c.o.OnConnect(l.connack)
	}
	stop := context.AfterFunc(ctx, l.depart)
	defer stop()
	if l.c.leaving(ctx) { // Disconnect came before there was a link to tell
		l.depart()
	}
	var writer sync.WaitGroup
	writer.Go(func() { // ends when over is closed or a write fails
		err := l.writeLoop()
		l.abandon()
		if err != nil {
			l.fail(err)
		}
	})
	err := l.ending(l.readLoop())
	l.refuse(err)
	l.conn.Close()
	close(l.over)
	writer.Wait()
	l.c.detach(l)
	return err
}

// ending is why the link ends: what the reader saw, unless the writer failed before it; but what the server says
// itself counts most.
func (l *link) ending(err error) error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if _, told := errors.AsType[*ServerError](err); l.cause == nil || told {
		l.cause = err
	}
	return l.cause
}

// fail ends the link, which the reader notices. It may still read what the server said before it closed.
func (l *link) fail(err error) {
	l.c.mu.Lock()
	if l.cause == nil {
		l.cause = err
	}
	l.room.Broadcast()
	l.c.mu.Unlock()
	l.conn.SetReadDeadline(time.Now().Add(lastWords))
}

// refuse tells a server of 5.0 which of its packets was wrong, as well as the socket takes it at once.
func (l *link) refuse(err error) {
	reason, ours := errors.AsType[mqtt.Reason](err)
	_, theirs := errors.AsType[*ServerError](err)
	if !ours || theirs || l.version != mqtt.V5 {
		return
	}
	d := mqtt.Disconnect{Reason: reason}
	l.conn.SetWriteDeadline(time.Now().Add(leaveTimeout))
	l.conn.Write(d.Append(nil, l.version)) // the connection ends either way
}

// depart has DISCONNECT written behind the acknowledgement of the message at hand, and the connection closed; by force
// if that takes too long.
func (l *link) depart() {
	c := l.c
	c.mu.Lock()
	if l.bye == nil {
		l.bye = &mqtt.Disconnect{}
		if c.leave != nil {
			l.bye = c.leave
		}
		l.quiet.Store(true)
		time.AfterFunc(leaveTimeout, func() { l.conn.Close() })
	}
	c.wake()
	l.room.Broadcast()
	c.mu.Unlock()
}

// readLoop handles packets until one is wrong or the connection ends. Messages that came together are handed on
// together, before it waits for more.
func (l *link) readLoop() error {
	for {
		f, whole, err := l.in.cut()
		if err != nil {
			return errors.Join(l.handOn(), err)
		}
		if !whole {
			n := len(l.got)
			if err := l.handOn(); err != nil {
				return err
			}
			l.pace.wait(n)
			if err := l.in.fill(); err != nil {
				return l.unread(err)
			}
			continue
		}
		if l.quiet.Load() {
			continue
		}
		if f.Type() != mqtt.PUBLISH {
			if err := l.handOn(); err != nil {
				return err
			}
		}
		if err := l.handle(f); err != nil {
			return errors.Join(l.handOn(), err)
		}
	}
}

// unread says why nothing could be read.
func (l *link) unread(err error) error {
	if errors.Is(err, io.EOF) {
		return closedBy(l.c.to.host)
	}
	return fmt.Errorf("reading from %s: %w", l.c.to.host, err)
}

// handle is the server's turn. Packets that only clients send are protocol errors.
func (l *link) handle(f mqtt.Frame) error {
	switch f.Type() {
	case mqtt.PUBLISH:
		return l.receive(f)
	case mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBCOMP, mqtt.PUBREL:
		var a mqtt.Ack
		if err := mqtt.DecodeAck(&a, f, l.version); err != nil {
			return err
		}
		if a.Type == mqtt.PUBREL {
			return l.release(&a)
		}
		return l.acknowledged(&a)
	case mqtt.SUBACK, mqtt.UNSUBACK:
		s, err := mqtt.DecodeSuback(f, l.version)
		if err != nil {
			return err
		}
		return l.answered(s)
	case mqtt.PINGRESP:
		return mqtt.DecodePing(f, l.version)
	case mqtt.DISCONNECT:
		if l.version == mqtt.V5 {
			return l.dismissed(f)
		}
	}
	return fmt.Errorf("%w: a packet of type %d from the server", mqtt.ProtocolError, f.Type())
}

// dismissed reads why the server ends the connection.
func (l *link) dismissed(f mqtt.Frame) error {
	d, err := mqtt.DecodeDisconnect(f, l.version)
	if err != nil {
		return err
	}
	return &ServerError{Packet: mqtt.DISCONNECT, Reason: d.Reason, ReasonString: d.ReasonString,
		ServerReference: d.ServerReference, UserProps: d.UserProps}
}

// answer queues an acknowledgement, and waits while the writer is far behind.
func (l *link) answer(a *mqtt.Ack) error {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(l.answers) > maxAnswers && l.cause == nil && l.bye == nil {
		l.room.Wait()
	}
	l.answers = a.Append(l.answers, l.version)
	c.wake()
	return nil
}
