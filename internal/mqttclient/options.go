// Package mqttclient is an MQTT client for 3.1, 3.1.1 and 5.0 over TCP, TLS and WebSocket. Flow nodes, bridges and the
// commands pub and sub use it.
//
// A Client is made by New and lives in Run, which connects, reconnects and ends with its context. What is published or
// subscribed while the connection is away waits in bounded memory. One connected client has two goroutines: the
// caller's, in Run, which reads and calls back, and one that writes.
package mqttclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"tsunagi/internal/mqtt"
)

// Options configure a Client. Zero values mean the default in brackets.
type Options struct {
	// Addr says where the broker is: a URL with mqtt, tcp, mqtts, ssl, tls, ws or wss, or host:port. A user and a
	// password in the URL count where User is empty. [host:port: TLS when TLS is set; the path of ws and wss: /mqtt]
	Addr   string
	TLS    *tls.Config // of mqtts and wss [the system's roots, the host of Addr]
	Header http.Header // added to the handshake of ws and wss
	// Dial makes the TCP connection [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Version   mqtt.Version  // [mqtt.V311]
	ClientID  string        // [empty: the server gives one; needs Clean in 3.1.1, is not possible in 3.1]
	Bridge    bool          // before 5.0: tells brokers that know Mosquitto's convention not to send back what we send
	Clean     bool          // Clean Session; in 5.0 Clean Start of the first connection
	KeepAlive time.Duration // whole seconds, to 65535 s; negative: off [60s]
	User      string
	HasUser   bool   // sends User even though it is empty
	Password  []byte // nil: none
	Will      *Message
	WillDelay uint32 // seconds, 5.0

	// Properties of CONNECT in 5.0.
	SessionExpiry   uint32 // seconds; mqtt.SessionForever: never
	ReceiveMaximum  uint16 // [65535]
	TopicAliasMax   uint16 // aliases the server may use towards us [0]
	RequestResponse bool
	NoProblemInfo   bool // asks the server to leave out reason strings and user properties
	UserProps       []mqtt.Pair
	AuthMethod      string
	AuthData        []byte
	// OnAuth answers a challenge of AuthMethod; an error ends the connection.
	OnAuth func(*mqtt.Auth) (*mqtt.Auth, error)

	MaxPacket      int           // bytes of the largest packet taken, told to a server of 5.0 [16 MiB]
	ConnectTimeout time.Duration // from dialling to CONNACK [10s]
	WriteTimeout   time.Duration // longest wait of one write [30s]
	RetryMin       time.Duration // first pause before a new attempt [1s]
	RetryMax       time.Duration // longest pause [30s]
	// Retry is asked after each connection that ended or did not come about; false ends Run with err. [always]
	Retry func(err error) bool

	Inflight       int // QoS 1 and 2 messages sent and not yet acknowledged; the server's Receive Maximum counts, too [20]
	OutboxMessages int // messages that wait to be sent; negative: none may wait while offline [1000]
	OutboxBytes    int // their topics, payloads and properties, in bytes [8 MiB]

	// The callbacks run one after the other in Run's goroutines. They may use the Async functions; a wait for an answer
	// of the server inside of them would never end.
	OnConnect    func(*mqtt.Connack)
	OnDisconnect func(error) // after each connection that ended and each attempt that failed
	// Gather is how long the client waits before a read when many messages a second come, so that they come together:
	// less work for a little latency. It has no effect below some thousand a second, and only on Linux. [0: never]
	Gather time.Duration

	// OnMessages gets messages in order, those together that came together: 256 or 256 KiB at most, or one. They are
	// acknowledged when it returns, up to the first one that is refused. With it OnMessage is not called. The slice and
	// the messages are its own; it may give them back with Client.Reuse.
	OnMessages func([]*Message)
	// OnMessage gets every message in order; it is acknowledged when OnMessage returns. The message is its own.
	OnMessage func(*Message)
	// OnRefused hears of a subscription that the server refused when it was restored after a reconnect.
	OnRefused func(filter string, why mqtt.Reason)

	Log *slog.Logger // [none]
}

const (
	defaultKeepAlive      = 60 * time.Second
	defaultMaxPacket      = 16 << 20
	defaultConnectTimeout = 10 * time.Second
	defaultWriteTimeout   = 30 * time.Second
	defaultRetryMin       = time.Second
	defaultRetryMax       = 30 * time.Second
	defaultInflight       = 20 // Mosquitto reorders QoS 2 of more than that from 3.1.1 clients
	defaultOutboxMessages = 1000
	defaultOutboxBytes    = 8 << 20
)

// withDefaults returns o with the defaults filled in.
func (o Options) withDefaults() Options {
	fill(&o.Version, mqtt.V311)
	fill(&o.KeepAlive, defaultKeepAlive)
	fill(&o.MaxPacket, defaultMaxPacket)
	fill(&o.ConnectTimeout, defaultConnectTimeout)
	fill(&o.WriteTimeout, defaultWriteTimeout)
	fill(&o.RetryMin, defaultRetryMin)
	fill(&o.RetryMax, max(defaultRetryMax, o.RetryMin))
	fill(&o.Inflight, defaultInflight)
	fill(&o.OutboxMessages, defaultOutboxMessages)
	fill(&o.OutboxBytes, defaultOutboxBytes)
	fill(&o.ReceiveMaximum, 0xFFFF)
	o.HasUser = o.HasUser || o.User != ""
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate reports every fault of o, whose defaults are filled in, at once.
func (o *Options) validate() error {
	var errs []error
	wrong := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(o.Version < mqtt.V31 || o.Version > mqtt.V5, "version %d: want 3 (3.1), 4 (3.1.1) or 5 (5.0)", o.Version)
	wrong(o.ClientID == "" && o.Version == mqtt.V31, "client id is empty: 3.1 needs one")
	wrong(o.ClientID == "" && o.Version == mqtt.V311 && !o.Clean,
		"client id is empty: give one, or ask for a clean session")
	wrong(!sendable(o.ClientID), "client id: want UTF-8 without U+0000, at most 65535 bytes")
	wrong(!sendable(o.User), "user: want UTF-8 without U+0000, at most 65535 bytes")
	wrong(len(o.Password) > 0xFFFF, "password of %d bytes: want at most 65535", len(o.Password))
	wrong(o.Password != nil && !o.HasUser && o.Version != mqtt.V5, "a password without a user: only 5.0 can send that")
	wrong(o.KeepAlive > 65535*time.Second, "keep-alive %v: want at most 65535s", o.KeepAlive)
	wrong(o.MaxPacket < 128 || o.MaxPacket > mqtt.MaxRemaining+5, "max packet %d: want 128 to %d", o.MaxPacket, mqtt.MaxRemaining+5)
	wrong(o.RetryMax < o.RetryMin, "longest pause %v: want at least the first, %v", o.RetryMax, o.RetryMin)
	wrong(o.Inflight < 1 || o.Inflight > 0xFFFF, "inflight %d: want 1 to 65535", o.Inflight)
	if o.Will != nil {
		if err := o.Will.validate(); err != nil {
			errs = append(errs, fmt.Errorf("will: %w", err))
		}
		wrong(len(o.Will.Payload) > 0xFFFF, "will: payload of %d bytes: want at most 65535", len(o.Will.Payload))
	}
	return errors.Join(errs...)
}

// sendable says whether s can stand in a packet as a string.
func sendable(s string) bool {
	if len(s) > 0xFFFF || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return true
}

// keepAliveSeconds is what CONNECT says.
func (o *Options) keepAliveSeconds() uint16 {
	if o.KeepAlive < 0 {
		return 0
	}
	return uint16((o.KeepAlive + time.Second - 1) / time.Second)
}
