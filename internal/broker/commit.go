package broker

import (
	"context"
	"log/slog"
	"sync"
)

// operation is something that waits to become durable. The committer's goroutine calls both methods.
type operation interface {
	// prepare adds to the batch. It may be called a second time, with a new plan, when the store was full.
	prepare(p *plan)
	// done runs when the batch is on disk or, with an error, is not.
	done(t *Turn, err error)
	// size is the memory in bytes that the operation holds while it waits.
	size() int
	// grows says what room it needs in the store: when that is full, messages fail first, then other new state.
	grows() growth
}

// growth is how an operation uses the room of the store.
type growth byte

const (
	growsNot      growth = iota // changes or removes
	growsState                  // adds a little: a session, a subscription
	growsMessages               // adds messages
)

// Committer makes operations of all instances durable: one goroutine gathers what waits into one write, and then runs
// the completions in the order in which the operations came. There are no timers: while one batch is being written
// the next one fills, and a lone publisher waits for one write only.
type Committer struct {
	store Store
	flush func(*Turn)
	log   *slog.Logger

	mu       sync.Mutex // guards all down to brokers
	queue    []operation
	bytes    int
	space    *sync.Cond // tells that bytes has become less, or that failure is set
	failure  error
	stopped  bool
	pins     map[string]uint64 // instance -> offset from which on it may need the log, as stored
	pinsRead bool
	brokers  map[string]*Broker // those in memory

	wake   chan struct{}
	failed chan struct{} // closed when failure is set
	bodies bodyCache
	reads  chan struct{} // bounds how many sessions read back at a time

	// Owned by the goroutine of Run.
	plan        plan
	held        held
	errs        []error
	trimmed     uint64 // what Trim was told last
	logged      int    // records since then
	recordBytes int    // the size of a record, on average
	carryLag    uint64 // records that an old message may hold back
}

const (
	maxWaiting   = 8 << 20  // bytes of operations that may wait before publishers are held up
	maxBatch     = 4 << 20  // bytes of one batch
	maxBatchOps  = 16 << 10 // operations of one batch
	bodyBytes    = 16 << 20 // bytes of stored messages kept in memory
	parallelRead = 4
	trimEvery    = 8192      // records
	trimBytes    = 32 << 20  // or bytes of them
	carryLag     = 64 << 10  // records behind the newest from which on old messages are carried forward
	carryBytes   = 256 << 20 // or bytes, about
	carryMost    = 4096      // messages carried at a time
	carrySize    = 2 << 20   // bytes of them
)

// NewCommitter makes a committer for a store. flush writes to all clients that a turn has touched and resets it; it is
// called from the committer's goroutine after each batch, and from a publisher's inside Handle before it has to wait.
func NewCommitter(store Store, flush func(*Turn), log *slog.Logger) *Committer {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if flush == nil {
		flush = (*Turn).Flush
	}
	k := &Committer{
		store: store, flush: flush, log: log,
		pins: map[string]uint64{}, brokers: map[string]*Broker{},
		wake: make(chan struct{}, 1), failed: make(chan struct{}), reads: make(chan struct{}, parallelRead),
	}
	k.space = sync.NewCond(&k.mu)
	k.bodies.limit = bodyBytes
	k.carryLag = carryLag
	k.plan.k = k
	return k
}

// Failed is closed when the store has failed for good: nothing is acknowledged any more, and the process must end.
func (k *Committer) Failed() <-chan struct{} { return k.failed }

// Err says why Failed is closed.
func (k *Committer) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failure
}

// Run works until ctx ends, and then finishes what waits: stop the brokers first. When the store fails for good it
// returns that error at once; nothing is acknowledged any more, and the process must end.
func (k *Committer) Run(ctx context.Context) error {
	var t Turn
	for {
		for k.step(&t) {
		}
		if err := k.Err(); err != nil {
			return err
		}
		select {
		case <-k.wake:
		case <-ctx.Done():
			for !k.end() {
				k.step(&t)
			}
			k.settle()
			return k.Err()
		}
	}
}

// end refuses operations from now on, if none waits.
func (k *Committer) end() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = len(k.queue) == 0
	k.space.Broadcast()
	return k.stopped
}

// submit hands an operation over. It holds the caller up while too much waits; before that it flushes the caller's turn.
func (k *Committer) submit(op operation, t *Turn) error {
	k.mu.Lock()
	if k.bytes > maxWaiting && k.failure == nil && !k.stopped {
		k.mu.Unlock()
		k.flush(t)
		k.mu.Lock()
		for k.bytes > maxWaiting && k.failure == nil && !k.stopped {
			k.space.Wait()
		}
	}
	defer k.mu.Unlock()
	return k.put(op)
}

// post hands over an operation that is bounded otherwise, such as by the packet identifiers of a session. It never
// waits, so it may be called with locks held and by the committer itself.
func (k *Committer) post(op operation) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.put(op)
}

func (k *Committer) put(op operation) error {
	switch {
	case k.failure != nil:
		return k.failure
	case k.stopped:
		return ErrStopped
	}
	k.queue = append(k.queue, op)
	k.bytes += op.size()
	if len(k.queue) == 1 {
		k.nudge()
	}
	return nil
}
