package network

import (
	"context"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

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
func (n *broker) publish(m *mqttclient.Message, out *mqttOut, of *flow.Msg) {
	if n.state != connected || n.conn == nil {
		return
	}
	p := n.published(out.b, of)
	if err := n.conn.client.PublishLater(m, p); err != nil {
		n.unused = append(n.unused, p)
		out.b.Done(of, err)
		return
	}
	if !n.flushing {
		n.flushing = true
		n.b.AtTurnEnd(n.flush)
	}
}

// flush sends what the nodes have published in this turn.
func (n *broker) flush() {
	n.flushing = false
	if n.conn == nil {
		return
	}
	n.sent = n.conn.client.Flush(n.sent[:0])
	for i, w := range n.sent {
		n.sent[i] = nil
		p := w.(*published)
		b, msg := p.b, p.msg
		if *p = (published{}); len(n.unused) < maxUnused {
			n.unused = append(n.unused, p)
		}
		b.Done(msg, nil)
	}
}

// maxUnused is how many published are kept to be used again.
const maxUnused = 256

// published notes a message that is on its way.
func (n *broker) published(b *flow.Base, msg *flow.Msg) *published {
	p := &published{}
	if k := len(n.unused); k > 0 {
		p, n.unused = n.unused[k-1], n.unused[:k-1]
	}
	*p = published{b, msg, b.Heard()}
	return p
}

// published is a message on its way to the broker.
type published struct {
	b     *flow.Base
	msg   *flow.Msg
	heard bool // there are complete nodes
}

// Finish is the answer when it doesn't come at once.
func (p *published) Finish(err error) {
	if err == nil && !p.heard {
		return
	}
	p.b.Soon(func() { p.b.Done(p.msg, err) })
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
