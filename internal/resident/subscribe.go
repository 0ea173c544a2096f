package resident

import (
	"context"
	"fmt"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
)

// SubscribeID is the packet identifier of Subscribe's SUBSCRIBE; its UNSUBSCRIBE has the one before.
const SubscribeID = 0xFFFF

// Subscribe brings the session's subscriptions to a list; Granted waits for the answer. An empty list has none.
func (c *Client) Subscribe(b *broker.Broker, list []mqtt.Subscription) error {
	wanted := map[string]bool{}
	for i := range list {
		wanted[string(list[i].Filter)] = true
	}
	var stale [][]byte
	if info, ok := b.Session(c.ID()); ok {
		for _, f := range info.Subscriptions {
			if !wanted[f] {
				stale = append(stale, []byte(f))
			}
		}
	}
	var packets []byte
	if len(stale) > 0 {
		packets = (&mqtt.Unsubscribe{PacketID: SubscribeID - 1, Filters: stale}).Append(packets, mqtt.V5)
	}
	if len(list) > 0 {
		packets = (&mqtt.Subscribe{PacketID: SubscribeID, Filters: list}).Append(packets, mqtt.V5)
	}
	return c.Send(packets)
}

// Granted waits for the answer to a Subscribe that had filters. What comes before it is left out: it is for a
// connection that ends with it.
func (c *Client) Granted(ctx context.Context) error {
	f, err := c.Next(ctx, func(t mqtt.Type) bool { return t == mqtt.SUBACK })
	if err != nil {
		return err
	}
	return Refused(f, mqtt.V5, fault.HereSubscription)
}

// Refused is the error of a SUBACK that refuses a subscription; code is fault.HereSubscription or ThereSubscription.
func Refused(f mqtt.Frame, v mqtt.Version, code fault.Code) error {
	a, err := mqtt.DecodeSuback(f, v)
	if err != nil {
		return err
	}
	for i, r := range a.Reasons {
		if r.Failed() {
			return fault.Wrap(code, fmt.Errorf("%w %s", r, a.ReasonString), "n", i+1, "reason", fault.Reason(byte(r)))
		}
	}
	return nil
}
