package broker

import "tsunagi/internal/mqtt"

// What bridges need beyond what every client has.

// User properties of CONNECT and CONNACK by which the two ends of a bridge tell each other who they are, so that a
// message doesn't go back to where it has been.
const (
	BridgeProperty = "tsunagi-bridge" // in CONNECT: a bridge of the broker with this origin
	BrokerProperty = "tsunagi-broker" // in CONNACK to such a client: the origin of this one
)

// introduce tells a bridge which broker this is.
func (b *Broker) introduce(p *mqtt.Connect, ack *mqtt.Connack) {
	if b.origin == "" || p.Version != mqtt.V5 {
		return
	}
	for _, u := range p.UserProps {
		if u.Key == BridgeProperty {
			ack.UserProps = []mqtt.Pair{{Key: BrokerProperty, Value: b.origin}}
			return
		}
	}
}

// Session is what is known of a client identifier, connected or not; false when there is no session.
func (b *Broker) Session(clientID string) (ClientInfo, bool) {
	s := b.session(clientID)
	if s == nil {
		return ClientInfo{}, false
	}
	return s.info(), true
}

// Incoming are the packet identifiers of QoS 2 messages from the client that have not been released. A client whose own
// memory of them is lost releases them, so that the next message under such an identifier isn't taken for the old one.
func (c *Client) Incoming() []uint16 {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var ids []uint16
	c.s.in.each(func(id uint16, _ byte) { ids = append(ids, id) })
	return ids
}
