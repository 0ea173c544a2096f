package editor

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"tsunagi/internal/flow"
)

// Bounds of Comms.
const (
	maxBrowsers = 100    // connections at once
	maxRetained = 20_000 // topics kept for browsers that come later; more are only sent
)

// Comms carries what running flows tell to every browser that looks on. It exists before the runtime does: give its
// Publish to the runtime as Options.Events, and itself to New.
type Comms struct {
	log      *slog.Logger
	signedIn func(token string) (User, bool) // set by open, before the first connection

	mu       sync.Mutex
	retained map[string]*item
	order    []string // topics of retained, oldest first; may name some that are gone
	browsers map[*browser]bool
	players  players
	closed   bool
}

// item is one message, encoded once for all browsers.
type item struct {
	topic string
	text  []byte // {"topic":…,"data":…}
}

// NewComms returns Comms without browsers.
func NewComms(log *slog.Logger) *Comms {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Comms{log: log, retained: map[string]*item{}, browsers: map[*browser]bool{}, players: newPlayers()}
}

// Publish gives an event to every browser, and keeps it for later ones if it is to be retained. It never blocks.
func (c *Comms) Publish(e flow.Event) {
	if e.Data == nil && e.Retain {
		c.mu.Lock()
		delete(c.retained, e.Topic)
		c.mu.Unlock()
		return
	}
	c.mu.Lock()
	idle := len(c.browsers) == 0 && !e.Retain && c.retained[e.Topic] == nil
	c.mu.Unlock()
	if idle {
		return // nobody will ever see it
	}
	it, err := newItem(e.Topic, e.Data)
	if err != nil {
		c.log.Error("event can't be shown in the editor", "topic", e.Topic, "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Retain {
		c.keep(it)
	} else {
		delete(c.retained, e.Topic)
	}
	c.send(it, nil)
}

// newItem encodes a message.
func newItem(topic string, data any) (*item, error) {
	text, err := json.Marshal(struct {
		Topic string `json:"topic"`
		Data  any    `json:"data"`
	}{topic, data})
	return &item{topic, text}, err
}

// keep retains an item. The caller has the lock.
func (c *Comms) keep(it *item) {
	if c.retained[it.topic] == nil {
		if len(c.retained) >= maxRetained {
			return
		}
		c.order = append(c.order, it.topic)
	}
	c.retained[it.topic] = it
	if len(c.order) > 2*len(c.retained)+100 {
		seen := map[string]bool{}
		c.order = slices.DeleteFunc(c.order, func(t string) bool {
			drop := c.retained[t] == nil || seen[t]
			seen[t] = true
			return drop
		})
	}
}

// send queues an item for all browsers that are signed in, except one. The caller has the lock.
func (c *Comms) send(it *item, except *browser) {
	for b := range c.browsers {
		if b != except && b.known {
			b.push(it)
		}
	}
}

// resend queues the retained items that fit a subscription. The caller has the lock.
func (c *Comms) resend(b *browser, filter string) {
	seen := map[string]bool{}
	for _, topic := range c.order {
		if it := c.retained[topic]; it != nil && !seen[topic] && fits(filter, topic) {
			seen[topic] = true
			b.push(it)
		}
	}
}

// fits matches a topic against a subscription as MQTT does: + is one level, a last # any number of them, also none.
func fits(filter, topic string) bool {
	for {
		f, moreFilter, deeper := strings.Cut(filter, "/")
		if f == "#" && !deeper {
			return true
		}
		t, moreTopic, below := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		if !below {
			return !deeper || moreFilter == "#"
		}
		if !deeper {
			return false
		}
		filter, topic = moreFilter, moreTopic
	}
}

// open says how browsers sign in.
func (c *Comms) open(signedIn func(token string) (User, bool)) { c.signedIn = signedIn }

// revoke shows those out whose token has ended.
func (c *Comms) revoke(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for b := range c.browsers {
		if b.token == token {
			b.dismiss()
		}
	}
}

// recheck shows those out whose token has ended.
func (c *Comms) recheck() {
	c.mu.Lock()
	all := slices.Collect(maps.Keys(c.browsers))
	c.mu.Unlock()
	for _, b := range all {
		b.recheck()
	}
}

// count is the number of browsers that look on.
func (c *Comms) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.browsers)
}

// join takes a new connection, unless there are too many.
func (c *Comms) join(b *browser) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.browsers) >= maxBrowsers {
		return false
	}
	c.browsers[b] = true
	return true
}

// part removes a connection.
func (c *Comms) part(b *browser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.browsers, b)
	c.left(b)
}

// close ends all connections; browsers try again later.
func (c *Comms) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for b := range maps.Keys(c.browsers) {
		b.stop()
	}
}
