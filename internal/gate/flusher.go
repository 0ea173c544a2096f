package gate

import (
	"runtime"
	"sync"
	"sync/atomic"

	"tsunagi/internal/broker"
)

// inlineFrom is the number of receivers from which a reader writes for them itself: a fan-out needs no gathering, and
// would only hold the flusher up for others.
const inlineFrom = 64

// turn is what one handled batch of bytes has touched. Flush writes to each receiver and makes the turn free.
type turn interface{ Flush() }

// flushers write for all readers, one for each processor. Mostly the first one does it; the others take what comes
// while it writes, which can only be on another processor.
type flushers []flusher

func newFlushers() flushers {
	f := make(flushers, runtime.GOMAXPROCS(0))
	for i := range f {
		f[i].wake = make(chan struct{}, 1)
	}
	return f
}

// hand gives a turn to the first flusher that does not write just now.
func (f flushers) hand(t turn) {
	last := len(f) - 1
	for i := range last {
		if !f[i].writing.Load() {
			f[i].hand(t)
			return
		}
	}
	f[last].hand(t)
}

// flusher is woken by the first turn handed to it, lets every goroutine that is ready run before it begins, and so
// finds the turns of all of them: a receiver that many publishers wrote to gets one write.
type flusher struct {
	wake    chan struct{} // holds one signal
	writing atomic.Bool

	mu    sync.Mutex
	turns []turn
}

// hand takes a turn over.
func (f *flusher) hand(t turn) {
	f.mu.Lock()
	f.turns = append(f.turns, t)
	first := len(f.turns) == 1
	f.mu.Unlock()
	if first {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// run writes until stop is closed, and what was handed over by then.
func (f *flusher) run(stop <-chan struct{}) {
	var spare []turn
	for {
		select {
		case <-f.wake:
		case <-stop:
			f.flush(&spare)
			return
		}
		runtime.Gosched() // behind all that are ready; one that was woken would run next otherwise
		f.flush(&spare)
	}
}

func (f *flusher) flush(spare *[]turn) {
	f.writing.Store(true)
	defer f.writing.Store(false)
	f.mu.Lock()
	turns := f.turns
	f.turns = (*spare)[:0]
	f.mu.Unlock()
	for _, t := range turns {
		t.Flush()
	}
	clear(turns)
	if *spare = turns; cap(turns) > keptTurns {
		*spare = nil
	}
}

// keptTurns bounds the list that a flusher keeps for the next time.
const keptTurns = 4096

// batch is a broker's turn that comes from the pool and goes back to it.
type batch struct{ broker.Turn }

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) Flush() {
	b.Turn.Flush()
	batches.Put(b)
}
