package broker

import (
	"context"
	"log/slog"
	"time"

	"tsunagi/internal/mqtt"
)

// Rights say what one user of an instance may do. They are asked on every cache miss of the hot path, so they
// neither block nor allocate. Rights stay valid for the life of a client: when rules change, Generation does.
type Rights interface {
	// Generation is raised after any change of the rules that the answers come from.
	Generation() uint64
	MayPublish(topic, clientID string, qos byte, retain bool) Verdict
	MaySubscribe(filter, clientID string) Verdict
	// MayReceive is judged at every delivery [cached]: the truth behind MaySubscribe.
	MayReceive(topic, clientID string) Verdict
}

// Verdict is an answer with its reason.
type Verdict struct {
	Allowed bool
	Rule    string // the rule that decided, in words such as "deny publish secret/#", or "no rule"
}

// Identity is who has logged in on a connection.
type Identity struct {
	User   string
	Rights Rights
	// Web marks the panel's own web client: counted against its own bound, not the plan's connections.
	Web bool
	// Inner marks a part of this server (webhooks, history): it counts against no bound of connections.
	Inner bool
	// Until ends the connection at that time (minted tokens); zero: never.
	Until time.Time
	// Most bounds the connections of this user at a time; 0: only the plan does. All logins of a user have the same.
	Most int
	// Again judges the client's address once more when Evict can see the client already, so that a change that comes
	// meanwhile misses nobody; nil: nothing is judged again.
	Again func() *Eviction
}

// Eviction is why a connection ends because of where it comes from.
type Eviction struct {
	Reason      mqtt.Reason
	Gate, Rule  string // for the log
	Cause       string // for the log, with what to change
	ClientWords string // for the client
}

// Limits of one instance; zero means no limit unless said otherwise.
type Limits struct {
	Connections      int            // concurrent clients, web clients not counted
	WebConnections   int            // concurrent web clients of the panel
	MaxPacket        int            // bytes, fixed header included
	OutboxBytes      int            // bytes that may wait for one connection [1 MiB]
	QueueMessages    int            // messages kept for one absent session
	QueueBytes       int            // bytes kept for one absent session
	Subscriptions    int            // for one session
	AllSubscriptions int            // of all sessions together
	SubscribeRate    int            // filters a second that one connection may subscribe to, once it has used up as many as Subscriptions
	Sessions         int            // persistent sessions
	RetainedMessages int            //
	RetainedBytes    int            //
	ReceiveMaximum   int            // QoS 1/2 messages a client may have open towards us [1024]
	TopicAliasMax    int            // aliases a client may use [32]
	KeepAliveMax     time.Duration  // longest keep-alive, told as Server Keep Alive
	SessionExpiryMax time.Duration  // longest session expiry
	KeepMessages     int            // messages that may wait for the session of Options.Keep
	KeepBytes        int            // bytes that may
	BindClientIDs    bool           // a client identifier belongs to the user of its session as long as that lives
	Clash            Clash          // what becomes of who comes with the identifier of a connected client
	RetainExpiry     []RetainExpiry // the first whose filter matches bounds a retained message's time
	Fast             bool           // messages are acknowledged in memory and written within a second: a crash may lose that second
}

// Link is the connection behind a client, as the broker sees it. Its methods don't block.
type Link interface {
	// Flush writes what waits in the client's outbox (see Outbox.Flush), or arranges for it. It is not called before
	// the outbox has been flushed once by who called Connect.
	Flush()
	// Close ends the connection after what waits in the outbox has been tried. It is idempotent. It may come before
	// Connect has returned.
	Close(cause error)
}

// ConnectRequest is a CONNECT that has been decoded and whose credentials were found good.
type ConnectRequest struct {
	Packet   *mqtt.Connect
	Identity Identity
	Remote   string // address of the peer, for lists and logs
	Via      string // "mqtts", "wss", "mqtt", "ws"; in this process "bridge", "https", "hook", "history"
	TLS      uint8  // minor version of TLS 1; 0: none
	Link     Link
}

// Event is one line of the instance's log page: a connect, a disconnect, a refusal, a drop.
type Event struct {
	Time   time.Time   `json:"time"`
	Kind   string      `json:"kind"`             // connected, disconnected, refused, denied, dropped, takeover, fight, command
	Client string      `json:"client,omitempty"` // client id
	User   string      `json:"user,omitempty"`
	Remote string      `json:"remote,omitempty"`
	Topic  string      `json:"topic,omitempty"`
	Gate   string      `json:"gate,omitempty"`  // listener, login, limits, acl, packet, queue, session, store
	Rule   string      `json:"rule,omitempty"`  // the rule or setting that decided
	Cause  string      `json:"cause,omitempty"` // in words, with what to change
	Reason mqtt.Reason `json:"reason,omitempty"`
	Count  int         `json:"count,omitempty"` // how many of the kind this line stands for, when more than one
}

// Options of New.
type Options struct {
	ID        string // instance id
	Limits    Limits
	Committer *Committer
	Events    func(Event) // must neither block nor call the broker
	Now       func() time.Time
	Node      string       // name of this server, for $SYS
	Log       *slog.Logger // what concerns who runs the server; nil: nowhere
	Origin    string       // names this broker to bridges, the same for ever and no other broker's; "": not told
	// Rights are the present rights of a user who may not be connected: for Recheck, for wills that fire later and for
	// the source of retained messages. false: the user may not connect; nil with it: there is no such user any more.
	// Without the function these checks don't take place. It may read, but doesn't call the broker.
	Rights func(user string) (Rights, bool)
	// Keep is the client id of a session whose queue drops nothing. When KeepMessages or KeepBytes of Limits wait for it,
	// QoS 1 and 2 messages for it are refused to their publishers instead (0x97), and nobody gets them. "": there is none.
	Keep string
	// KeepQoS0 keeps QoS 0 messages for that session, too, as if they had been published at QoS 1. Without room they are
	// lost to it; all other sessions get them at QoS 0, whatever comes of it. After a crash another persistent session
	// that subscribes at QoS 1 or 2 may get one of them again.
	KeepQoS0 bool
}

// The doors of a Broker that the gate and the app use:
//
//	NewCommitter(store Store, flush func(*Turn), log *slog.Logger) *Committer   — Run(ctx), one for the process
//	New(o Options) (*Broker, error)                       — loads the instance's state from the store
//	(*Broker).Connect(ctx, *ConnectRequest) (*Client, error) — blocks until the session is durable where it must be; the
//	        CONNACK waits in the client's outbox when it returns; a refusal is an mqtt.Reason (errors.As) with words
//	(*Broker).Stop(ctx)                                   — DISCONNECT 0x8B to every client, sessions kept
//	(*Broker).SetLimits, Recheck(users ...string), Kick(clientID), Clients(), Stats(), Publish(ctx, …)
//	(*Client).Handle(buf []byte, t *Turn) (n int, err error) — rooms 2 to 5 for all complete packets in buf; n bytes were used
//	(*Client).Outbox() *Outbox, KeepAlive() time.Duration, MaxPacket() int, ID() string
//	(*Client).Gone(cause error)                           — the socket ended; without DISCONNECT the will follows
//	(*Outbox).Flush(write func(parts [][]byte) (int, error)) error — under its lock; keeps what write did not take
//	(*Outbox).Len() int
//	Turn: Touched() []*Client, Reset(); a client is in at most one turn's list at a time (mark cleared as its flush begins)
var _ context.Context
