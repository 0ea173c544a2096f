package gate

import (
	"io"
	"net"
	"os"
	"time"
)

// wouldBlock says that there is nothing to do for now. It is a net.Error that calls itself temporary, because those
// are the ones that crypto/tls forgets again.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "gate: nothing there yet" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

var errWouldBlock error = wouldBlock{}

// wire lies between crypto/tls and the socket. During the handshake, and while an HTTP server still owns the
// connection, it is the socket. After invert it has none: crypto/tls reads what was fed and writes into the
// connection's pending block. That turns a library that wants to wait into one that doesn't.
type wire struct {
	*net.TCPConn
	from     *told // what a proxy says of the client; nil: there is none
	first    byte  // first byte that came; 0 while none has
	inverted bool  // set before the loop starts, with nobody else inside
	feed     []byte
	eof      bool
	out      *conn
}

// Listener makes the connections of an HTTP or HTTPS listener usable by WebSocket and NextProto, and understands the
// PROXY headers of Options.ProxyFrom: put it under the TLS listener.
func (s *Server) Listener(l net.Listener) net.Listener {
	tune(l)
	return wireListener{l, s}
}

type wireListener struct {
	net.Listener
	srv *Server
}

func (l wireListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	w := &wire{TCPConn: tcp}
	if l.srv.proxied(tcp.RemoteAddr()) {
		w.from = &told{srv: l.srv}
	}
	return w, nil
}

// invert cuts the wire off its socket; from now on bytes go through out.
func (w *wire) invert(out *conn) { w.inverted, w.out = true, out }

func (w *wire) Read(b []byte) (int, error) {
	if !w.inverted {
		if err := w.from.wait(w.TCPConn); err != nil {
			return 0, err
		}
		n, err := w.TCPConn.Read(b)
		if n > 0 && w.first == 0 {
			w.first = b[0]
		}
		return n, err
	}
	if len(w.feed) == 0 {
		if w.eof {
			return 0, io.EOF
		}
		return 0, errWouldBlock
	}
	n := copy(b, w.feed)
	w.feed = w.feed[n:]
	return n, nil
}

func (w *wire) Write(b []byte) (int, error) {
	if !w.inverted {
		return w.TCPConn.Write(b)
	}
	return w.out.keep(b)
}

// RemoteAddr is the client's address, also where a proxy has to tell it first.
func (w *wire) RemoteAddr() net.Addr {
	if w.from.wait(w.TCPConn) == nil && w.from != nil && w.from.addr != nil {
		return w.from.addr
	}
	return w.TCPConn.RemoteAddr()
}

// Peer is the address at the other end of the socket: the client's, or that of a proxy in front.
func (w *wire) Peer() net.Addr { return w.TCPConn.RemoteAddr() }

// ReadFrom and WriteTo would go around Write and Read.
func (w *wire) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{w}, r) }

// WriteTo copies what comes to dst.
func (w *wire) WriteTo(dst io.Writer) (int64, error) { return io.Copy(dst, struct{ io.Reader }{w}) }

// crypto/tls sets deadlines when it says goodbye; without a socket there is nothing to wait for.

func (w *wire) SetDeadline(t time.Time) error {
	if w.inverted {
		return nil
	}
	return w.TCPConn.SetDeadline(t)
}

func (w *wire) SetReadDeadline(t time.Time) error {
	if w.inverted {
		return nil
	}
	return w.TCPConn.SetReadDeadline(t)
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.inverted {
		return nil
	}
	return w.TCPConn.SetWriteDeadline(t)
}

// Close closes the socket, unless the loop owns it.
func (w *wire) Close() error {
	if w.inverted {
		return os.ErrClosed
	}
	return w.TCPConn.Close()
}
