package bridge

import (
	"context"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/resident"
)

// local is the bridge's client on its own instance.
type local struct{ *resident.Client }

var errClosed = resident.ErrLeft

// connectLocal makes the session of a bridge, or takes it up again; present says which. At most window QoS 1 and 2
// messages will be open towards it.
func connectLocal(ctx context.Context, b *broker.Broker, rights broker.Rights, id, remote string, window int) (local, bool, error) {
	c, present, err := resident.Connect(ctx, b, resident.Options{Who: "the bridge", ClientID: LocalID(id), User: User, Rights: rights,
		Remote: remote, Via: "bridge", Window: window})
	return local{c}, present, err
}

// subscribe brings the session's subscriptions to what the lines say; Granted waits for the answer. most is the highest
// QoS; replay has the retained messages sent.
func (l local) subscribe(b *broker.Broker, lines []Topic, most byte, replay bool) error {
	list := localFilters(lines)
	for i := range list {
		if list[i].QoS = min(list[i].QoS, most); !replay {
			list[i].RetainHandling = 2
		}
	}
	return l.Subscribe(b, list)
}

// forget releases what the instance remembers of QoS 2 messages of a remote session that is no more: its identifiers
// begin anew. The connection is of no use after it, for what it was sent meanwhile is left out.
func (l local) forget(ctx context.Context) error {
	for ids := l.Incoming(); len(ids) > 0; ids = l.Incoming() {
		var packets []byte
		for _, id := range ids {
			packets = (&mqtt.Ack{Type: mqtt.PUBREL, PacketID: id}).Append(packets, mqtt.V5)
		}
		if err := l.Send(packets); err != nil {
			return err
		}
		for range ids {
			if _, err := l.Next(ctx, func(t mqtt.Type) bool { return t == mqtt.PUBCOMP }); err != nil {
				return err
			}
		}
	}
	return nil
}
