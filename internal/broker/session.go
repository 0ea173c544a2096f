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
	client     atomic.Pointer[Client] // nil: away. Changed under mu
	persistent atomic.Bool            // its messages are kept in the log. Changed under mu
	inOpen     atomic.Int32           // how many identifiers in holds

	mu    sync.Mutex // guards all below
	ended bool
	sessionMeta
	recorded   bool // a record is stored although the session ends with the connection: for its will
	subs       map[string]*subscription
	shared     []*subscription // those that are shared
	asked      map[string]int  // new filters that are granted but not in force yet, and how often; nil: none
	in         idSet           // QoS 2 identifiers from the client
	out        slotTable       // QoS 1 and 2 towards the client
	resend     []uint16        // identifiers that wait to be sent again, in order
	queue      ring[ref]       // what has not been sent, in order
	queueBytes int             // what it is charged with
	replays    []replay        // retained messages that are still to be sent
	loading    bool            // bodies are being read back from the log
	drops      throttle

	maybe     uint64 // what the log has up to this offset may have been sent before a crash
	dirty     bool   // on the broker's list of cursors to write
	dirtyMeta bool   // the session record, too
	acks      int    // since the cursor was written
	inPlan    bool   // its cursor is in the batch that is being built; the committer's

	restoring *restoring // while the broker is made, nil afterwards; the goroutine's that makes it
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
	s       *Session // what is read for each match stands together, in front
	group   *group   // of a shared subscription; s is nil for the one that stands for the group in the tree
	id      uint32   // subscription identifier, 0: none
	qos     byte
	noLocal bool
	rap     bool // Retain As Published
	shared  bool
	full    string   // as it was sent
	filter  string   // what names are matched with
	start   uint64   // offset in the log from which on it holds
	ids     []uint32 // id as a list, nil without one; of shared subscriptions
	verdict atomic.Pointer[topicVerdict]
}

// topicVerdict is whether a member of a group may receive the topic that was last asked about.
type topicVerdict struct {
	topic string
	verdict
}

// allows is the check at delivery for a member of a group. A refusal isn't reported: another member gets the message.
func (sub *subscription) allows(c *Client, name string) bool {
	by := c.rights.Load()
	gen := (*by).Generation()
	if v := sub.verdict.Load(); v != nil && v.by == by && v.gen == gen && v.topic == name {
		return v.allowed
	}
	ok := (*by).MayReceive(name, c.s.id).Allowed
	sub.verdict.Store(&topicVerdict{name, verdict{by, gen, ok}})
	return ok
}
