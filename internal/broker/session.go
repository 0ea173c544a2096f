package broker

import (
	"sync"
	"sync/atomic"

	"tsunagi/internal/mqtt"
)

// Session is what a broker remembers of a client identifier. It ends with the connection, or outlives it (persistent).
type Session struct {
	b          *Broker
	id         string
	client     atomic.Pointer[Client]    // nil: away. Changed under mu
	persistent atomic.Bool               // its messages are kept in the log. Changed under mu
	inOpen     atomic.Int32              // how many identifiers in holds
	losses     atomic.Pointer[lossMeter] // nil: nothing was lost

	mu        sync.Mutex // guards all below
	ended     bool
	recorded  bool  // a record is stored although the session ends with the connection: for its will
	loading   bool  // bodies are being read back from the log
	dirty     bool  // on the broker's list of cursors to write
	dirtyMeta bool  // the session record, too
	inPlan    bool  // its cursor is in the batch that is being built; the committer's
	acks      int32 // since the cursor was written
	sessionMeta
	subs       names[*subscription]
	shared     *membership // the first of those that are shared
	rare       *rareSession
	in         *idSet     // QoS 2 identifiers from the client; nil: there has been none
	out        slotTable  // QoS 1 and 2 towards the client
	resend     []uint16   // identifiers that wait to be sent again, in order
	queue      ring[ref]  // what has not been sent, in order
	queueBytes int        // what it is charged with
	replays    *replay    // the first of the subscriptions whose retained messages are still to be sent
	maybe      uint64     // what the log has up to this offset may have been sent before a crash
	restoring  *restoring // while the broker is made, nil afterwards; the goroutine's that makes it
}

// rareSession is what most sessions never have. It is made when it is needed.
type rareSession struct {
	asked names[int] // new filters that are granted but not in force yet, and how often
	drops throttle
}

// seldom is what most sessions never have. Callers hold s.mu.
func (s *Session) seldom() *rareSession {
	if s.rare == nil {
		s.rare = &rareSession{}
	}
	return s.rare
}

// sessionMeta is what the session record says.
type sessionMeta struct {
	user    string
	version mqtt.Version
	expiry  uint32 // seconds after the connection's end, SessionForever: never
	will    *will
	awayAt  int64 // ms of the broker's clock at which it went away; 0: it is connected
}

// The states of incoming QoS 2 identifiers.
const (
	inStoring  = 1 // the message waits for the committer
	inReceived = 2 // PUBREC sent, PUBREL awaited
	inClosing  = 3 // PUBREL has come; removal waits for the committer
)

// subscription is one filter of one session. It is never changed: a new SUBSCRIBE makes a new one.
type subscription struct {
	s       *Session    // what is read for each match stands together, in front
	member  *membership // of a shared subscription; s is nil for the one that stands for the group in the tree
	id      uint32      // subscription identifier, 0: none
	qos     byte
	noLocal bool
	rap     bool   // Retain As Published
	full    string // as it was sent
	filter  string // what names are matched with
	start   uint64 // offset in the log from which on it holds
}

// membership is what a shared subscription has besides.
type membership struct {
	sub     *subscription
	group   *group      // nil until it is in force
	ids     []uint32    // its identifier as a list, nil without one
	next    *membership // of the same session, in the order in which they came
	verdict atomic.Pointer[topicVerdict]
}

// topicVerdict is whether a member of a group may receive the topic that was last asked about.
type topicVerdict struct {
	topic string
	verdict
}

// allows is the check at delivery for a member of a group. A refusal isn't reported: another member gets the message.
func (m *membership) allows(c *Client, name string) bool {
	by := c.rights.Load()
	gen := (*by).Generation()
	if v := m.verdict.Load(); v != nil && v.by == by && v.gen == gen && v.topic == name {
		return v.allowed
	}
	ok := (*by).MayReceive(name, c.s.id).Allowed
	m.verdict.Store(&topicVerdict{name, verdict{by, gen, ok}})
	return ok
}
