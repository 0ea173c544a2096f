package flow

// emitterChunk is how many messages of one sequence are sent before what waits in the flow has its
// turn: a sequence of any length passes through the flow's bounded queue.
const emitterChunk = 4096

// Emitter is the part of a node that sends sequences of messages, one behind the other.
// Messages that come while one is being sent wait.
type Emitter struct {
	Base   *Base
	Handle func(m *Msg) // looks at a message; may call Emit

	next    func(i int) *Msg
	end     func()
	i, n    int
	busy    bool
	waiting []*Msg
}

// Emit sends next(0) to next(n-1), then calls end.
func (e *Emitter) Emit(n int, next func(i int) *Msg, end func()) {
	e.i, e.n, e.next, e.end, e.busy = 0, n, next, end, true
	e.send()
}

func (e *Emitter) send() {
	for sent := 0; e.i < e.n; sent++ {
		if sent == emitterChunk {
			e.Base.Again()
			return
		}
		e.i++
		e.Base.Send(e.next(e.i - 1))
	}
	end := e.end
	e.next, e.end, e.busy = nil, nil, false
	end()
}

// Receive handles a message, now or when those before it have been sent.
func (e *Emitter) Receive(m *Msg) {
	if !e.busy {
		e.Handle(m)
		return
	}
	if err := e.Base.Keep(m.Size()); err != nil {
		e.Base.Done(m, err)
		return
	}
	e.waiting = append(e.waiting, m)
}

// Busy says whether a sequence is being sent.
func (e *Emitter) Busy() bool { return e.busy }

// Stop forgets what is being sent and what waits; for the node's Close.
func (e *Emitter) Stop() { e.next, e.end, e.busy, e.waiting = nil, nil, false, nil }

// Resume goes on where the node left off.
func (e *Emitter) Resume() {
	if e.busy {
		e.send()
	}
	for !e.busy && len(e.waiting) > 0 {
		m := e.waiting[0]
		e.waiting[0] = nil
		e.waiting = e.waiting[1:]
		e.Base.Release(m.Size())
		e.Handle(m)
	}
}
