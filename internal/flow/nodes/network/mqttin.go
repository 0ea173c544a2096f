package network

import (
	"unicode/utf8"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
	"tsunagi/internal/mqttclient"
)

// mqttIn receives messages of a broker.
type mqttIn struct {
	b        *flow.Base
	broker   *broker
	topic    string
	datatype string
	dynamic  bool
	dynamics []*dynamicSub
	idle     bool // the dialog was filled in wrongly: nothing is subscribed
}

// MQTTIn subscribes to topics.
func MQTTIn() flow.Type {
	return flow.Type{
		Name:   "mqtt in",
		Fields: []string{"topic", "qos", "datatype", "broker", "nl", "rap", "rh", "inputs", "topicType", "subscriptionIdentifier"},
		New:    newMQTTIn,
	}
}

func newMQTTIn(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &mqttIn{b: b, topic: c.Str("topic"), datatype: c.StrOr("datatype", "utf8"), dynamic: c.Num("inputs", 0) == 1, idle: true}
	switch n.datatype {
	case "auto-detect", "auto", "buffer", "utf8", "json", "base64":
	default:
		return nil, c.Refuse("Output", n.datatype)
	}
	if !n.dynamic && !validFilter.MatchString(n.topic) {
		b.Warn("Invalid topic specified")
		return n, nil
	}
	var ok bool
	if n.broker, ok = b.Lookup(c.Str("broker")).(*broker); !ok {
		b.Error(flow.Text("missing broker configuration"), nil)
		return n, nil
	}
	b.Status(statuses[disconnected])
	if n.topic == "" && !n.dynamic {
		b.Error(flow.Text("topic not defined"), nil)
		return n, nil
	}
	n.idle = false
	if !n.dynamic {
		n.broker.subscribe(b, n.staticSubscription(c), func(m *mqttclient.Message) { n.deliver(m, n.datatype) })
	}
	n.broker.register(b)
	return n, nil
}

func (n *mqttIn) staticSubscription(c flow.Config) mqttclient.Subscription {
	s := mqttclient.Subscription{Filter: n.topic, QoS: 2}
	if q, ok := value.ParseInt(c.Str("qos")); ok && q >= 0 && q <= 2 {
		s.QoS = byte(q)
	}
	if n.broker.v5() {
		s.NoLocal, s.RetainAsPublished = c.Bool("nl"), c.Bool("rap")
		if rh, ok := value.ParseInt(c.Str("rh")); ok && rh >= 0 && rh <= 2 {
			s.RetainHandling = byte(rh)
		}
	}
	return s
}

// Close takes the subscriptions back.
func (n *mqttIn) Close(removed bool, done func()) {
	if n.broker == nil || n.idle {
		done()
		return
	}
	for _, s := range n.dynamics {
		n.broker.unsubscribe(s.topic, n.b.ID(), removed)
	}
	n.dynamics = nil
	if !n.dynamic {
		n.broker.unsubscribe(n.topic, n.b.ID(), removed)
	}
	n.broker.deregister(n.b, removed, done)
}

// deliver sends on a message of the broker.
func (n *mqttIn) deliver(m *mqttclient.Message, datatype string) {
	payload, err := decodePayload(m, datatype, n.broker.v5())
	if err != "" {
		n.b.Error(flow.Text(err), flow.NewMsg("payload", m.Payload, "topic", m.Topic, "qos", int(m.QoS), "retain", m.Retain))
		return
	}
	topic := value.Str(m.Topic)
	msg := flow.EmptyMsg()
	o := msg.Root()
	o.Put("topic", topic)
	o.Put("payload", payload)
	o.Put("qos", value.Int(int(m.QoS)))
	o.Put("retain", value.Of(m.Retain))
	if n.broker.v5() {
		setProps(msg, m)
	}
	if n.broker.settings.local {
		msg.Set("_topic", topic)
	}
	n.b.Send(msg)
}

func setProps(msg *flow.Msg, m *mqttclient.Message) {
	if m.ResponseTopic != "" {
		msg.Set("responseTopic", value.Str(m.ResponseTopic))
	}
	if m.Correlation != nil {
		msg.Set("correlationData", value.Data(m.Correlation))
	}
	if m.ContentType != "" {
		msg.Set("contentType", value.Str(m.ContentType))
	}
	if m.HasExpiry {
		msg.Set("messageExpiryInterval", value.Num(float64(m.Expiry)))
	}
	if m.PayloadFormat == 1 {
		msg.Set("payloadFormatIndicator", value.Of(true))
	}
	if len(m.UserProps) > 0 {
		msg.Set("userProperties", userPropsValue(m.UserProps))
	}
}

const (
	errJSONText  = "Invalid JSON string"
	errJSONParse = "Failed to parse JSON string"
)

// decodePayload makes a value of a payload; fault is Node-RED's text when that can't be.
// Objects and arrays of JSON are checked now and parsed when somebody looks at them.
func decodePayload(m *mqttclient.Message, datatype string, v5 bool) (v value.Value, fault string) {
	switch datatype {
	case "buffer":
		return value.Data(m.Payload), ""
	case "base64":
		return value.Str(base64Text(m.Payload)), ""
	case "utf8":
		return value.Str(value.TakeUTF8(m.Payload)), ""
	case "json":
		if !utf8.Valid(m.Payload) && !(v5 && m.PayloadFormat == 1) {
			return v, errJSONText
		}
		v, err := value.ParseLazy(m.Payload)
		if err != nil {
			return v, errJSONParse
		}
		return v, ""
	}
	return autoDetect(m, datatype == "auto-detect", v5)
}

// autoDetect goes by the content type of version 5, else by the bytes.
func autoDetect(m *mqttclient.Message, parse, v5 bool) (v value.Value, fault string) {
	if v5 && (m.PayloadFormat == 1 || m.ContentType != "") {
		switch mediaKind(m.ContentType) {
		case "string":
			return value.Str(value.TakeUTF8(m.Payload)), ""
		case "buffer":
			return value.Data(m.Payload), ""
		case "json":
			v, err := value.ParseLazy(m.Payload)
			if err != nil {
				return v, errJSONParse
			}
			if !parse {
				v = value.Str(value.TakeUTF8(m.Payload))
			}
			return v, ""
		}
	}
	if !utf8.Valid(m.Payload) && !(v5 && m.PayloadFormat == 1) {
		return value.Data(m.Payload), ""
	}
	if parse {
		if v, err := value.ParseLazy(m.Payload); err == nil {
			return v, ""
		}
	}
	return value.Str(value.TakeUTF8(m.Payload)), ""
}
