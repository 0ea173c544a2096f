package history

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/resident"
)

// ClientID is the client identifier of the history's session on its instance.
const ClientID = "history"

// Options of New. Dir, Broker, Find and Rights must be set.
type Options struct {
	Dir    string // where the files are
	Broker func(ctx context.Context, instance string) (*broker.Broker, error)
	Find   func(instance string) *broker.Broker
	Rights func(ctx context.Context, instance string) (broker.Rights, error)
	Now    func() time.Time
	Log    *slog.Logger
	Batch  time.Duration // how long a message waits for others at most [200ms]
	Pause  time.Duration // before a new attempt where keeping failed [5s]
}

// Manager keeps the histories of all instances. Its methods may be called from many goroutines.
type Manager struct {
	o Options

	mu      sync.Mutex // guards what follows
	all     map[string]*keeper
	stopped bool

	running sync.WaitGroup
}

// New makes a manager that keeps nothing yet.
func New(o Options) *Manager {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Batch == 0 {
		o.Batch = 200 * time.Millisecond
	}
	if o.Pause == 0 {
		o.Pause = 5 * time.Second
	}
	return &Manager{o: o, all: map[string]*keeper{}}
}

func (m *Manager) path(instance string) string { return filepath.Join(m.o.Dir, instance+".db") }

// Set makes an instance keep what the list says. Without one, what was kept is deleted. It doesn't wait.
func (m *Manager) Set(instance string, list []account.HistoryFilter) { m.set(instance, list, false) }

// Rest makes an instance keep nothing new until Set: what was kept stays, and can be read. It doesn't wait.
func (m *Manager) Rest(instance string, list []account.HistoryFilter) { m.set(instance, list, true) }

func (m *Manager) set(instance string, list []account.HistoryFilter, rests bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.all[instance]
	if m.stopped || old != nil && old.rests == rests && reflect.DeepEqual(old.choices, list) || old == nil && len(list) == 0 {
		return
	}
	if old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{m: m, instance: instance, choices: list, rests: rests, before: old, cancel: cancel, done: make(chan struct{}), opened: make(chan struct{})}
	m.all[instance] = k
	m.running.Go(func() { k.run(ctx) }) // ends with ctx, or at once where nothing is to be kept
}

// forgotten takes a keeper with nothing to keep off the list.
func (m *Manager) forgotten(k *keeper) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all[k.instance] == k {
		delete(m.all, k.instance)
	}
}

// remove deletes the file of an instance.
func (m *Manager) remove(instance string) error {
	var errs []error
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(m.path(instance) + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ErrOff says that an instance keeps nothing.
var ErrOff = errors.New("this instance keeps no history")

// with calls f with the file of an instance. While another keeper takes a place it waits for that one.
func (m *Manager) with(ctx context.Context, instance string, f func(*file) error) error {
	for before := (*keeper)(nil); ; {
		m.mu.Lock()
		k := m.all[instance]
		m.mu.Unlock()
		if k == nil || k == before {
			return ErrOff
		}
		err := k.with(ctx, f)
		if !errors.Is(err, ErrOff) {
			return err
		}
		before = k
	}
}

// with calls f with the file, once it is there. It is ErrOff where it will not be.
func (k *keeper) with(ctx context.Context, f func(*file) error) error {
	select {
	case <-k.opened:
	case <-k.done:
		return ErrOff
	case <-ctx.Done():
		return ctx.Err()
	}
	k.using.RLock()
	defer k.using.RUnlock()
	if k.file == nil {
		return ErrOff
	}
	return f(k.file)
}

// Read is one page; next is the cursor of the next one, 0 on the last.
func (m *Manager) Read(ctx context.Context, instance string, q Query) (list []Message, next int64, err error) {
	err = m.with(ctx, instance, func(f *file) error {
		list, next, err = f.read(ctx, q)
		return err
	})
	return list, next, err
}

// Topics are at most limit topics that have messages.
func (m *Manager) Topics(ctx context.Context, instance string, limit int) (list []Topic, err error) {
	err = m.with(ctx, instance, func(f *file) error {
		list, err = f.topics(ctx, limit)
		return err
	})
	return list, err
}

// Use is what the choices of an instance take up.
func (m *Manager) Use(ctx context.Context, instance string) (all map[string]Use, err error) {
	err = m.with(ctx, instance, func(f *file) error {
		all, err = f.use(ctx)
		return err
	})
	return all, err
}

// Stop ends all; what was kept stays.
func (m *Manager) Stop(ctx context.Context) error {
	m.mu.Lock()
	m.stopped = true
	for _, k := range m.all {
		k.cancel()
	}
	m.mu.Unlock()
	return resident.Wait(ctx, m.running.Wait)
}
