package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tsunagi/internal/mqtt"
)

// match compares a packet that came with what a step wants, and says what differs.
func (r *reading) match(s *step, f mqtt.Frame) error {
	if want := types[s.packet]; f.Type() != want {
		return fmt.Errorf("want %s, got %s", s.packet, describe(f, r.v))
	}
	var err error
	switch f.Type() {
	case mqtt.CONNACK:
		err = r.matchConnack(s.args, f)
	case mqtt.PUBLISH:
		err = r.matchPublish(s.args, f)
	case mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBREL, mqtt.PUBCOMP:
		err = r.matchAck(s.args, f)
	case mqtt.SUBACK, mqtt.UNSUBACK:
		err = r.matchSuback(s.args, f)
	case mqtt.PINGRESP:
		err = mqtt.DecodePing(f, r.v)
	default:
		err = fmt.Errorf("%s can't be expected: use CLOSE", s.packet)
	}
	if err == nil {
		err = r.err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", describe(f, r.v), err)
	}
	return nil
}

// ErrNotOffered says that the case needs what the broker has said not to have.
var ErrNotOffered = errors.New("the broker does not offer what the case needs")

// offers say what a CONNACK of 5.0 offers.
var offers = map[string]func(*mqtt.Connack) bool{
	"shared":           func(c *mqtt.Connack) bool { return !c.NoShared },
	"subscription-ids": func(c *mqtt.Connack) bool { return !c.NoSubscriptionIDs },
	"alias":            func(c *mqtt.Connack) bool { return c.TopicAliasMax > 0 },
	"receive-max":      receiveMaxSmall,
	"max-packet":       func(c *mqtt.Connack) bool { return c.MaxPacket > 0 && c.MaxPacket <= 8<<20 },
}

// differ says what is wrong with one field.
func differ(key string, got, want any) error { return fmt.Errorf("%s is %v, want %v", key, got, want) }

func (r *reading) matchConnack(as args, f mqtt.Frame) error {
	c, err := mqtt.DecodeConnack(f, r.v)
	if err != nil {
		return err
	}
	for _, n := range r.needs {
		if f := offers[n]; r.v == mqtt.V5 && f != nil && c.Reason == mqtt.Success && !f(c) {
			return fmt.Errorf("%w: %s", ErrNotOffered, n)
		}
	}
	code, present := c.Reason, c.SessionPresent
	if r.v != mqtt.V5 {
		code = mqtt.Reason(code.ReturnCode())
	}
	want := "0"
	for _, a := range as {
		switch a.key {
		case "code":
			want = a.value
		case "session-present":
			if got := strconv.FormatBool(present); got != a.value && r.v != mqtt.V31 { // which does not tell
				return differ(a.key, got, a.value)
			}
		case "expiry":
			if got := expiryOf(c); got != a.value {
				return differ(a.key, got, a.value)
			}
		case "assigned":
			if c.AssignedID == "" {
				return fmt.Errorf("no client identifier is assigned")
			}
		case "not-assigned":
			if c.AssignedID != "" {
				return differ("assigned", c.AssignedID, "none")
			}
		default:
			r.unknown(a)
		}
	}
	if !r.oneOf(want, code) {
		return differ("code", hex(code), want)
	}
	return nil
}

// matchPublish compares every field; those that the step doesn't name are to be absent. dup=any lets DUP be either.
func (r *reading) matchPublish(as args, f mqtt.Frame) error {
	var got mqtt.Publish
	if err := mqtt.DecodePublish(&got, f, r.v); err != nil {
		return err
	}
	var plain args
	anyDup, anyRetain, anyPayload := false, false, false
	for _, a := range as {
		switch {
		case a.key == "dup" && a.value == "any":
			anyDup = true
		case a.key == "retain" && a.value == "any":
			anyRetain = true
		case a.key == "payload" && a.value == "any":
			anyPayload = true
		case a.key == "id":
			if !r.sameID(a.value, got.PacketID) {
				return differ("id", got.PacketID, a.value)
			}
		case a.key == "expiry" && strings.Contains(a.value, ".."):
			low, high, _ := strings.Cut(a.value, "..")
			if !got.Props.HasExpiry || got.Props.Expiry < r.u32(low) || got.Props.Expiry > r.u32(high) {
				return differ("expiry", got.Props.Expiry, a.value)
			}
			plain = append(plain, arg{key: "expiry", value: strconv.Itoa(int(got.Props.Expiry))})
		default:
			plain = append(plain, a)
		}
	}
	want := r.publish(plain)
	want.PacketID = got.PacketID
	if anyDup {
		want.Dup = got.Dup
	}
	if anyRetain {
		want.Retain = got.Retain
	}
	if anyPayload {
		want.Payload = got.Payload
	}
	if r.v != mqtt.V5 {
		want.Props = mqtt.PublishProps{}
	}
	return comparePublish(&got, &want)
}

func comparePublish(got, want *mqtt.Publish) error {
	slices.Sort(got.Props.SubscriptionIDs) // their order says nothing
	switch {
	case !bytes.Equal(got.Topic, want.Topic):
		return differ("topic", strconv.Quote(string(got.Topic)), strconv.Quote(string(want.Topic)))
	case got.QoS != want.QoS:
		return differ("qos", got.QoS, want.QoS)
	case got.Retain != want.Retain:
		return differ("retain", got.Retain, want.Retain)
	case got.Dup != want.Dup:
		return differ("dup", got.Dup, want.Dup)
	case !bytes.Equal(got.Payload, want.Payload):
		return differ("payload", strconv.Quote(string(got.Payload)), strconv.Quote(string(want.Payload)))
	case !bytes.Equal(got.Props.Append(nil), want.Props.Append(nil)):
		return differ("properties", fmt.Sprintf("%x", got.Props.Append(nil)), fmt.Sprintf("%x", want.Props.Append(nil)))
	}
	return nil
}

func (r *reading) matchAck(as args, f mqtt.Frame) error {
	var got mqtt.Ack
	if err := mqtt.DecodeAck(&got, f, r.v); err != nil {
		return err
	}
	want := "0|0x10/0" // nobody has subscribed is as good as success
	for _, a := range as {
		switch a.key {
		case "id":
			if !r.sameID(a.value, got.PacketID) {
				return differ("id", got.PacketID, a.value)
			}
		case "code":
			want = a.value
		case "plain":
			if got.ReasonString != "" || got.UserProps != nil {
				return fmt.Errorf("there is a reason string or a user property")
			}
		default:
			r.unknown(a)
		}
	}
	if r.v == mqtt.V5 && !r.oneOf(want, got.Reason) {
		return differ("code", hex(got.Reason), want)
	}
	return nil
}

func (r *reading) matchSuback(as args, f mqtt.Frame) error {
	got, err := mqtt.DecodeSuback(f, r.v)
	if err != nil {
		return err
	}
	for _, a := range as {
		switch a.key {
		case "id":
			if !r.sameID(a.value, got.PacketID) {
				return differ("id", got.PacketID, a.value)
			}
		case "plain":
			if got.ReasonString != "" || got.UserProps != nil {
				return fmt.Errorf("there is a reason string or a user property")
			}
		case "codes":
			if got.Type == mqtt.UNSUBACK && r.v != mqtt.V5 {
				continue
			}
			want := strings.Split(a.value, ",")
			if len(want) != len(got.Reasons) {
				return differ("number of codes", len(got.Reasons), len(want))
			}
			for i, w := range want {
				if !r.oneOf(w, got.Reasons[i]) {
					return differ(fmt.Sprintf("code %d", i+1), hex(got.Reasons[i]), w)
				}
			}
		default:
			r.unknown(a)
		}
	}
	return nil
}

// expiryOf is the session expiry interval that the server has set, "same" where it leaves the client's.
func expiryOf(c *mqtt.Connack) string {
	if !c.HasSessionExpiry {
		return "same"
	}
	return strconv.Itoa(int(c.SessionExpiry))
}

func hex(r mqtt.Reason) string { return fmt.Sprintf("0x%02x", byte(r)) }

// describe shows a packet that came.
func describe(f mqtt.Frame, v mqtt.Version) string {
	for name, t := range types {
		if t == f.Type() {
			if d, err := mqtt.DecodeDisconnect(f, v); t == mqtt.DISCONNECT && err == nil {
				return fmt.Sprintf("DISCONNECT code=%s %q", hex(d.Reason), d.ReasonString)
			}
			return fmt.Sprintf("%s %02x %.100x", name, f.First, f.Body)
		}
	}
	return fmt.Sprintf("a packet %02x %.100x", f.First, f.Body)
}
