package broker

import (
	"errors"
	"fmt"
	"runtime/debug"

	"tsunagi/internal/mqtt"
)

// Handle decodes and carries out all complete packets at the start of buf: rooms 2 to 5. It returns how many bytes it
// has used; the rest is the beginning of a packet and must come again with more behind it. Clients whose outboxes were
// touched are in t, and the caller flushes them. buf may be used again when Handle returns.
//
// With an error the connection ends: flush first, the outbox holds the DISCONNECT that tells a 5.0 client why, then
// close and call Gone with the error. Handle may wait for the store when publishers are faster than it.
func (c *Client) Handle(buf []byte, t *Turn) (n int, err error) {
	if c.finished {
		return 0, c.seldom().ended
	}
	defer func() {
		if r := recover(); r != nil { // our own fault: it ends this client, not the process
			c.b.log.Error("handling a packet panicked", "client", c.s.id, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = errPanic
			c.farewell(mqtt.UnspecifiedError, "", t)
		}
		c.bytesIn.Add(uint64(n))
		if c.memo.m == &t.match {
			c.memo = memo{}
		}
		if err != nil {
			c.finished, c.seldom().ended = true, err
		}
	}()
	t.warmed = 0
	for n < len(buf) {
		if c.gone.Load() {
			return n, ErrDisconnected
		}
		if buf[n] == byte(mqtt.PUBLISH)<<4 {
			if used := c.run(buf[n:], t); used > 0 {
				n += used
				continue
			}
		}
		if shortAck(&t.ack, buf[n:]) {
			c.carryOut(&t.ack, t)
			n += shortAckSize
			continue
		}
		f, err := mqtt.Cut(buf[n:], int(c.maxIn))
		if errors.Is(err, mqtt.ErrShort) {
			return n, nil
		}
		if err == nil {
			err = c.dispatch(f, buf[n:n+f.Size], t)
		}
		if err != nil {
			return n, c.fail(err, t)
		}
		n += f.Size
	}
	return n, nil
}

// fail ends the connection for a reason: 5.0 clients are told [MQTT-4.13.1-1], older ones just closed.
func (c *Client) fail(err error, t *Turn) error {
	if errors.Is(err, ErrDisconnected) {
		return err
	}
	r := mqtt.ReasonOf(err)
	if r == mqtt.UnspecifiedError {
		if errors.Is(err, ErrStoreFull) {
			r = mqtt.QuotaExceeded
		} else if errors.Is(err, ErrStoreFailed) {
			r = mqtt.ServerShuttingDown
		}
	}
	c.farewell(r, err.Error(), t)
	c.event(Event{Kind: "refused", Gate: "packet", Reason: r, Cause: err.Error()})
	return err
}

// dispatch carries out one packet. raw is all of it.
func (c *Client) dispatch(f mqtt.Frame, raw []byte, t *Turn) error {
	switch f.Type() {
	case mqtt.PUBLISH:
		return c.publish(f, raw, t)
	case mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBREL, mqtt.PUBCOMP:
		return c.acknowledge(f, t)
	case mqtt.SUBSCRIBE:
		p, err := mqtt.DecodeSubscribe(f, c.version)
		if err != nil {
			return err
		}
		return c.subscribe(p, t)
	case mqtt.UNSUBSCRIBE:
		p, err := mqtt.DecodeUnsubscribe(f, c.version)
		if err != nil {
			return err
		}
		return c.unsubscribe(p, t)
	case mqtt.PINGREQ:
		if err := mqtt.DecodePing(f, c.version); err != nil {
			return err
		}
		t.small = mqtt.AppendPing(t.small[:0], mqtt.PINGRESP)
		c.answer(t.small, t) // [MQTT-3.12.4-1]
		return nil
	case mqtt.DISCONNECT:
		p, err := mqtt.DecodeDisconnect(f, c.version)
		if err != nil {
			return err
		}
		return c.disconnect(p)
	case mqtt.CONNECT:
		return &Refusal{mqtt.ProtocolError, "a second CONNECT on one connection"} // [MQTT-3.1.0-2]
	case mqtt.AUTH:
		return &Refusal{mqtt.ProtocolError, "AUTH without an authentication method in CONNECT"} // [MQTT-4.12.0-6]
	default:
		return &Refusal{mqtt.ProtocolError, "a packet that only servers send"}
	}
}

// acknowledge carries out the packets of the QoS 1 and 2 handshakes.
func (c *Client) acknowledge(f mqtt.Frame, t *Turn) error {
	if err := mqtt.DecodeAck(&t.ack, f, c.version); err != nil {
		return err
	}
	c.carryOut(&t.ack, t)
	return nil
}

func (c *Client) carryOut(a *mqtt.Ack, t *Turn) {
	switch a.Type {
	case mqtt.PUBACK:
		c.puback(a, t)
	case mqtt.PUBREC:
		c.pubrec(a, t)
	case mqtt.PUBREL:
		c.pubrel(a, t)
	default:
		c.pubcomp(a, t)
	}
}

// shortAckSize is the size of an acknowledgement that says nothing but its packet identifier, in bytes.
const shortAckSize = 4

// shortAck decodes such an acknowledgement at the start of buf, as nearly all are in any version; false leaves the
// packet to the general way, also with what is wrong with it.
func shortAck(a *mqtt.Ack, buf []byte) bool {
	if len(buf) < shortAckSize || buf[1] != shortAckSize-2 {
		return false
	}
	switch buf[0] {
	case byte(mqtt.PUBACK) << 4, byte(mqtt.PUBREC) << 4, byte(mqtt.PUBREL)<<4 | 0x02, byte(mqtt.PUBCOMP) << 4:
	default:
		return false
	}
	id := uint16(buf[2])<<8 | uint16(buf[3])
	*a = mqtt.Ack{Type: mqtt.Type(buf[0] >> 4), PacketID: id}
	return id != 0
}
