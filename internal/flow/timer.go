package flow

import (
	"container/heap"
	"time"
)

// Timer is a call on the loop that is due later.
type Timer struct {
	b     *Base // nil for timers of the runtime
	due   time.Time
	seq   uint64
	run   func()
	place int // in the heap, -1 when it is not there
}

// timers keeps what is due in the order of time, and of making for the same time, as
// JavaScript's timers fire. One timer of the system serves all. It belongs to the loop.
type timers struct {
	rt    *Runtime
	queue timerHeap
	seq   uint64
	wake  *time.Timer
	at    time.Time // when wake fires; zero when it doesn't
}

// After runs f on the loop in d, unless the timer or the node is stopped before.
func (b *Base) After(d time.Duration, f func()) *Timer {
	b.timed = true
	return b.rt.timers.add(b, d, f)
}

// later runs f on the loop in d.
func (r *Runtime) later(d time.Duration, f func()) { r.timers.add(nil, d, f) }

// Stop cancels the call; it is safe on nil and after the call.
func (t *Timer) Stop() {
	if t == nil || t.place < 0 {
		return
	}
	heap.Remove(&t.of().queue, t.place)
}

func (t *Timer) of() *timers { return &t.b.rt.timers }

func (ts *timers) add(b *Base, d time.Duration, f func()) *Timer {
	ts.seq++
	t := &Timer{b: b, due: time.Now().Add(max(d, 0)), seq: ts.seq, run: f}
	heap.Push(&ts.queue, t)
	ts.arm()
	return t
}

// arm makes sure that the loop is woken for the first timer.
func (ts *timers) arm() {
	if len(ts.queue) == 0 {
		return
	}
	first := ts.queue[0].due
	if !ts.at.IsZero() && !first.Before(ts.at) {
		return
	}
	if ts.wake != nil {
		ts.wake.Stop()
	}
	ts.at = first
	ts.wake = time.AfterFunc(time.Until(first), func() { ts.rt.in.urgent(event{run: ts.fire}) })
}

// fire runs what is due now.
func (ts *timers) fire() {
	now := time.Now()
	for len(ts.queue) > 0 && !ts.queue[0].due.After(now) {
		t := heap.Pop(&ts.queue).(*Timer)
		ts.rt.handle(event{to: t.b, run: t.run})
	}
	ts.at = time.Time{}
	ts.arm()
}

// drop takes the timers of a node out.
func (ts *timers) drop(b *Base) {
	kept := ts.queue[:0]
	for _, t := range ts.queue {
		if t.b == b {
			t.place = -1
			continue
		}
		t.place = len(kept)
		kept = append(kept, t)
	}
	clear(ts.queue[len(kept):])
	ts.queue = kept
	heap.Init(&ts.queue)
}

// end lets nothing fire any more.
func (ts *timers) end() {
	if ts.wake != nil {
		ts.wake.Stop()
	}
	ts.queue = nil
}

type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].seq < h[j].seq
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.place = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.place = -1
	return t
}

// Ticker is a call on the loop that comes again and again.
type Ticker struct {
	timer   *Timer
	stopped bool
}

// Every runs f on the loop each d, counted from the beginning of the call before, until the
// ticker or the node is stopped.
func (b *Base) Every(d time.Duration, f func()) *Ticker {
	t := &Ticker{}
	var run func()
	run = func() {
		if t.stopped {
			return
		}
		t.timer = b.After(d, run)
		f()
	}
	t.timer = b.After(d, run)
	return t
}

// Stop ends the calls; it is safe on nil.
func (t *Ticker) Stop() {
	if t != nil {
		t.stopped = true
		t.timer.Stop()
	}
}

// Milliseconds is how long JavaScript's setTimeout waits for a number: whole milliseconds,
// at least one, which is also for what is no number. Unlike there, more than 24 days are
// what they say, up to 100 years.
func Milliseconds(n float64) time.Duration {
	if !(n >= 1) { // NaN, too
		n = 1
	}
	const most = 100 * 365 * 24 * 60 * 60 * 1000
	return time.Duration(min(n, most)) * time.Millisecond
}
