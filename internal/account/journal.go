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
	journalFollow  = 256     // lines that may wait for one follower; then it misses lines
	clipBytes      = 256     // longest text of a stranger that is kept
	trimSlack      = 16      // the oldest lines are deleted when there is a 16th too many
	logSearch      = 20_000  // lines that one search looks at; its answer says where it goes on
	maxUntrimmed   = 100_000 // instances whose surplus is known; then all are trimmed anew
)

// Journal keeps the log lines of all instances and the operator's. Adding never blocks: lines wait in a bounded list
// and are stored a second later at most, the newest keep of each instance and at most a 16th more.
type Journal struct {
	store Store
	log   *slog.Logger
	keep  int
	now   func() time.Time
	id    atomic.Int64 // last id
	wake  chan struct{}

	// flushing makes storing one at a time, so that a reader that flushed sees every line added before.
	flushing sync.Mutex
	surplus  map[string]int // lines stored since an instance was last trimmed; absent: unknown. Guarded by flushing

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
	return &Journal{store: store, log: log, keep: keep, now: now, wake: make(chan struct{}, 1), followers: map[*follower]struct{}{}, surplus: map[string]int{}}
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
		if err := j.append(ctx, batch); err != nil {
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

// append stores a batch. Finding what is too old costs the writer a walk over all lines that stay, so it is done only
// when some instance of the batch may have a 16th too many.
func (j *Journal) append(ctx context.Context, batch []LogLine) error {
	keep, added := -1, map[string]int{}
	for i := range batch {
		added[batch[i].Instance]++
	}
	for instance, n := range added {
		if had, known := j.surplus[instance]; !known || had+n > j.keep/trimSlack {
			keep = j.keep
		}
	}
	if err := j.store.AppendLog(ctx, batch, keep); err != nil {
		return err
	}
	if len(j.surplus) > maxUntrimmed {
		clear(j.surplus)
	}
	for instance, n := range added {
		if keep >= 0 {
			n = 0
		} else {
			n += j.surplus[instance]
		}
		j.surplus[instance] = n
	}
	return nil
}

// LogPage is one page of a log, newest first.
type LogPage struct {
	Lines []LogLine
	Next  int64 // Before of the next page; 0 on the last
	// SearchedTo is set where the page isn't full because the search has looked at as many lines as one may: those from
	// then on are searched, older ones by Next.
	SearchedTo time.Time
}

// Read is one page of an instance's lines, newest first. It is not an authorisation: ask Service.Instance before. A search by kind
// or text looks at a bounded number of lines, in a snapshot that keeps nobody from writing; see LogPage.SearchedTo.
func (j *Journal) Read(ctx context.Context, q LogQuery) (LogPage, error) {
	q.Limit = PageSize(q.Limit)
	if err := j.flush(ctx); err != nil {
		j.log.Warn("log lines not stored, will try again", "error", err)
	}
	var page LogPage
	err := j.store.View(ctx, func(r Reader) (err error) {
		page = LogPage{}
		if q.Kind != "" || q.Contains != "" {
			if q.From, err = r.LogEdge(q.Instance, q.Before, logSearch); err != nil {
				return err
			}
		}
		page.Lines, err = r.Log(q)
		return err
	})
	switch {
	case err != nil:
	case len(page.Lines) == q.Limit:
		page.Next = page.Lines[q.Limit-1].ID
	case q.From != 0:
		page.Next, page.SearchedTo = q.From, time.UnixMicro(q.From).UTC()
	}
	return page, err
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
