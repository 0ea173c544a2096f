package storage

import "tsunagi/internal/flow"

// Bounds of what waits for the disk at one node.
const (
	maxWaiting      = 10_000
	maxWaitingBytes = 64 << 20
)

// line has the messages of a node that wait for their turn. It belongs to the loop.
type line struct {
	waiting []*flow.Msg
	bytes   int
	busy    bool
}

// add takes a message, unless there is no room.
func (l *line) add(m *flow.Msg) error {
	n := weight(m)
	if len(l.waiting) >= maxWaiting || l.bytes+n > maxWaitingBytes {
		return flow.NewError("the disk is too slow: more than %d messages or %d MiB wait", maxWaiting, maxWaitingBytes>>20)
	}
	l.waiting = append(l.waiting, m)
	l.bytes += n
	return nil
}

// next takes the first message out, nil when none waits.
func (l *line) next() *flow.Msg {
	if len(l.waiting) == 0 {
		l.waiting = nil
		return nil
	}
	m := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	l.bytes -= weight(m)
	return m
}

// weight is about how many bytes a waiting message holds.
func weight(m *flow.Msg) int {
	v := m.Get("payload")
	return 200 + len(v.Str()) + len(v.Bytes())
}
