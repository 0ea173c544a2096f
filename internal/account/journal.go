package account

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a Journal.
const (
	journalPending = 4096 // lines that may wait to be stored; then the oldest go
	journalBatch   = 512  // lines of one transaction
	journalEvery   = time.Second
	journalFollow  = 256 // lines that may wait for one follower; then it misses lines
	clipBytes      = 256 // longest text of a stranger that is kept
)

// Journal keeps the log lines of all instances and the operator's. Adding never blocks: lines wait in a bounded list
// and are stored a second later at most, the newest keep of each instance.
type Journal struct {
	store Store
	log   *slog.Logger
	keep  int
	now   func() time.Time
	id    atomic.Int64 // last id
	wake  chan struct{}

	// flushing makes storing one at a time, so that a reader that flushed sees every line added before.
	flushing sync.Mutex

	mu        sync.Mutex // guards the fields below
	pending   []LogLine
	lost      int // lines that were dropped since the last word about it
	followers map[*follower]struct{}
}

type follower struct {
	instance string
	lines    chan LogLine
}

// NewJournal returns a journal that keeps the newest keep lines of each instance [1,000]. Run must run.
func NewJournal(store Store, keep int, log *slog.Logger, now func() time.Time) *Journal {
	if keep <= 0 {
		keep = 1000
	}
	if now == nil {
		now = time.Now
	}
	return &Journal{store: store, log: log, keep: keep, now: now, wake: make(chan struct{}, 1), followers: map[*follower]struct{}{}}
}

// Add takes one line; ID is given here, and Time where it is zero. Texts are cut and made harmless.
func (j *Journal) Add(l LogLine) {
	now := j.now()
	if l.Time.IsZero() {
		l.Time = now
	}
	l.Time = l.Time.UTC().Truncate(time.Microsecond)
	for _, s := range []*string{&l.Kind, &l.Client, &l.User, &l.Remote, &l.Topic, &l.Gate, &l.Rule, &l.Cause} {
		*s = clip(*s)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	l.ID = ascending(&j.id, now) // under the lock: the list keeps the order of the ids
	if len(j.pending) >= journalPending {
		n := copy(j.pending, j.pending[journalPending/8:])
		j.lost += journalPending - n
		j.pending = j.pending[:n]
	}
	j.pending = append(j.pending, l)
	for f := range j.followers {
		if f.instance == l.Instance {
			select {
			case f.lines <- l:
			default: // too slow: it will find them by reading
			}
		}
	}
	j.signal()
}

// signal wakes Run; one signal is enough for many lines.
func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Run stores lines until ctx ends, and what waits then.
func (j *Journal) Run(ctx context.Context) error {
	for {
		select {
		case <-j.wake:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return j.flush(last)
		}
		pause := time.NewTimer(journalEvery) // gather what comes within it
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			continue
		}
		if err := j.flush(ctx); err != nil && ctx.Err() == nil {
			j.log.Warn("log lines not stored, will try again", "error", err)
			j.signal()
		}
	}
}

// flush stores all that waits now. On an error what wasn't stored waits on.
func (j *Journal) flush(ctx context.Context) error {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	for {
		j.mu.Lock()
		batch := append([]LogLine(nil), j.pending[:min(len(j.pending), journalBatch)]...)
		lost := j.lost
		j.lost = 0
		j.mu.Unlock()
		if lost > 0 {
			j.log.Warn("log lines dropped because they came faster than they could be stored", "lines", lost)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := j.store.AppendLog(ctx, batch, j.keep); err != nil {
			return err
		}
		last := batch[len(batch)-1].ID
		j.mu.Lock()
		n := 0
		for n < len(j.pending) && j.pending[n].ID <= last {
			n++
		}
		if j.pending = append(j.pending[:0], j.pending[n:]...); len(j.pending) == 0 && cap(j.pending) > journalBatch {
			j.pending = nil // a storm's list is as large as a thousand idle connections
		}
		j.mu.Unlock()
	}
}

// Read is one page of an instance's lines, newest first. It is not an authorisation: ask Service.Instance before.
func (j *Journal) Read(ctx context.Context, q LogQuery) (list []LogLine, err error) {
	q.Limit = PageSize(q.Limit)
	if err := j.flush(ctx); err != nil {
		j.log.Warn("log lines not stored, will try again", "error", err)
	}
	err = j.store.View(ctx, func(r Reader) error {
		list, err = r.Log(q)
		return err
	})
	return list, err
}

// Follow hands over lines of an instance as they come, until stop is called. A follower that is too slow misses lines.
func (j *Journal) Follow(instance string) (lines <-chan LogLine, stop func()) {
	f := &follower{instance, make(chan LogLine, journalFollow)}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.followers[f] = struct{}{}
	return f.lines, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.followers, f)
	}
}

// clip makes a stranger's text fit for a log: at most clipBytes, valid UTF-8, control characters shown as U+FFFD.
func clip(s string) string {
	if len(s) > clipBytes {
		cut := clipBytes - len("…")
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	if plainText(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
