package network

import (
	"context"
	"net"
	"strconv"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// udpOut sends datagrams.
type udpOut struct {
	b         *flow.Base
	pool      *Sockets
	addr      string
	port      value.Value
	outport   string
	base64    bool
	multicast string
	v6        bool
	iface     string

	key     string // of the port in the pool
	s       *udpSocket
	waiting []*flow.Msg
	jobs    chan datagram
}

// datagram is one message on its way.
type datagram struct {
	m    *flow.Msg
	body []byte
	host string
	port int
}

// maxDatagrams bounds what waits to be sent.
const maxDatagrams = 1000

// openLate is when a udp out node opens its port: udp in nodes come first, whose port it may use.
const openLate = 75 * time.Millisecond

// UDPOut sends over UDP.
func (p *Sockets) UDPOut() flow.Type {
	return flow.Type{Name: "udp out", Fields: []string{"addr", "iface", "port", "ipv", "outport", "base64", "multicast"}, New: p.newUDPOut}
}

func (p *Sockets) newUDPOut(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &udpOut{b: b, pool: p, addr: c.Str("addr"), port: c.Get("port"), outport: c.Str("outport"), base64: c.Get("base64").Truthy(),
		multicast: c.Str("multicast"), v6: c.Str("ipv") == "udp6", iface: c.Str("iface")}
	if b.Options().NoListen {
		b.Error(flow.NewError("datagrams can't be sent from a hosted flow server: use MQTT, HTTP, a websocket or TCP"), nil)
		return n, nil
	}
	b.After(openLate, n.open)
	return n, nil
}

// open takes the port: that of another node, or one of its own.
func (n *udpOut) open() {
	n.key = n.outport
	if n.key == "" {
		if n.key = n.port.Text(); !n.port.Truthy() {
			n.key = "0"
		}
	}
	iface, ip := interfaceOf(n.b, n.iface, n.v6)
	target := n.addr + ":" + n.port.Text()
	if s := n.pool.ports[n.key]; s != nil && n.key != "0" {
		n.s = s
		if n.multicast != "false" {
			s.quiet()
		}
		n.b.Log("udp re-use socket: " + n.outport + " -> " + target)
	} else {
		port, _ := strconv.Atoi(n.outport)
		s, err := openUDP(port, n.v6)
		if err != nil {
			n.b.Error(flow.Text("error: "+socketFault(err)), nil)
			return
		}
		s.owner, n.s, n.pool.ports[n.key] = n.b, s, s
		go s.read() // ends with the socket
		n.prepare(iface, target)
	}
	if ip != "" && n.multicast != "false" {
		n.b.Status(flow.Status{Text: n.iface + " : " + ip})
	}
	n.jobs = make(chan datagram, maxDatagrams)
	go n.send(n.b.Life(), n.s.conn) // ends with the node
	waiting := n.waiting
	n.waiting = nil
	for _, m := range waiting {
		n.Receive(m)
	}
}

func (n *udpOut) prepare(iface *net.Interface, target string) {
	switch {
	case n.multicast == "multi":
		if err := n.s.join(n.addr, iface); err != nil {
			n.b.Error(err, nil)
			return
		}
		n.b.Log("udp multicast ready: " + n.iface + ":" + n.outport + " -> " + target)
	case n.multicast != "false":
		n.s.quiet()
		n.b.Log("udp broadcast ready: " + n.outport + " -> " + target)
	case n.outport != "":
		n.b.Log("udp ready: " + n.outport + " -> " + target)
	default:
		n.b.Log("udp ready: " + target)
	}
}

// Receive queues a datagram.
func (n *udpOut) Receive(m *flow.Msg) {
	switch {
	case n.b.Options().NoListen:
		n.b.Done(m, flow.NewError("datagrams can't be sent from a hosted flow server: use MQTT, HTTP, a websocket or TCP"))
		return
	case n.jobs == nil:
		if len(n.waiting) < maxDatagrams {
			n.waiting = append(n.waiting, m)
		}
		return
	case !m.Has("payload"):
		return // as in Node-RED: never done
	}
	host, port := n.addr, n.port
	if host == "" {
		host = texted(m.Get("ip"))
	}
	if !port.Truthy() {
		port = m.Get("port")
	}
	number := port.ToNumber()
	switch {
	case host == "":
		n.warn(m, "udp: ip address not set")
		return
	case !port.Truthy():
		n.warn(m, "udp: port not set")
		return
	case !(number >= 1 && number <= 65535):
		n.warn(m, "udp: port number not valid")
		return
	}
	payload := m.Get("payload")
	body := outBytes(payload, n.base64)
	select {
	case n.jobs <- datagram{m, body, host, int(number)}:
	default:
		n.b.Done(m, flow.NewError("more than %d datagrams wait to be sent", maxDatagrams))
	}
}

func texted(v value.Value) string {
	if !v.Truthy() {
		return ""
	}
	return v.Text()
}

func (n *udpOut) warn(m *flow.Msg, text string) {
	n.b.Warn(text)
	n.b.Done(m, nil)
}

// send sends what is queued, in order.
func (n *udpOut) send(ctx context.Context, conn net.PacketConn) {
	network := "ip4"
	if n.v6 {
		network = "ip6"
	}
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-n.jobs:
			err := sendTo(ctx, conn, network, d)
			n.b.Soon(func() {
				if err != nil {
					n.b.Error(flow.Text("udp : "+socketFault(err)), d.m)
				}
				n.b.Done(d.m, nil)
			})
		}
	}
}

func sendTo(ctx context.Context, conn net.PacketConn, network string, d datagram) error {
	a, err := net.DefaultResolver.LookupIPAddr(ctx, d.host)
	if err != nil {
		return err
	}
	for _, ip := range a {
		if (ip.IP.To4() != nil) == (network == "ip4") {
			_, err = conn.WriteTo(d.body, &net.UDPAddr{IP: ip.IP, Zone: ip.Zone, Port: d.port})
			return err
		}
	}
	return &net.DNSError{Err: "no address of the family", Name: d.host, IsNotFound: true}
}

// Close closes the port, for all who share it, as in Node-RED.
func (n *udpOut) Close(_ bool, done func()) {
	if n.s != nil {
		_ = n.s.conn.Close() // the port is given up
		if n.pool.ports[n.key] == n.s {
			delete(n.pool.ports, n.key)
		}
		n.b.Log("udp output stopped")
	}
	n.b.Status(flow.Status{})
	done()
}
