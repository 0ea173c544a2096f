package gate

import (
	"context"
	"crypto/x509"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// Hello is all that a connection has said about itself by its CONNECT.
type Hello struct {
	Host     string // name asked for: TLS server name, or the Host of a WebSocket request without its port
	Instance string // from the WebSocket's path /mqtt/<instance>
	Key      string // from the WebSocket's query ?key=
	Origin   string // of the page that opened the WebSocket; "" for none
	ClientID string
	User     string
	HasUser  bool
	Password []byte // valid during the call only
	HasPass  bool
	Remote   string // address and port of the peer
	Via      string // "mqtts", "wss", "mqtt", "ws"
	Secure   bool   // came through TLS
	TLS      uint16 // version of TLS, as package tls numbers them; 0 without, or where a proxy in front speaks it
	// Certificates are what the client sent in TLS, its own first: it has shown to have the key of that one, and nothing
	// more was judged.
	Certificates []*x509.Certificate
}

// Door finds the instance that a connection means and checks who it is. Admit may take its time (a password is
// hashed, a broker loaded); a refusal is an error that wraps a mqtt.Reason in words for the client, and the door has
// recorded it. An unknown instance gets the same answer, in the same time, as a wrong password.
type Door interface {
	Admit(ctx context.Context, h Hello) (*broker.Broker, broker.Identity, error)
}

var errStopping = &broker.Refusal{Reason: mqtt.ServerUnavailable, Words: "the server is stopping; come again"}
