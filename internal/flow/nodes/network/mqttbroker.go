package network

import (
	"context"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
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

// connection is one client and what belongs to its life.
type connection struct {
	client *mqttclient.Client
	cancel context.CancelFunc
	ended  chan struct{} // closed when Run has returned
	ready  func()        // called when it is connected for the first time
	seen   bool          // it was connected
}

// endLimit is how long the connection may take to end politely.
const endLimit = 2 * time.Second

// connect begins to connect. ready, if given, is called at the first success.
func (n *broker) connect(ready func()) {
	if n.state != disconnected || n.conn != nil {
		return
	}
	n.closing = false
	n.server = serverProps{}
	conn := &connection{ended: make(chan struct{}), ready: ready}
	o, err := n.options(conn)
	if err == nil {
		conn.client, err = mqttclient.New(o)
	}
	if err != nil {
		n.show(disconnected)
		n.b.Error(flow.Text("Connection failed to broker: "+n.settings.shownURL()+": "+err.Error()), nil)
		return
	}
	n.conn = conn
	n.show(connecting)
	ctx, cancel := context.WithCancel(context.Background())
	conn.cancel = cancel
	go func() { // ends by disconnect, which the node's Close calls at the latest
		defer close(conn.ended)
		_ = conn.client.Run(ctx) // each failure was told to OnDisconnect
	}()
}

// current runs f on the loop if conn is still the connection then.
func (n *broker) current(conn *connection, f func()) {
	n.b.Soon(func() {
		if n.conn == conn {
			f()
		}
	})
}

func (n *broker) onConnect(conn *connection, ack *mqtt.Connack) {
	n.closing, n.warned = false, ""
	n.server = propsOf(ack)
	first := !conn.seen
	conn.seen = true
	n.b.Log("Connected to broker: " + n.settings.shownURL())
	n.show(connected)
	if first {
		for _, s := range n.subs {
			n.request(s)
		}
		if conn.ready != nil {
			conn.ready()
		}
	}
	if m := n.settings.birth; m != nil {
		n.publishOwn(m)
	}
}

// publishOwn publishes a birth message.
func (n *broker) publishOwn(own *ownMessage) {
	if err := n.conn.client.PublishAsync(own.message(n.v5()), nil); err != nil {
		n.b.Error(flow.Text("birth message: "+err.Error()), nil)
	}
}

func (n *broker) onDisconnect(conn *connection, err error) {
	url := n.settings.shownURL()
	reason := reasonOf(err)
	switch was := n.state; {
	case was == connected && reason.fromServer:
		n.b.Log("Broker " + url + " disconnected client: " + reason.text)
		n.show(disconnected)
	case was == connected:
		n.b.Log("Disconnected from broker: " + url + reason.behind())
		n.show(disconnected)
	default:
		n.b.Log("Connection failed to broker: " + url + reason.behind())
	}
	if reason.text != "" && reason.text != n.warned && (reason.fromServer || reason.tls) {
		n.warned = reason.text
		n.b.Warn("Connection failed to broker: " + url + reason.behind())
	}
}

// onAttempt is called when the client begins to dial.
func (n *broker) onAttempt() {
	if n.state == disconnected && !n.closing {
		n.show(connecting)
	}
}

// disconnect ends the connection: the close message first, then what waits, then a polite
// DISCONNECT. done is called on the loop.
func (n *broker) disconnect(done func()) {
	conn := n.conn
	if conn == nil || n.closing {
		if n.state != disconnected {
			n.show(disconnected)
		}
		if conn == nil || done == nil {
			finish(done)
			return
		}
		go func() { // ends with the connection
			<-conn.ended
			n.b.Soon(done)
		}()
		return
	}
	n.closing = true
	var last *mqttclient.Message
	if n.state == connected && n.settings.closeMsg != nil {
		last = n.settings.closeMsg.message(n.v5())
	}
	polite := n.state == connected
	go func() { // ends within endLimit and the end of the client
		conn.end(last, polite)
		n.b.Soon(func() {
			if n.conn == conn {
				n.conn = nil
			}
			n.show(disconnected)
			n.closing = false
			finish(done)
		})
	}()
}

func finish(done func()) {
	if done != nil {
		done()
	}
}

// end ends the client and waits for it.
func (c *connection) end(last *mqttclient.Message, polite bool) {
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	if polite {
		if last != nil {
			_ = c.client.Publish(ctx, last) // what fails can't be helped any more
		}
		_ = c.client.Drain(ctx)
		_ = c.client.Disconnect(ctx, mqtt.Disconnect{})
	}
	c.cancel()
	<-c.ended
}

// Close ends the connection.
func (n *broker) Close(_ bool, done func()) { n.disconnect(done) }

// publish sends a message of an mqtt out node. answer is called on the loop, unless there is
// no connection: then the message is lost and nobody is told, as in Node-RED.
func (n *broker) publish(m *mqttclient.Message, answer func(error)) {
	if n.state != connected || n.conn == nil {
		return
	}
	err := n.conn.client.PublishAsync(m, func(err error) {
		n.b.Soon(func() { answer(err) })
	})
	if err != nil {
		answer(err)
	}
}

// serverProps are what a broker of version 5 allows.
type serverProps struct {
	aliasMax uint16
	noSubIDs bool
}

func propsOf(ack *mqtt.Connack) serverProps {
	return serverProps{aliasMax: ack.TopicAliasMax, noSubIDs: ack.NoSubscriptionIDs}
}

func (n *broker) subscriptionIDs() bool { return n.v5() && !n.server.noSubIDs }

// settings are the options of the dialog, which a message with action connect can change.
type settings struct {
	o                     *value.Map
	tls                   value.Value // id of the tls-config node
	user, password        *string
	birth, closeMsg, will *ownMessage
}

// settingKeys are the options by the names that the flow file and messages share.
var settingKeys = []string{"url", "broker", "port", "clientid", "autoConnect", "usetls", "verifyservercert", "compatmode", "protocolVersion",
	"keepalive", "cleansession", "autoUnsubscribe", "topicAliasMaximum", "maximumPacketSize", "receiveMaximum"}

func initialSettings(b *flow.Base, c flow.Config) settings {
	s := settings{o: value.NewMap(len(settingKeys)), tls: c.Get("tls")}
	s.take(c.Root())
	if u, ok := b.Credential("user"); ok {
		s.user = &u
	}
	if p, ok := b.Credential("password"); ok {
		s.password = &p
	}
	for prefix, to := range map[string]**ownMessage{"birth": &s.birth, "close": &s.closeMsg, "will": &s.will} {
		*to = newOwnMessage(c.Get(prefix+"Topic"), c.Get(prefix+"Payload"), c.Get(prefix+"Qos"), c.Get(prefix+"Retain"), c.Get(prefix+"Msg"))
	}
	return s
}

// take copies the options that o has.
func (s *settings) take(o *value.Map) {
	for _, key := range settingKeys {
		if o.Has(key) {
			s.o.Set(key, o.Get(key))
		}
	}
	for _, names := range [][3]string{{"userProperties", "userProperties", "userProps"}, {"sessionExpiry", "sessionExpiry", "sessionExpiryInterval"}} {
		for _, key := range names[1:] {
			if o.Has(key) {
				s.o.Set(names[0], o.Get(key))
				break
			}
		}
	}
}

// override applies what a message with action connect says.
func (s *settings) override(o *value.Map) {
	s.o = s.o.Clone().Own()
	s.take(o)
	for key, to := range map[string]**ownMessage{"birth": &s.birth, "close": &s.closeMsg, "will": &s.will} {
		if o.Has(key) {
			m := o.Get(key).Map()
			if m == nil {
				m = value.NewMap(0)
			}
			*to = newOwnMessage(m.Get("topic"), m.Get("payload"), m.Get("qos"), m.Get("retain"), m.Get("properties"))
		}
	}
	for key, to := range map[string]**string{"username": &s.user, "password": &s.password} {
		if o.Has(key) {
			text := o.Get(key).ToText()
			*to = &text
		}
	}
}

func (s *settings) text(key string) string {
	if v := s.o.Get(key); !v.Nullish() {
		return v.Text()
	}
	return ""
}

// flag reads a boolean; what is absent is the default.
func (s *settings) flag(key string, absent bool) bool {
	switch v := s.o.Get(key); {
	case !v.Defined():
		return absent
	case v.Is(value.String):
		return v.Str() == "true"
	default:
		return v.Truthy()
	}
}

func (s *settings) autoConnect() bool {
	v := s.o.Get("autoConnect")
	return !(v.Is(value.Bool) && !v.Bool()) && v.Str() != "false"
}

func (s *settings) autoUnsubscribe() bool {
	v := s.o.Get("autoUnsubscribe")
	return !v.Is(value.Bool) || v.Bool()
}

func (s *settings) version() mqtt.Version {
	v := s.text("protocolVersion")
	switch {
	case s.flag("compatmode", false) || v == "3":
		return mqtt.V31
	case v == "5":
		return mqtt.V5
	}
	return mqtt.V311
}

// checkClean asks for a clean session when there is no client id to find another one by, and
// says whether it had to.
func (s *settings) checkClean() bool {
	if s.flag("cleansession", true) || s.text("clientid") != "" {
		return false
	}
	s.o.Set("cleansession", value.Of(true))
	return true
}

func (s *settings) keepAlive() time.Duration {
	seconds := 60.0
	if v := s.o.Get("keepalive"); v.Defined() {
		if seconds = v.ToNumber(); seconds != seconds {
			seconds = 60
		}
	}
	if seconds < 1 {
		return -1
	}
	return time.Duration(min(seconds, 65535)) * time.Second
}

func (s *settings) sessionExpiry() uint32 {
	f, ok := value.ParseInt(s.text("sessionExpiry"))
	if !ok || f <= 0 || f > 1<<32-1 {
		return 0
	}
	return uint32(f)
}

func (s *settings) shownURL() string {
	shown := s.url()
	if id := s.text("clientid"); id != "" {
		shown = id + "@" + shown
	}
	return redact(shown)
}
