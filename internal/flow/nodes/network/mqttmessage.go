package network

import (
	"strings"

	"tsunagi/internal/flow/value"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// ownMessage is a birth, close or will message of the dialog.
type ownMessage struct {
	m     mqttclient.Message
	delay uint32 // seconds, of a will
}

// newOwnMessage reads one; without a topic there is none. props are those of version 5.
func newOwnMessage(topic, payload, qos, retain, props value.Value) *ownMessage {
	if !topic.Truthy() {
		return nil
	}
	own := &ownMessage{m: mqttclient.Message{Topic: topic.Text(), Retain: retain.Bool() || retain.Str() == "true"}}
	if q := qos.ToNumber(); q == 1 || q == 2 {
		own.m.QoS = byte(q)
	}
	if payload.Truthy() {
		own.m.Payload = payloadBytes(payload)
	}
	p := props.Map()
	if p == nil {
		return own
	}
	pick := func(keys ...string) value.Value {
		for _, k := range keys {
			if p.Has(k) {
				return p.Get(k)
			}
		}
		return value.Value{}
	}
	own.m.ContentType = pick("contentType").Str()
	own.m.ResponseTopic = pick("respTopic", "responseTopic").Str()
	own.m.Correlation = bufferOf(pick("correl", "correlationData"))
	if n, ok := whole(pick("expiry", "messageExpiryInterval")); ok {
		own.m.Expiry, own.m.HasExpiry = n, true
	}
	own.delay, _ = whole(pick("delay", "willDelayInterval"))
	own.m.UserProps = userProps(pick("userProps", "userProperties"))
	return own
}

// message returns a copy to send, without what only version 5 knows.
func (o *ownMessage) message(v5 bool) *mqttclient.Message {
	m := o.m
	if !v5 {
		m = mqttclient.Message{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain}
	}
	return &m
}

// whole reads a whole number that fits a property of four bytes.
func whole(v value.Value) (uint32, bool) {
	if v.Nullish() {
		return 0, false
	}
	f, ok := value.ParseInt(v.Text())
	if !ok || f < 0 || f > 1<<32-1 {
		return 0, false
	}
	return uint32(f), true
}

// bufferOf is what Buffer.from makes of a property; empty values give none.
func bufferOf(v value.Value) []byte {
	switch v.Kind() {
	case value.Bytes:
		return v.Bytes()
	case value.String:
		if v.Str() != "" {
			return []byte(v.Str())
		}
	case value.Array:
		b := make([]byte, 0, v.List().Len())
		for _, e := range v.List().All() {
			b = append(b, byte(int64(e.ToNumber())))
		}
		return b
	}
	return nil
}

// payloadBytes is what is sent for a payload.
func payloadBytes(v value.Value) []byte {
	switch v.Kind() {
	case value.Undefined, value.Null:
		return nil
	case value.Bytes:
		return v.Bytes()
	case value.String:
		return []byte(v.Str())
	case value.Object, value.Array, value.Date, value.Handle:
		return value.Append(nil, v)
	}
	return []byte(v.Text())
}

// userProps reads user properties: an object, or JSON text of one. Values that are no text
// are sent as JSON, null and undefined are left out.
func userProps(v value.Value) []mqtt.Pair {
	o := userPropsMap(v)
	if o == nil {
		return nil
	}
	var pairs []mqtt.Pair
	for key, val := range o.All() {
		switch {
		case val.Is(value.String):
			pairs = append(pairs, mqtt.Pair{Key: key, Value: val.Str()})
		case !val.Nullish():
			pairs = append(pairs, mqtt.Pair{Key: key, Value: value.JSON(val)})
		}
	}
	return pairs
}

func userPropsMap(v value.Value) *value.Map {
	if text := v.Str(); strings.HasPrefix(strings.TrimLeft(text, " "), "{") {
		v, _ = value.ParseString(text) // a text that is no JSON gives none, as in Node-RED
	}
	return v.Map()
}

// userPropsValue is what flows see of received user properties. Of a key that came more than
// once the value is the JSON of all, as Node-RED gives it.
func userPropsValue(pairs []mqtt.Pair) value.Value {
	all := map[string]*value.List{}
	o := value.NewMap(len(pairs))
	for _, p := range pairs {
		if all[p.Key] == nil {
			all[p.Key] = value.NewList()
			o.Set(p.Key, value.Str(p.Value))
		} else {
			o.Set(p.Key, value.Value{}) // set below
		}
		all[p.Key].Append(value.Str(p.Value))
	}
	for key, l := range all {
		if l.Len() > 1 {
			o.Set(key, value.Str(value.JSON(l.Value())))
		}
	}
	return o.Value()
}
