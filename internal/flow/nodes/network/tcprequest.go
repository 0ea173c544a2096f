package network

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// tcpAsk is a tcp request node: it sends to a server and waits for an answer, which ends as
// the dialog says.
type tcpAsk struct {
	b       *flow.Base
	host    string
	port    float64
	out     string // time, immed, count, char or sit
	limit   float64
	char    byte
	text    bool
	newline string
	trim    bool
	tls     *tlsConfig
	secure  bool

	peers map[string]*tcpPeer
	last  string // the server of the message before
}

// tcpPeer is one server and what waits for it.
type tcpPeer struct {
	id         string
	queue      []*flow.Msg
	last       *flow.Msg
	first      *flow.Msg // the one for which the connection was made
	s          *stream   // nil: not connected
	connecting bool
	timer      *flow.Timer
	timing     bool
	got        []byte
}

// maxAsks bounds the messages that wait for a connection; the oldest are left out, as in Node-RED.
const maxAsks = 1000

// TCPRequest sends over TCP and waits for the answer.
func TCPRequest() flow.Type {
	return flow.Type{Name: "tcp request", Fields: []string{"server", "port", "out", "ret", "splitc", "newline", "trim", "tls"}, New: newTCPAsk}
}

func newTCPAsk(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &tcpAsk{b: b, host: c.Str("server"), port: c.Num("port", 0), out: c.Str("out"), text: c.Str("ret") == "string",
		newline: unescape(c.Str("newline"), false), trim: c.Get("trim").Bool(), secure: c.Get("tls").Truthy(), peers: map[string]*tcpPeer{}}
	n.tls, _ = b.Lookup(c.Str("tls")).(*tlsConfig)
	split := c.Get("splitc")
	switch n.out {
	case "immed", "time", "count", "sit":
		n.limit = split.ToNumber()
	default:
		n.char = delimiter(split.Text())
	}
	if math.IsNaN(n.limit) {
		n.limit = 0
	}
	return n, nil
}

// delimiter reads the byte at which an answer ends: an escape, a number in hex, or a character.
func delimiter(s string) byte {
	switch {
	case s == "":
		return 0
	case s[0] == '\\' && len(s) > 1:
		if c, ok := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'e': 0x1b, 'f': '\f', '0': 0}[s[1]]; ok {
			return c
		}
		return '\\'
	case strings.HasPrefix(s, "0x"):
		v, _ := strconv.ParseUint(s[2:], 16, 8)
		return byte(v)
	}
	return s[0]
}

// Close ends all connections.
func (n *tcpAsk) Close(_ bool, done func()) {
	for _, p := range n.peers {
		n.drop(p)
	}
	n.b.Status(flow.Status{})
	done()
}

// drop ends a connection and forgets it.
func (n *tcpAsk) drop(p *tcpPeer) {
	p.timer.Stop()
	if p.s != nil {
		p.s.destroy()
	}
	if n.peers[p.id] == p {
		delete(n.peers, p.id)
	}
}

func (n *tcpAsk) Receive(m *flow.Msg) {
	payload := m.Get("payload")
	if payload.Is(value.Null) {
		n.b.Done(m, &flow.Error{Name: "TypeError", Message: "Cannot read properties of null (reading 'toString')"})
		return
	}
	if payload.Defined() && !payload.Is(value.Bytes) && !payload.Is(value.String) {
		m.Set("payload", value.Str(payload.Text()))
	}
	host, port := n.place(m)
	if n.out == "sit" && m.Get("reset").Truthy() {
		n.reset(m.Get("reset"))
		if !m.Has("payload") {
			n.b.Done(m, nil)
			return
		}
	}
	id := host + ":" + port
	if id != n.last {
		n.b.Status(flow.Status{})
		n.last = id
	}
	number, err := strconv.Atoi(port)
	if host == "undefined" || err != nil || number == 0 {
		n.b.Warn("Host and/or port not set")
		n.b.Done(m, nil)
		return
	}
	p := n.peers[id]
	if p == nil {
		if n.tidy(); len(n.peers) >= maxConnections {
			n.b.Done(m, flow.NewError("more than %d connections are open", maxConnections))
			return
		}
		p = &tcpPeer{id: id}
		n.peers[id] = p
	}
	p.last = m
	if len(p.queue) >= maxAsks {
		p.queue = p.queue[1:]
	}
	p.queue = append(p.queue, m)
	switch {
	case p.s != nil:
		n.flush(p)
	case !p.connecting:
		n.connect(p, host, number)
	}
}

// tidy forgets servers without a connection when there are too many.
func (n *tcpAsk) tidy() {
	if len(n.peers) < maxConnections {
		return
	}
	for _, p := range n.peers {
		if p.s == nil && !p.connecting && !p.timing {
			delete(n.peers, p.id)
		}
	}
}

// place is the server: the dialog's or the message's.
func (n *tcpAsk) place(m *flow.Msg) (host, port string) {
	host, port = n.host, value.Num(n.port).Text()
	if host == "" {
		host = m.Get("host").Text()
	}
	if n.port == 0 || math.IsNaN(n.port) {
		port = m.Get("port").Text()
	}
	return host, port
}

// reset ends all connections, or the one to host:port.
func (n *tcpAsk) reset(what value.Value) {
	for id, p := range n.peers {
		if what.Is(value.Bool) || what.Is(value.String) && what.Str() == id {
			n.drop(p)
		}
	}
	shape := "dot"
	if len(n.peers) == 0 {
		shape = "ring"
	}
	n.b.Status(flow.Status{Fill: "green", Shape: shape, Text: connections(len(n.peers))})
}

func (n *tcpAsk) connect(p *tcpPeer, host string, port int) {
	p.connecting, p.first = true, p.last
	config, err := tlsFor(n.tls, n.secure)
	if err != nil {
		n.failed(p)
		return
	}
	go func() { // ends with the connection made, or the node
		conn, err := dialTCP(n.b.Life(), n.b, host, port, config)
		taken := n.b.Soon(func() {
			switch {
			case n.peers[p.id] != p: // ended meanwhile
				if conn != nil {
					_ = conn.Close() // nobody wants it
				}
			case err != nil:
				n.failed(p)
			default:
				n.connected(p, newStream(conn))
			}
		})
		if !taken && conn != nil {
			_ = conn.Close() // nobody wants it
		}
	}()
}

func (n *tcpAsk) failed(p *tcpPeer) {
	n.b.Status(flow.Status{Fill: "red", Shape: "ring", Text: "common.status.error"})
	n.b.Error(flow.Text("connect failed "+p.id), p.first)
	n.drop(p)
}

func (n *tcpAsk) connected(p *tcpPeer, s *stream) {
	p.s, p.connecting, p.got = s, false, nil
	n.b.Status(flow.Status{Fill: "green", Shape: "dot", Text: connections(len(n.peers))})
	n.flush(p)
	if n.out == "immed" || n.out == "time" && n.limit < 0 {
		s.end()
		delete(n.peers, p.id)
		n.b.Status(flow.Status{})
	}
	go s.read(n.b, func(b []byte) { // ends with the connection
		if n.peers[p.id] == p {
			n.data(p, b)
		}
	}, func(err error) {
		if n.peers[p.id] != p || p.s != s {
			return
		}
		p.s = nil
		n.b.Status(flow.Status{Fill: "grey", Shape: "ring", Text: "common.status.disconnected"})
	})
}

// flush sends what waits.
func (n *tcpAsk) flush(p *tcpPeer) {
	queue := p.queue
	p.queue = nil
	for _, m := range queue {
		var err error
		if payload := m.Get("payload"); payload.Defined() {
			err = p.s.write(outBytes(payload, false))
		}
		n.b.Done(m, asFault(err))
	}
}

// data looks whether the answer is complete.
func (n *tcpAsk) data(p *tcpPeer, b []byte) {
	if n.out == "sit" {
		n.each(p, b)
		return
	}
	if len(p.got)+len(b) > maxPartial {
		n.b.Error(flow.Text(fmt.Sprintf("error: more than %d bytes without an end: the connection is closed", maxPartial)), p.last)
		n.drop(p)
		return
	}
	switch n.out {
	case "time":
		p.got = append(p.got, b...)
		if !p.timing {
			p.timing = true
			p.timer = n.b.After(max(time.Duration(n.limit*float64(time.Millisecond)), time.Millisecond), func() {
				p.timing = false
				n.complete(p, p.got)
			})
		}
	case "count":
		p.got = append(p.got, b...)
		if want := max(int(n.limit), 1); len(p.got) >= want {
			n.complete(p, p.got[:want])
		}
	default:
		at := bytes.IndexByte(b, n.char)
		if at < 0 {
			p.got = append(p.got, b...)
			return
		}
		n.complete(p, append(p.got, b[:at+1]...))
	}
}

// complete sends an answer and ends the connection.
func (n *tcpAsk) complete(p *tcpPeer, answer []byte) {
	n.send(p, n.payload(answer))
	if p.s != nil {
		n.b.Status(flow.Status{})
	}
	p.got = nil
	n.drop(p)
}

func (n *tcpAsk) payload(b []byte) value.Value {
	if n.text {
		return value.Str(value.DecodeUTF8(b))
	}
	return value.Data(b)
}

func (n *tcpAsk) send(p *tcpPeer, payload value.Value) {
	m := p.last.Clone()
	m.Set("payload", payload)
	n.b.Send(m)
}

// each sends what arrives as it comes, or line by line.
func (n *tcpAsk) each(p *tcpPeer, b []byte) {
	if !n.text || n.newline == "" {
		n.send(p, n.payload(b))
		return
	}
	if len(p.got)+len(b) > maxPartial {
		n.b.Error(flow.Text(fmt.Sprintf("error: more than %d bytes without an end: the connection is closed", maxPartial)), p.last)
		n.drop(p)
		return
	}
	rest := append(p.got, b...)
	for {
		part, behind, ok := bytes.Cut(rest, []byte(n.newline))
		if !ok {
			break
		}
		rest = behind
		text := value.DecodeUTF8(part)
		if n.trim {
			text += n.newline
		}
		n.send(p, value.Str(text))
	}
	p.got = append([]byte(nil), rest...)
}
