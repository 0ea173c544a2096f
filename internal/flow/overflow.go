package flow

import (
	"fmt"
	"time"
)

// lost is what one node did not get because too much waits already.
type lost struct {
	messages, bytes int
	since           int // messages in the current second
}

// overflow notes a message to a node that is lost. The node says so in its status at once, with the numbers each second,
// and in the log and the sidebar once at the beginning and once at the end.
func (r *Runtime) overflow(to *Base, bytes int) {
	l := r.lost[to]
	if l == nil {
		l = &lost{}
		r.lost[to] = l
		to.log(levelError, Text(fmt.Sprintf("the queue of this flow server is full: %d messages (%s) wait in front of this node, and what comes on top is dropped",
			to.waiting, size(to.waitingBytes))))
		r.later(time.Second, func() { r.lossGoesOn(to, l) })
	}
	l.messages++
	l.bytes += bytes
	if l.since++; l.since == 1 {
		r.showLoss(to, l)
	}
}

func (r *Runtime) showLoss(to *Base, l *lost) {
	r.pub.status(to.def.id, Status{"red", "dot", fmt.Sprintf("queue full: %d messages (%s) dropped", l.messages, size(l.bytes))}.object())
}

// lossGoesOn shows the numbers, until a second goes by without a loss: then the node gets its own status back.
func (r *Runtime) lossGoesOn(to *Base, l *lost) {
	if to.gone {
		delete(r.lost, to)
		return
	}
	if l.since > 0 {
		l.since = 0
		r.showLoss(to, l)
		r.later(time.Second, func() { r.lossGoesOn(to, l) })
		return
	}
	delete(r.lost, to)
	to.log(levelError, Text(fmt.Sprintf("the queue in front of this node has room again: %d messages (%s) were dropped", l.messages, size(l.bytes))))
	s := to.shows
	if s == nil {
		s = Status{}.object()
	}
	r.pub.status(to.def.id, s)
}

// size writes a number of bytes for people.
func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
