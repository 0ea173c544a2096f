package network

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
	"tsunagi/internal/mqttclient"
)

// mqttOut publishes messages.
type mqttOut struct {
	b      *flow.Base
	broker *broker
	fixed  []fixedProp // what the dialog sets over what the message says
	topic  string
	qos    value.Value // undefined: what the message says
	retain value.Value // the same

	message mqttclient.Message // the one at hand
	checked string             // the last topic, which is valid
	scratch []byte             // for its payload
}

type fixedProp struct {
	key string
	val value.Value
}

// MQTTOut publishes messages to a broker.
func MQTTOut() flow.Type {
	return flow.Type{
		Name:   "mqtt out",
		Fields: []string{"topic", "qos", "retain", "broker", "respTopic", "contentType", "userProps", "correl", "expiry"},
		New:    newMQTTOut,
	}
}

func newMQTTOut(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &mqttOut{b: b, topic: c.Str("topic")}
	if qos := c.Get("qos"); qos.Truthy() {
		n.qos = qosOf(qos)
	}
	if retain := c.Get("retain"); retain.Truthy() {
		n.retain = retainOf(retain)
	}
	var ok bool
	if n.broker, ok = b.Lookup(c.Str("broker")).(*broker); !ok {
		b.Error(flow.Text("missing broker configuration"), nil)
		return n, nil
	}
	if n.broker.v5() {
		n.fix("userProperties", userPropsOf(c.Get("userProps")))
		n.fix("responseTopic", c.Get("respTopic"))
		n.fix("correlationData", c.Get("correl"))
		n.fix("contentType", c.Get("contentType"))
		n.fix("messageExpiryInterval", c.Get("expiry"))
	}
	b.Status(statuses[disconnected])
	n.broker.register(b)
	return n, nil
}

func (n *mqttOut) fix(key string, v value.Value) {
	if v.Truthy() {
		n.fixed = append(n.fixed, fixedProp{key, v})
	}
}

// userPropsOf reads the JSON text of the dialog; values that are no text become JSON.
func userPropsOf(text value.Value) value.Value {
	pairs := userProps(text)
	if len(pairs) == 0 {
		return value.Value{}
	}
	o := value.NewMap(len(pairs))
	for _, p := range pairs {
		o.Set(p.Key, value.Str(p.Value))
	}
	return o.Value()
}

// Close takes the node off its broker.
func (n *mqttOut) Close(removed bool, done func()) {
	if n.broker == nil {
		done()
		return
	}
	n.broker.deregister(n.b, removed, done)
}

func (n *mqttOut) Receive(m *flow.Msg) {
	if n.broker == nil {
		return
	}
	if action := m.Get("action"); action.Truthy() {
		n.act(m, action.Str())
		return
	}
	n.prepare(m)
	if !m.Has("payload") {
		n.b.Done(m, nil)
		return
	}
	if n.broker.state != connected {
		return // lost, as in Node-RED: the status below the node says why
	}
	n.publish(m)
}

// act does what the message asks of the connection.
func (n *mqttOut) act(m *flow.Msg, action string) {
	done := func(err error) { n.b.Done(m, err) }
	switch action {
	case "connect":
		n.broker.connectAction(m, done)
	case "disconnect":
		n.broker.disconnect(func() { done(nil) })
	default:
		done(flow.NewError("%s", errAction))
	}
}

// prepare writes what the dialog sets into the message, as Node-RED does.
func (n *mqttOut) prepare(m *flow.Msg) {
	if n.topic != "" {
		m.Set("topic", value.Str(n.topic))
	}
	qos := n.qos
	if !qos.Defined() {
		qos = qosOf(m.Get("qos"))
	}
	write(m, "qos", qos)
	retain := n.retain
	if !retain.Defined() {
		retain = retainOf(m.Get("retain"))
	}
	write(m, "retain", retain)
	for _, p := range n.fixed {
		m.Set(p.key, p.val.Clone())
	}
}

// write sets a property to a number or a boolean, if it isn't that already: a message that it doesn't write to need not
// be copied for it.
func write(m *flow.Msg, key string, v value.Value) {
	if m.Get(key) != v {
		m.Set(key, v)
	}
}

// qosOf is what Node-RED makes of a QoS: 0, 1 or 2.
func qosOf(v value.Value) value.Value {
	if v == value.Num(0) { // that of most messages
		return v
	}
	f, ok := value.ParseInt(v.Text())
	if !ok || f != 1 && f != 2 {
		f = 0
	}
	return value.Num(f)
}

func retainOf(v value.Value) value.Value { return value.Of(v.Bool() || v.Str() == "true") }

// publish sends the message to the broker.
func (n *mqttOut) publish(m *flow.Msg) {
	payload := m.Get("payload")
	out := &n.message
	*out = mqttclient.Message{Topic: m.Get("topic").Str(), Payload: n.payloadBytes(payload),
		QoS: byte(m.Get("qos").Num()), Retain: m.Get("retain").Bool()}
	switch payload.Kind() {
	case value.Bytes, value.String:
	default:
		m.Set("payload", value.Str(string(out.Payload)))
	}
	if n.broker.v5() {
		n.props(m, out)
	}
	if out.Topic == "" || out.Topic != n.checked {
		if !validTopic(out.Topic) {
			n.b.WarnError(flow.NewError("%s", errTopic))
			return
		}
		n.checked = out.Topic
	}
	n.broker.publish(out, n, m)
}

// maxScratch is how much memory a node keeps for payloads on their way, in bytes.
const maxScratch = 64 << 10

// payloadBytes is what is sent for a payload, valid until the next one.
func (n *mqttOut) payloadBytes(v value.Value) []byte {
	switch v.Kind() {
	case value.String:
		n.scratch = append(n.scratch[:0], v.Str()...)
	case value.Object, value.Array, value.Date, value.Handle:
		n.scratch = value.Append(n.scratch[:0], v)
	default:
		return payloadBytes(v)
	}
	b := n.scratch
	if cap(b) > maxScratch {
		n.scratch = nil
	}
	return b
}

// props takes the properties of version 5 off the message. An alias that the broker doesn't
// take is left out.
func (n *mqttOut) props(m *flow.Msg, out *mqttclient.Message) {
	out.ResponseTopic = m.Get("responseTopic").Str()
	out.Correlation = bufferOf(m.Get("correlationData"))
	out.ContentType = m.Get("contentType").Str()
	out.Expiry, out.HasExpiry = whole(m.Get("messageExpiryInterval"))
	if u := m.Get("userProperties"); u.Is(value.Object) {
		out.UserProps = userProps(u)
	} else if u.Defined() {
		m.Delete("userProperties")
	}
	if f := m.Get("payloadFormatIndicator"); f.Bool() || f.Str() == "true" {
		out.PayloadFormat = 1
	}
	alias, ok := whole(m.Get("topicAlias"))
	switch {
	case ok && alias >= 1 && validTopic(out.Topic):
		if alias <= uint32(n.broker.server.aliasMax) {
			out.TopicAlias = uint16(alias)
		}
	case !m.Get("topic").Truthy() && out.ResponseTopic != "":
		out.Topic = out.ResponseTopic
		m.Set("topic", value.Str(out.Topic))
		m.Delete("responseTopic")
	}
}

// validTopic is what Node-RED publishes to.
func validTopic(t string) bool { return t != "" && !strings.ContainsAny(t, "+#\b\f\n\r\t\v\x00") }
