package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// Broker is the broker of one instance.
type Broker struct {
	id     string
	node   string
	origin string
	keep   string // client id of the session that drops nothing
	lift   bool   // QoS 0 messages for it are kept as of QoS 1
	commit *Committer
	events func(Event)
	rights func(user string) (Rights, bool)
	clock  clock
	log    *slog.Logger
	limits atomic.Pointer[Limits]

	mu         sync.Mutex               // guards the registry below
	sessions   map[string]*Session      //
	connecting map[string]chan struct{} // client ids on which a CONNECT is at work; closed when it is done, nil: nobody waits for that
	plain      int                      // connections that count against the plan
	web        int                      // connections of the panel's web client
	inner      int                      // connections of parts of this server
	capped     map[string]int           // connections by user, of users with a bound of their own
	persistent int                      // sessions that outlive their connection
	stopped    bool                     //

	orphansMu sync.Mutex      // taken after Session.mu
	orphans   map[string]bool // guarded by orphansMu: client ids with the record of a connection that is no more, whose will is on its way

	groupsMu sync.Mutex        // taken after Session.mu, before group.mu
	groups   map[string]*group // guarded by groupsMu: shared subscriptions

	retAsked  keptOnce     // retained messages that are accepted but not kept yet
	subsAsked atomic.Int64 // subscriptions that are granted but not in force yet

	tree     topic.Tree[*subscription]
	gen      atomic.Uint64 // raised after each change of what lookup may find
	cache    matchCache
	retained topic.Retained[*message]
	retMu    sync.Mutex    // what is retained changes together with its count and bytes, which may be read without it
	retCount atomic.Int64  // retained messages
	retOrder atomic.Uint64 // counts retained messages as they are accepted
	retBytes atomic.Int64  // bytes of them
	swept    atomic.Int64  // ms of the clock at which expired ones were last looked for

	ready    atomic.Bool // what the log owes is known
	carrying bool        // old messages are being carried forward; the committer's
	backlog  backlog
	cursors  cursors
	timers   timers
	system   system
	wills    sync.WaitGroup // wills whose rights are being asked for
	total    totals
	past     pastLosses
	watchMu  sync.Mutex               // guards changes of watches; taken alone
	watches  atomic.Pointer[[]*Watch] // nil: nobody watches
	fights   fights
	commands throttle // of lines about retained commands
}

// Refusal is a reason code in words that help. It unwraps to its mqtt.Reason.
type Refusal struct {
	Reason mqtt.Reason
	Words  string
}

func (r *Refusal) Error() string { return r.Words }

func (r *Refusal) Unwrap() error { return r.Reason }

var (
	errNotReading = errors.New("the client makes the server answer but doesn't read")
	errPanic      = errors.New("the broker failed while it handled the client's packet")

	// ErrDisconnected is returned by Handle after a DISCONNECT of the client.
	ErrDisconnected = errors.New("the client has disconnected")
	// ErrStopped says that the broker is shutting down.
	ErrStopped = errors.New("the broker is shutting down")
)

// Limits that hold where Options name none.
const (
	defaultOutbox   = 1 << 20
	defaultReceive  = 1024
	defaultAliases  = 32
	windowMax       = 1024     // QoS 1 and 2 messages open towards one client
	memoryQueueMax  = 16 << 20 // bytes queued in memory alone for one session, where the plan sets no bound
	maxClientID     = 1024     // bytes
	maxSubscription = 1 << 20  // subscriptions of one session, where the plan sets no bound
)

func (l Limits) withDefaults() *Limits {
	if l.OutboxBytes <= 0 {
		l.OutboxBytes = defaultOutbox
	}
	if l.ReceiveMaximum <= 0 || l.ReceiveMaximum > 0xFFFF {
		l.ReceiveMaximum = defaultReceive
	}
	if l.TopicAliasMax <= 0 || l.TopicAliasMax > 0xFFFF {
		l.TopicAliasMax = defaultAliases
	}
	return &l
}

// New makes the broker of one instance and loads its state from the committer's store.
func New(o Options) (*Broker, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Broker{
		id: o.ID, node: o.Node, origin: o.Origin, keep: o.Keep, lift: o.KeepQoS0 && o.Keep != "", commit: o.Committer, events: o.Events, rights: o.Rights, log: o.Log.With("instance", o.ID),
		clock:    clock{o.Now, o.Now()},
		sessions: map[string]*Session{}, connecting: map[string]chan struct{}{}, orphans: map[string]bool{},
	}
	b.limits.Store(o.Limits.withDefaults())
	b.total.since = b.clock.start
	b.timers.b, b.cursors.b, b.system.b = b, b, b
	if err := b.commit.open(b); err != nil {
		return nil, err
	}
	if err := b.restore(); err != nil {
		b.commit.close(b)
		return nil, err
	}
	b.ready.Store(true)
	return b, nil
}

// ID is the instance that the broker is for.
func (b *Broker) ID() string { return b.id }

// SetLimits changes the limits. Clients that are connected keep what they were told at CONNECT.
func (b *Broker) SetLimits(l Limits) {
	n := l.withDefaults()
	b.limits.Store(n)
	for _, c := range b.live() {
		c.outbox.mu.Lock()
		c.outbox.limit = n.OutboxBytes
		c.outbox.mu.Unlock()
	}
}

// live are the clients that are connected.
func (b *Broker) live() []*Client {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*Client, 0, b.plain+b.web+b.inner)
	for _, s := range b.sessions {
		if c := s.client.Load(); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// Kick ends the connection of a client id; it answers whether there was one.
func (b *Broker) Kick(clientID string, words string) bool {
	b.mu.Lock()
	s := b.sessions[clientID]
	b.mu.Unlock()
	if s == nil {
		return false
	}
	c := s.client.Load()
	if c != nil {
		c.Expel(mqtt.AdministrativeAction, words)
	}
	return c != nil
}

// KickAll ends the connections that which chooses by client id and user: a walk over all that are connected, without what
// Clients tells of each.
func (b *Broker) KickAll(words string, which func(id, user string) bool) {
	for _, c := range b.live() {
		if which(c.s.id, c.user) {
			c.Expel(mqtt.AdministrativeAction, words)
		}
	}
}

// Recheck judges the connected clients of the users again (all of them when none is named): who may no longer connect
// is disconnected, the others go on under their present rights. Rights that know whether they hold are asked themselves
// and stay: they may be narrower than the user's. It isn't needed when only rules have changed: these are told by
// Rights.Generation.
func (b *Broker) Recheck(users ...string) {
	named := map[string]bool{}
	for _, u := range users {
		named[u] = true
	}
	for _, c := range b.live() {
		if len(users) > 0 && !named[c.user] || c.web || b.rights == nil {
			continue
		}
		var r Rights
		var ok bool
		if own, knows := (*c.rights.Load()).(interface{ Revoked() bool }); knows {
			ok = !own.Revoked()
		} else {
			r, ok = b.rights(c.user)
		}
		if !ok {
			b.event(Event{Kind: "refused", Client: c.s.id, User: c.user, Remote: c.remote, Gate: "login", Reason: mqtt.NotAuthorized,
				Rule: "user", Cause: "this login holds no more: the user, password, certificate or key was changed or withdrawn"})
			c.Expel(mqtt.NotAuthorized, "this login holds no more")
			continue
		}
		if r != nil {
			c.rights.Store(&r)
		}
	}
}

// Evict ends the connections that judge says something of, by the address that they come from. The panel's web client
// and parts of this server are not asked about.
func (b *Broker) Evict(judge func(remote string) *Eviction) {
	for _, c := range b.live() {
		if !c.web && !c.inner {
			c.evict(judge(c.remote))
		}
	}
}

func (c *Client) evict(why *Eviction) {
	if why == nil {
		return
	}
	c.event(Event{Kind: "refused", Gate: why.Gate, Rule: why.Rule, Cause: why.Cause, Reason: why.Reason})
	reason := why.Reason
	if reason == mqtt.Banned { // no DISCONNECT has it [table 3-10]
		reason = mqtt.AdministrativeAction
	}
	c.Expel(reason, why.ClientWords)
}

// Expel tells a client why and closes its connection.
func (c *Client) Expel(r mqtt.Reason, words string) {
	var t Turn
	c.farewell(r, words, &t)
	c.flush() // not the turn, which lacks a client that is on another's list already
	c.link.Close(&Refusal{r, words})
}

// Idle says whether the broker could be let go: nobody is connected and no timer runs.
func (b *Broker) Idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plain+b.web+b.inner == 0 && len(b.connecting) == 0 && !b.timers.armed()
}

// Stop refuses new clients, sends DISCONNECT 0x8B to those that are connected, keeps the sessions and writes what is
// written lazily. It returns when that is on disk or ctx ends.
func (b *Broker) Stop(ctx context.Context) error {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	for _, c := range b.live() {
		c.Expel(mqtt.ServerShuttingDown, "the server is shutting down")
		c.Gone(ErrStopped)
	}
	b.timers.stop()
	b.system.stop()
	b.wills.Wait()
	err := b.cursors.flush(ctx)
	b.commit.close(b)
	return err
}
