package network

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// Sockets are what the tcp and udp nodes of one runtime share: connections that any tcp out
// node may answer, and ports in use. The maps belong to the loop.
type Sockets struct {
	conns map[string]*stream    // of tcp in nodes, by session
	ports map[string]*udpSocket // by port
}

// NewSockets returns Sockets without connections.
func NewSockets() *Sockets {
	return &Sockets{conns: map[string]*stream{}, ports: map[string]*udpSocket{}}
}

// Bounds of one connection and one node.
const (
	maxUnsent      = 16 << 20 // bytes that wait for the other side to read
	maxPartial     = 16 << 20 // bytes of a message whose end has not come
	maxConnections = 1000     // of one listening node
	readSize       = 64 << 10 // bytes of one read
	endPatience    = 10 * time.Second
	reconnectTime  = 10 * time.Second
	reconnectSoon  = 20 * time.Millisecond
)

// errHosted is the answer where nodes must not listen.
var errHosted = flow.NewError("listening on ports is not possible on a hosted flow server: offer an http in or websocket in node, or connect to the outside")

var errUnsent = errors.New("the other side does not read: more than 16 MiB wait to be sent")

// stream is a connection whose writing doesn't block the loop.
type stream struct {
	id   string
	conn net.Conn

	mu     sync.Mutex // guards what follows
	parts  [][]byte
	bytes  int
	ending bool // no more after what waits
	closed bool
	wake   chan struct{} // holds one token when there is something new
}

// newStream takes over a connection and starts to write to it.
func newStream(conn net.Conn) *stream {
	s := &stream{id: flow.NewID(), conn: conn, wake: make(chan struct{}, 1)}
	go s.run() // ends with destroy, or after end
	return s
}

// write queues bytes, which nobody changes any more.
func (s *stream) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.ending || len(b) == 0:
		return nil
	case s.bytes+len(b) > maxUnsent:
		return errUnsent
	}
	s.parts = append(s.parts, b)
	s.bytes += len(b)
	s.signal()
	return nil
}

func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// end says that nothing comes after what waits.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
	s.signal()
}

// destroy ends the connection at once.
func (s *stream) destroy() {
	s.mu.Lock()
	s.closed, s.parts = true, nil
	s.signal()
	s.mu.Unlock()
	_ = s.conn.Close() // it is given up
}

// run writes what is queued.
func (s *stream) run() {
	for range s.wake {
		s.mu.Lock()
		parts, ending, closed := net.Buffers(s.parts), s.ending, s.closed
		s.parts = nil
		s.mu.Unlock()
		if closed {
			return
		}
		n := 0
		for _, p := range parts {
			n += len(p)
		}
		if _, err := parts.WriteTo(s.conn); err != nil {
			_ = s.conn.Close() // the reader learns of it
			return
		}
		s.mu.Lock()
		s.bytes -= n
		more := len(s.parts) > 0
		s.mu.Unlock()
		if ending && !more {
			s.finish()
			return
		}
	}
}

// finish tells the other side that nothing more comes, and gives it some time to do the same.
func (s *stream) finish() {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		_ = s.conn.Close() // it is over
		return
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(endPatience)) // a closed one needs none
}

// read hands what arrives to data, and the end to end; both run on the loop. It returns when
// that has happened, or the node is gone.
func (s *stream) read(b *flow.Base, data func([]byte), end func(err error)) {
	buf := make([]byte, readSize)
	for {
		n, err := s.conn.Read(buf)
		if n > 0 {
			chunk := append([]byte(nil), buf[:n]...)
			if !b.Do(func() { data(chunk) }) {
				s.destroy()
				return
			}
		}
		if err != nil {
			b.Do(func() { end(err) }) // in order, behind the data
			s.destroy()
			return
		}
	}
}

// address is the client's address as Node.js shows it: a socket for both families has IPv4
// addresses in IPv6 form.
func address(a net.Addr, both bool) (ip string, port int) {
	switch a := a.(type) {
	case *net.TCPAddr:
		return shownIP(a.IP, both), a.Port
	case *net.UDPAddr:
		return shownIP(a.IP, both), a.Port
	}
	return a.String(), 0
}

func shownIP(ip net.IP, both bool) string {
	if both && ip.To4() != nil {
		return "::ffff:" + ip.To4().String()
	}
	return ip.String()
}

// listensOnBoth says whether a listener takes IPv4 and IPv6.
func listensOnBoth(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.To4() == nil
}

// connections is the status text for a number of connections.
func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return strconv.Itoa(n) + " connections"
}

// session is what tells nodes which connection a message belongs to.
func session(id string) value.Value { return value.MapOf("type", "tcp", "id", id).Value() }

// sessionStatus is a status that says which connection it is about.
func sessionStatus(fill, shape, text, id string) *value.Map {
	return value.MapOf("fill", fill, "shape", shape, "text", text, "_session", session(id))
}

// unescape reads the escapes of a delimiter; all of them, or only the first of each kind.
func unescape(s string, all bool) string {
	n := 1
	if all {
		n = -1
	}
	for _, e := range [][2]string{{`\n`, "\n"}, {`\r`, "\r"}, {`\t`, "\t"}} {
		s = strings.Replace(s, e[0], e[1], n)
	}
	return s
}

// outBytes are the bytes of a payload for a socket.
func outBytes(v value.Value, base64 bool) []byte {
	switch {
	case v.Is(value.Bytes):
		return v.Bytes()
	case v.Is(value.String) && base64:
		return fromBase64(v.Str())
	}
	return []byte(v.Text())
}

// fromBase64 reads base64 as Node.js does: both alphabets, nothing but letters counts.
func fromBase64(s string) []byte {
	out := make([]byte, 0, len(s)*3/4)
	var acc, bits uint
	for i := range len(s) {
		var v uint
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			v = uint(c - 'A')
		case c >= 'a' && c <= 'z':
			v = uint(c-'a') + 26
		case c >= '0' && c <= '9':
			v = uint(c-'0') + 52
		case c == '+' || c == '-':
			v = 62
		case c == '/' || c == '_':
			v = 63
		case c == '=':
			return out
		default:
			continue
		}
		acc, bits = acc<<6|v, bits+6
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	return out
}

// socketFault is the text of an error as Node.js prints it.
func socketFault(err error) string {
	code, text := nodeError(err)
	if code == "" {
		return err.Error()
	}
	return "Error: " + text
}
