package broker

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
)

// totals are the counters of a broker: those of connections that have ended, and what is counted in one place.
type totals struct {
	since         time.Time
	messagesIn    atomic.Uint64
	messagesOut   atomic.Uint64
	bytesIn       atomic.Uint64
	bytesOut      atomic.Uint64
	dropped       atomic.Uint64
	losses        [Losses]atomic.Uint64
	connects      atomic.Uint64
	clashes       atomic.Uint64
	subscriptions atomic.Int64
}

// add takes over the counters of a connection that ends.
func (k *totals) add(c *Client) {
	k.messagesIn.Add(c.messagesIn.Swap(0))
	k.bytesIn.Add(c.bytesIn.Swap(0))
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	k.messagesOut.Add(o.messages)
	k.bytesOut.Add(o.bytes)
	o.messages, o.bytes = 0, 0
}

// Largest is the session that has the most of something.
type Largest struct {
	Client string `json:"client,omitempty"`
	N      int    `json:"n"`
}

func (l *Largest) take(client string, n int) {
	if n > l.N {
		l.Client, l.N = client, n
	}
}

// Stats are the numbers of one instance since its broker was made.
type Stats struct {
	Since         time.Time      `json:"since"`
	Clients       int            `json:"clients"`       // that count against the plan
	WebClients    int            `json:"webClients"`    // of the panel
	Sessions      int            `json:"sessions"`      // that outlive their connection
	Away          int            `json:"away"`          // of these, not connected
	Subscriptions int            `json:"subscriptions"` //
	Retained      int            `json:"retained"`      //
	RetainedBytes int            `json:"retainedBytes"` //
	Queued        int            `json:"queued"`        // messages that wait for clients
	QueuedBytes   int            `json:"queuedBytes"`   //
	MostQueued    Largest        `json:"mostQueued"`    // of one session, in messages
	MostBytes     Largest        `json:"mostBytes"`     // in bytes
	MostFilters   Largest        `json:"mostFilters"`   // subscriptions
	MessagesIn    uint64         `json:"messagesIn"`
	MessagesOut   uint64         `json:"messagesOut"`
	BytesIn       uint64         `json:"bytesIn"`
	BytesOut      uint64         `json:"bytesOut"` // of messages
	Dropped       uint64         `json:"dropped"`
	Lost          [Losses]uint64 `json:"lost"` // by cause, those included that no log line tells of: away, denied
	Connects      uint64         `json:"connects"`
	Clashes       uint64         `json:"clashes"` // clients refused because another one had their identifier
}

// Connected counts the connected clients, those of web clients not among them. It costs the same however many there are.
func (b *Broker) Connected() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plain
}

// Stats sums the counters up. It looks at every session: ask it now and then, not for each message.
func (b *Broker) Stats() Stats {
	t := &b.total
	st := Stats{
		Since: t.since, Subscriptions: int(t.subscriptions.Load()), Retained: int(b.retCount.Load()),
		RetainedBytes: int(b.retBytes.Load()), MessagesIn: t.messagesIn.Load(), MessagesOut: t.messagesOut.Load(),
		BytesIn: t.bytesIn.Load(), BytesOut: t.bytesOut.Load(), Dropped: t.dropped.Load(), Connects: t.connects.Load(), Clashes: t.clashes.Load(),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	st.Clients, st.WebClients, st.Sessions = b.plain, b.web, b.persistent
	for _, s := range b.sessions {
		c := s.client.Load()
		if c == nil {
			st.Away++
		} else {
			st.MessagesIn += c.messagesIn.Load()
			st.BytesIn += c.bytesIn.Load()
			c.outbox.mu.Lock()
			st.MessagesOut += c.outbox.messages
			st.BytesOut += c.outbox.bytes
			c.outbox.mu.Unlock()
		}
		s.mu.Lock()
		st.Queued += s.queue.len()
		st.QueuedBytes += s.queueBytes
		st.MostQueued.take(s.id, s.queue.len())
		st.MostBytes.take(s.id, s.queueBytes)
		st.MostFilters.take(s.id, s.subs.len())
		s.mu.Unlock()
	}
	for l := range st.Lost {
		st.Lost[l] = t.losses[l].Load()
	}
	return st
}

// ClientInfo is one line of the list of clients: connected, or a session that waits.
type ClientInfo struct {
	ID            string       `json:"id"`
	User          string       `json:"user"`
	Connected     bool         `json:"connected"`
	Web           bool         `json:"web"`
	Remote        string       `json:"remote,omitempty"`
	Via           string       `json:"via,omitempty"`
	Since         time.Time    `json:"since"` // connected since, or away since
	Version       mqtt.Version `json:"version"`
	KeepAlive     int          `json:"keepAlive"`     // seconds, 0: off
	SessionExpiry uint32       `json:"sessionExpiry"` // seconds
	Subscriptions []string     `json:"subscriptions"`
	Queued        int          `json:"queued"`
	QueuedBytes   int          `json:"queuedBytes"`
	Inflight      int          `json:"inflight"` // QoS 1 and 2 messages that the client has not acknowledged
	MessagesIn    uint64       `json:"messagesIn"`
	MessagesOut   uint64       `json:"messagesOut"`
	BytesIn       uint64       `json:"bytesIn"`
	BytesOut      uint64       `json:"bytesOut"` // of messages
	Lost          uint64       `json:"lost"`     // messages of all causes, see LossReport
	TLS           string       `json:"tls,omitempty"`
	Clean         bool         `json:"clean"`   // the session ends with the connection
	Dropped       uint64       `json:"dropped"` // QoS 0, since it connected
}

// Clients lists all sessions, in the order of their ids.
func (b *Broker) Clients() []ClientInfo {
	b.mu.Lock()
	sessions := make([]*Session, 0, len(b.sessions))
	for _, s := range b.sessions {
		sessions = append(sessions, s)
	}
	b.mu.Unlock()
	list := make([]ClientInfo, 0, len(sessions))
	for _, s := range sessions {
		list = append(list, s.info())
	}
	slices.SortFunc(list, func(x, y ClientInfo) int { return strings.Compare(x.ID, y.ID) })
	return list
}

func (s *Session) info() ClientInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := ClientInfo{ID: s.id, User: s.user, Version: s.version, SessionExpiry: s.expiry, Queued: s.queue.len(), QueuedBytes: s.queueBytes,
		Inflight: int(s.out.used), Clean: s.expiry == 0, Subscriptions: make([]string, 0, s.subs.len())}
	for filter := range s.subs.all() {
		i.Subscriptions = append(i.Subscriptions, filter)
	}
	slices.Sort(i.Subscriptions)
	i.Lost = s.lost()
	c := s.client.Load()
	if c == nil {
		i.Since = s.b.clock.now().Add(time.Duration(s.awayAt-s.b.clock.ms()) * time.Millisecond)
		return i
	}
	i.Connected, i.Web, i.Remote, i.Via, i.Since = true, c.web, c.remote, c.via, time.UnixMilli(c.since)
	i.KeepAlive = int(c.keepAlive / time.Second)
	if c.tls > 0 {
		i.TLS = fmt.Sprint("TLS 1.", c.tls)
	}
	i.MessagesIn, i.BytesIn = c.messagesIn.Load(), c.bytesIn.Load()
	c.outbox.mu.Lock()
	i.MessagesOut, i.BytesOut, i.Dropped = c.outbox.messages, c.outbox.bytes, c.outbox.dropped
	c.outbox.mu.Unlock()
	return i
}
