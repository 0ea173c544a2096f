package network

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// broker is an mqtt-broker config node: one connection, shared by the mqtt in and mqtt out
// nodes that use it.
type broker struct {
	b        *flow.Base
	settings settings
	conn     *connection // nil: not connected and not trying to
	state    linkState
	closing  bool
	server   serverProps // what the broker said in CONNACK
	warned   string      // the last refusal that was shown

	users map[string]*flow.Base
	order []string // of users
	subs  []*subscription
	ids   map[string]uint32 // subscription identifier of a filter
	kept  map[string][]string

	flushing bool // at the end of the turn
	sent     []mqttclient.Waiter
	unused   []*published
}

type linkState uint8

const (
	disconnected linkState = iota
	connecting
	connected
)

// statuses are what the editor shows at the users of a connection.
var statuses = map[linkState]flow.Status{
	disconnected: {Fill: "red", Shape: "ring", Text: "node-red:common.status.disconnected"},
	connecting:   {Fill: "yellow", Shape: "ring", Text: "node-red:common.status.connecting"},
	connected:    {Fill: "green", Shape: "dot", Text: "node-red:common.status.connected"},
}

// MQTTBroker is the config node of a broker.
func MQTTBroker() flow.Type {
	return flow.Type{
		Name:        "mqtt-broker",
		Credentials: map[string]string{"user": "text", "password": "password"},
		Fields: append([]string{"tls", "birthTopic", "birthQos", "birthRetain", "birthPayload", "birthMsg", "closeTopic", "closeQos", "closeRetain",
			"closePayload", "closeMsg", "willTopic", "willQos", "willRetain", "willPayload", "willMsg", "userProps", "sessionExpiry"}, settingKeys...),
		New: newBroker,
	}
}

func newBroker(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &broker{b: b, users: map[string]*flow.Base{}, ids: map[string]uint32{}, kept: map[string][]string{}}
	n.settings = initialSettings(b, c)
	if n.settings.checkClean() {
		b.Warn("No client ID set, using clean session")
	}
	return n, nil
}

func (n *broker) Receive(*flow.Msg) {}

// Users report errors and status in the place of the broker.
func (n *broker) Users() []*flow.Base {
	users := make([]*flow.Base, 0, len(n.order))
	for _, id := range n.order {
		users = append(users, n.users[id])
	}
	return users
}

func (n *broker) v5() bool { return n.settings.version() == mqtt.V5 }

// show sets the state and shows it at every user.
func (n *broker) show(s linkState) {
	n.state = s
	for _, u := range n.Users() {
		u.Status(statuses[s])
	}
}

// register adds a user. The first one makes the connection, if that is to be automatic.
func (n *broker) register(u *flow.Base) {
	if _, again := n.users[u.ID()]; !again {
		n.order = append(n.order, u.ID())
	}
	n.users[u.ID()] = u
	if len(n.users) == 1 && n.settings.autoConnect() {
		n.connect(nil)
	}
	u.Status(statuses[n.state])
}

// deregister takes a user out. When it was the last one, and is gone for good, the
// connection ends.
func (n *broker) deregister(u *flow.Base, removed bool, done func()) {
	u.Status(statuses[disconnected])
	delete(n.users, u.ID())
	for i, id := range n.order {
		if id == u.ID() {
			n.order = append(n.order[:i:i], n.order[i+1:]...)
			break
		}
	}
	if removed && !n.closing && n.state == connected && len(n.users) == 0 {
		n.disconnect(done)
		return
	}
	done()
}
