package gate

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"tsunagi/internal/broker"
)

// Options of New. Zero values mean the default in brackets.
type Options struct {
	Door Door
	// Refused is told of every connection that was turned away before the door saw it: the event belongs into the log
	// of the instance that the user name tells, else into the operator's. It must not block. [nobody]
	Refused func(Hello, broker.Event)
	// AllowPlain says whether a client may log in without TLS on a port that refuses it: its instance has opted in. [never]
	AllowPlain func(Hello) bool
	// Reference is where clients that came without TLS are sent, host:port.
	Reference string
	// Drain is called by Stop when nobody is let in any more: it stops the brokers, which say goodbye. [nothing]
	Drain func(context.Context) error

	// ProxyFrom are the networks whose connections must begin with a PROXY header, which tells the client's address.
	// From anywhere else such a header is garbage. [none]
	ProxyFrom []netip.Prefix

	Patience    time.Duration // longest wait for a PROXY header, TLS and CONNECT together [10s]
	PerAddress  int           // connections of one address that have not logged in [256]
	Waiting     int           // connections in all that have not logged in [4096]
	Connections int           // connections in all [the file limit, less one in sixteen and at least 64 for the rest]
	Log         *slog.Logger
}

// Server is all MQTT sockets of the process.
type Server struct {
	opts      Options
	log       *slog.Logger
	ctx       context.Context // ends when Stop begins: nobody logs in any more
	cancel    context.CancelFunc
	flushers  flushers
	workers   workers
	sweep     sweep
	admission admission
	attach    func(context.Context, *broker.Broker, *broker.ConnectRequest) (session, error)
	refusals  atomic.Uint64 // connections that were too many
	seldom    rate.Sometimes

	wg   sync.WaitGroup // connections and callers
	work sync.WaitGroup // flushers and sweep
	quit chan struct{}  // ends work

	mu        sync.Mutex
	stopped   bool
	recalled  bool // an HTTP server wants back what it lent
	listeners map[net.Listener]struct{}
	callers   map[*caller]struct{}
	conns     map[*conn]struct{}
}

// New returns a server without listeners. It starts nothing; see Start.
func New(o Options) *Server {
	if o.Refused == nil {
		o.Refused = func(Hello, broker.Event) {}
	}
	if o.AllowPlain == nil {
		o.AllowPlain = func(Hello) bool { return false }
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.PerAddress == 0 {
		o.PerAddress = 256
	}
	if o.Waiting == 0 {
		o.Waiting = 4096
	}
	if o.Connections == 0 {
		o.Connections = connectionsFor(fileLimit())
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		opts: o, log: o.Log, attach: attach, flushers: newFlushers(), workers: newWorkers(), quit: make(chan struct{}),
		seldom:    rate.Sometimes{Interval: time.Second},
		listeners: make(map[net.Listener]struct{}), callers: make(map[*caller]struct{}), conns: make(map[*conn]struct{}),
	}
	s.sweep.start = time.Now()
	s.admission = newAdmission(o)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// connectionsFor leaves descriptors for the store, the panel and an operator who comes to look.
func connectionsFor(files int) int {
	if files == 0 {
		return 1 << 30
	}
	return max(files-max(files/16, 64), 16)
}

// SpareFiles is how many descriptors the process has besides those of MQTT connections, where Options name no number.
func SpareFiles() int {
	files := fileLimit()
	if files == 0 {
		return 1 << 20
	}
	return max(files-connectionsFor(files), 0)
}

// Start starts the goroutines that all connections share; Stop ends them.
func (s *Server) Start() error {
	if !supported {
		return errors.New("serving MQTT needs Linux; flow, pub, sub and bench run here")
	}
	for i := range s.flushers {
		s.work.Go(func() { s.flushers[i].run(s.quit) })
	}
	s.work.Go(func() { s.sweep.run(s.quit) })
	return nil
}

// Flush writes for a turn at once. It is the function that the committer calls after a batch.
func (s *Server) Flush(t *broker.Turn) { t.Flush() }

// Numbers are what the operator wants to know of the sockets.
type Numbers struct {
	Connections, Waiting, Room int    // in all, of them not logged in, room for in all
	Refused                    uint64 // that were too many, since the start
}

// Numbers counts the connections.
func (s *Server) Numbers() Numbers {
	s.admission.mu.Lock()
	defer s.admission.mu.Unlock()
	return Numbers{s.admission.count, s.admission.waits, s.admission.all, s.refusals.Load()}
}

// Connections is the number of connections, those included that have not logged in.
func (s *Server) Connections() int {
	s.admission.mu.Lock()
	defer s.admission.mu.Unlock()
	return s.admission.count
}

// Stop, of which the first call counts, lets nobody in any more, has the brokers say goodbye, waits until every connection has ended, and closes those
// that have not when ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.stopped = true
	for l := range s.listeners {
		_ = l.Close() // accept returns
	}
	for a := range s.callers {
		_ = a.tcp.SetDeadline(time.Unix(1, 0)) // wakes whoever reads
	}
	s.mu.Unlock()
	s.cancel()
	var err error
	if s.opts.Drain != nil {
		err = s.opts.Drain(ctx)
	}
	s.each(func(c *conn) { c.Close(errStopping) }) // the brokers have ended theirs: this changes no cause
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }() // ends with the last connection
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, context.Cause(ctx))
		s.each((*conn).abort)
		<-done
	}
	s.workers.stop()
	close(s.quit)
	s.work.Wait()
	return err
}

// each calls f for the connections there are.
func (s *Server) each(f func(*conn)) {
	s.mu.Lock()
	list := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range list {
		f(c)
	}
}

// remember keeps a connection that is about to run; forget lets go of it and counts it out.
func (s *Server) remember(c *conn) {
	s.mu.Lock()
	s.conns[c] = struct{}{}
	stopped := s.stopped || s.recalled && c.lent
	s.mu.Unlock()
	if stopped {
		c.Close(errStopping)
	}
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.sweep.remove(c)
	s.admission.leave()
}

// addListener keeps a listener for Stop; false: it is too late.
func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) stopping() bool { return s.ctx.Err() != nil }

// wait waits for d; false: the server stops.
func (s *Server) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
