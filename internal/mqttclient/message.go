package mqttclient

import (
	"fmt"
	"slices"
	"strings"

	"tsunagi/internal/mqtt"
)

// Message is an application message. What stands behind Retain belongs to 5.0 and is left out in older versions.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	Dup     bool // only of received messages

	PayloadFormat   byte // 1: the payload is UTF-8
	HasExpiry       bool
	Expiry          uint32 // seconds
	TopicAlias      uint16 // to be used when the server takes so many; the topic must be there all the same
	ResponseTopic   string
	Correlation     []byte // nil: none
	ContentType     string
	UserProps       []mqtt.Pair
	SubscriptionIDs []uint32 // only of received messages

	refused bool
}

// Refuse leaves a received message without acknowledgement, for OnMessage of a receiver that can't keep it. The
// connection ends, politely, and the next one brings the message again if it has QoS 1 or 2 and the session lasts.
func (m *Message) Refuse() { m.refused = true }

// validate says why m can't be sent. The errors wrap ErrMessage.
func (m *Message) validate() error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", ErrMessage, what) }
	switch {
	case m.Topic == "":
		return wrong("the topic is empty")
	case !sendable(m.Topic):
		return wrong("the topic is not UTF-8, holds U+0000 or is longer than 65535 bytes")
	case strings.ContainsAny(m.Topic, "+#"):
		return wrong(fmt.Sprintf("the topic %q has a wildcard, which only subscriptions can have", m.Topic))
	case m.QoS > 2:
		return wrong(fmt.Sprintf("QoS %d: want 0, 1 or 2", m.QoS))
	case m.PayloadFormat > 1:
		return wrong(fmt.Sprintf("payload format %d: want 0 or 1", m.PayloadFormat))
	case !sendable(m.ResponseTopic) || strings.ContainsAny(m.ResponseTopic, "+#"):
		return wrong("the response topic is not a topic name")
	case !sendable(m.ContentType):
		return wrong("the content type is not UTF-8, holds U+0000 or is longer than 65535 bytes")
	case len(m.Correlation) > 0xFFFF:
		return wrong("the correlation data is longer than 65535 bytes")
	case slices.ContainsFunc(m.UserProps, func(p mqtt.Pair) bool { return !sendable(p.Key) || !sendable(p.Value) }):
		return wrong("a user property is not UTF-8, holds U+0000 or is longer than 65535 bytes")
	case len(m.Payload) > mqtt.MaxRemaining-m.overhead():
		return wrong("the payload is larger than MQTT can say")
	}
	return nil
}

// overhead is at least the number of bytes of the packet besides the payload.
func (m *Message) overhead() int {
	n := 64 + len(m.Topic) + len(m.ResponseTopic) + len(m.Correlation) + len(m.ContentType)
	for _, p := range m.UserProps {
		n += 5 + len(p.Key) + len(p.Value)
	}
	return n
}

// packet is m as a packet without identifier.
func (m *Message) packet() mqtt.Publish {
	p := mqtt.Publish{Topic: []byte(m.Topic), QoS: m.QoS, Retain: m.Retain, Payload: m.Payload}
	p.Props = mqtt.PublishProps{PayloadFormat: m.PayloadFormat, HasExpiry: m.HasExpiry, Expiry: m.Expiry,
		TopicAlias: m.TopicAlias, Correlation: m.Correlation, HasCorrelation: m.Correlation != nil}
	if m.ResponseTopic != "" {
		p.Props.ResponseTopic = []byte(m.ResponseTopic)
	}
	if m.ContentType != "" {
		p.Props.ContentType = []byte(m.ContentType)
	}
	for _, u := range m.UserProps {
		p.Props.User = mqtt.AppendUserProperty(p.Props.User, u.Key, u.Value)
	}
	return p
}

// message copies a received packet; topic is its real topic.
func message(p *mqtt.Publish, topic string) *Message {
	m := new(Message)
	m.fill(p, topic)
	return m
}

// fill is message, into memory that is there.
func (m *Message) fill(p *mqtt.Publish, topic string) {
	*m = Message{Topic: topic, Payload: slices.Clone(p.Payload), QoS: p.QoS, Retain: p.Retain, Dup: p.Dup,
		PayloadFormat: p.Props.PayloadFormat, HasExpiry: p.Props.HasExpiry, Expiry: p.Props.Expiry,
		TopicAlias: p.Props.TopicAlias, ResponseTopic: string(p.Props.ResponseTopic),
		ContentType: string(p.Props.ContentType), SubscriptionIDs: slices.Clone(p.Props.SubscriptionIDs)}
	if p.Props.HasCorrelation {
		m.Correlation = append([]byte{}, p.Props.Correlation...)
	}
	for k, v := range p.Props.UserPairs() {
		m.UserProps = append(m.UserProps, mqtt.Pair{Key: k, Value: v})
	}
}

// empty lets go of what m refers to. It leaves what the reader looks at when the message has been handed on.
func (m *Message) empty() {
	m.Topic, m.ResponseTopic, m.ContentType = "", "", ""
	m.Payload, m.Correlation, m.UserProps, m.SubscriptionIDs = nil, nil, nil, nil
}
