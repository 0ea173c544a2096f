package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/panel"
)

// following is a client of a broker inside of the process, for a listener that came by HTTP. What waits for it is the
// client's outbox, which is bounded. Take and Close are called by one goroutine.
type following struct {
	client *broker.Client
	ready  chan struct{} // holds one: the outbox has something
	ended  chan error    // holds one: why the broker closes the connection
	buf    []byte        // read and not decoded
	begun  []panel.Heard // came along with the answer to SUBSCRIBE
}

func (f *following) Flush() {
	select {
	case f.ready <- struct{}{}:
	default: // told already
	}
}

func (f *following) Close() { f.client.Gone(broker.ErrDisconnected) }

// followLink is the connection as the broker sees it.
type followLink struct{ *following }

func (l followLink) Close(cause error) {
	select {
	case l.ended <- cause:
	default:
	}
	l.Flush()
}

// Follow subscribes with the rights and within the bound of the panel's web client.
func (p panelBrokers) Follow(ctx context.Context, instance, filter, remote string) (panel.Following, error) {
	b, err := p.get(ctx, instance)
	if err != nil {
		return nil, err
	}
	rights, ok := p.rights(instance, account.WebUser)
	if !ok {
		return nil, fmt.Errorf("rights for a listener of instance %s can't be read", instance)
	}
	f := &following{ready: make(chan struct{}, 1), ended: make(chan error, 1)}
	f.client, err = b.Connect(ctx, &broker.ConnectRequest{
		Packet:   &mqtt.Connect{Version: mqtt.V5, Clean: true, ClientID: []byte("http-" + rand.Text()), ReceiveMaximum: 0xFFFF, RequestProblem: true},
		Identity: broker.Identity{User: account.WebUser, Rights: rights, Web: true}, Remote: remote, Via: "https", Link: followLink{f},
	})
	if err != nil {
		return nil, refusedBy(err)
	}
	if err := f.subscribe(ctx, filter); err != nil {
		f.Close()
		return nil, refusedBy(err)
	}
	return f, nil
}

func refusedBy(err error) error {
	if r, ok := errors.AsType[*broker.Refusal](err); ok {
		return &panel.Refused{Cause: r.Words}
	}
	return err
}

// subscribe returns when the broker has granted the subscription.
func (f *following) subscribe(ctx context.Context, filter string) error {
	var turn broker.Turn
	packet := (&mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(filter)}}}).Append(nil, mqtt.V5)
	_, err := f.client.Handle(packet, &turn)
	turn.Flush()
	if err != nil {
		return err
	}
	f.Flush() // the CONNACK waits
	for granted := false; !granted; {
		select {
		case <-f.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		var list []panel.Heard
		if list, granted, err = f.take(); err != nil {
			return err
		}
		f.begun = append(f.begun, list...)
	}
	f.Flush()
	return nil
}

func (f *following) Ready() <-chan struct{} { return f.ready }

func (f *following) Take() ([]panel.Heard, error) {
	list, _, err := f.take()
	list, f.begun = append(f.begun, list...), nil
	return list, err
}

// take empties the outbox; granted says that the SUBACK was among it.
func (f *following) take() (list []panel.Heard, granted bool, err error) {
	_ = f.client.Outbox().Flush(func(parts [][]byte) (n int, _ error) { // the function doesn't fail
		for _, p := range parts {
			f.buf = append(f.buf, p...)
			n += len(p)
		}
		return n, nil
	})
	used := 0
	for err == nil {
		frame, short := mqtt.Cut(f.buf[used:], 0)
		if short != nil { // what the broker writes is whole: there is no more
			break
		}
		used += frame.Size
		switch frame.Type() {
		case mqtt.PUBLISH:
			var m mqtt.Publish
			if err = mqtt.DecodePublish(&m, frame, mqtt.V5); err == nil {
				list = append(list, panel.Heard{Topic: string(m.Topic), Payload: slices.Clone(m.Payload), QoS: m.QoS, Retain: m.Retain})
			}
		case mqtt.SUBACK:
			granted, err = readGrant(frame)
		}
	}
	if f.buf = f.buf[used:]; len(f.buf) == 0 {
		f.buf = nil
	}
	if err == nil {
		select {
		case err = <-f.ended:
		default:
		}
	}
	return list, granted, err
}

// readGrant is a SUBACK's verdict.
func readGrant(frame mqtt.Frame) (bool, error) {
	ack, err := mqtt.DecodeSuback(frame, mqtt.V5)
	if err == nil && len(ack.Reasons) == 1 && ack.Reasons[0].Failed() {
		err = &panel.Refused{Cause: ack.ReasonString}
	}
	return true, err
}
