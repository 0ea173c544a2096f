package broker

import (
	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// unsubscribe carries out an UNSUBSCRIBE. What is queued already is still delivered (3.10.4).
func (c *Client) unsubscribe(p *mqtt.Unsubscribe, t *Turn) error {
	op := &unsubscribeOp{c: c, id: p.PacketID, filters: make([]string, len(p.Filters))}
	for i, f := range p.Filters {
		op.filters[i] = string(f)
	}
	return c.settleOp(op, t)
}

type unsubscribeOp struct {
	c       *Client
	id      uint16
	filters []string
}

func (o *unsubscribeOp) size() int     { return 256 * (1 + len(o.filters)) }
func (o *unsubscribeOp) grows() growth { return growsNot }

func (o *unsubscribeOp) prepare(p *plan) {
	if o.c.s.live() {
		for _, f := range o.filters {
			p.subscription(o.c.s, f, nil)
		}
	}
}

func (o *unsubscribeOp) done(t *Turn, err error) {
	s := o.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	reasons := make([]mqtt.Reason, len(o.filters))
	for i, f := range o.filters {
		switch {
		case err != nil:
			reasons[i] = mqtt.UnspecifiedError
		case topicFilter(f) != nil:
			reasons[i] = mqtt.TopicFilterInvalid
		case !s.drop(f):
			reasons[i] = mqtt.NoSubscriptionExisted
		}
	}
	if s.client.Load() != o.c {
		return
	}
	if err != nil && o.c.wire == wire3 { // which can't tell
		o.c.link.Close(err)
		return
	}
	packet := (&mqtt.Suback{Type: mqtt.UNSUBACK, PacketID: o.id, Reasons: reasons}).Append(nil, o.c.version)
	o.c.answer(packet, t) // [MQTT-3.10.4-4] [MQTT-3.10.4-5]
}

func topicFilter(s string) error {
	_, err := topic.ParseFilter(s)
	return err
}
