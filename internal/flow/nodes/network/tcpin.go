package network

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// tcpIn makes messages of what arrives over TCP, as a server or as a client.
type tcpIn struct {
	b        *flow.Base
	pool     *Sockets
	host     string
	port     int
	topic    value.Value
	stream   bool
	datatype string
	newline  string
	trim     bool
	tls      *tlsConfig
	secure   bool
	client   *dialler // in client mode
	listener *tcpListener
}

// TCPIn receives over TCP.
func (p *Sockets) TCPIn() flow.Type {
	return flow.Type{Name: "tcp in", Fields: []string{"server", "host", "port", "datamode", "datatype", "newline", "topic", "trim", "base64", "tls"},
		New: p.newTCPIn}
}

func (p *Sockets) newTCPIn(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &tcpIn{b: b, pool: p, host: c.StrOr("host", "localhost"), port: c.Int("port", 0), topic: c.Get("topic"), stream: c.StrOr("datamode", "stream") == "stream",
		datatype: c.StrOr("datatype", "buffer"), newline: unescape(c.Str("newline"), true), trim: c.Get("trim").Bool(), secure: c.Get("tls").Truthy()}
	n.tls, _ = b.Lookup(c.Str("tls")).(*tlsConfig)
	if c.Get("server").Bool() || c.Str("server") == "server" {
		n.listener = listenTCP(b, n.port, n.tls, n.secure, n.accepted)
		return n, nil
	}
	n.client = &dialler{b: b, host: n.host, port: n.port, tls: n.tls, secure: n.secure, opened: n.opened, session: true}
	n.client.connect()
	return n, nil
}

func (n *tcpIn) Receive(*flow.Msg) {}

// Close ends all connections.
func (n *tcpIn) Close(_ bool, done func()) {
	if n.client != nil {
		n.client.close()
	} else {
		n.listener.close()
	}
	for id, s := range n.pool.conns {
		if n.listener != nil && n.listener.conns[s] {
			s.end()
			delete(n.pool.conns, id)
		}
	}
	done()
}

// incoming is what has arrived on one connection and is no message yet.
type incoming struct {
	text   strings.Builder // for texts
	bytes  []byte
	ip     string
	port   int
	server bool
	id     string
}

func (in *incoming) size() int { return in.text.Len() + len(in.bytes) }

// accepted takes a connection of the listener.
func (n *tcpIn) accepted(s *stream) (data func([]byte), end func(error)) {
	in := &incoming{server: true, id: s.id}
	in.ip, in.port = address(s.conn.RemoteAddr(), n.listener.both)
	n.pool.conns[s.id] = s
	show := func(event string) {
		n.b.StatusValue(value.MapOf("text", connections(len(n.listener.conns)), "event", event, "ip", in.ip, "port", in.port, "_session", session(s.id)))
	}
	show("connect")
	return func(b []byte) { n.data(s, in, b) }, func(err error) {
		n.ended(in, err)
		delete(n.pool.conns, s.id)
		show("disconnect")
	}
}

// opened takes the connection that the node made.
func (n *tcpIn) opened(s *stream) (data func([]byte), end func(error) bool) {
	in := &incoming{id: s.id}
	n.pool.conns[s.id] = s
	return func(b []byte) { n.data(s, in, b) }, func(err error) bool {
		delete(n.pool.conns, s.id)
		return n.ended(in, err)
	}
}

// data makes messages of what has arrived.
func (n *tcpIn) data(s *stream, in *incoming, b []byte) {
	text := ""
	switch n.datatype {
	case "buffer":
	case "base64":
		text = base64Text(b)
	default:
		text = value.DecodeUTF8(b)
	}
	if n.stream && !(n.newline != "" && (n.datatype == "utf8" || in.server && n.datatype != "buffer")) {
		if n.datatype == "buffer" {
			n.send(in, value.Data(b))
		} else {
			n.send(in, value.Str(text))
		}
		return
	}
	if in.size()+len(b) > maxPartial {
		n.b.Error(flow.Text(fmt.Sprintf("error: more than %d bytes without an end: the connection is closed", maxPartial)), nil)
		s.destroy()
		return
	}
	if n.datatype == "buffer" {
		in.bytes = append(in.bytes, b...)
		return
	}
	in.text.WriteString(text)
	if n.stream && strings.Contains(text, n.newline[len(n.newline)-1:]) {
		n.split(in)
	}
}

// split sends the parts that have an end.
func (n *tcpIn) split(in *incoming) {
	rest := in.text.String()
	for {
		part, behind, ok := strings.Cut(rest, n.newline)
		if !ok {
			break
		}
		rest = behind
		if n.trim {
			part += n.newline
		}
		n.send(in, value.Str(part))
	}
	in.text.Reset()
	in.text.WriteString(rest)
}

// ended sends what was still there when the other side ended the connection, and says
// whether there was something.
func (n *tcpIn) ended(in *incoming, err error) bool {
	if !errors.Is(err, io.EOF) {
		n.b.Log(socketFault(err))
		return false
	}
	if in.size() == 0 {
		return false
	}
	payload := value.Data(in.bytes)
	if n.datatype != "buffer" {
		payload = value.Str(in.text.String())
	}
	n.send(in, payload)
	return true
}

func (n *tcpIn) send(in *incoming, payload value.Value) {
	o := value.NewMap(6).Set("topic", n.topic).Set("payload", payload)
	if in.server {
		o.Set("ip", value.Str(in.ip)).Set("port", value.Int(in.port))
	}
	n.b.Send(flow.MsgOf(o.Set("_session", session(in.id))))
}

// tcpListener takes connections for a node.
type tcpListener struct {
	b     *flow.Base
	l     net.Listener
	port  int
	both  bool
	conns map[*stream]bool
}

// listenTCP listens on a port; accepted is told of each connection, on the loop. What fails
// is an error of the node.
func listenTCP(b *flow.Base, port int, t *tlsConfig, secure bool, accepted func(*stream) (func([]byte), func(error))) *tcpListener {
	n := &tcpListener{b: b, port: port, conns: map[*stream]bool{}}
	l, err := listenOn(b, port, t, secure)
	if err != nil {
		var plain *flow.Error
		text := "unable to listen on port " + strconv.Itoa(port) + ", error: "
		if errors.As(err, &plain) {
			text += plain.Message
		} else if code, _ := nodeError(err); code == "EADDRINUSE" {
			text += "Error: listen EADDRINUSE: address already in use :::" + strconv.Itoa(port)
		} else {
			text += "Error: " + err.Error()
		}
		b.Error(flow.Text(text), nil)
		return n
	}
	n.l, n.both = l, listensOnBoth(l.Addr())
	b.Log("listening on port " + strconv.Itoa(port))
	go n.accept(accepted) // ends with close
	return n
}

func listenOn(b *flow.Base, port int, t *tlsConfig, secure bool) (net.Listener, error) {
	if b.Options().NoListen {
		return nil, errHosted
	}
	var config *tls.Config
	if secure {
		if t == nil {
			return nil, flow.NewError("the TLS configuration is missing or disabled")
		}
		c, err := t.clientConfig()
		if err != nil {
			return nil, flow.NewError("%s", err.Error())
		}
		if len(c.Certificates) == 0 {
			return nil, flow.NewError("the TLS configuration has no certificate")
		}
		config = &tls.Config{MinVersion: c.MinVersion, Certificates: c.Certificates, NextProtos: c.NextProtos}
	}
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port)) //nolint:noctx // listening doesn't wait
	if err == nil && config != nil {
		l = tls.NewListener(l, config)
	}
	return l, err
}

func (n *tcpListener) accept(accepted func(*stream) (func([]byte), func(error))) {
	for {
		conn, err := n.l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				n.b.Do(func() { n.b.Error(flow.Text("error: "+err.Error()), nil) })
			}
			return
		}
		n.b.Do(func() {
			if len(n.conns) >= maxConnections {
				n.b.Warn(fmt.Sprintf("a connection was refused: %d are open", maxConnections))
				_ = conn.Close() // it is refused
				return
			}
			s := newStream(conn)
			n.conns[s] = true
			data, end := accepted(s)
			go s.read(n.b, data, func(err error) { delete(n.conns, s); end(err) }) // ends with the connection
		})
	}
}

// close takes no more connections and lets those that are open end.
func (n *tcpListener) close() {
	if n.l == nil {
		return
	}
	_ = n.l.Close() // the port is given up
	for s := range n.conns {
		s.end()
	}
	n.b.Log("stopped listening on port")
}
