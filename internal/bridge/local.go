package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// local is the bridge's client on its own instance: a connection without a socket, in 5.0.
type local struct {
	client *broker.Client
	wake   chan struct{} // the outbox has something
	ended  chan struct{} // closed when the broker wants the connection to end
	once   sync.Once
	cause  error // set before ended is closed

	mu   sync.Mutex  // makes Handle one at a time: reader and writer of a pair both have something to say
	turn broker.Turn // guarded by mu
	gone bool        // guarded by mu

	raw []byte // read from the outbox and not cut into packets yet; the writer's
}

// Flush implements broker.Link: it wakes who reads the outbox.
func (l *local) Flush() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close implements broker.Link.
func (l *local) Close(cause error) {
	l.once.Do(func() {
		l.cause = cause
		close(l.ended)
	})
}

// connectLocal makes the session of a bridge, or takes it up again; present says which. At most window QoS 1 and 2
// messages will be open towards it.
func connectLocal(ctx context.Context, b *broker.Broker, rights broker.Rights, id, remote string, window int) (l *local, present bool, err error) {
	l = &local{wake: make(chan struct{}, 1), ended: make(chan struct{})}
	l.client, err = b.Connect(ctx, &broker.ConnectRequest{
		Packet: &mqtt.Connect{Version: mqtt.V5, ClientID: []byte(LocalID(id)), SessionExpiry: mqtt.SessionForever, HasSessionExpiry: true,
			ReceiveMaximum: uint16(window), RequestProblem: true},
		Identity: broker.Identity{User: User, Rights: rights}, Remote: remote, Via: "bridge", Link: l,
	})
	if err != nil {
		return nil, false, fmt.Errorf("this instance refuses the bridge: %w", err)
	}
	f, err := l.next(ctx, nil)
	if err == nil && f.Type() != mqtt.CONNACK {
		err = errors.New("this instance did not answer with CONNACK")
	}
	var a *mqtt.Connack
	if err == nil {
		a, err = mqtt.DecodeConnack(f, mqtt.V5)
	}
	if err != nil {
		l.leave(err)
		return nil, false, err
	}
	return l, a.SessionPresent, nil
}

// chunk is how much is taken out of the outbox at a time, in bytes.
const chunk = 64 << 10

// fetch takes bytes out of the outbox; more says that some are left there.
func (l *local) fetch() (more bool) {
	room := chunk
	_ = l.client.Outbox().Flush(func(parts [][]byte) (n int, err error) { // our function never fails
		for _, p := range parts {
			k := min(len(p), room)
			l.raw = append(l.raw, p[:k]...)
			n, room = n+k, room-k
			if room == 0 {
				break
			}
		}
		return n, nil
	})
	return l.client.Outbox().Len() > 0
}

// next waits for a packet of a wanted type (nil: any); others are left out, for a session that will be taken up again.
// The frame is valid until the next call.
func (l *local) next(ctx context.Context, wanted func(mqtt.Type) bool) (mqtt.Frame, error) {
	for {
		f, err := mqtt.Cut(l.raw, 0)
		switch {
		case err == nil && (wanted == nil || wanted(f.Type())):
			l.raw = l.raw[f.Size:]
			return f, nil
		case err == nil && f.Type() == mqtt.DISCONNECT:
			return f, dismissed(f)
		case err == nil:
			l.raw = l.raw[f.Size:]
			continue
		case !errors.Is(err, mqtt.ErrShort):
			return f, err
		}
		before := len(l.raw)
		if l.fetch() || len(l.raw) > before {
			continue
		}
		select {
		case <-l.wake:
		case <-l.ended:
			return mqtt.Frame{}, l.why()
		case <-ctx.Done():
			return mqtt.Frame{}, ctx.Err()
		}
	}
}

// dismissed reads why the instance ends the connection.
func dismissed(f mqtt.Frame) error {
	d, err := mqtt.DecodeDisconnect(f, mqtt.V5)
	if err != nil {
		return err
	}
	if d.ReasonString != "" {
		return fmt.Errorf("this instance ended the bridge's connection: %s", d.ReasonString)
	}
	return fmt.Errorf("this instance ended the bridge's connection: %w", d.Reason)
}

func (l *local) why() error {
	return fmt.Errorf("this instance ended the bridge's connection: %w", l.cause)
}

// handle hands packets to the instance. It may wait for the store.
func (l *local) handle(packets []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return errClosed
	}
	_, err := l.client.Handle(packets, &l.turn)
	l.turn.Flush()
	return err
}

// leave ends the connection; the session stays.
func (l *local) leave(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gone {
		l.gone = true
		l.client.Gone(cause)
	}
}

var errClosed = errors.New("the bridge's connection has ended")

// subscribe brings the session's subscriptions to what the lines say; granted waits for the answer. most is the highest
// QoS; replay has the retained messages sent.
func (l *local) subscribe(b *broker.Broker, lines []Topic, most byte, replay bool) error {
	list := localFilters(lines)
	wanted := map[string]bool{}
	for i := range list {
		wanted[string(list[i].Filter)] = true
		if list[i].QoS = min(list[i].QoS, most); !replay {
			list[i].RetainHandling = 2
		}
	}
	var stale [][]byte
	if info, ok := b.Session(l.client.ID()); ok {
		for _, f := range info.Subscriptions {
			if !wanted[f] {
				stale = append(stale, []byte(f))
			}
		}
	}
	var packets []byte
	if len(stale) > 0 {
		packets = (&mqtt.Unsubscribe{PacketID: subscribeID - 1, Filters: stale}).Append(packets, mqtt.V5)
	}
	if len(list) > 0 {
		packets = (&mqtt.Subscribe{PacketID: subscribeID, Filters: list}).Append(packets, mqtt.V5)
	}
	return l.handle(packets)
}

// forget releases what the instance remembers of QoS 2 messages of a remote session that is no more: its identifiers
// begin anew. The connection is of no use after it, for what it was sent meanwhile is left out.
func (l *local) forget(ctx context.Context) error {
	for ids := l.client.Incoming(); len(ids) > 0; ids = l.client.Incoming() {
		var packets []byte
		for _, id := range ids {
			packets = (&mqtt.Ack{Type: mqtt.PUBREL, PacketID: id}).Append(packets, mqtt.V5)
		}
		if err := l.handle(packets); err != nil {
			return err
		}
		for range ids {
			if _, err := l.next(ctx, func(t mqtt.Type) bool { return t == mqtt.PUBCOMP }); err != nil {
				return err
			}
		}
	}
	return nil
}

// granted waits for the answer to subscribe.
func (l *local) granted(ctx context.Context) error {
	f, err := l.next(ctx, func(t mqtt.Type) bool { return t == mqtt.SUBACK })
	if err != nil {
		return err
	}
	return refusedFilters(f, mqtt.V5, "this instance")
}

// refusedFilters is the error of a SUBACK that refuses something.
func refusedFilters(f mqtt.Frame, v mqtt.Version, who string) error {
	a, err := mqtt.DecodeSuback(f, v)
	if err != nil {
		return err
	}
	for i, r := range a.Reasons {
		if r.Failed() {
			return fmt.Errorf("%s refused subscription %d of the bridge: %w %s", who, i+1, r, a.ReasonString)
		}
	}
	return nil
}
