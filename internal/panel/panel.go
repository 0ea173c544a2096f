// Package panel is the HTTP API of `tsunagi serve` (OpenAPI 3.1 from the code), sign-in by browser, and the server of
// the panel's pages. What may be done is decided in package account; here it is only asked and answered.
//
// Every route stands in the one table of routes.go. A request passes, in this order: security headers, the guard
// against requests of other sites, body bounds, rate limits, sign-in, role; then its handler.
package panel

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tsunagi/internal/account"
)

// Options of New. Accounts, Journal, Brokers and Text must be set.
type Options struct {
	Accounts  *account.Service
	Journal   *account.Journal
	Brokers   Brokers
	Flows     FlowServers // nil: no hosted flow servers
	Bridges   Bridges     // nil: none run
	Hooks     Hooks       // nil: none run
	Updates   Updates     // nil: no updates for devices
	Histories Histories   // nil: nothing is kept
	Billing   Billing     // nil: nothing is paid
	Parcels   Parcels     // nil: instances can't be exported
	Devices   Devices     // nil: no devices
	Authority Authority
	Endpoints Endpoints
	Device    DeviceDoor
	// Store tells how the store of messages and accounts is; nil: nothing is told.
	Store func() StoreHealth
	// Metrics are those of an instance; nil: there are none.
	Metrics func(instance string) io.WriterTo
	// Reach is the origin of the panel by a name that other devices find; "" where there is none. nil: there is none.
	Reach func() string
	// Statistics are the numbers of instances over time; nil: none are kept.
	Statistics Statistics
	// Certificates are those that the server shows; nil: nothing is told.
	Certificates func() []Certificate
	// HostNames tell about certificates of customers' own names; nil: there are no such names.
	HostNames    HostNames
	DiskVanishes bool // what brokers store is lost at a restart
	// Pages is the built panel with index.html at its root; nil in a build without pages.
	Pages fs.FS
	// Text gives a text of the catalogue; args are pairs of placeholder and value.
	Text      func(language, key string, args ...any) string
	Languages []string // [en, ja]
	Language  string   // where a person's own isn't known [en]
	Version   string
	Log       *slog.Logger
}

// Brokers are the running brokers of the instances. The methods must not block for long; an instance without a
// running broker has zero numbers and no connections.
type Brokers interface {
	Stats(instance string) Stats
	// Connected counts the connected clients, those of the panel's web client not among them.
	Connected(instance string) int
	// Connections is one page of the connected clients.
	Connections(instance string, q ClientQuery) Clients[Connection]
	// Kick ends the connection of a client id; false when there is none.
	Kick(instance, clientID string) bool
	// Sessions is one page of the sessions, of clients that are away too.
	Sessions(instance string, q ClientQuery) Clients[Session]
	// Session is that of a client id; without one, a session of the user, a connected one if there is any. false: there
	// is none.
	Session(instance, clientID, user string) (Session, bool)
	// Forget ends a session for good, with its connection; false when there is none.
	Forget(instance, clientID string) bool
	// Retained is one page of retained messages, in the order of their topics.
	Retained(instance string, q RetainedQuery) ([]Retained, error)
	// CountRetained counts what a filter matches, up to 1,000,000.
	CountRetained(instance, filter string) (int, error)
	// ClearRetained deletes what a filter matches, at most 10,000, and says how many.
	ClearRetained(ctx context.Context, instance, filter string) (int, error)
	// Publish returns when the message is routed and, where it must be, on disk. What the broker's limits refuse comes
	// back as a *Refused.
	Publish(ctx context.Context, instance string, m Message) error
	// Follow subscribes for a listener that has no MQTT; retained messages come first. A refusal is a *Refused.
	Follow(ctx context.Context, instance, filter, remote string) (Following, error)
	// Losses are the sessions that have lost messages, those with the most first.
	Losses(instance string) []Loss
	// Fights are the client ids that are fought for, the newest first.
	Fights(instance string) []Fight
	// Watch sees the topics that match a filter pass by. ErrWatched: too many do already.
	Watch(ctx context.Context, instance, filter string) (Watching, error)
	// Restart ends all connections of an instance and loads its state anew.
	Restart(ctx context.Context, instance string) error
	// Reset also forgets all its sessions, queued and retained messages.
	Reset(ctx context.Context, instance string) error
}

// ClientQuery chooses a page of the clients of an instance.
type ClientQuery struct {
	Contains string      // part of the client id, user or address; case is ignored
	State    string      // connected, away; "" for both
	Sort     string      // client_id, since, queue, traffic, lost
	Down     bool        // the largest first
	After    *ClientMark // clients behind this place only; nil: from the first
	Skip     int         // not the first so many of these
	Limit    int         // at most so many, above 0
}

// ClientMark is the place of a client in an order.
type ClientMark struct {
	N  int64
	ID string
}

// Clients is a page of clients. Next is the place of its last, where others follow.
type Clients[T any] struct {
	Items []T
	Total int
	Next  *ClientMark
}

// Session is what a broker keeps of a client, connected or not.
type Session struct {
	ClientID      string    `json:"client_id"`
	User          string    `json:"user"`
	Connected     bool      `json:"connected"`
	Web           bool      `json:"web" doc:"The panel's web client"`
	Since         time.Time `json:"since" doc:"Connected, or away, since"`
	Remote        string    `json:"remote,omitempty" doc:"Address of the peer, while it is connected"`
	Via           string    `json:"via,omitempty" doc:"As of a connection"`
	Version       string    `json:"version,omitempty" example:"5.0"`
	TLS           string    `json:"tls,omitempty" example:"TLS 1.3"`
	KeepAlive     int       `json:"keep_alive" doc:"Seconds; 0: none"`
	Expiry        int64     `json:"expiry" doc:"Seconds that the session outlives its connection; -1: for ever"`
	Subscriptions []string  `json:"subscriptions"`
	Queue         int       `json:"queue" doc:"Messages that wait for the client"`
	QueueBytes    int       `json:"queue_bytes"`
	Inflight      int       `json:"inflight" doc:"QoS 1 and 2 messages that the client has not acknowledged"`
	MessagesIn    uint64    `json:"messages_in" doc:"From this connection"`
	MessagesOut   uint64    `json:"messages_out" doc:"To this connection"`
	Lost          uint64    `json:"lost" doc:"Messages that the session has not got; see losses"`
	Dropped       uint64    `json:"dropped" doc:"QoS 0 messages that this connection was too slow for"`
}

// RetainedQuery chooses retained messages.
type RetainedQuery struct {
	Filter   string
	Contains string // part of the topic; "" for all
	After    string // topics behind this one only; "" from the first
	Limit    int    // at most so many, above 0
}

// Retained is one retained message.
type Retained struct {
	Topic     string
	Payload   []byte
	QoS       byte
	Publisher string // client id
	User      string
	ExpiresIn uint32 // seconds; 0: never
}

// Following is a subscription of a listener that has no MQTT. What waits for it is bounded; beyond, messages are dropped
// and the instance's log says so.
type Following interface {
	// Ready tells that Take has something.
	Ready() <-chan struct{}
	// Take is what has come; an error says that nothing more will.
	Take() ([]Heard, error)
	Close()
}

// Heard is a message that was received.
type Heard struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
}

// Refused is a message or a subscription that the limits of an instance don't let in.
type Refused struct{ Cause string }

func (r *Refused) Error() string { return r.Cause }

// Message is one to be published.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool

	Expiry        uint32 // seconds; 0: never
	ContentType   string
	ResponseTopic string
	Correlation   []byte            // nil: none
	Properties    map[string]string // user properties
}

// Stats are the numbers of one instance since its broker was started.
type Stats struct {
	Connections     int         `json:"connections" doc:"Connected clients that count against the plan"`
	WebConnections  int         `json:"web_connections" doc:"Connected web clients of the panel"`
	ConnectionLimit int         `json:"connection_limit" doc:"Set by the panel from the plan; 0: no limit"`
	Sessions        int         `json:"sessions" doc:"Sessions, of clients that are away too"`
	Subscriptions   int         `json:"subscriptions"`
	Retained        int         `json:"retained" doc:"Retained messages"`
	MessagesIn      uint64      `json:"messages_in"`
	MessagesOut     uint64      `json:"messages_out"`
	BytesIn         uint64      `json:"bytes_in" doc:"Of messages"`
	BytesOut        uint64      `json:"bytes_out" doc:"Of messages"`
	Queued          int         `json:"queued" doc:"Messages that wait for clients"`
	Dropped         uint64      `json:"dropped" doc:"Messages that were not delivered; the log says why"`
	Store           StoreHealth `json:"store"`
}

// StoreHealth says how the store is.
type StoreHealth struct {
	Healthy   bool   `json:"healthy"`
	Cause     string `json:"cause,omitempty" doc:"What is wrong, in words"`
	FreeBytes int64  `json:"free_bytes,omitempty" doc:"Free space where the store lies"`
}

// Connection is one connected client.
type Connection struct {
	ClientID      string    `json:"client_id"`
	User          string    `json:"user"`
	Remote        string    `json:"remote" doc:"Address of the peer"`
	Via           string    `json:"via" enum:"mqtts,wss,mqtt,ws,bridge,https,hook,history"`
	Version       string    `json:"version" example:"5.0"`
	ConnectedAt   time.Time `json:"connected_at"`
	KeepAlive     int       `json:"keep_alive" doc:"Seconds; 0: none"`
	Subscriptions int       `json:"subscriptions"`
	Queue         int       `json:"queue" doc:"Messages that wait for the client"`
	QueueBytes    int       `json:"queue_bytes"`
	Inflight      int       `json:"inflight" doc:"QoS 1 and 2 messages that the client has not acknowledged"`
	TLS           string    `json:"tls,omitempty" example:"TLS 1.3" doc:"Absent without TLS, or where a proxy in front speaks it"`
	Expiry        int64     `json:"expiry" doc:"Seconds that the session outlives its connection; -1: for ever"`
	Web           bool      `json:"web" doc:"The panel's web client, which does not count against the plan"`
	MessagesIn    uint64    `json:"messages_in" doc:"From this connection"`
	MessagesOut   uint64    `json:"messages_out" doc:"To this connection"`
	BytesIn       uint64    `json:"bytes_in" doc:"Of messages, from this connection"`
	BytesOut      uint64    `json:"bytes_out" doc:"Of messages, to this connection"`
	Lost          uint64    `json:"lost" doc:"Messages that the session has not got; see losses"`
}

// FlowServers run the hosted flow servers. The entries themselves are package account's.
type FlowServers interface {
	// Start begins to run a flow server; State tells how it goes.
	Start(ctx context.Context, f account.FlowServer) error
	Restart(ctx context.Context, f account.FlowServer) error
	// Remove stops a flow server and deletes its directory.
	Remove(ctx context.Context, f account.FlowServer) error
	State(f account.FlowServer) FlowState
	// Ask sends a request to a flow server's door for the panel: path and query are used of its address.
	Ask(id string, r *http.Request) (*http.Response, error)
	// EditorURL is the address of the editor's origin, ending in a slash.
	EditorURL(f account.FlowServer) string
	// PagesURL is the address of the origin of what the flows offer, ending in a slash.
	PagesURL(f account.FlowServer) string
}

// FlowState is how a hosted flow server is.
type FlowState struct {
	State         string          `json:"state" enum:"starting,running,stopped,failed"`
	Cause         string          `json:"cause,omitempty" doc:"Why it isn't running, in words"`
	MemoryMB      int             `json:"memory_mb" doc:"MiB in use"`
	MemoryLimitMB int             `json:"memory_limit_mb" doc:"MiB that it may use"`
	CPU           int             `json:"cpu_percent" doc:"Percent of one processor in use"`
	CPULimit      int             `json:"cpu_limit_percent" doc:"Percent of one processor that it may use, over ten seconds and more"`
	Restarts      int             `json:"restarts" doc:"Times that it died and was started again"`
	Sandbox       map[string]bool `json:"sandbox" doc:"Which walls of the sandbox are up"`
}

// Authority is the local certificate authority; empty PEM when public certificates are used.
type Authority struct {
	PEM, DER    []byte
	Fingerprint string // SHA-256
}

// Endpoints are the addresses that clients use.
type Endpoints struct {
	Server        string // name or address
	Port          int    // plain MQTT, where it is refused with the way to TLS
	SSLPort       int
	WebSocketPort int
	PanelURL      string // origin of the panel, without slash at the end
}

// DeviceDoor is where small devices find MQTT; Port 0: nowhere.
type DeviceDoor struct {
	Port   int
	Header []byte // C header with the certificate of the authority that they trust
}

// Panel is the handler of the panel's origin.
type Panel struct {
	o       Options
	handler http.Handler
	inside  http.Handler // without what only browsers need
	rates   rates
	trials  rates // of bridges, by instance

	reference *reference
	streams   streams

	stopping chan struct{} // closed by EndStreams
	stop     sync.Once
}

// New builds the routes. It starts nothing.
func New(o Options) (*Panel, error) {
	if o.Accounts == nil || o.Journal == nil || o.Brokers == nil || o.Text == nil {
		return nil, errors.New("panel: want Accounts, Journal, Brokers and Text")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Languages) == 0 {
		o.Languages = []string{"en", "ja"}
	}
	if o.Language == "" {
		o.Language = o.Languages[0]
	}
	p := &Panel{o: o, stopping: make(chan struct{})}
	mux := http.NewServeMux()
	if err := p.mountAll(mux); err != nil {
		return nil, err
	}
	p.inside = p.recover(p.asWritten(mux))
	p.handler = p.headers(p.guard(p.inside))
	return p, nil
}

func (p *Panel) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// EndStreams ends the streams of logs and messages, which would keep a server from stopping. Nothing else is touched.
func (p *Panel) EndStreams() { p.stop.Do(func() { close(p.stopping) }) }
