package hosted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/procfs"
)

// Bounds for one child.
const (
	maxRequests = 64  // requests of a child under way at once
	maxWatched  = 200 // sessions whose end a child is told
)

// child is one run of a flow server.
type child struct {
	m      *Manager
	server Server
	log    *slog.Logger
	link   *link
	proc   *os.Process
	user   int // system user that it becomes; 0: none of its own

	ready  chan struct{} // closed when it serves
	ended  chan struct{} // closed when the process is gone
	slots  chan struct{} // requests under way
	memory atomic.Int64  // bytes, at the last look
	over   int           // looks in a row that were above the limit
	cpu    budget        // of processor time
	share  atomic.Int64  // percent of a processor, at the last look
	group  *group        // control group; nil: it has none of its own
	resume *time.Timer   // lets it go on; nil: it has never paused

	proxyOnce sync.Once
	handler   http.Handler // set by proxyOnce
	doorOnce  sync.Once
	doors     *http.Transport // set by doorOnce

	mu       sync.Mutex
	cause    error // why it was killed, or what it said before it died
	ours     bool  // cause is in our words, and can be shown to anybody
	exit     string
	isReady  bool
	walls    walls
	sessions map[string]func() // watched sessions, with what stops the watching
}

// spawn starts a child, tells it its configuration and serves its requests.
func (m *Manager) spawn(p *process) (*child, error) {
	conn, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c := &child{m: m, server: p.server, log: m.o.Log.With("flow_server", p.server.ID, "name", p.server.Name), link: newLink(conn),
		ready: make(chan struct{}), ended: make(chan struct{}), slots: make(chan struct{}, maxRequests), sessions: map[string]func(){}}
	if c.user, err = m.own(p.dir); errors.Is(err, errUser) {
		c.log.Warn("flow server runs without a user of its own", "error", err)
		err = nil
	}
	if err == nil {
		err = m.exec(c, p.dir, theirs, outWrite)
	}
	outWrite.Close()
	if err != nil {
		return nil, errors.Join(err, conn.Close(), outRead.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends when the child closes its output
		defer outRead.Close()
		relay(c.log, outRead)
	}()
	go func() { // ends when the child closes the link, or dies
		c.link.receive(func(msg message, f *os.File) { closeFile(f); c.handle(ctx, msg) })
	}()
	go func() { // ends with the child
		<-c.ended
		cancel()
		conn.Close()
		c.unwatch()
	}()
	if err := c.link.send(message{Op: opConfig, Config: m.config(p.server, p.dir, c.user)}, nil); err != nil {
		c.kill(fmt.Errorf("its configuration could not be sent: %w", err))
	}
	return c, nil
}

// config is what a child is told.
func (m *Manager) config(s Server, dir string, user int) *Config {
	return &Config{ID: s.ID, Name: s.Name, Dir: dir, Title: m.o.Title, Hosts: []string{m.Host(s.Name)}, PageHosts: []string{s.Name + m.o.Zone},
		LoginURL: m.o.LoginURL(s), LogoutURL: m.o.Panel + "/", CA: string(m.o.CA), MemoryMB: s.MemoryMB, User: user, LogLevel: m.o.LogLevel}
}

// report says which walls are up.
func (c *child) report() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.walls.report()
}

// exited notes the end of the process.
func (c *child) exited(state *os.ProcessState, err error) {
	c.mu.Lock()
	if state != nil {
		c.exit = state.String()
	} else if err != nil {
		c.exit = err.Error()
	}
	c.mu.Unlock()
	close(c.ended)
}

// publicError is a cause that can be shown to anybody who opens the editor's address.
type publicError struct{ error }

// why says why the child ended, once it has.
func (c *child) why() error {
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ours:
		return publicError{c.cause}
	case c.cause != nil:
		return c.cause
	}
	return fmt.Errorf("it ended by itself (%s); its log may say more", c.exit)
}

// kill ends the child at once and notes the reason, unless there is one already.
func (c *child) kill(cause error) {
	c.blame(cause, true)
	if err := c.proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.log.Error("flow server not killed", "error", err)
	}
}

// blame notes why the child ends, unless that is known.
func (c *child) blame(cause error, ours bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil && cause != nil {
		c.cause, c.ours = cause, ours
	}
}

// terminate asks the child to end, and kills it when that takes longer than patience.
func (c *child) terminate(patience time.Duration) {
	c.blame(errors.New("it was stopped"), true)
	if err := terminate(c.proc); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.log.Warn("flow server not told to stop", "error", err)
	}
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.log.Warn("flow server did not stop in time", "patience", patience)
		c.kill(nil)
		<-c.ended
	}
}

// checkMemory looks how much the child uses. Above the limit for three looks, or far above it, is its end.
func (c *child) checkMemory(limitMB int) {
	usage, err := procfs.Memory(c.proc.Pid)
	if err != nil {
		return // it has just gone, or the system doesn't tell
	}
	used := usage.Private
	c.memory.Store(used)
	limit := int64(limitMB) << 20
	if used <= limit {
		c.over = 0
		return
	}
	if c.over++; c.over >= 3 || used > limit+limit/4 {
		c.kill(tooMuch(int(used>>20), limitMB))
	}
}

func tooMuch(usedMB, limitMB int) error {
	return fmt.Errorf("it used %d MB of memory; %d MB are allowed", usedMB, limitMB)
}

// open passes a new connection to the child, for its editor or for its door, and returns the other end.
func (c *child) open(door bool) (net.Conn, error) {
	ours, theirs, err := streamPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if err := c.link.send(message{Op: opConn, Door: door}, theirs); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	return ours, nil
}
