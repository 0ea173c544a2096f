package network

import (
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// socketNode is a websocket-listener or websocket-client: connections that websocket in and
// out nodes share.
type socketNode struct {
	b     *flow.Base
	web   *Web
	path  string
	whole bool // whole messages are sent, not payloads

	server bool
	peers  map[string]*socketPeer // of a server, by session
	place  *socketListener        // of a server; nil if the path is taken
	client *socketClient          // of a client
	users  []*flow.Base           // websocket in and out nodes
	inputs []*flow.Base           // websocket in nodes
}

// SocketListener is the config node of a path for WebSockets, on web.
func SocketListener(web *Web) flow.Type {
	return flow.Type{Name: "websocket-listener", Fields: []string{"path", "wholemsg"},
		New: func(b *flow.Base, c flow.Config) (flow.Node, error) { return newSocketNode(web, b, c) }}
}

// SocketClient is the config node of a connection to a WebSocket server.
func SocketClient(web *Web) flow.Type {
	return flow.Type{Name: "websocket-client", Fields: []string{"path", "tls", "wholemsg", "hb", "subprotocol", "headers"},
		New: func(b *flow.Base, c flow.Config) (flow.Node, error) { return newSocketNode(web, b, c) }}
}

func newSocketNode(web *Web, b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &socketNode{b: b, web: web, path: c.Str("path"), whole: c.Str("wholemsg") == "true" || c.Get("wholemsg").Bool(), peers: map[string]*socketPeer{}}
	lower := strings.ToLower(n.path)
	n.server = !strings.HasPrefix(lower, "ws://") && !strings.HasPrefix(lower, "wss://")
	if !n.server {
		var err error
		n.client, err = newSocketClient(n, c)
		return n, err
	}
	n.place = &socketListener{node: n, path: "/" + strings.TrimPrefix(n.path, "/")}
	if !web.addSocket(n.place) {
		n.place = nil
		b.Error(flow.Text("Cannot have two WebSocket listeners on the same path: "+n.path), nil)
	}
	return n, nil
}

func (n *socketNode) Receive(*flow.Msg) {}

// Close ends all connections.
func (n *socketNode) Close(_ bool, done func()) {
	n.inputs = nil
	if n.client != nil {
		n.client.close(done)
		return
	}
	if n.place != nil {
		n.web.removeSocket(n.place)
	}
	for _, p := range n.peers {
		p.end()
	}
	done()
}

// show shows the state of a connection at every user. event is opened, closed or erro.
func (n *socketNode) show(event, id string) {
	count := ""
	if n.server {
		count = strconv.Itoa(len(n.peers))
	}
	fill, shape, text := "green", "dot", "connected "+count
	switch {
	case event == "error":
		fill, shape, text = "red", "ring", "common.status.error"
	case event == "disconnect" && len(n.peers) == 0:
		fill, shape, text = "red", "ring", "common.status.disconnected"
	}
	for _, u := range n.users {
		u.StatusValue(value.MapOf("fill", fill, "shape", shape, "text", text, "event", event, "_session", socketSession(id)))
	}
}

func socketSession(id string) value.Value {
	return value.MapOf("type", "websocket", "id", id).Value()
}

// arrived makes a message of what a connection has sent.
func (n *socketNode) arrived(id string, data []byte, binary bool) {
	payload := value.Data(data)
	if !binary {
		payload = value.Str(value.DecodeUTF8(data))
	}
	o := value.NewMap(3).Set("payload", payload)
	if n.whole {
		if v, err := value.ParseString(value.DecodeUTF8(data)); err == nil {
			switch {
			case v.Map() != nil:
				o = v.Map().Own()
			case v.Nullish(), v.List() != nil:
				n.b.Warn("a message that is no object was dropped: \"Send/Receive entire message\" wants objects")
				return
			default:
				o = value.NewMap(3).Set("payload", v)
			}
		}
	}
	o.Set("_session", socketSession(id))
	for i, in := range n.inputs {
		if i == 0 {
			in.Send(flow.MsgOf(o))
		} else {
			in.Send(flow.MsgOf(o.Clone()))
		}
	}
}

// broadcast sends to every connection.
func (n *socketNode) broadcast(data []byte, binary bool) {
	send := func(p *socketPeer, name string) {
		if err := p.write(data, binary); err != nil {
			n.b.Warn("An error occurred while sending: " + name + err.Error())
		}
	}
	if n.client != nil {
		if p := n.client.now; p != nil {
			send(p, "")
		} else {
			n.b.Warn("An error occurred while sending:  Error: WebSocket is not open: readyState 0 (CONNECTING)")
		}
		return
	}
	for id, p := range n.peers {
		send(p, id+" ")
	}
}

// reply sends to one connection.
func (n *socketNode) reply(id string, data []byte, binary bool) {
	if p := n.peers[id]; p != nil {
		_ = p.write(data, binary) // as in Node-RED, nobody hears of it
	}
}

// socketIn is a websocket in node.
type socketIn struct {
	b *flow.Base
	n *socketNode
}

// SocketIn receives from WebSockets.
func SocketIn() flow.Type {
	return flow.Type{Name: "websocket in", Fields: []string{"server", "client"}, New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		n := &socketIn{b: b, n: socketOf(b, c)}
		if n.n == nil {
			b.Error(flow.Text("Missing server configuration"), nil)
			return n, nil
		}
		n.n.users = append(n.n.users, b)
		n.n.inputs = append(n.n.inputs, b)
		n.n.start()
		return n, nil
	}}
}

func socketOf(b *flow.Base, c flow.Config) *socketNode {
	id := c.Str("client")
	if id == "" {
		id = c.Str("server")
	}
	n, _ := b.Lookup(id).(*socketNode)
	return n
}

func (n *socketIn) Receive(*flow.Msg) {}

// Close takes the node out.
func (n *socketIn) Close(_ bool, done func()) {
	if n.n != nil {
		n.n.users = without(n.n.users, n.b)
		n.n.inputs = without(n.n.inputs, n.b)
	}
	n.b.Status(flow.Status{})
	done()
}

func without(list []*flow.Base, b *flow.Base) []*flow.Base {
	out := make([]*flow.Base, 0, len(list))
	for _, e := range list {
		if e != b {
			out = append(out, e)
		}
	}
	return out
}

// start connects, if it is a client that has not.
func (n *socketNode) start() {
	if n.client != nil && !n.client.started {
		n.client.started = true
		n.client.connect()
	}
}

// socketOut is a websocket out node.
type socketOut struct {
	b *flow.Base
	n *socketNode
}

// SocketOut sends to WebSockets.
func SocketOut() flow.Type {
	return flow.Type{Name: "websocket out", Fields: []string{"server", "client"}, New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		n := &socketOut{b: b, n: socketOf(b, c)}
		if n.n == nil {
			b.Error(flow.Text("Missing server configuration"), nil)
			return n, nil
		}
		n.n.users = append(n.n.users, b)
		n.n.start()
		return n, nil
	}}
}

// Close takes the node out.
func (n *socketOut) Close(_ bool, done func()) {
	if n.n != nil {
		n.n.users = without(n.n.users, n.b)
	}
	n.b.Status(flow.Status{})
	done()
}

func (n *socketOut) Receive(m *flow.Msg) {
	if n.n == nil {
		return // as in Node-RED: never done
	}
	data, binary := n.payload(m)
	if len(data) > 0 {
		if o := m.Get("_session").Map(); o != nil && o.Get("type").Str() == "websocket" {
			n.n.reply(o.Get("id").Text(), data, binary)
		} else {
			n.n.broadcast(data, binary)
		}
	}
	n.b.Done(m, nil)
}

// payload is what is sent for a message.
func (n *socketOut) payload(m *flow.Msg) (data []byte, binary bool) {
	if n.n.whole {
		o := m.Root().Clone().Own()
		o.Delete("_session")
		return value.Append(nil, o.Value()), false
	}
	v := m.Get("payload")
	switch {
	case !m.Has("payload"):
		return nil, false
	case v.Is(value.Bytes):
		return v.Bytes(), true
	case v.Is(value.Object), v.Is(value.Array), v.Is(value.Null), v.Is(value.Date):
		return value.Append(nil, v), false
	}
	return []byte(v.Text()), false
}

// heartbeat is the time between two pings, 0 for none.
func heartbeat(c flow.Config) time.Duration {
	if n, ok := value.ParseInt(c.Str("hb")); ok && n > 0 {
		return time.Duration(n) * time.Second
	}
	return 0
}
