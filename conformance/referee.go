package conformance

import (
	"fmt"

	"tsunagi/internal/mqtt"
)

// refereeRules are the statements that hold for every packet of a server, in every case. What a packet may hold is
// judged by its decoder, the rest by the referee.
var refereeRules = []string{
	"MQTT-1.5.5-1", "MQTT-2.1.3-1", "MQTT-2.2.1-4", "MQTT-2.2.2-1",
	"MQTT-3.1.2-24", "MQTT-3.1.2-26", "MQTT-3.1.2-27", "MQTT-3.1.2-28", "MQTT-3.1.2-29",
	"MQTT-3.2.0-1", "MQTT-3.2.0-2", "MQTT-3.2.2-1", "MQTT-3.2.2-6", "MQTT-3.2.2-8", "MQTT-3.2.2-19", "MQTT-3.2.2-20",
	"MQTT-3.3.1-2", "MQTT-3.3.2-2", "MQTT-3.3.2-8", "MQTT-3.3.2-11", "MQTT-3.3.4-9",
	"MQTT-3.4.2-1", "MQTT-3.4.2-2", "MQTT-3.4.2-3", "MQTT-3.5.2-1", "MQTT-3.5.2-2", "MQTT-3.5.2-3",
	"MQTT-3.6.1-1", "MQTT-3.6.2-1", "MQTT-3.6.2-2", "MQTT-3.6.2-3", "MQTT-3.7.2-1", "MQTT-3.7.2-2", "MQTT-3.7.2-3",
	"MQTT-3.8.4-7", "MQTT-3.9.2-1", "MQTT-3.9.2-2", "MQTT-3.9.3-2", "MQTT-3.11.2-1", "MQTT-3.11.2-2", "MQTT-3.11.3-2",
	"MQTT-3.14.0-1", "MQTT-3.14.2-1", "MQTT-3.14.2-2", "MQTT-3.14.2-3", "MQTT-3.14.2-4", "MQTT-3.14.4-1",
	"MQTT-4.3.1-1", "MQTT-4.3.2-1", "MQTT-4.3.2-2", "MQTT-4.3.3-1", "MQTT-4.3.3-2", "MQTT-4.4.0-1",
	"MQTT-4.9.0-1", "MQTT-4.9.0-2", "MQTT-4.12.0-6",
}

// refereeOf5 are those whose counterpart in 3.1.1 says more than the referee sees there.
var refereeOf5 = []string{"MQTT-3.1.2-29", "MQTT-3.2.2-8"}

// referee watches one connection.
type referee struct {
	v          mqtt.Version
	maxPacket  int
	aliasMax   uint16
	receiveMax int
	problem    bool // the client wants reason strings
	response   bool // it wants response information
	auth       bool // it has named a method
	resumed    bool // CONNACK has said that there is a session
	welcomed   bool
	parted     bool            // the server has sent DISCONNECT
	open       map[uint16]bool // PUBLISH packets that came and are not settled
	aliases    map[uint16]string
}

// sent looks at what the case sends.
func (r *referee) sent(b []byte) {
	f, err := mqtt.Cut(b, 0)
	if err != nil {
		return
	}
	switch f.Type() {
	case mqtt.CONNECT:
		c, err := mqtt.DecodeConnect(f)
		if err != nil || r.v != 0 {
			return
		}
		*r = referee{v: c.Version, maxPacket: int(c.MaxPacket), aliasMax: c.TopicAliasMax, receiveMax: 0xFFFF, problem: c.RequestProblem,
			response: c.RequestResponse, auth: c.AuthMethod != "", open: map[uint16]bool{}, aliases: map[uint16]string{}}
		if c.Version == mqtt.V5 {
			r.receiveMax = int(c.ReceiveMaximum)
		}
	case mqtt.PUBACK, mqtt.PUBCOMP, mqtt.PUBREC:
		var a mqtt.Ack
		if mqtt.DecodeAck(&a, f, r.v) == nil && (f.Type() != mqtt.PUBREC || a.Reason.Failed()) {
			delete(r.open, a.PacketID)
		}
	}
}

// came judges a packet of the server.
func (r *referee) came(f mqtt.Frame) error {
	if r.v == 0 {
		return nil // the case sends raw bytes that are no CONNECT
	}
	switch {
	case r.maxPacket > 0 && f.Size > r.maxPacket:
		return fmt.Errorf("a packet of %d bytes, over the client's Maximum Packet Size [MQTT-3.1.2-24]", f.Size)
	case r.parted:
		return fmt.Errorf("a packet behind DISCONNECT [MQTT-3.14.4-1]")
	case f.Type() == mqtt.CONNACK && r.welcomed:
		return fmt.Errorf("a second CONNACK [MQTT-3.2.0-2]")
	case f.Type() != mqtt.CONNACK && f.Type() != mqtt.AUTH && !r.welcomed:
		return fmt.Errorf("a packet before CONNACK [MQTT-3.2.0-1]")
	}
	switch f.Type() {
	case mqtt.CONNACK:
		return r.connack(f)
	case mqtt.PUBLISH:
		return r.publish(f)
	case mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBREL, mqtt.PUBCOMP:
		var a mqtt.Ack
		err := mqtt.DecodeAck(&a, f, r.v)
		return r.quiet(err, a.ReasonString, len(a.UserProps))
	case mqtt.SUBACK, mqtt.UNSUBACK:
		a, err := mqtt.DecodeSuback(f, r.v)
		if err != nil {
			return err
		}
		return r.quiet(err, a.ReasonString, len(a.UserProps))
	case mqtt.DISCONNECT:
		return r.disconnect(f)
	case mqtt.PINGRESP:
		return mqtt.DecodePing(f, r.v)
	case mqtt.AUTH:
		if !r.auth {
			return fmt.Errorf("AUTH without a method in CONNECT [MQTT-4.12.0-6]")
		}
		return nil
	}
	return fmt.Errorf("a packet that only clients send")
}

// quiet wants no words where the client has asked for none.
func (r *referee) quiet(err error, words string, pairs int) error {
	if err == nil && r.v == mqtt.V5 && !r.problem && (words != "" || pairs > 0) {
		return fmt.Errorf("a reason string or user property that the client did not want [MQTT-3.1.2-29]")
	}
	return err
}

func (r *referee) connack(f mqtt.Frame) error {
	c, err := mqtt.DecodeConnack(f, r.v)
	if err != nil {
		return err
	}
	r.welcomed, r.resumed = c.Reason == mqtt.Success, c.SessionPresent || r.v == mqtt.V31
	switch {
	case c.ResponseInfo != "" && !r.response:
		return fmt.Errorf("response information that nobody asked for [MQTT-3.1.2-28]")
	case c.AuthMethod != "" && !r.auth:
		return fmt.Errorf("an authentication method that CONNECT did not name [MQTT-4.12.0-6]")
	}
	return nil
}

func (r *referee) disconnect(f mqtt.Frame) error {
	r.parted = true
	if r.v != mqtt.V5 {
		return fmt.Errorf("a server sends no DISCONNECT before 5.0")
	}
	d, err := mqtt.DecodeDisconnect(f, r.v)
	if err == nil && d.HasSessionExpiry {
		return fmt.Errorf("a session expiry interval in the server's DISCONNECT [MQTT-3.14.2-2]")
	}
	return err
}

func (r *referee) publish(f mqtt.Frame) error {
	var p mqtt.Publish
	if err := mqtt.DecodePublish(&p, f, r.v); err != nil {
		return err
	}
	if a := p.Props.TopicAlias; a > r.aliasMax {
		return fmt.Errorf("topic alias %d, over the client's maximum %d [MQTT-3.3.2-11]", a, r.aliasMax)
	}
	if p.QoS == 0 {
		return nil
	}
	switch {
	case r.open[p.PacketID] && p.Dup:
		return fmt.Errorf("identifier %d is sent again on the same connection [MQTT-4.4.0-1]", p.PacketID)
	case r.open[p.PacketID]:
		return fmt.Errorf("identifier %d is in use [MQTT-2.2.1-4]", p.PacketID)
	case p.Dup && !r.resumed:
		return fmt.Errorf("DUP in a new session [MQTT-4.3.2-2]")
	}
	r.open[p.PacketID] = true
	if len(r.open) > r.receiveMax {
		return fmt.Errorf("%d messages are open, over the client's Receive Maximum %d [MQTT-3.3.4-9]", len(r.open), r.receiveMax)
	}
	return nil
}

// resolve puts the real topic in the place of an alias, so that cases need not know which aliases a server makes.
func (r *referee) resolve(f mqtt.Frame) mqtt.Frame {
	var p mqtt.Publish
	if r.v != mqtt.V5 || f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&p, f, r.v) != nil || p.Props.TopicAlias == 0 {
		return f
	}
	if len(p.Topic) > 0 {
		r.aliases[p.Props.TopicAlias] = string(p.Topic)
	} else {
		p.Topic = []byte(r.aliases[p.Props.TopicAlias])
	}
	p.Props.TopicAlias = 0
	g, err := mqtt.Cut(p.Append(nil, r.v), 0)
	if err != nil {
		return f
	}
	return g
}
