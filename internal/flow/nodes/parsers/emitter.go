package parsers

import "tsunagi/internal/flow"

// chunk is how many messages of one sequence are sent before what waits in the flow has its
// turn: a sequence of any length passes through the flow's bounded queue.
const chunk = 4096

// emitter sends sequences of messages, one behind the other. Messages that come while one is
// being sent wait.
type emitter struct {
	b       *flow.Base
	handle  func(m *flow.Msg) // looks at a message; may call emit
	next    func(i int) *flow.Msg
	end     func()
	i, n    int
	busy    bool
	waiting []*flow.Msg
}

// emit sends next(0) to next(n-1), then calls end.
func (e *emitter) emit(n int, next func(i int) *flow.Msg, end func()) {
	e.i, e.n, e.next, e.end, e.busy = 0, n, next, end, true
	e.send()
}

func (e *emitter) send() {
	for sent := 0; e.i < e.n; sent++ {
		if sent == chunk {
			e.b.Again()
			return
		}
		e.i++
		e.b.Send(e.next(e.i - 1))
	}
	end := e.end
	e.next, e.end, e.busy = nil, nil, false
	end()
}

// Receive handles a message, now or when those before it have been sent.
func (e *emitter) Receive(m *flow.Msg) {
	if !e.busy {
		e.handle(m)
		return
	}
	if err := e.b.Keep(m.Size()); err != nil {
		e.b.Done(m, err)
		return
	}
	e.waiting = append(e.waiting, m)
}

// Resume goes on where the node left off.
func (e *emitter) Resume() {
	if e.busy {
		e.send()
	}
	for !e.busy && len(e.waiting) > 0 {
		m := e.waiting[0]
		e.waiting[0] = nil
		e.waiting = e.waiting[1:]
		e.b.Release(m.Size())
		e.handle(m)
	}
}
