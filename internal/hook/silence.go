package hook

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
)

// Bounds of what one hook keeps track of.
const (
	maxTopics     = 1000
	maxTopicBytes = 256 << 10 // of the names of all of them, where they are kept
)

// errTopics is why a topic isn't followed.
func errTopics(topic string) error {
	return fault.New(fault.TopicsTooMany, "most", maxTopics, "topic", fault.Quoted(topic[:min(len(topic), 100)]))
}

// watcher notices that topics fall silent, and that they are back.
type watcher struct {
	single string // all is one topic of this name; "": each is its own
	after  time.Duration
	quiet  time.Duration
	back   bool          // it tells of that, too
	wake   chan struct{} // holds one: there is something new

	mu     sync.Mutex // guards what follows
	topics map[string]*heard
	bytes  int   // of their names
	owed   []own // events that aren't published yet, one for a topic at most
	silent int
}

// heard is one topic.
type heard struct {
	last   time.Time // of its last message, or when watching began
	silent bool
	toldAt time.Time // of the last silence
}

func newWatcher(r *rule) *watcher {
	w := &watcher{after: time.Duration(r.Silence) * time.Second, quiet: time.Duration(r.Quiet) * time.Second,
		back: slices.Contains(r.Events, account.HookBack), wake: make(chan struct{}, 1), topics: map[string]*heard{}}
	if r.Together || !strings.ContainsAny(r.Filter, "+#") {
		w.single = r.Filter
	}
	return w
}

// begin starts the clocks anew: what came while nobody listened is not known.
func (w *watcher) begin(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.topics {
		if !h.silent {
			h.last = now
		}
	}
	if w.single != "" && w.topics[w.single] == nil {
		w.topics[w.single] = &heard{last: now}
	}
}

// heard notes a message. The error says that its topic isn't followed.
func (w *watcher) heard(topic []byte, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var h *heard
	if w.single != "" {
		h = w.topics[w.single]
	} else {
		h = w.topics[string(topic)]
	}
	if h == nil {
		if h = w.add(string(topic)); h == nil {
			return errTopics(string(topic))
		}
		h.last = now
		w.nudge()
	}
	if h.silent {
		h.silent = false
		w.silent--
		if w.back {
			name := w.single
			if name == "" {
				name = string(topic)
			}
			w.owed = append(w.owed, event(account.HookBack, name, h.last, now))
		}
		w.nudge()
	}
	h.last = now
	return nil
}

// add makes room for a topic: the one that has been silent the longest is forgotten. nil: all speak. Callers hold w.mu.
func (w *watcher) add(name string) *heard {
	for len(w.topics) >= maxTopics || w.bytes+len(name) > maxTopicBytes {
		oldest := ""
		for have, h := range w.topics {
			if h.silent && (oldest == "" || h.last.Before(w.topics[oldest].last)) {
				oldest = have
			}
		}
		if oldest == "" {
			return nil
		}
		delete(w.topics, oldest)
		w.bytes -= len(oldest)
		w.silent--
	}
	h := &heard{}
	w.topics[name] = h
	w.bytes += len(name)
	return h
}

func (w *watcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func event(e account.HookEvent, topic string, since, now time.Time) own {
	at := since.UTC()
	return own{Type: e, Time: now.UTC(), Topic: topic, Since: &at, Seconds: int64(now.Sub(since) / time.Second)}
}

// first is the first event that is owed; without one, wait is when to look again, 0 for when there is something new.
func (w *watcher) first(now time.Time) (e own, ok bool, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.owed) == 0 {
		wait = w.look(now)
	}
	if len(w.owed) == 0 {
		return e, false, wait
	}
	return w.owed[0], true, 0
}

// look finds out which topics have fallen silent. Callers hold w.mu.
func (w *watcher) look(now time.Time) (wait time.Duration) {
	for name, h := range w.topics {
		if h.silent {
			continue
		}
		left := h.last.Add(w.after).Sub(now)
		if !h.toldAt.IsZero() {
			left = max(left, h.toldAt.Add(w.quiet).Sub(now))
		}
		if left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		h.silent, h.toldAt = true, now
		w.silent++
		w.owed = append(w.owed, event(account.HookSilence, name, h.last, now))
	}
	slices.SortFunc(w.owed, func(a, b own) int { return cmp.Compare(a.Topic, b.Topic) })
	return wait
}

// told takes the first event away, which was published.
func (w *watcher) told() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owed = slices.Delete(w.owed, 0, 1)
}

// counts are the topics that are followed, and those that are silent.
func (w *watcher) counts() (watched, silent int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.topics), w.silent
}

// watch publishes what a watcher notices until ctx ends.
func (u *runner) watch(ctx context.Context, b *broker.Broker) {
	pause := u.o.RetryMin
	for ctx.Err() == nil {
		e, ok, wait := u.silence.first(u.o.Now())
		if ok {
			if err := u.publishOwn(ctx, b, e, false); err != nil {
				if ctx.Err() == nil {
					u.wrong(err)
				}
				sleep(ctx, pause)
				pause = min(2*pause, u.o.RetryMax)
				continue
			}
			u.silence.told()
			pause = u.o.RetryMin
			continue
		}
		var at <-chan time.Time // nil: only what is new wakes it
		timer := time.NewTimer(wait)
		if wait > 0 {
			at = timer.C
		}
		select {
		case <-at:
		case <-u.silence.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
