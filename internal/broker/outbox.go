package broker

import (
	"sync"
	"sync/atomic"
)

// Outbox holds the bytes that wait for one connection. Small pieces are copied into pooled chunks, large ones are kept
// as references to bytes that nobody changes. An empty outbox holds no chunk.
type Outbox struct {
	mu     sync.Mutex
	client *Client
	begun  atomic.Bool // has been flushed once

	// All below is guarded by mu.
	tail    bool        // the last part is a view of open and may grow
	marked  bool        // on the list of some turn
	starved bool        // the session has more to send once there is room
	closed  bool        // the connection has ended: nothing is taken any more
	big     bool        // the last flush had more than a small chunk: begin with a large one
	parts   [][]byte    // what waits, in order
	release []*chunk    // parallel to parts: the chunk that is free once this part is written, or nil
	open    *chunk      // the chunk that takes the next bytes; its last view is at the end of parts, or it has none there
	n       int         // bytes that wait, references included
	aliases *aliasTable // nil: the client allows none
	limit   int         // bytes; over it QoS 0 is dropped and QoS 1 and 2 stay in the session's queue

	messages uint64 // messages handed to this connection
	bytes    uint64 // bytes of them
	dropped  uint64 // QoS 0 messages that did not fit
}

const (
	smallChunk = 4 << 10
	largeChunk = 64 << 10
	maxParts   = 1024    // parts in one write: the system's limit for writev
	shareFrom  = 1 << 10 // bytes; from this size on a message for several is kept by reference
)

// chunk is a pooled buffer.
type chunk struct {
	b    []byte // full capacity
	used int
}

var (
	smallChunks = sync.Pool{New: func() any { return &chunk{b: make([]byte, smallChunk)} }}
	largeChunks = sync.Pool{New: func() any { return &chunk{b: make([]byte, largeChunk)} }}
)

func getChunk(large bool) *chunk {
	pool := &smallChunks
	if large {
		pool = &largeChunks
	}
	c := pool.Get().(*chunk)
	c.used = 0
	return c
}

func putChunk(c *chunk) {
	if len(c.b) == largeChunk {
		largeChunks.Put(c)
		return
	}
	smallChunks.Put(c)
}

// Len is the number of bytes that wait.
func (o *Outbox) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}

// Flush hands all that waits to write, at most 1024 parts at a time, and keeps what write did not take. It stops when
// write takes less than it was given or fails, and returns that error. write is called with the outbox locked: it must
// not block, and it neither keeps nor changes parts. When the session waits for room it sends more, which is written,
// too.
func (o *Outbox) Flush(write func(parts [][]byte) (int, error)) error {
	for {
		more, err := o.flush(write)
		if !more {
			return err
		}
		o.client.refill()
	}
}

// flush writes once what is there; more says that the session is to fill the outbox again.
func (o *Outbox) flush(write func(parts [][]byte) (int, error)) (more bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.marked = false
	if !o.begun.Load() {
		o.begun.Store(true)
	}
	before := o.n
	for len(o.parts) > 0 && err == nil {
		some := o.parts[:min(len(o.parts), maxParts)]
		want := 0
		for _, p := range some {
			want += len(p)
		}
		var n int
		n, err = write(some)
		o.advance(n)
		if n < want {
			break
		}
	}
	more = o.starved && err == nil && 2*o.n <= o.limit && (o.n == 0 || o.n < before)
	if more {
		o.starved = false
	}
	return more, err
}

// advance forgets the first n bytes.
func (o *Outbox) advance(n int) {
	o.n -= n
	i := 0
	for ; i < len(o.parts) && n >= len(o.parts[i]); i++ {
		n -= len(o.parts[i])
		if c := o.release[i]; c != nil {
			putChunk(c)
		}
	}
	if i == len(o.parts) {
		o.empty()
		return
	}
	o.parts[i] = o.parts[i][n:]
	if i > 0 {
		k := copy(o.parts, o.parts[i:])
		clear(o.parts[k:])
		copy(o.release, o.release[i:])
		clear(o.release[k:])
		o.parts, o.release = o.parts[:k], o.release[:k]
	}
}

// empty gives the open chunk back.
func (o *Outbox) empty() {
	if o.open != nil {
		o.big = len(o.open.b) == largeChunk && o.open.used > smallChunk
		putChunk(o.open)
		o.open = nil
	}
	clear(o.parts)
	clear(o.release)
	o.parts, o.release, o.tail, o.n = o.parts[:0], o.release[:0], false, 0
	if cap(o.parts) > 8 {
		o.parts, o.release = nil, nil
	}
}

// seal takes nothing more; what waits is still written.
func (o *Outbox) seal() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.starved = true, false
}

// close drops what waits; the connection has ended.
func (o *Outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.release {
		if c != nil {
			putChunk(c)
		}
	}
	clear(o.release)
	o.empty()
	o.parts, o.release, o.closed, o.starved = nil, nil, true, false
}

// copyIn appends a copy of b. Callers hold mu.
func (o *Outbox) copyIn(b []byte) {
	o.n += len(b)
	for len(b) > 0 {
		if o.open == nil || o.open.used == len(o.open.b) {
			o.nextChunk(len(b))
		}
		c := o.open
		k := copy(c.b[c.used:], b)
		if o.tail {
			last := &o.parts[len(o.parts)-1]
			*last = (*last)[:len(*last)+k]
		} else {
			o.parts = append(o.parts, c.b[c.used:c.used+k])
			o.release = append(o.release, nil)
			o.tail = true
		}
		c.used += k
		b = b[k:]
	}
}

// nextChunk opens a chunk for n more bytes. The full one is given back when its last view is written.
func (o *Outbox) nextChunk(n int) {
	large := n > smallChunk || o.big
	if o.open != nil {
		o.retire()
		large = true
	}
	o.open, o.tail = getChunk(large), false
}

// retire ties the open chunk to the last part, which is its last view or comes behind it: parts are written in order.
func (o *Outbox) retire() {
	if len(o.parts) == 0 {
		putChunk(o.open)
	} else if last := len(o.release) - 1; o.release[last] == nil {
		o.release[last] = o.open
	} else { // another chunk ends there already: an empty part carries this one
		o.parts = append(o.parts, nil)
		o.release = append(o.release, o.open)
	}
	o.open, o.tail = nil, false
}

// lend appends b by reference: nobody changes it any more. Callers hold mu.
func (o *Outbox) lend(b []byte) {
	o.n += len(b)
	o.parts = append(o.parts, b)
	o.release = append(o.release, nil)
	o.tail = false
}

// mark puts the client on the turn's list, unless it waits for a flush already. Callers hold mu.
func (o *Outbox) mark(t *Turn) {
	if !o.marked {
		o.marked = true
		t.touch(o.client)
	}
}

// room says whether n more bytes of messages may wait. An empty outbox takes a message of any size. Callers hold mu.
func (o *Outbox) room(n int) bool { return o.n == 0 || o.n+n <= o.limit }
