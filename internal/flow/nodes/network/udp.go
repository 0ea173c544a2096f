package network

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// udpSocket is a port that udp nodes share: the first that wants it opens it.
type udpSocket struct {
	conn    net.PacketConn
	v6      bool
	hearers []func(b []byte, from *net.UDPAddr) // called by the goroutine that reads
	mu      sync.Mutex                          // guards hearers
	owner   *flow.Base
}

// readUDP hands what arrives to the hearers until the socket is closed.
func (s *udpSocket) read() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		a, ok := from.(*net.UDPAddr)
		if err != nil || !ok {
			continue // such as an ICMP answer to what was sent
		}
		b := append([]byte(nil), buf[:n]...)
		s.mu.Lock()
		list := slices.Clone(s.hearers)
		s.mu.Unlock()
		for _, hear := range list {
			hear(b, a)
		}
	}
}

func (s *udpSocket) hear(f func([]byte, *net.UDPAddr)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hearers = append(s.hearers, f)
}

// openUDP opens a port, 0 for any.
func openUDP(port int, v6 bool) (*udpSocket, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var set error
		err := raw.Control(func(fd uintptr) { set = reuseAddress(fd) })
		return errors.Join(err, set)
	}}
	network, host := "udp4", "0.0.0.0"
	if v6 {
		network, host = "udp6", "::"
	}
	conn, err := c.ListenPacket(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return &udpSocket{conn: conn, v6: v6}, nil
}

// join makes the socket one of a multicast group.
func (s *udpSocket) join(group string, iface *net.Interface) error {
	a := &net.UDPAddr{IP: net.ParseIP(group)}
	if a.IP == nil || !a.IP.IsMulticast() {
		return flow.Text("Bad Multicast Address")
	}
	var err error
	if s.v6 {
		p := ipv6.NewPacketConn(s.conn)
		err = errors.Join(p.SetMulticastLoopback(false), p.SetMulticastHopLimit(128), p.JoinGroup(iface, a))
		if iface != nil {
			err = errors.Join(err, p.SetMulticastInterface(iface))
		}
	} else {
		p := ipv4.NewPacketConn(s.conn)
		err = errors.Join(p.SetMulticastLoopback(false), p.SetMulticastTTL(128), p.JoinGroup(iface, a))
		if iface != nil {
			err = errors.Join(err, p.SetMulticastInterface(iface))
		}
	}
	if errors.Is(err, syscall.ENODEV) {
		return flow.Text("Must be ip address of the required interface")
	}
	if err != nil {
		return flow.Text("error: " + err.Error())
	}
	return nil
}

// quiet keeps what the socket sends to a group from coming back.
func (s *udpSocket) quiet() {
	if s.v6 {
		_ = ipv6.NewPacketConn(s.conn).SetMulticastLoopback(false) // as good as it gets
		return
	}
	_ = ipv4.NewPacketConn(s.conn).SetMulticastLoopback(false) // as good as it gets
}

// interfaceOf finds an interface by its name or one of its addresses, and the address for the
// family. A name that isn't there is a warning.
func interfaceOf(b *flow.Base, name string, v6 bool) (*net.Interface, string) {
	if name == "" {
		return nil, ""
	}
	all, err := net.Interfaces()
	if err != nil {
		all = nil
	}
	for i := range all {
		list, err := all[i].Addrs()
		if err != nil {
			continue
		}
		for _, a := range list {
			ip, _, err := net.ParseCIDR(a.String())
			if err != nil {
				continue
			}
			if ip.String() == name || all[i].Name == name && (ip.To4() == nil) == v6 {
				return &all[i], ip.String()
			}
		}
	}
	if !strings.Contains(name, ".") {
		b.Warn("udp: interface " + name + " not found")
	}
	return nil, ""
}

// udpIn makes messages of datagrams.
type udpIn struct {
	b        *flow.Base
	pool     *Sockets
	port     string
	datatype string
	s        *udpSocket
}

// UDPIn receives over UDP.
func (p *Sockets) UDPIn() flow.Type {
	return flow.Type{Name: "udp in", Fields: []string{"iface", "port", "ipv", "multicast", "group", "datatype"}, New: p.newUDPIn}
}

func (p *Sockets) newUDPIn(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &udpIn{b: b, pool: p, port: c.Str("port"), datatype: c.Str("datatype")}
	if b.Options().NoListen {
		b.Error(errHosted, nil)
		return n, nil
	}
	v6 := c.Str("ipv") == "udp6"
	iface, ip := interfaceOf(b, c.Str("iface"), v6)
	if s := p.ports[n.port]; s != nil {
		b.Log("udp: port " + n.port + " already in use")
		n.s = s
	} else {
		s, err := openUDP(c.Int("port", 0), v6)
		if err != nil {
			code, _ := nodeError(err)
			text := "error: " + code
			if code == "EACCES" && c.Int("port", 0) < 1024 {
				text = "UDP access error, you may need root access for ports below 1024"
			} else if code == "" {
				text = "error: " + err.Error()
			}
			b.Error(flow.Text(text), nil)
			return n, nil
		}
		s.owner, n.s, p.ports[n.port] = b, s, s
		go s.read() // ends with the socket
		if c.Bool("multicast") {
			if err := s.join(c.Str("group"), iface); err != nil {
				b.Error(err, nil)
			} else {
				b.Log("udp multicast group " + c.Str("group"))
			}
		}
		at, _ := s.conn.LocalAddr().(*net.UDPAddr)
		b.Log("udp listener at " + net.JoinHostPort(at.IP.String(), strconv.Itoa(at.Port)))
	}
	if ip != "" {
		b.Status(flow.Status{Text: c.Str("iface") + " : " + ip})
	}
	n.s.hear(n.arrived)
	return n, nil
}

func (n *udpIn) Receive(*flow.Msg) {}

func (n *udpIn) arrived(b []byte, from *net.UDPAddr) {
	payload := value.Data(b)
	switch n.datatype {
	case "base64":
		payload = value.Str(base64Text(b))
	case "utf8":
		payload = value.Str(value.DecodeUTF8(b))
	}
	ip := from.IP.String()
	n.b.Emit(flow.NewMsg("payload", payload, "fromip", ip+":"+strconv.Itoa(from.Port), "ip", ip, "port", from.Port))
}

// Close closes the port, for all who share it, as in Node-RED.
func (n *udpIn) Close(_ bool, done func()) {
	if n.s != nil {
		_ = n.s.conn.Close() // the port is given up
		if n.pool.ports[n.port] == n.s {
			delete(n.pool.ports, n.port)
		}
		n.b.Log("udp listener stopped")
	}
	n.b.Status(flow.Status{})
	done()
}
