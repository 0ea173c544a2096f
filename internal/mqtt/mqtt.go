// Package mqtt holds the bytes of MQTT 3.1, 3.1.1 and 5.0: packets, properties, reason codes, decoding and
// appending. It has no clock and does no I/O.
//
// A decoded packet views the buffer that it was decoded from: who keeps it longer than the buffer copies it.
package mqtt

import "errors"

// Version is the protocol level of a CONNECT packet.
type Version byte

// The protocol levels that are spoken.
const (
	V31  Version = 3 // protocol name MQIsdp
	V311 Version = 4
	V5   Version = 5
)

// Type is the packet type, the high nibble of the first byte.
type Type byte

// The packet types of MQTT 5.0, table 2-1.
const (
	CONNECT     Type = 1
	CONNACK     Type = 2
	PUBLISH     Type = 3
	PUBACK      Type = 4
	PUBREC      Type = 5
	PUBREL      Type = 6
	PUBCOMP     Type = 7
	SUBSCRIBE   Type = 8
	SUBACK      Type = 9
	UNSUBSCRIBE Type = 10
	UNSUBACK    Type = 11
	PINGREQ     Type = 12
	PINGRESP    Type = 13
	DISCONNECT  Type = 14
	AUTH        Type = 15
)

// MaxRemaining is the largest remaining length that four bytes can say, in bytes.
const MaxRemaining = 268_435_455

// ErrShort says that the buffer ends before the packet does: read more and try again.
var ErrShort = errors.New("mqtt: packet is not complete yet")

// Frame is one packet cut out of a stream: its first byte and its body behind the remaining length.
type Frame struct {
	First  byte   // type and flags
	Body   []byte // views the buffer
	Size   int    // bytes in all, fixed header included
	Header int    // bytes of the fixed header; Size-Header = len(Body)
}

// Type is the packet's type.
func (f Frame) Type() Type { return Type(f.First >> 4) }
