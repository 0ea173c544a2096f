package bridge

import (
	"context"
	"log/slog"
	"net"
	"reflect"
	"sync"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/resident"
)

// User is the name under which bridges work on their instance.
const User = "bridge-client"

// Options of New. Broker, Rights, Dial, DialPlain and Origin must be set.
type Options struct {
	// Broker returns the broker of an instance; Rights are a bridge's there.
	Broker func(ctx context.Context, instance string) (*broker.Broker, error)
	Rights func(ctx context.Context, instance string) (broker.Rights, error)
	// Find returns the broker of an instance if it is there; nil: nobody asks how much is queued.
	Find func(instance string) *broker.Broker
	// Dial connects to what an instance's people named, and judges the address; DialPlain does so for connections
	// without TLS.
	Dial, DialPlain func(ctx context.Context, network, addr string) (net.Conn, error)
	// Origin names an instance towards all brokers of the world.
	Origin func(instance string) string
	Events func(instance string, e broker.Event) // for the instance's log; must not block
	Now    func() time.Time
	Log    *slog.Logger

	Timeout  time.Duration // of one connection's making [10s]
	RetryMin time.Duration // first pause before a new attempt [1s]
	RetryMax time.Duration // longest pause [60s]
}

// Manager runs the bridges of all instances. Its methods may be called from many goroutines.
type Manager struct {
	o Options

	mu      sync.Mutex // guards what follows
	all     map[string]map[string]*runner
	stopped bool

	running sync.WaitGroup
}

// New makes a manager without bridges.
func New(o Options) *Manager {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = func(string, broker.Event) {}
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Timeout, 10*time.Second)
	def(&o.RetryMin, time.Second)
	def(&o.RetryMax, time.Minute)
	return &Manager{o: o, all: map[string]map[string]*runner{}}
}

// Set makes the bridges of an instance those of the list: new ones start, changed ones start anew with their sessions,
// the others stop. A bridge that is no longer there is deleted with what waits for it, unless keep says that it was only
// switched off. It doesn't wait.
func (m *Manager) Set(instance string, list []Config, keep func(id string) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	have := m.all[instance]
	next := map[string]*runner{}
	for _, c := range list {
		old := have[c.ID]
		delete(have, c.ID)
		if old != nil && reflect.DeepEqual(old.c, c) {
			next[c.ID] = old
			continue
		}
		if old != nil {
			old.cancel()
		}
		next[c.ID] = m.start(c, old)
	}
	for id, r := range have {
		r.dropped.Store(!keep(id))
		r.cancel()
	}
	if m.all[instance] = next; len(next) == 0 {
		delete(m.all, instance)
	}
}

func (m *Manager) start(c Config, before *runner) *runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &runner{o: &m.o, c: c, before: before, cancel: cancel, done: make(chan struct{})}
	r.state = State{State: Connecting, Since: m.o.Now()}
	if before != nil {
		r.succeed(&before.c)
	}
	m.running.Go(func() { r.run(ctx) }) // ends with ctx
	return r
}

// State is how a bridge is; false when it doesn't run.
func (m *Manager) State(instance, id string) (State, bool) {
	m.mu.Lock()
	r := m.all[instance][id]
	m.mu.Unlock()
	if r == nil {
		return State{Queued: m.queued(instance, id)}, false
	}
	s := r.now()
	s.Queued = m.queued(instance, id)
	return s, true
}

func (m *Manager) queued(instance, id string) int {
	if m.o.Find == nil {
		return 0
	}
	b := m.o.Find(instance)
	if b == nil {
		return 0
	}
	info, _ := b.Session(LocalID(id))
	return info.Queued
}

// Stop ends all bridges; their sessions stay.
func (m *Manager) Stop(ctx context.Context) error {
	m.mu.Lock()
	m.stopped = true
	for _, of := range m.all {
		for _, r := range of {
			r.cancel()
		}
	}
	m.mu.Unlock()
	return resident.Wait(ctx, m.running.Wait)
}

// succeed notes what the remote broker still has of the configuration before this one.
func (r *runner) succeed(old *Config) {
	if r.anew = old.Address != r.c.Address || old.ClientID != r.c.ClientID || old.User != r.c.User; r.anew {
		return
	}
	wanted := map[string]bool{}
	for _, s := range remoteFilters(r.c.Topics) {
		wanted[string(s.Filter)] = true
	}
	for _, s := range remoteFilters(old.Topics) {
		if !wanted[string(s.Filter)] {
			r.stale = append(r.stale, s.Filter)
		}
	}
}
