package panel

import (
	"context"
	"slices"
	"time"

	"tsunagi/internal/account"
)

type planBody struct {
	ID               string `json:"id"`
	Name             string `json:"name"`
	Default          bool   `json:"default"`
	Paid             bool   `json:"paid" doc:"An instance gets into it by checkout"`
	Granted          bool   `json:"granted" doc:"Only for accounts that the operator has put on it; others don't see it"`
	Instances        int    `json:"instances" doc:"Per account; 0: no limit"`
	Connections      int    `json:"connections" doc:"Concurrent clients of an instance; 0: no limit"`
	WebConnections   int    `json:"web_connections" doc:"Concurrent web clients, not counted as connections"`
	FlowServers      int    `json:"flow_servers" doc:"Hosted flow servers per account"`
	FlowMemoryMB     int    `json:"flow_memory_mb" doc:"MiB of each flow server"`
	FlowCPUPercent   int    `json:"flow_cpu_percent" doc:"Of one processor, each flow server"`
	MaxPacket        int    `json:"max_packet" doc:"Bytes"`
	QueueMessages    int    `json:"queue_messages" doc:"Kept for one absent session"`
	QueueBytes       int    `json:"queue_bytes" doc:"Kept for one absent session"`
	RetainedMessages int    `json:"retained_messages"`
	RetainedBytes    int    `json:"retained_bytes"`
	Subscriptions    int    `json:"subscriptions" doc:"Of one session"`
	AllSubscriptions int    `json:"all_subscriptions" doc:"Of an instance"`
	SubscribeRate    int    `json:"subscribe_rate" doc:"Filters a second of one connection, once it has used up as many as subscriptions; 0: no limit"`
	Sessions         int    `json:"sessions" doc:"Of an instance, clients that are away included"`
	KeepAliveMax     int    `json:"keep_alive_max" doc:"Seconds; 0: no limit"`
	Users            int    `json:"users" doc:"MQTT users of an instance"`
	Bridges          int    `json:"bridges" doc:"Of an instance, to other brokers; 0: no limit"`
	Hooks            int    `json:"hooks" doc:"Webhooks and rules of an instance; 0: no limit"`
	HookCalls        int    `json:"hook_calls" doc:"What they do a minute, all together; 0: no limit"`
	HostNames        int    `json:"host_names" doc:"Names of the customer's own for an instance; 0: none"`
	HistoryBytes     int    `json:"history_bytes" doc:"Kept messages of an instance, topics and payloads; 0: no limit"`
	BindClientIDs    bool   `json:"bind_client_ids" doc:"A client identifier belongs to the user of its session"`
	Durability       string `json:"durability" doc:"safe: acknowledged when on disk; fast: when in memory, and a crash may lose the last second"`
	Disk             string `json:"disk" doc:"kept, or vanishes: a restart of this server loses sessions, queues and retained messages"`
}

func (p *Panel) listPlans(ctx context.Context, _ *empty) (*answer[page[planBody]], error) {
	by := actor(ctx)
	offered := slices.DeleteFunc(p.o.Accounts.Plans(), func(l account.Plan) bool {
		return l.Granted && by.Team.Plan != l.ID && by.Account.Role != account.RoleOwner
	})
	return reply(pageOf(offered, func(l account.Plan) planBody {
		if l.Durability == "" {
			l.Durability = "safe"
		}
		disk := "kept"
		if p.o.DiskVanishes {
			disk = "vanishes"
		}
		return planBody{l.ID, l.Name, l.Default, l.StripePrice != "", l.Granted, l.Instances, l.Connections, l.WebConnections, l.FlowServers, l.FlowMemoryMB,
			l.FlowCPUPercent, l.MaxPacket, l.QueueMessages, l.QueueBytes, l.RetainedMessages, l.RetainedBytes, l.Subscriptions, l.AllSubscriptions,
			l.SubscribeRate, l.Sessions, l.KeepAliveMax, l.Users, l.Bridges, l.Hooks, l.HookCalls, l.HostNames, l.HistoryBytes, l.BindClientIDs, l.Durability, disk}
	})), nil
}

type regionBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (p *Panel) listRegions(context.Context, *empty) (*answer[page[regionBody]], error) {
	return reply(pageOf(p.o.Accounts.Regions(), func(r account.Region) regionBody { return regionBody(r) })), nil
}

type instanceBody struct {
	ID              string    `json:"id" doc:"8 lower-case letters; also the first user's name"`
	Name            string    `json:"name"`
	Region          string    `json:"region"`
	Plan            string    `json:"plan"`
	CreatedAt       time.Time `json:"created_at"`
	Server          string    `json:"server" doc:"By which clients find it: of the settings, else by which the API was asked, else that other devices find"`
	User            string    `json:"user" doc:"The first user; it logs in as <id>, others as <id>:<user>"`
	Port            int       `json:"port" doc:"Plain MQTT; closed unless plain is true"`
	SSLPort         int       `json:"ssl_port"`
	WebSocketPort   int       `json:"websocket_port"`
	WebSocketPath   string    `json:"websocket_path"`
	Plain           bool      `json:"plain" doc:"Plain MQTT is let in"`
	ConnectionLimit int       `json:"connection_limit"`
	Connections     *int      `json:"connections,omitempty" doc:"In lists: clients that are connected now, web clients of the panel not counted"`
	CA              caBody    `json:"ca"`
	DevicePort      int       `json:"device_port" doc:"MQTT over TLS for small devices; /device-ca.h is a C header with the authority that they trust; 0: there is none"`
	Versions        []string  `json:"versions" doc:"Versions of MQTT"`
	Owner           string    `json:"owner" doc:"Id of the account that it belongs to"`
	HostNames       []string  `json:"host_names" nullable:"false" doc:"Names of the customer's own by which clients reach it, besides server"`
	RoleBody
}

// RoleBody says what who asks may do with a thing, whose account need not be the one that is looked at.
type RoleBody struct {
	Role      account.TeamRole `json:"role,omitempty" enum:"owner,member,viewer,dashboard" doc:"Of who asks, in the account that it belongs to"`
	Suspended bool             `json:"suspended,omitempty" doc:"The operator has stopped everything of that account"`
}

func roleOf(by account.Actor) RoleBody {
	return RoleBody{by.TeamRole, !by.Team.SuspendedAt.IsZero()}
}

type caBody struct {
	Fingerprint string `json:"fingerprint_sha256" doc:"Empty where public certificates are used"`
	URL         string `json:"url"`
}

// showInstance shows an instance to who was judged about it, or about its account.
func (p *Panel) showInstance(ctx context.Context, by account.Actor, i account.Instance) instanceBody {
	e := p.o.Endpoints
	out := instanceBody{ID: i.ID, Name: i.Name, Region: i.Region, Plan: i.Plan, CreatedAt: i.CreatedAt, Server: p.serverFor(ctx), User: i.ID,
		Port: e.Port, SSLPort: e.SSLPort, DevicePort: p.o.Device.Port, WebSocketPort: e.WebSocketPort, WebSocketPath: "/mqtt/" + i.ID,
		ConnectionLimit: p.o.Accounts.Plan(i.Plan).Connections, Versions: []string{"3.1", "3.1.1", "5.0"}, HostNames: p.hostNames(i.ID), Owner: i.Owner, RoleBody: roleOf(by)}
	if len(p.o.Authority.PEM) > 0 {
		out.CA = caBody{p.o.Authority.Fingerprint, "/ca.pem"}
	}
	return out
}

func (p *Panel) listInstances(ctx context.Context, _ *empty) (*answer[page[instanceBody]], error) {
	by := actor(ctx)
	list, err := p.o.Accounts.Instances(ctx, by)
	return reply(pageOf(list, func(i account.Instance) instanceBody {
		out := p.showInstance(ctx, by, i)
		out.Connections = new(p.o.Brokers.Connected(i.ID))
		return out
	})), err
}

type createInstanceInput struct {
	Body struct {
		Name   string `json:"name" maxLength:"256"`
		Region string `json:"region,omitempty" maxLength:"64" doc:"Empty: the first region"`
		Plan   string `json:"plan,omitempty" maxLength:"64" doc:"Empty: the default plan"`
	}
}

func (p *Panel) createInstance(ctx context.Context, in *createInstanceInput) (*tagged[instanceBody], error) {
	made, _, err := p.o.Accounts.CreateInstance(ctx, actor(ctx), account.NewInstance{Name: in.Body.Name, Region: in.Body.Region, Plan: in.Body.Plan})
	return tag(p, made, p.showInstance(ctx, actor(ctx), made)), err
}

func (p *Panel) getInstance(ctx context.Context, in *WithID) (*tagged[instanceBody], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	return tag(p, i, p.showInstance(ctx, actor(ctx), i)), err
}

type changeInstanceInput struct {
	WithID
	Body struct {
		Name *string `json:"name,omitempty" maxLength:"256"`
		Plan *string `json:"plan,omitempty" maxLength:"64" doc:"Another plan; its limits hold at once"`
	}
}

func (p *Panel) changeInstance(ctx context.Context, in *changeInstanceInput) (*tagged[instanceBody], error) {
	i, err := p.o.Accounts.ChangeInstance(ctx, actor(ctx), in.ID, account.InstanceChange(in.Body))
	return tag(p, i, p.showInstance(ctx, actor(ctx), i)), err
}

func (p *Panel) moveInstance(ctx context.Context, in *struct {
	WithID
	Body struct {
		Team string `json:"team" maxLength:"254" doc:"Id of a team, or of the person's own account"`
	}
}) (*answer[instanceBody], error) {
	i, err := p.o.Accounts.MoveInstance(ctx, actor(ctx), in.ID, in.Body.Team)
	return reply(p.showInstance(ctx, account.Actor{}, i)), err // the role in the other account may be another
}

func (p *Panel) deleteInstance(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.DeleteInstance(ctx, actor(ctx), in.ID)
}

type revealInput struct {
	WithID
	Body ProofBody
}

type passwordBody struct {
	Password string `json:"password"`
}

func (p *Panel) revealPassword(ctx context.Context, in *revealInput) (*answer[passwordBody], error) {
	password, err := p.o.Accounts.RevealPassword(ctx, actor(ctx), in.ID, in.Body.proof())
	return reply(passwordBody{password}), err
}

func (p *Panel) rotatePassword(ctx context.Context, in *WithID) (*answer[passwordBody], error) {
	password, err := p.o.Accounts.RotatePassword(ctx, actor(ctx), in.ID)
	return reply(passwordBody{password}), err
}

type keyBody struct {
	Key string `json:"key" doc:"Password of Basic with an empty user name"`
}

func (p *Panel) revealKey(ctx context.Context, in *revealInput) (*answer[keyBody], error) {
	key, err := p.o.Accounts.RevealInstanceKey(ctx, actor(ctx), in.ID, in.Body.proof())
	return reply(keyBody{key}), err
}

func (p *Panel) rotateKey(ctx context.Context, in *WithID) (*answer[keyBody], error) {
	key, err := p.o.Accounts.RotateInstanceKey(ctx, actor(ctx), in.ID)
	return reply(keyBody{key}), err
}

func (p *Panel) getStats(ctx context.Context, in *WithID) (*answer[Stats], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	s := p.o.Brokers.Stats(i.ID)
	s.ConnectionLimit = p.o.Accounts.Plan(i.Plan).Connections
	if p.o.Store != nil {
		s.Store = p.o.Store()
	}
	return reply(s), nil
}

type kickInput struct {
	WithID
	ClientID string `path:"client_id" maxLength:"65535"`
}

func (p *Panel) kick(ctx context.Context, in *kickInput) (*nothing, error) {
	by := actor(ctx)
	if err := p.o.Accounts.AuditInstance(ctx, by, in.ID, "connection.kick", in.ClientID); err != nil {
		return nil, err
	}
	if !p.o.Brokers.Kick(in.ID, in.ClientID) {
		return nil, &account.Error{Code: account.NotFound, Key: "api.client_gone"}
	}
	return nil, nil
}

type webTokenBody struct {
	Token     string    `json:"token" doc:"MQTT password; the user name is web-client"`
	ClientID  string    `json:"client_id" doc:"The client id that goes with it"`
	URL       string    `json:"url" doc:"Address of the WebSocket"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (p *Panel) mintWebToken(ctx context.Context, in *WithID) (*answer[webTokenBody], error) {
	t, err := p.o.Accounts.MintWebToken(ctx, actor(ctx), in.ID)
	return reply(webTokenBody{t.Token, t.ClientID, webSocketURL(p.o.Endpoints.PanelURL) + "/mqtt/" + in.ID, t.Ends}), err
}
