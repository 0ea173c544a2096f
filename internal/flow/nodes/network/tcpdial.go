package network

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// dialTimeout bounds the making of a connection.
const dialTimeout = 2 * time.Minute

// dialTCP connects, over TLS if that is wanted.
func dialTCP(ctx context.Context, b *flow.Base, host string, port int, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := dialOf(b)(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil || config == nil {
		return conn, err
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// tlsFor is the configuration for a node with the option, nil without it.
func tlsFor(t *tlsConfig, secure bool) (*tls.Config, error) {
	switch {
	case !secure:
		return nil, nil
	case t == nil:
		return nil, errors.New("the TLS configuration is missing or disabled")
	}
	return t.clientConfig()
}

// dialler keeps a connection to a server for a node, whatever happens to it.
type dialler struct {
	b       *flow.Base
	host    string
	port    int
	tls     *tlsConfig
	secure  bool
	session bool // statuses say which connection they are about
	// opened is told of each connection. end says whether to connect again soon.
	opened func(*stream) (data func([]byte), end func(error) bool)

	now    *stream // nil: not connected
	timer  *flow.Timer
	closed bool
}

func (d *dialler) place() string { return d.host + ":" + strconv.Itoa(d.port) }

func (d *dialler) connect() {
	if d.closed {
		return
	}
	d.b.Log("connecting to " + d.place())
	d.b.Status(flow.Status{Fill: "grey", Shape: "dot", Text: "common.status.connecting"})
	config, err := tlsFor(d.tls, d.secure)
	if err != nil {
		d.lost(err, false)
		return
	}
	go func() { // ends with the connection made, or the node
		conn, err := dialTCP(d.b.Life(), d.b, d.host, d.port, config)
		taken := d.b.Soon(func() {
			switch {
			case err != nil:
				d.lost(err, false)
			case d.closed:
				_ = conn.Close() // nobody wants it
			default:
				d.take(conn)
			}
		})
		if !taken && conn != nil {
			_ = conn.Close() // nobody wants it
		}
	}()
}

func (d *dialler) take(conn net.Conn) {
	s := newStream(conn)
	d.now = s
	d.b.Log("connected to " + d.place())
	if d.session {
		d.b.StatusValue(sessionStatus("green", "dot", "common.status.connected", s.id))
	} else {
		d.b.Status(flow.Status{Fill: "green", Shape: "dot", Text: "common.status.connected"})
	}
	data, end := d.opened(s)
	go s.read(d.b, data, func(err error) { // ends with the connection
		soon := end(err)
		if d.now == s {
			d.now = nil
			d.gone(s.id, soon)
		}
	})
}

// release ends the connection when all is sent, and makes a new one soon.
func (d *dialler) release() {
	d.now.end()
	d.now = nil
	d.gone("", true)
}

func (d *dialler) lost(err error, soon bool) {
	if d.session {
		d.b.Log(socketFault(err))
	} else {
		d.b.Log("error: " + socketFault(err))
	}
	d.gone("", soon)
}

// gone shows that there is no connection, and tries again later.
func (d *dialler) gone(id string, soon bool) {
	if d.session && id != "" {
		d.b.StatusValue(sessionStatus("red", "ring", "common.status.disconnected", id))
	} else {
		d.b.Status(flow.Status{Fill: "red", Shape: "ring", Text: "common.status.disconnected"})
	}
	if d.closed {
		return
	}
	wait := reconnectSoon
	if !soon {
		d.b.Log("connection lost to " + d.place())
		wait = reconnectTime
	}
	d.timer = d.b.After(wait, d.connect)
}

func (d *dialler) close() {
	d.closed = true
	d.timer.Stop()
	if d.now != nil {
		d.now.destroy()
	}
}

// tcpOut sends over TCP: to a server, to its own clients, or back to where a message came from.
type tcpOut struct {
	b        *flow.Base
	pool     *Sockets
	base64   bool
	end      bool
	reply    bool
	client   *dialler
	listener *tcpListener
}

// TCPOut sends over TCP.
func (p *Sockets) TCPOut() flow.Type {
	return flow.Type{Name: "tcp out", Fields: []string{"host", "port", "beserver", "base64", "end", "tls"}, New: p.newTCPOut}
}

func (p *Sockets) newTCPOut(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &tcpOut{b: b, pool: p, base64: c.Get("base64").Truthy(), end: c.Get("end").Bool()}
	port, secure := c.Int("port", 0), c.Get("tls").Truthy()
	t, _ := b.Lookup(c.Str("tls")).(*tlsConfig)
	switch mode := c.Str("beserver"); mode {
	case "", "client":
		n.client = &dialler{b: b, host: c.StrOr("host", "localhost"), port: port, tls: t, secure: secure, opened: n.opened}
		n.client.connect()
	case "reply":
		n.reply = true
	default:
		b.Status(flow.Status{Text: connections(0)})
		n.listener = listenTCP(b, port, t, secure, n.accepted)
	}
	return n, nil
}

// opened takes no notice of what the server sends.
func (n *tcpOut) opened(*stream) (func([]byte), func(error) bool) {
	return func([]byte) {}, func(error) bool { return false }
}

func (n *tcpOut) accepted(s *stream) (func([]byte), func(error)) {
	ip, port := address(s.conn.RemoteAddr(), n.listener.both)
	place := ip + ":" + strconv.Itoa(port)
	n.b.Log("connection from " + place)
	show := func() { n.b.Status(flow.Status{Text: connections(len(n.listener.conns))}) }
	show()
	return func([]byte) {}, func(error) {
		n.b.Log("connection closed from " + place)
		show()
	}
}

// Close ends all connections of the node.
func (n *tcpOut) Close(_ bool, done func()) {
	if n.client != nil {
		n.client.close()
	}
	if n.listener != nil {
		n.listener.close()
	}
	done()
}

func (n *tcpOut) Receive(m *flow.Msg) {
	payload := m.Get("payload")
	switch {
	case n.client != nil:
		n.b.Done(m, n.toServer(payload))
	case n.reply:
		n.b.Done(m, n.back(m, payload))
	case payload.Nullish():
		n.b.Done(m, nil)
	default:
		var failed error
		data := outBytes(payload, n.base64)
		for s := range n.listener.conns {
			if err := s.write(data); err != nil {
				failed = err
			}
			if n.end {
				s.end()
			}
		}
		n.b.Done(m, asFault(failed))
	}
}

func asFault(err error) error {
	if err == nil {
		return nil
	}
	return flow.NewError("%s", err.Error())
}

func (n *tcpOut) toServer(payload value.Value) error {
	s := n.client.now
	if s == nil || payload.Nullish() {
		return nil
	}
	err := s.write(outBytes(payload, n.base64))
	if n.end {
		n.b.Status(flow.Status{})
		n.client.release()
	}
	return asFault(err)
}

// back answers the connection that the message came from, or all of them.
func (n *tcpOut) back(m *flow.Msg, payload value.Value) error {
	to := n.pool.conns
	if o := m.Get("_session").Map(); o != nil && o.Get("type").Str() == "tcp" {
		to = map[string]*stream{}
		if s := n.pool.conns[o.Get("id").Text()]; s != nil {
			to["it"] = s
		}
	}
	if r := m.Get("reset"); r.Is(value.Bool) && r.Bool() {
		for _, s := range to {
			s.destroy()
		}
		return nil
	}
	var failed error
	data := outBytes(payload, n.base64)
	for _, s := range to {
		if err := s.write(data); err != nil {
			failed = err
		}
	}
	return asFault(failed)
}
