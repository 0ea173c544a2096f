package gate

import (
	"crypto/tls"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tsunagi/internal/mqtt"
)

// session is the broker's side of a connection, as far as the loop needs it.
type session interface {
	// handle runs rooms 2 to 5 for the complete packets in buf and says how many bytes those were. The receivers
	// that it touched go to f.
	handle(buf []byte, f flushers) (int, error)
	// flush calls write with what waits for the client, under the lock of the outbox, and keeps what it didn't take.
	flush(write func(parts [][]byte) (int, error)) error
	// waiting is the number of bytes in the outbox.
	waiting() int
	// full says whether reading should pause until the peer has read some of its answers.
	full() bool
	keepAlive() time.Duration
	// gone ends the session's use of the connection. What it leaves in the outbox (a DISCONNECT) is sent last.
	gone(cause error)
	// expel ends the session's use of the connection for a reason that the peer is told, and closes the connection.
	expel(r mqtt.Reason, words string)
}

// How long a connection that we end may take.
const (
	lastWrite = 2 * time.Second // for what waits in its outbox
	linger    = time.Second     // for the peer to close, so that no reset overtakes our last bytes
)

// conn is one MQTT connection. The goroutine in run owns it; what others use has its guard named.
type conn struct {
	srv   *Server
	tcp   *net.TCPConn
	rc    syscall.RawConn
	tls   *tls.Conn // nil: plain
	tight *tight    // nil: TLS records have any length
	wire  *wire     // under tls
	ws    *frames   // nil: no WebSocket
	sess  session   // set before opened
	rfd   int       // the socket, for reading inside of RawConn.Read, which keeps it open

	rest  []byte       // the beginning of a packet that is not complete
	write writeFunc    // how parts go out: direct or staged
	seen  atomic.Int64 // coarse time of the last bytes, for keep-alive
	turns uint8        // of reading, up to newTurns
	lent  bool         // by an HTTP server, through NextProto

	// blocked is set while nobody but the writer goroutine may write: before the connection is open, and after the
	// socket was full.
	blocked atomic.Bool
	probed  atomic.Bool // the kernel asks the peer for a sign of life

	// wmu guards the fields below, held only over non-blocking calls. It is taken under an outbox's lock and under
	// that of crypto/tls, and no other lock is taken under it.
	wmu     sync.Mutex
	fd      int           // -1: closed, or not open yet
	stuck   bool          // the last write met a full socket
	pending *block        // staged bytes that the socket has not taken; nil: none
	drained chan struct{} // closed when the writer goroutine ends

	ending atomic.Pointer[ending]
	limit  time.Duration // longest silence; 0: any. Set before the sweep knows the connection

	slot, place int32 // on the sweep's wheel, whose lock guards them; slot 0 is none
}

type writeFunc = func(parts [][]byte) (int, error)

// ending says why a connection ends; the first cause stays.
type ending struct{ cause error }

// newConn returns a connection around a socket whose layers are known.
func newConn(s *Server, tcp *net.TCPConn, t *tls.Conn, w *wire, ws *frames) (*conn, error) {
	rc, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{srv: s, tcp: tcp, rc: rc, tls: t, wire: w, ws: ws, fd: -1}
	c.write = c.writeDirect
	if t != nil || ws != nil {
		c.write = c.writeStaged
	}
	c.blocked.Store(true)
	return c, nil
}

// run serves the connection until it ends. early is what had come behind CONNECT. The session is set.
func (c *conn) run(early []byte) {
	c.srv.remember(c)
	defer c.srv.forget(c)
	c.end(c.serve(early))
}

// serve is the loop. It returns why the connection ends.
func (c *conn) serve(early []byte) error {
	if err := c.open(); err != nil {
		return err
	}
	if len(early) > 0 || c.tls != nil {
		if err := c.aside(func() error { return c.catchUp(early) }); err != nil {
			return err
		}
	}
	return c.readLoop()
}

// guard turns a panic in f, which is our own bug, into the end of this connection alone.
func (c *conn) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.srv.log.Error("a connection ended through an internal error", "remote", c.tcp.RemoteAddr(), "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return f()
}

// aside runs f in another goroutine and waits for it, so that the one that waits for a quiet connection keeps a small
// stack.
func (c *conn) aside(f func() error) error {
	return c.srv.workers.run(func() error { return c.guard(f) })
}

// open lets others write.
func (c *conn) open() error {
	if c.wire != nil {
		c.wire.invert(c)
	}
	if err := c.tcp.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.touch()
	if err := c.rc.Control(func(fd uintptr) {
		c.rfd = int(fd)
		c.wmu.Lock()
		c.fd = int(fd)
		c.wmu.Unlock()
	}); err != nil {
		return err
	}
	c.limit = silence(c.sess.keepAlive())
	c.srv.sweep.add(c)
	c.blocked.Store(false)
	if e := c.ending.Load(); e != nil { // closed while it was being made
		return e.cause
	}
	c.srv.flushers.hand(c) // the CONNACK; writing it here would make this goroutine's stack grow
	return nil
}

// Close ends the connection for a cause, after what waits for it has been tried. It doesn't block and may be called
// from anywhere; the first cause counts.
func (c *conn) Close(cause error) {
	if c.ending.CompareAndSwap(nil, &ending{cause}) {
		_ = c.tcp.SetReadDeadline(time.Unix(1, 0)) // wakes the loop; a closed socket has no loop
	}
}

// cause is why the loop ended: what Close was told, or else err.
func (c *conn) cause(err error) error {
	c.ending.CompareAndSwap(nil, &ending{err})
	return c.ending.Load().cause
}

// end sends what is left, tells the broker, and closes the socket.
func (c *conn) end(err error) {
	cause := c.cause(err)
	over := lost(cause)
	if !over {
		_ = c.tcp.SetWriteDeadline(time.Now().Add(lastWrite)) // a closed socket shows at the write
	}
	c.Flush() // also to a peer that has only finished sending
	if !over {
		c.waitDrained()
	}
	c.sess.gone(cause)
	if !over {
		c.sayGoodbye(cause)
	}
	c.abort()
	c.rest = nil
}

// abort closes the socket. Nobody writes to it afterwards: its number may be another's then. It waits for those who
// are inside of RawConn.Read and Write, so it holds no lock that they take.
func (c *conn) abort() {
	c.wmu.Lock()
	c.fd = -1
	if c.pending != nil {
		putBlock(c.pending)
		c.pending = nil
	}
	c.wmu.Unlock()
	_ = c.tcp.Close() // for the second time, perhaps
}

// sayGoodbye writes the ends of the layers, and waits a moment for the peer to close, because closing a socket with
// unread bytes in it makes the kernel throw away what the peer has not read yet.
func (c *conn) sayGoodbye(cause error) {
	if c.ws != nil {
		c.sendFrame(closeFrame(closeCode(cause)))
	}
	if c.tls != nil {
		_ = c.tls.CloseWrite() // only into pending
	}
	c.Flush()
	c.waitDrained()
	if c.tcp.CloseWrite() != nil {
		return
	}
	discard(c.tcp)
}

// waitDrained waits for the writer goroutine, if there is one; the write deadline bounds it.
func (c *conn) waitDrained() {
	c.wmu.Lock()
	ch := c.drained
	c.wmu.Unlock()
	if ch != nil {
		<-ch
	}
}
