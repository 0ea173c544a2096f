package gate

import (
	"context"
	"errors"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// Hello is all that a connection has said about itself by its CONNECT.
type Hello struct {
	Host     string // name asked for: TLS server name, or the Host of a WebSocket request without its port
	Instance string // from the WebSocket's path /mqtt/<instance>
	ClientID string
	User     string
	HasUser  bool
	Password []byte // valid during the call only
	HasPass  bool
	Remote   string // address and port of the peer
	Via      string // "mqtts", "wss", "mqtt", "ws"
	Secure   bool   // came through TLS
}

// Door finds the instance that a connection means and checks who it is. Admit may take its time (a password is
// hashed, a broker loaded); a refusal is an error that wraps a mqtt.Reason in words for the client, and the door has
// recorded it. An unknown instance gets the same answer, in the same time, as a wrong password.
type Door interface {
	Admit(ctx context.Context, h Hello) (*broker.Broker, broker.Identity, error)
}

var errStopping = &broker.Refusal{Reason: mqtt.ServerUnavailable, Words: "the server is stopping; come again"}

// maxWords bounds the reason string of a refusal, in bytes.
const maxWords = 512

// refusal is the answer to a CONNECT that err refuses, nil when closing is the answer. Bytes that break the protocol
// get none before 5.0 [v3.1.1 MQTT-3.1.4-1]. An error without a reason is our own failure: the client is told to come
// again, and nothing else.
func refusal(p *mqtt.Connect, err error) []byte {
	if p == nil || p.Version == 0 {
		return nil
	}
	reason, ok := errors.AsType[mqtt.Reason](err)
	words := err.Error()
	if !ok {
		reason, words = mqtt.ServerUnavailable, ""
	}
	if p.Version != mqtt.V5 {
		switch reason {
		case mqtt.MalformedPacket, mqtt.ProtocolError, mqtt.PacketTooLarge:
			return nil
		}
	}
	answer := mqtt.Connack{Reason: reason, MaxQoS: 2}
	if elsewhere, ok := errors.AsType[*moved](err); ok {
		answer.ServerReference = elsewhere.to
	}
	if words != reason.Error() && len(words) <= maxWords {
		answer.ReasonString = words
	}
	b := answer.Append(nil, p.Version)
	if p.MaxPacket > 0 && len(b) > int(p.MaxPacket) { // [MQTT-3.2.2-19]
		answer.ReasonString = ""
		b = answer.Append(nil, p.Version)
	}
	return b
}

// moved sends a client that came without TLS to the port that has it.
type moved struct{ to, words string }

func (m *moved) Error() string { return m.words }
func (m *moved) Unwrap() error { return mqtt.UseAnotherServer }
