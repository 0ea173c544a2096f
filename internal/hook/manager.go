package hook

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/resident"
)

// Manager runs the hooks of all instances. Its methods may be called from many goroutines.
type Manager struct {
	o      Options
	caller *caller
	teller *teller

	mu      sync.Mutex // guards what follows
	all     map[string]map[string]*runner
	rates   map[string]*rate.Limiter
	rooms   map[string]chan struct{} // closed when there are fewer dead letters
	stopped bool

	running sync.WaitGroup
}

// New makes a manager without hooks.
func New(o Options) *Manager {
	o.defaults()
	m := &Manager{o: o, all: map[string]map[string]*runner{}, rates: map[string]*rate.Limiter{}, rooms: map[string]chan struct{}{}}
	m.caller, m.teller = newCaller(&m.o), newTeller(&m.o)
	return m
}

// Set makes the hooks of an instance those of the list: new ones start, changed ones go on with what waits for them, the
// others stop. A hook that is no longer there is deleted with what waits for it, unless keep says that it was only
// switched off. It doesn't wait. One that can't be made ready stays as it was.
func (m *Manager) Set(instance string, list []Config, keep func(id string) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil
	}
	have := m.all[instance]
	next := map[string]*runner{}
	var failed error
	for _, c := range list {
		old := have[c.ID]
		delete(have, c.ID)
		if old != nil && reflect.DeepEqual(old.r.Config, c) {
			next[c.ID] = old
			continue
		}
		r, err := compile(c)
		if err != nil {
			failed = err
			if old != nil {
				next[c.ID] = old
			}
			continue
		}
		if old != nil {
			old.cancel()
		}
		next[c.ID] = m.start(r, old)
	}
	for id, u := range have {
		u.dropped.Store(!keep(id))
		u.off.Store(true)
		u.cancel()
	}
	if m.all[instance] = next; len(next) == 0 {
		delete(m.all, instance)
		delete(m.rates, instance)
	}
	m.listen()
	return failed
}

// maxNotes is more than an instance has hooks.
const maxNotes = 1000

// Tidy ends the sessions and notes of hooks that are no more, as of one that was deleted while it was switched off.
func (m *Manager) Tidy(instance string, exists func(id string) bool) {
	b := m.o.Find(instance)
	if b == nil {
		return
	}
	for _, c := range b.Clients() {
		if id, ok := strings.CutPrefix(c.ID, LocalID("")); ok && c.User == User && !c.Connected && !exists(id) {
			b.Forget(c.ID, "the hook was deleted")
		}
	}
	notes, err := b.Browse(ownTopic("+"), "", "", maxNotes)
	for _, n := range notes {
		if err == nil && !exists(strings.TrimPrefix(n.Topic, ownTopic(""))) {
			go func() { // ends when it is deleted, or after Timeout
				ctx, cancel := context.WithTimeout(context.Background(), m.o.Timeout)
				defer cancel()
				clearNote(ctx, b, n.Topic)
			}()
		}
	}
}

// listen tells the teller which instances have hooks that want to know who comes and goes. Callers hold m.mu.
func (m *Manager) listen() {
	wants := map[string]bool{}
	for instance, of := range m.all {
		for _, u := range of {
			for _, e := range u.r.Events {
				if e == account.HookConnect || e == account.HookDisconnect {
					wants[instance] = true
				}
			}
		}
	}
	m.teller.wants.Store(&wants)
}

func (m *Manager) start(r *rule, before *runner) *runner {
	ctx, cancel := context.WithCancel(context.Background())
	u := &runner{m: m, o: &m.o, r: r, before: before, cancel: cancel, done: make(chan struct{})}
	u.state.Since = m.o.Now()
	u.gate = newGate(r)
	if slices.Contains(r.Events, account.HookSilence) {
		u.silence = newWatcher(r)
	}
	m.running.Go(func() { u.run(ctx) }) // ends with ctx
	return u
}

// Tell takes an event of an instance's broker. It neither blocks nor calls the broker.
func (m *Manager) Tell(instance string, e broker.Event) { m.teller.tell(instance, e) }

// State is how a hook is; false when it doesn't run.
func (m *Manager) State(instance, id string) (s State, ok bool) {
	m.mu.Lock()
	u := m.all[instance][id]
	m.mu.Unlock()
	if u != nil {
		s = u.now()
	}
	if b := m.o.Find(instance); b != nil {
		info, _ := b.Session(LocalID(id))
		s.Queued = info.Queued
	}
	return s, u != nil
}

// allowed waits until the plan lets an instance do one more thing.
func (m *Manager) allowed(ctx context.Context, instance string) error {
	if m.o.Calls == nil {
		return nil
	}
	calls := m.o.Calls(instance)
	if calls <= 0 {
		return nil
	}
	return m.rate(instance, calls).Wait(ctx)
}

func (m *Manager) rate(instance string, calls int) *rate.Limiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, each := m.rates[instance], rate.Limit(float64(calls)/60)
	if l == nil {
		l = rate.NewLimiter(each, max(1, calls/4))
		m.rates[instance] = l
	}
	if l.Limit() != each {
		l.SetLimit(each)
		l.SetBurst(max(1, calls/4))
	}
	return l
}

// room is closed when there are fewer dead letters of an instance.
func (m *Manager) room(instance string) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.rooms[instance]
	if c == nil {
		c = make(chan struct{})
		m.rooms[instance] = c
	}
	return c
}

// Room says that there are fewer dead letters of an instance.
func (m *Manager) Room(instance string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.rooms[instance]; c != nil {
		close(c)
		delete(m.rooms, instance)
	}
}

// Stop ends all hooks; their sessions stay.
func (m *Manager) Stop(ctx context.Context) error {
	m.mu.Lock()
	m.stopped = true
	for _, of := range m.all {
		for _, u := range of {
			u.cancel()
		}
	}
	m.mu.Unlock()
	return resident.Wait(ctx, func() {
		m.running.Wait()
		m.teller.stop()
	})
}
