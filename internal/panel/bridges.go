package panel

import (
	"context"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/fault"
)

// Bridges tell how the bridges of instances are. The entries themselves are package account's.
type Bridges interface {
	State(instance, id string) BridgeState
	// Try connects to the other broker as a bridge would, in a session of its own, and says how far it came.
	Try(ctx context.Context, b account.Bridge) ([]BridgeStep, error)
}

// BridgeStep is one stage of a trial of a bridge.
type BridgeStep struct {
	Stage   string   `json:"stage" enum:"name,tcp,tls,connect,subscribe"`
	OK      bool     `json:"ok"`
	Problem string   `json:"problem,omitempty" enum:"setting,name,inner,closed,silent,no_tls,authority,host,expired,tls,login,refused,speech,filters" doc:"What is wrong"`
	Text    string   `json:"text,omitempty" doc:"What is wrong and what to do, in the language of the request"`
	Cause   string   `json:"cause,omitempty" doc:"The same, as the program that saw it says it"`
	Filters []string `json:"filters,omitempty" doc:"Subscriptions that the other broker refused"`
}

// BridgeState is how a bridge is.
type BridgeState struct {
	State           string      `json:"state" enum:"connecting,connected,waiting,off" doc:"waiting: it tries again at next_try"`
	Since           *time.Time  `json:"since,omitempty" doc:"Since when it is so"`
	LastError       string      `json:"last_error,omitempty" doc:"Why the last connection ended or did not come about, in words"`
	LastErrorTold   *fault.Told `json:"last_error_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	LastErrorAt     *time.Time  `json:"last_error_at,omitempty"`
	NextTry         *time.Time  `json:"next_try,omitempty"`
	Queued          int         `json:"queued" doc:"Messages that wait for the other broker"`
	Sent            uint64      `json:"sent" doc:"To the other broker since the bridge was started, repetitions included"`
	Received        uint64      `json:"received" doc:"From the other broker, the same"`
	Refused         uint64      `json:"refused" doc:"Messages that one side would not take, for good"`
	LastRefusal     string      `json:"last_refusal,omitempty" doc:"Why the last of these was refused"`
	LastRefusalTold *fault.Told `json:"last_refusal_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	Returned        uint64      `json:"returned" doc:"Messages that had been at the other side already and were left out"`
}

type bridgeBody struct {
	ID          string                `json:"id"`
	Name        string                `json:"name"`
	Enabled     bool                  `json:"enabled"`
	Address     string                `json:"address"`
	Roots       string                `json:"roots" doc:"PEM of the authorities of the other broker's certificate; empty: the system's"`
	ClientID    string                `json:"client_id"`
	User        string                `json:"user"`
	HasPassword bool                  `json:"has_password" doc:"There is a password; it is never shown"`
	Version     account.BridgeVersion `json:"version"`
	KeepAlive   int                   `json:"keep_alive" doc:"Seconds"`
	Topics      []bridgeTopicBody     `json:"topics"`
	CreatedAt   time.Time             `json:"created_at"`
	State       BridgeState           `json:"state"`
	VersionBody
}

type bridgeTopicBody struct {
	Direction string `json:"direction" maxLength:"8" doc:"in: to the instance; out: from it; both" example:"out"`
	Filter    string `json:"filter,omitempty" maxLength:"1024" doc:"What goes through, behind the prefixes; empty: the prefixes are whole topics" example:"#"`
	Local     string `json:"local,omitempty" maxLength:"1024" doc:"Prefix on the instance" example:"sensors/"`
	Remote    string `json:"remote,omitempty" maxLength:"1024" doc:"Prefix on the other broker" example:"site1/sensors/"`
	QoS       int    `json:"qos,omitempty" doc:"At most 0, 1 or 2; what waits while the link is down needs 1 or 2"`
}

func (p *Panel) showBridge(b account.Bridge) bridgeBody {
	out := bridgeBody{ID: b.ID, Name: b.Name, Enabled: b.Enabled, Address: b.Address, Roots: b.Roots, ClientID: b.ClientID, User: b.User,
		HasPassword: len(b.Sealed) > 0, Version: b.Version, KeepAlive: b.KeepAlive, CreatedAt: b.CreatedAt, State: p.bridgeState(b)}
	for _, t := range b.Topics {
		out.Topics = append(out.Topics, bridgeTopicBody{string(t.Direction), t.Filter, t.Local, t.Remote, t.QoS})
	}
	return out
}

func (p *Panel) bridgeState(b account.Bridge) BridgeState {
	s := BridgeState{}
	if p.o.Bridges != nil {
		s = p.o.Bridges.State(b.Instance, b.ID)
	}
	if !b.Enabled {
		s = BridgeState{Queued: s.Queued}
	}
	if s.State == "" {
		s.State = "off"
	}
	s.LastErrorTold, s.LastRefusalTold = fault.Read(s.LastError), fault.Read(s.LastRefusal)
	return s
}

func (p *Panel) listBridges(ctx context.Context, in *WithID) (*answer[page[bridgeBody]], error) {
	list, err := p.o.Accounts.Bridges(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, inList(p, p.showBridge))), err
}

func (p *Panel) getBridge(ctx context.Context, in *OneThing) (*tagged[bridgeBody], error) {
	b, err := p.o.Accounts.Bridge(ctx, actor(ctx), in.ID, in.Thing)
	if err != nil {
		return nil, err
	}
	return tag(p, b, p.showBridge(b)), nil
}

func (p *Panel) getBridgeState(ctx context.Context, in *OneThing) (*answer[BridgeState], error) {
	b, err := p.o.Accounts.Bridge(ctx, actor(ctx), in.ID, in.Thing)
	if err != nil {
		return nil, err
	}
	return reply(p.bridgeState(b)), nil
}

type bridgeChangeBody struct {
	Name      *string                `json:"name,omitempty" maxLength:"256"`
	Enabled   *bool                  `json:"enabled,omitempty" doc:"false: it stops, and messages wait for it"`
	Address   *string                `json:"address,omitempty" maxLength:"512" doc:"mqtts://host, wss://host/path, or mqtt://host where the server's settings let it; a port where it isn't the usual one" example:"mqtts://broker.example"`
	Roots     *string                `json:"roots,omitempty" maxLength:"49152" doc:"PEM of the authorities of the other broker's certificate; empty: the system's"`
	ClientID  *string                `json:"client_id,omitempty" maxLength:"256" doc:"On the other broker, and nobody else's there"`
	User      *string                `json:"user,omitempty" maxLength:"256"`
	Password  *string                `json:"password,omitempty" maxLength:"1024" doc:"Never shown again; empty takes it away. A new address needs it again"`
	Version   *account.BridgeVersion `json:"version,omitempty" maxLength:"8" doc:"5.0 or 3.1.1"`
	KeepAlive *int                   `json:"keep_alive,omitempty" doc:"Seconds, 5 to 65535"`
	Topics    *[]bridgeTopicBody     `json:"topics,omitempty" maxItems:"1000"`
}

func (b bridgeChangeBody) change() account.BridgeChange {
	c := account.BridgeChange{Name: b.Name, Enabled: b.Enabled, Address: b.Address, Roots: b.Roots, ClientID: b.ClientID, User: b.User,
		Password: b.Password, Version: b.Version, KeepAlive: b.KeepAlive}
	if b.Topics != nil {
		topics := make([]account.BridgeTopic, 0, len(*b.Topics))
		for _, t := range *b.Topics {
			topics = append(topics, account.BridgeTopic{Direction: account.BridgeDirection(t.Direction), Filter: t.Filter, Local: t.Local,
				Remote: t.Remote, QoS: t.QoS})
		}
		c.Topics = &topics
	}
	return c
}

type createBridgeInput struct {
	WithID
	Body bridgeChangeBody
}

func (p *Panel) createBridge(ctx context.Context, in *createBridgeInput) (*tagged[bridgeBody], error) {
	b, err := p.o.Accounts.CreateBridge(ctx, actor(ctx), in.ID, in.Body.change())
	if err != nil {
		return nil, err
	}
	return tag(p, b, p.showBridge(b)), nil
}

type changeBridgeInput struct {
	OneThing
	Body bridgeChangeBody
}

func (p *Panel) changeBridge(ctx context.Context, in *changeBridgeInput) (*tagged[bridgeBody], error) {
	b, err := p.o.Accounts.ChangeBridge(ctx, actor(ctx), in.ID, in.Thing, in.Body.change())
	if err != nil {
		return nil, err
	}
	return tag(p, b, p.showBridge(b)), nil
}

func (p *Panel) deleteBridge(ctx context.Context, in *OneThing) (*nothing, error) {
	return nil, p.o.Accounts.DeleteBridge(ctx, actor(ctx), in.ID, in.Thing)
}

// Trials of bridges that an instance may make: at once and a second.
const trialBurst, trialRate = 5, 0.1

// trialTexts say what to do about a problem.
var trialTexts = map[string]string{
	"setting": "api.trial.setting", "name": "api.trial.name", "inner": "api.trial.inner", "closed": "api.trial.closed",
	"silent": "api.trial.silent", "no_tls": "api.trial.no_tls", "authority": "api.trial.authority", "host": "api.trial.host",
	"expired": "api.trial.expired", "tls": "api.trial.tls", "login": "api.trial.login", "refused": "api.trial.refused",
	"speech": "api.trial.speech", "filters": "api.trial.filters",
}

type trialBody struct {
	Works bool         `json:"works"`
	Steps []BridgeStep `json:"steps" doc:"The stages that were reached; the last one may have failed. Without TLS that stage is left out, and so is subscribe where nothing comes in"`
}

func (p *Panel) tryBridge(ctx context.Context, in *OneThing) (*answer[trialBody], error) {
	by := actor(ctx)
	b, err := p.o.Accounts.Bridge(ctx, by, in.ID, in.Thing)
	if err != nil {
		return nil, err
	}
	if a := p.trials.use("instance "+b.Instance, allowance{name: "trials", rate: trialRate, burst: trialBurst}); a.wait > 0 {
		return nil, &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: a.wait}
	}
	if p.o.Bridges == nil {
		return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	if err := p.o.Accounts.AuditInstance(ctx, by, in.ID, "bridge.test", in.Thing); err != nil {
		return nil, err
	}
	steps, err := p.o.Bridges.Try(ctx, b)
	if err != nil {
		return nil, err
	}
	out := trialBody{Works: true, Steps: steps}
	for i := range steps {
		if s := &steps[i]; s.Problem != "" {
			out.Works, s.Text = false, p.o.Text(requestOf(ctx).language, trialTexts[s.Problem], "address", b.Address)
		} else {
			s.OK = true
		}
	}
	return reply(out), nil
}
