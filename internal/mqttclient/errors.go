package mqttclient

import (
	"errors"
	"fmt"
	"io"

	"tsunagi/internal/mqtt"
)

// The named answers of a Client.
var (
	ErrOutboxFull     = errors.New("mqtt outbox is full: messages come faster than the broker takes them")
	ErrNotConnected   = errors.New("not connected to the mqtt broker")
	ErrConnectionLost = errors.New("mqtt connection lost before the message was written")
	ErrClosed         = errors.New("mqtt client has ended")
	ErrNoAnswer       = errors.New("the mqtt broker does not answer pings")
	ErrTooLarge       = errors.New("message is larger than the mqtt broker takes")
	ErrMessage        = errors.New("message cannot be sent")
	ErrRefused        = errors.New("a received mqtt message was refused here")
	ErrRunning        = errors.New("Run has been called before")
)

// closedBy says that a host closed the connection; it is io.EOF.
type closedBy string

func (e closedBy) Error() string { return string(e) + " closed the connection" }
func (e closedBy) Unwrap() error { return io.EOF }

// ServerError is a refusal by the server, in CONNACK, DISCONNECT, PUBACK, PUBREC, SUBACK or UNSUBACK. It unwraps to
// its mqtt.Reason.
type ServerError struct {
	Packet          mqtt.Type
	Reason          mqtt.Reason
	ReasonString    string // what the server adds in words
	ServerReference string // where the server wants us to go
	Filter          string // of SUBACK and UNSUBACK
	UserProps       []mqtt.Pair
}

func (e *ServerError) Error() string {
	s := e.what() + ": " + e.Reason.Error()
	if e.ReasonString != "" {
		s += fmt.Sprintf(" (%q)", e.ReasonString)
	}
	if e.ServerReference != "" {
		s += fmt.Sprintf("; it names another server: %q", e.ServerReference)
	}
	return s
}

func (e *ServerError) what() string {
	switch e.Packet {
	case mqtt.CONNACK:
		return "the broker refused the connection"
	case mqtt.DISCONNECT:
		return "the broker ended the connection"
	case mqtt.SUBACK:
		return fmt.Sprintf("the broker refused the subscription %q", e.Filter)
	case mqtt.UNSUBACK:
		return fmt.Sprintf("the broker refused to unsubscribe %q", e.Filter)
	}
	return "the broker refused the message"
}

func (e *ServerError) Unwrap() error { return e.Reason }
