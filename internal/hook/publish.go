package hook

import (
	"context"
	"errors"
	"strings"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// The user properties of what rules publish: the rules that a message has been through, once for each, and the id of the
// event that it was made of.
const (
	RuleProperty = "tsunagi-rule"
	IDProperty   = "tsunagi-id"
	ours         = "tsunagi-" // beginning of what is carried on, a bridge's mark included
)

// maxRules is how many rules a message may go through.
const maxRules = 8

// circles says that a message has been through a rule, or through too many.
func circles(p *mqtt.PublishProps, id string) error {
	if p.User == nil {
		return nil
	}
	n := 0
	for k, v := range p.UserPairs() {
		if k != RuleProperty {
			continue
		}
		if v == id {
			return fault.New(fault.Circle)
		}
		if n++; n >= maxRules {
			return fault.New(fault.RulesTooMany)
		}
	}
	return nil
}

// publish makes another message of one. props are the first one's.
func (r *rule) publish(ctx context.Context, b *broker.Broker, m *filling.Message, props *mqtt.PublishProps) outcome {
	name, payload, o := r.rewrite(m)
	if o.kind != done {
		return o
	}
	p := mqtt.Publish{QoS: byte(r.QoS), Retain: r.Retain, Topic: []byte(name), Payload: payload}
	if props.User != nil {
		for k, v := range props.UserPairs() {
			if strings.HasPrefix(k, ours) && k != IDProperty {
				p.Props.User = mqtt.AppendUserProperty(p.Props.User, k, v)
			}
		}
	}
	p.Props.User = mqtt.AppendUserProperty(p.Props.User, RuleProperty, r.ID)
	p.Props.User = mqtt.AppendUserProperty(p.Props.User, IDProperty, m.ID)
	err := b.PublishPacket(ctx, &p)
	if err != nil {
		return outcome{err: fault.Wrap(fault.HereMessage, err), kind: again}
	}
	return outcome{}
}

// unfilled is why a template makes nothing of a message.
func unfilled(err error) error {
	if lack, ok := errors.AsType[*filling.LackError](err); ok {
		return fault.As(fault.Missing, err, "place", lack.Place)
	}
	if long, ok := errors.AsType[*filling.LongError](err); ok {
		return fault.As(fault.TextLong, err, "bytes", long.Most)
	}
	return err
}

// rewrite fills in topic and payload.
func (r *rule) rewrite(m *filling.Message) (name string, payload []byte, o outcome) {
	name, err := r.topic.Fill(m, 4096)
	if err == nil {
		if err = topic.CheckName(name); err != nil {
			err = fault.Wrap(fault.Topic, err)
		}
	}
	if err == nil && strings.HasPrefix(name, "$") {
		err = fault.New(fault.TopicReserved)
	}
	payload = m.Payload
	if err == nil && r.Template != "" {
		var text string
		text, err = r.template.Fill(m, maxBody)
		payload = []byte(text)
	}
	if err != nil {
		return "", nil, outcome{err: unfilled(err), kind: skip}
	}
	return name, payload, outcome{}
}
