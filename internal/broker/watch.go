package broker

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/topic"
)

// Watch sees the messages of an instance pass by, for people who look at its topics: the last one of each topic with who
// published it, and how many. It costs nothing while there is none. It isn't a session: the plan doesn't count it, and it
// sees what is routed, not what a user may receive. A topic beyond its bounds is only counted.
type Watch struct {
	b      *Broker
	filter topic.Filter

	mu     sync.Mutex
	topics map[string]*WatchedTopic // guarded by mu
	news   []*WatchedTopic          // guarded by mu: that have changed since they were taken, in that order
	bytes  int                      // guarded by mu: of names and payloads
	over   uint64                   // guarded by mu: messages of topics that there is no room for
}

// WatchedTopic is what is known of one topic.
type WatchedTopic struct {
	Topic     string
	Payload   []byte    // of the last message, the first kilobyte
	Size      int       // bytes of that payload
	Messages  uint64    // since the watch began
	At        time.Time // of the last message; zero: before the watch began
	QoS       byte
	Kept      bool   // a message is retained on the topic
	Publisher string // client id; "" for the server
	User      string
	changed   bool
}

// Bounds of the watches of an instance.
const (
	maxWatches   = 4
	watchTopics  = 20_000
	watchBytes   = 32 << 20
	watchPayload = 1 << 10
	watchNews    = 5000 // topics that one Take gives
)

// ErrWatched says that an instance has as many watches as it may have.
var ErrWatched = errors.New("too many are watching the topics of this instance already")

// Watch begins to watch the topics that match a filter; those with a retained message are known at once. The caller
// closes it.
func (b *Broker) Watch(filter string) (*Watch, error) {
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	w := &Watch{b: b, filter: f, topics: map[string]*WatchedTopic{}}
	b.watchMu.Lock()
	defer b.watchMu.Unlock()
	now := b.watching()
	if len(now) >= maxWatches {
		return nil, ErrWatched
	}
	now = append(slices.Clone(now), w)
	b.watches.Store(&now)
	b.retained.Match(f.Filter, func(name string, m *message) bool {
		if o := m.body.Load(); o != nil && !o.expired(b.clock.ms()) {
			w.keep(name, o)
		}
		return true
	})
	return w, nil
}

// watching are the watches that there are.
func (b *Broker) watching() []*Watch {
	if p := b.watches.Load(); p != nil {
		return *p
	}
	return nil
}

// Close ends the watch.
func (w *Watch) Close() {
	w.b.watchMu.Lock()
	defer w.b.watchMu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(w.b.watching()), func(o *Watch) bool { return o == w })
	if len(rest) == 0 {
		w.b.watches.Store(nil)
		return
	}
	w.b.watches.Store(&rest)
}

// Take gives the topics that have changed since they were given last, at most 5,000 of them, how many messages came on
// topics that there is no room for, and whether more has changed.
func (w *Watch) Take() (list []WatchedTopic, over uint64, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.news), watchNews)
	list = make([]WatchedTopic, 0, n)
	for _, t := range w.news[:n] {
		t.changed = false
		c := *t
		c.Payload = bytes.Clone(t.Payload)
		list = append(list, c)
	}
	w.news = slices.Delete(w.news, 0, n)
	return list, w.over, len(w.news) > 0
}

// keep notes a message that was retained before the watch began.
func (w *Watch) keep(name string, o *body) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.topics[name] != nil {
		return // a newer one has come meanwhile
	}
	if t := w.room(name); t != nil {
		w.show(t, o.payload)
		t.QoS, t.Kept = o.qos, true
		t.from(o.publisher, o.user)
	}
}

// room makes a place for a topic, nil where there is none. Callers hold mu.
func (w *Watch) room(name string) *WatchedTopic {
	size := len(name)
	if len(w.topics) >= watchTopics || w.bytes+size > watchBytes {
		return nil
	}
	w.bytes += size
	t := &WatchedTopic{Topic: strings.Clone(name)} // name may view a read buffer
	w.topics[t.Topic] = t
	w.touch(t)
	return t
}

func (w *Watch) touch(t *WatchedTopic) {
	if !t.changed {
		t.changed = true
		w.news = append(w.news, t)
	}
}

// show keeps the beginning of a payload, or nothing of it where there is no room. Callers hold mu.
func (w *Watch) show(t *WatchedTopic, payload []byte) {
	w.bytes -= len(t.Payload)
	t.Size = len(payload)
	payload = payload[:min(len(payload), watchPayload)]
	if w.bytes+len(payload) > watchBytes {
		payload = nil
	}
	t.Payload = append(t.Payload[:0], payload...)
	w.bytes += len(t.Payload)
}

// from notes who has published, in memory of its own: what is given may be part of a large record.
func (t *WatchedTopic) from(publisher, user string) {
	if t.Publisher != publisher {
		t.Publisher = strings.Clone(publisher)
	}
	if t.User != user {
		t.User = strings.Clone(user)
	}
}

// sighting is what a watch is told of one or several messages to one topic.
type sighting struct {
	topic           string
	payload         []byte // of the last one
	count           int
	qos             byte
	retain          bool
	publisher, user string
}

// saw tells all watches.
func (b *Broker) saw(list []*Watch, s *sighting) {
	now := b.clock.now()
	for _, w := range list {
		w.see(s, now)
	}
}

func (w *Watch) see(s *sighting, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.topics[s.topic]
	if t == nil {
		if !topic.Match(w.filter.Filter, s.topic) {
			return
		}
		if t = w.room(s.topic); t == nil {
			w.over += uint64(s.count)
			return
		}
	}
	w.touch(t)
	w.show(t, s.payload)
	t.Messages += uint64(s.count)
	t.At, t.QoS = now, s.qos
	t.from(s.publisher, s.user)
	if s.retain {
		t.Kept = len(s.payload) > 0
	}
}

// sawOne tells of a message that is about to be routed.
func (b *Broker) sawOne(list []*Watch, o *outgoing) {
	s := sighting{topic: o.match.topic, payload: o.pub.Payload, count: 1, qos: o.pub.QoS, retain: o.pub.Retain, user: o.user}
	if o.from != nil {
		s.publisher = o.from.id
	}
	b.saw(list, &s)
}

// sawRun tells of a run of QoS 0 messages.
func (b *Broker) sawRun(list []*Watch, c *Client, m *match, raw []byte, count int) {
	s := sighting{topic: m.topic, count: count, publisher: c.s.id, user: c.user}
	for len(raw) > 0 {
		size, head := frameSize(raw)
		_, s.payload = splitPlain(raw[head:size], c.wire)
		raw = raw[size:]
	}
	b.saw(list, &s)
}
