package home

import (
	"bytes"
	"strings"
	"sync"
)

// Bounds of the log that is kept in memory.
const (
	keptLines = 500
	longest   = 1000 // bytes of a line; the rest is left out
)

// Log keeps the last lines of what is written to it.
type Log struct {
	mu    sync.Mutex // guards the fields below
	lines []string   // the last keptLines, oldest first
	next  int64      // number of the line that comes next; the first is 1
	part  []byte     // of a line without end
}

// NewLog returns an empty Log.
func NewLog() *Log { return &Log{next: 1} }

// Write takes lines; it never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := p
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		l.part = append(l.part, line[:min(len(line), max(longest-len(l.part), 0))]...)
		if !whole {
			return len(p), nil
		}
		l.lines = append(l.lines, strings.ToValidUTF8(string(l.part), "�"))
		if len(l.lines) > 2*keptLines { // half of the copies of dropping them one by one
			l.lines = append([]string(nil), l.lines[len(l.lines)-keptLines:]...)
		}
		l.next++
		l.part, rest = l.part[:0], after
	}
}

// After returns the lines that came after one with this number, at most the last keptLines, and the number of the last.
func (l *Log) After(number int64) (lines []string, last int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last = l.next - 1
	if number > last || number < 0 { // of a former run
		number = 0
	}
	n := min(last-number, int64(len(l.lines)), keptLines)
	return append([]string{}, l.lines[int64(len(l.lines))-n:]...), last
}
