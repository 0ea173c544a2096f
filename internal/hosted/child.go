package hosted

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// childVariable names the descriptor of the link in the environment of a child.
const childVariable = "TSUNAGI_CHILD"

// maxPassed bounds the connections that wait to be accepted.
const maxPassed = 128

// Child is the platform as a hosted flow server sees it.
type Child struct {
	Config Config

	link  *link
	conns chan net.Conn
	doors chan net.Conn // of the platform itself
	done  chan struct{}

	mu    sync.Mutex
	ended func(session string)
}

// OpenChild connects to the platform that started this process, reads the configuration and shuts the process in (see
// confine): what is opened from then on lies in its own directory. It returns nil, without
// an error, in a process that the platform has not started.
func OpenChild() (*Child, error) {
	text, ok := os.LookupEnv(childVariable)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(childVariable)
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q: it is set by `tsunagi serve`, for its own children alone", childVariable, text)
	}
	conn, err := unixConn(os.NewFile(uintptr(fd), "link"))
	if err != nil {
		return nil, fmt.Errorf("%s=%q: %w", childVariable, text, err)
	}
	c, err := newChild(conn)
	if err != nil {
		return nil, err
	}
	up, notes, err := confine(&c.Config)
	if err != nil {
		return nil, errors.Join(err, c.Fail(err))
	}
	m := message{Op: opWalls, Walls: up}
	if err := errors.Join(notes...); err != nil {
		m.Notes = clip(err.Error(), 500)
	}
	return c, c.link.send(m, nil)
}

// newChild waits for the configuration and then serves the link.
func newChild(conn *net.UnixConn) (*Child, error) {
	c := &Child{link: newLink(conn), conns: make(chan net.Conn, maxPassed), doors: make(chan net.Conn, maxPassed), done: make(chan struct{})}
	configured := make(chan struct{})
	var once sync.Once
	go func() { // ends with the link
		defer close(c.done)
		c.link.receive(func(m message, f *os.File) {
			if m.Op == opConfig && m.Config != nil {
				once.Do(func() { c.Config = *m.Config; close(configured) })
			}
			c.handle(m, f)
		})
	}()
	select {
	case <-configured:
		return c, nil
	case <-c.done:
		return nil, errors.New("the platform ended before it sent the configuration")
	case <-time.After(30 * time.Second):
		conn.Close()
		return nil, errors.New("the platform sent no configuration")
	}
}

// handle takes a message of the platform.
func (c *Child) handle(m message, f *os.File) {
	switch {
	case m.Op == opConn && f != nil:
		conn, err := unixConn(f)
		if err != nil {
			return
		}
		to := c.conns
		if m.Door {
			to = c.doors
		}
		select {
		case to <- conn:
		default:
			conn.Close() // nobody accepts
		}
		return
	case m.Op == opEnded:
		c.mu.Lock()
		ended := c.ended
		c.mu.Unlock()
		if ended != nil {
			go ended(m.Session) // ends with what it does
		}
	}
	closeFile(f)
}

// Ready tells the platform that connections are accepted.
func (c *Child) Ready() error { return c.link.send(message{Op: opReady}, nil) }

// Fail tells the platform why this process can't start, for the customer to read. The process is to end then.
func (c *Child) Fail(cause error) error {
	return c.link.send(message{Op: opFailed, Error: clip(cause.Error(), 300)}, nil)
}

// Done is closed when the platform is gone.
func (c *Child) Done() <-chan struct{} { return c.done }

// OnSessionEnd says whom to tell that a session in the panel is over.
func (c *Child) OnSessionEnd(f func(session string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = f
}

// Dial asks the platform for a connection. It reaches public addresses and the platform's own broker.
func (c *Child) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m := message{Op: opDial, Network: network, Addr: addr}
	ctx, cancel := context.WithTimeout(ctx, maxDialTime)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		m.WaitMS = max(time.Until(deadline).Milliseconds(), 1)
	}
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: target(addr), Err: err}
	}
	r, err := c.link.ask(ctx, m)
	if err != nil {
		return fail(err)
	}
	if r.file == nil {
		return fail(errors.New("the platform sent no connection"))
	}
	defer r.file.Close()
	conn, err := net.FileConn(r.file)
	if err != nil {
		return fail(err)
	}
	return conn, nil
}

// target is an address as it was asked for.
type target string

func (target) Network() string  { return "tcp" }
func (t target) String() string { return string(t) }

// Exchange asks the platform who a single-use code stands for.
func (c *Child) Exchange(ctx context.Context, code, remote, agent string) (Person, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := c.link.ask(ctx, message{Op: opExchange, Code: clip(code, 300), Remote: clip(remote, 64), Agent: clip(agent, 1000)})
	if err != nil {
		return Person{}, err
	}
	if r.Person == nil || r.Person.Name == "" {
		return Person{}, errors.New("the platform did not say who it is")
	}
	return *r.Person, nil
}

// Alive asks the platform whether a session in the panel still holds.
func (c *Child) Alive(ctx context.Context, session string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := c.link.ask(ctx, message{Op: opAlive, Session: session})
	return r.Alive, err
}

// Listener has the HTTP connections that the platform passes on. There is one; closing it closes those not accepted.
func (c *Child) Listener() net.Listener {
	return &passed{c: c, conns: c.conns, closed: make(chan struct{})}
}

// DoorListener has the connections of the platform's panel itself, in which no browser's request comes. There is one.
func (c *Child) DoorListener() net.Listener {
	return &passed{c: c, conns: c.doors, closed: make(chan struct{})}
}

// passed is a listener for passed connections.
type passed struct {
	c      *Child
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *passed) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
	case <-l.c.done:
	}
	return nil, net.ErrClosed
}

func (l *passed) Close() error {
	l.once.Do(func() {
		close(l.closed)
		for {
			select {
			case conn := <-l.conns:
				conn.Close()
			default:
				return
			}
		}
	})
	return nil
}

func (l *passed) Addr() net.Addr { return target("platform") }
