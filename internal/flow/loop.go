package flow

import (
	"context"
	"sync"
)

// delivery is one message on its way to one node; without a message it is the turn that the
// node asked for with Base.Again.
type delivery struct {
	to    *Base
	msg   *Msg
	bytes int // what it is counted with
}

// ring is the queue of deliveries, first in first out. It grows and never shrinks below
// what one turn of the loop needs.
type ring struct {
	buf  []delivery // length is a power of two
	head int
	n    int
}

func (q *ring) push(d delivery) {
	if q.n == len(q.buf) {
		q.resize(max(64, 2*len(q.buf)))
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = d
	q.n++
}

func (q *ring) pop() delivery {
	d := q.buf[q.head]
	q.buf[q.head] = delivery{}
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	return d
}

func (q *ring) resize(size int) {
	buf := make([]delivery, size)
	for i := range q.n {
		buf[i] = q.buf[(q.head+i)&(len(q.buf)-1)]
	}
	q.buf, q.head = buf, 0
}

// event is what other goroutines hand to the loop: a message that a node emits, or a call.
type event struct {
	to    *Base // nil for calls of the runtime itself
	msg   *Msg
	run   func()
	bytes int // of messages
}

// inboxSize is how many events of nodes may wait, inboxBytes how much their messages may hold, unless it is one;
// nodes that have more wait themselves.
const (
	inboxSize  = 256
	inboxBytes = 8 << 20
)

// inbox takes events from any goroutine. Those of the runtime and of timers are urgent: they
// are never refused, and pass while the loop has too much to do for new traffic.
type inbox struct {
	mu      sync.Mutex
	traffic []event
	bytes   int // of traffic
	calls   []event
	room    chan struct{} // closed when traffic was taken; nil when nobody waits
	closed  bool
	wake    chan struct{} // holds one token when something is there
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (in *inbox) ring() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// post adds an event, waiting for room until ctx ends.
func (in *inbox) post(ctx context.Context, e event) bool {
	for {
		in.mu.Lock()
		if in.closed || ctx.Err() != nil {
			in.mu.Unlock()
			return false
		}
		if in.takes(e) {
			in.mu.Unlock()
			in.ring()
			return true
		}
		if in.room == nil {
			in.room = make(chan struct{})
		}
		room := in.room
		in.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return false
		}
	}
}

func (in *inbox) try(e event) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || !in.takes(e) {
		return false
	}
	in.ring()
	return true
}

// takes adds traffic if there is room. It is called under mu.
func (in *inbox) takes(e event) bool {
	if len(in.traffic) >= inboxSize || in.bytes > 0 && in.bytes+e.bytes > inboxBytes {
		return false
	}
	in.traffic = append(in.traffic, e)
	in.bytes += e.bytes
	return true
}

func (in *inbox) urgent(e event) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.calls = append(in.calls, e)
	in.ring()
	return true
}

// take moves what waits to dst: all calls, and the traffic if wanted.
func (in *inbox) take(dst []event, traffic bool) []event {
	in.mu.Lock()
	defer in.mu.Unlock()
	dst = append(dst, in.calls...)
	clear(in.calls)
	in.calls = in.calls[:0]
	if traffic && len(in.traffic) > 0 {
		dst = append(dst, in.traffic...)
		clear(in.traffic)
		in.traffic, in.bytes = in.traffic[:0], 0
		if in.room != nil {
			close(in.room)
			in.room = nil
		}
	}
	return dst
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
}

// turnSize bounds the deliveries of one turn, after which calls have their turn; busyAbove
// is the number of waiting deliveries from which new traffic has to wait.
const (
	turnSize  = 1024
	busyAbove = 4096
)

// loop runs until quit is set: deliveries that wait, then what came in meanwhile.
func (r *Runtime) loop() {
	var events []event
	since := 0 // deliveries since what waits for the end of a turn was run
	for !r.quit {
		if r.queue.n == 0 {
			<-r.in.wake
		}
		events = r.in.take(events[:0], r.queue.n < busyAbove)
		for i := range events {
			r.handle(events[i])
			events[i] = event{}
		}
		n := min(turnSize, r.queue.n)
		since += n
		for left := n; left > 0; {
			left = r.turn(left)
		}
		if r.queue.n == 0 || since >= turnSize {
			since = 0
			r.endTurn()
		}
	}
}

// endTurn runs what nodes have left for it.
func (r *Runtime) endTurn() {
	for i := 0; i < len(r.ends); i++ {
		e := r.ends[i]
		r.ends[i] = event{}
		r.handle(e)
	}
	r.ends = r.ends[:0]
}

// AtTurnEnd runs f, once, when the deliveries that wait now and what they cause have been made, or many of them. What
// sends to the outside gathers until then.
func (b *Base) AtTurnEnd(f func()) { b.rt.ends = append(b.rt.ends, event{to: b, run: f}) }

// turn makes up to n deliveries and returns how many it left. It leaves some only when a
// node panicked: recovering once for a whole turn costs less than for each delivery.
func (r *Runtime) turn(n int) (left int) {
	left = n
	defer func() {
		if p := recover(); p != nil {
			r.panicked(p)
		}
	}()
	for left > 0 {
		left--
		d := r.queue.pop()
		if d.msg == nil {
			d.to.resume()
			continue
		}
		r.waiting -= d.bytes
		d.to.waiting--
		d.to.waitingBytes -= d.bytes
		if r.meters > 0 {
			d.to.meterReceive(d.msg)
			continue
		}
		d.to.receive(d.msg)
	}
	return 0
}

func (r *Runtime) handle(e event) {
	defer func() {
		if p := recover(); p != nil {
			r.panicked(p)
		}
	}()
	switch {
	case e.to == nil:
		e.run()
	case r.meters > 0 && !e.to.gone:
		r.meterHandle(e)
	case e.to.gone:
	case e.run != nil:
		r.current, r.handling = e.to, nil
		e.run()
	default:
		r.current, r.handling = e.to, e.msg
		e.to.Send(e.msg)
	}
}

// Resumer is implemented by nodes that call Base.Again.
type Resumer interface{ Resume() }

// Again calls Resume of the node behind the deliveries that wait now, as setImmediate does.
func (b *Base) Again() { b.rt.queue.push(delivery{b, nil, 0}) }

func (b *Base) resume() {
	if n, ok := b.node.(Resumer); ok && !b.gone {
		b.rt.current, b.rt.handling = b, nil
		n.Resume()
	}
}

// receive hands a message to the node.
func (b *Base) receive(m *Msg) {
	if b.deaf {
		return
	}
	m.identify()
	b.received++
	was, handled := b.rt.current, b.rt.handling
	b.rt.current, b.rt.handling = b, m
	b.node.Receive(m)
	b.rt.current, b.rt.handling = was, handled
}
