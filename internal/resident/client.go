// Package resident is a client of a broker inside of this process: a connection without a socket, in 5.0. Bridges,
// webhooks and the history keep persistent sessions by it, whose stored queues are theirs.
package resident

import (
	"context"
	"errors"
	"sync"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
)

// Options of Connect.
type Options struct {
	Who      string // what this client is called in errors: "the bridge"
	ClientID string
	User     string
	Rights   broker.Rights
	Inner    bool   // it counts against no bound of connections
	Remote   string // for lists and logs
	Via      string
	Window   int // QoS 1 and 2 messages that may be open towards it
}

// Client is one connection. Next, Fetch and Raw are one goroutine's; the other methods may be called from many.
type Client struct {
	*broker.Client
	Wake  chan struct{} // holds one: the outbox has something
	Ended chan struct{} // closed when the broker wants the connection to end
	Raw   []byte        // read from the outbox and not cut into packets yet

	who   string
	once  sync.Once
	cause error // set before Ended is closed

	mu   sync.Mutex  // makes Handle one at a time
	turn broker.Turn // guarded by mu
	gone bool        // guarded by mu
}

// ErrLeft is the answer to packets after Leave.
var ErrLeft = errors.New("the connection has ended")

// Connect makes a session that never expires, or takes it up again; present says which.
func Connect(ctx context.Context, b *broker.Broker, o Options) (c *Client, present bool, err error) {
	c = &Client{Wake: make(chan struct{}, 1), Ended: make(chan struct{}), who: o.Who}
	c.Client, err = b.Connect(ctx, &broker.ConnectRequest{
		Packet: &mqtt.Connect{Version: mqtt.V5, ClientID: []byte(o.ClientID), SessionExpiry: mqtt.SessionForever, HasSessionExpiry: true,
			ReceiveMaximum: uint16(o.Window), RequestProblem: true},
		Identity: broker.Identity{User: o.User, Rights: o.Rights, Inner: o.Inner}, Remote: o.Remote, Via: o.Via, Link: link{c},
	})
	if err != nil {
		return nil, false, fault.Wrap(fault.HereRefuses, err)
	}
	f, err := c.Next(ctx, nil)
	if err == nil && f.Type() != mqtt.CONNACK {
		err = fault.Wrap(fault.HereRefuses, errors.New("it did not answer with CONNACK"))
	}
	var a *mqtt.Connack
	if err == nil {
		a, err = mqtt.DecodeConnack(f, mqtt.V5)
	}
	if err != nil {
		c.Leave(err)
		return nil, false, err
	}
	return c, a.SessionPresent, nil
}

// link is the connection as the broker sees it.
type link struct{ c *Client }

func (l link) Flush() {
	select {
	case l.c.Wake <- struct{}{}:
	default:
	}
}

func (l link) Close(cause error) { l.c.End(cause) }

// End wakes who waits for the broker, with a cause.
func (c *Client) End(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.Ended)
	})
}

// Cause is why the broker, or End, ended the connection; valid when Ended is closed.
func (c *Client) Cause() error { return c.cause }

// Why is Cause in words.
func (c *Client) Why() error {
	return fault.Wrap(fault.HereEnded, c.cause)
}

// Chunk is how much is taken out of the outbox at a time, in bytes.
const Chunk = 64 << 10

// Fetch takes bytes out of the outbox; more says that some are left there.
func (c *Client) Fetch() (more bool) {
	room := Chunk
	_ = c.Outbox().Flush(func(parts [][]byte) (n int, err error) { // our function never fails
		for _, p := range parts {
			k := min(len(p), room)
			c.Raw = append(c.Raw, p[:k]...)
			n, room = n+k, room-k
			if room == 0 {
				break
			}
		}
		return n, nil
	})
	return c.Outbox().Len() > 0
}

// Next waits for a packet of a wanted type (nil: any); others are left out, for a session that will be taken up again.
// The frame is valid until the next call.
func (c *Client) Next(ctx context.Context, wanted func(mqtt.Type) bool) (mqtt.Frame, error) {
	for {
		f, err := mqtt.Cut(c.Raw, 0)
		switch {
		case err == nil && (wanted == nil || wanted(f.Type())):
			c.Raw = c.Raw[f.Size:]
			return f, nil
		case err == nil && f.Type() == mqtt.DISCONNECT:
			return f, c.Dismissed(f)
		case err == nil:
			c.Raw = c.Raw[f.Size:]
			continue
		case !errors.Is(err, mqtt.ErrShort):
			return f, err
		}
		if before := len(c.Raw); c.Fetch() || len(c.Raw) > before {
			continue
		}
		select {
		case <-c.Wake:
		case <-c.Ended:
			return mqtt.Frame{}, c.Why()
		case <-ctx.Done():
			return mqtt.Frame{}, ctx.Err()
		}
	}
}

// Dismissed reads from a DISCONNECT why the instance ends the connection.
func (c *Client) Dismissed(f mqtt.Frame) error {
	d, err := mqtt.DecodeDisconnect(f, mqtt.V5)
	if err != nil {
		return err
	}
	if d.ReasonString != "" {
		return fault.Wrap(fault.HereEnded, errors.New(d.ReasonString))
	}
	return fault.Wrap(fault.HereEnded, d.Reason)
}

// Send hands packets to the instance. It may wait for the store.
func (c *Client) Send(packets []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return ErrLeft
	}
	_, err := c.Handle(packets, &c.turn)
	c.turn.Flush()
	return err
}

// Ack acknowledges a QoS 1 message.
func (c *Client) Ack(packetID uint16) error {
	return c.Send((&mqtt.Ack{Type: mqtt.PUBACK, PacketID: packetID}).Append(nil, mqtt.V5))
}

// Leave ends the connection; the session stays.
func (c *Client) Leave(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		c.gone = true
		c.Gone(cause)
	}
}
