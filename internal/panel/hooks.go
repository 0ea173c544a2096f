package panel

import (
	"context"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/fault"
)

// Hooks carry out webhooks and rules. The entries themselves are package account's.
type Hooks interface {
	State(instance, id string) HookState
	// Try carries a hook out once with a made-up event.
	Try(ctx context.Context, h account.Hook, e HookSample) (HookTried, error)
	// Again tries a dead letter once more; the error is in words.
	Again(ctx context.Context, h account.Hook, d account.DeadLetter) error
}

// HookState is how a hook is.
type HookState struct {
	State         string      `json:"state" enum:"running,retrying,full,waiting,off" doc:"retrying: the last attempt failed; full: it waits for room among the dead letters; waiting: for its own instance"`
	Since         *time.Time  `json:"since,omitempty" doc:"Since when it has listened"`
	LastError     string      `json:"last_error,omitempty" doc:"Why the last attempt that failed did so, in words"`
	LastErrorTold *fault.Told `json:"last_error_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	LastErrorAt   *time.Time  `json:"last_error_at,omitempty"`
	LastDone      *time.Time  `json:"last_done,omitempty" doc:"When something was delivered last"`
	LastSkip      string      `json:"last_skip,omitempty" doc:"Why an event was left out last"`
	LastSkipTold  *fault.Told `json:"last_skip_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	NextRun       *time.Time  `json:"next_run,omitempty" doc:"Of schedule: when it fires next; missing where it never does"`
	LastFired     *time.Time  `json:"last_fired,omitempty" doc:"When there was an event for it last, whether delivered or not yet"`
	Fired         uint64      `json:"fired" doc:"Events that there were for it: of schedule since it was made, else since it was started"`
	Held          uint64      `json:"held" doc:"Events that edge or the quiet time have left out"`
	Watched       int         `json:"watched" doc:"Of silence: topics that it follows"`
	Silent        int         `json:"silent" doc:"Of silence: topics that are silent"`
	Queued        int         `json:"queued" doc:"Messages that wait for the hook, those on their way not counted"`
	Delivered     uint64      `json:"delivered" doc:"Since the hook was started, as the numbers below"`
	Retries       uint64      `json:"retries" doc:"Attempts that failed and had another one after them"`
	Skipped       uint64      `json:"skipped" doc:"Events that were left out: a template wants what they lack, or they go in a circle"`
	Buried        uint64      `json:"buried" doc:"Events that became dead letters"`
}

// HookSample is a made-up event.
type HookSample struct {
	ID, Type, Topic, Client string
	Payload                 []byte
	Time                    time.Time
}

// HookTried is how a test went.
type HookTried struct {
	Done      bool        `json:"done" doc:"The receiver has it"`
	Cause     string      `json:"cause,omitempty" doc:"Why not, in words"`
	CauseTold *fault.Told `json:"cause_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	Took      int64       `json:"took" doc:"Milliseconds"`
	Topic     string      `json:"topic,omitempty" doc:"That was published to"`
	Body      string      `json:"body,omitempty" doc:"That was sent"`
}

type hookBody struct {
	ID               string              `json:"id"`
	Name             string              `json:"name"`
	Enabled          bool                `json:"enabled"`
	Events           []account.HookEvent `json:"events" doc:"message, connect, disconnect, quota, schedule, silence, back"`
	Filter           string              `json:"filter"`
	Client           string              `json:"client"`
	Condition        string              `json:"condition"`
	Edge             bool                `json:"edge" doc:"Of message: it is told only when the condition becomes true"`
	Rearm            string              `json:"rearm" doc:"With edge: comparison after which the condition can become true again; empty: when it isn't true any more"`
	Quiet            int                 `json:"quiet" doc:"Seconds in which at most one event is told; 0: all are"`
	Together         bool                `json:"together" doc:"The topics of the filter count as one; otherwise edge, quiet and silence are each topic's own"`
	Silence          int                 `json:"silence" doc:"Of silence: seconds without a message"`
	Schedule         string              `json:"schedule" doc:"Of schedule: a cron expression, every 15m, or at 2026-12-24T18:00"`
	Zone             string              `json:"zone" doc:"Time zone of schedule by its IANA name; empty: UTC"`
	Action           account.HookAction  `json:"action" doc:"post, publish, mail"`
	URL              string              `json:"url"`
	HasAuthorization bool                `json:"has_authorization" doc:"There is an Authorization header; it is never shown"`
	Topic            string              `json:"topic"`
	Template         string              `json:"template"`
	QoS              int                 `json:"qos"`
	Retain           bool                `json:"retain"`
	MailTo           []string            `json:"mail_to"`
	CreatedAt        time.Time           `json:"created_at"`
	DeadLetters      int                 `json:"dead_letters" doc:"Events that were given up and are kept"`
	Secret           string              `json:"secret,omitempty" doc:"What calls are signed with; shown once, when it is made"`
	State            HookState           `json:"state"`
	VersionBody
}

func (p *Panel) showHook(ctx context.Context, h account.Hook, secret string) (hookBody, error) {
	out := hookBody{ID: h.ID, Name: h.Name, Enabled: h.Enabled, Events: h.Events, Filter: h.Filter, Client: h.Client, Condition: h.Condition,
		Edge: h.Edge, Rearm: h.Rearm, Quiet: h.Quiet, Together: h.Together, Silence: h.Silence, Schedule: h.Schedule, Zone: h.Zone,
		Action: h.Action, URL: h.URL, Topic: h.Topic, Template: h.Template, QoS: h.QoS, Retain: h.Retain, MailTo: h.MailTo, CreatedAt: h.CreatedAt,
		Secret: secret}
	if out.MailTo == nil {
		out.MailTo = []string{}
	}
	secrets, err := p.o.Accounts.HookSecrets(h)
	if err != nil {
		return out, err
	}
	out.HasAuthorization = secrets.Authorization != ""
	if p.o.Hooks != nil {
		out.State = p.o.Hooks.State(h.Instance, h.ID)
	}
	out.State.LastErrorTold, out.State.LastSkipTold = fault.Read(out.State.LastError), fault.Read(out.State.LastSkip)
	if !h.Enabled {
		out.State = HookState{State: "off", Queued: out.State.Queued}
	}
	if out.State.State == "" {
		out.State.State = "waiting"
	}
	out.DeadLetters, err = p.o.Accounts.CountDeadLetters(ctx, h.Instance, h.ID)
	return out, err
}

func (p *Panel) replyHook(ctx context.Context, h account.Hook, secret string, err error) (*tagged[hookBody], error) {
	if err != nil {
		return nil, err
	}
	out, err := p.showHook(ctx, h, secret)
	return tag(p, h, out), err
}

func (p *Panel) listHooks(ctx context.Context, in *WithID) (*answer[page[hookBody]], error) {
	list, err := p.o.Accounts.Hooks(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := page[hookBody]{Items: []hookBody{}, Total: len(list)}
	for _, h := range list {
		one, err := p.showHook(ctx, h, "")
		if err != nil {
			return nil, err
		}
		one.setVersion(p.etag(h))
		out.Items = append(out.Items, one)
	}
	return reply(out), nil
}

// OneHook names a hook of an instance.
type OneHook struct {
	WithID
	Hook string `path:"hook" maxLength:"64"`
}

func (p *Panel) getHook(ctx context.Context, in *OneHook) (*tagged[hookBody], error) {
	h, err := p.o.Accounts.Hook(ctx, actor(ctx), in.ID, in.Hook)
	return p.replyHook(ctx, h, "", err)
}

type hookChangeBody struct {
	Name          *string              `json:"name,omitempty" maxLength:"256"`
	Enabled       *bool                `json:"enabled,omitempty" doc:"false: it stops, and messages wait for it"`
	Events        *[]account.HookEvent `json:"events,omitempty" maxItems:"8" doc:"message, connect, disconnect, quota (a limit of the plan is near or reached); or schedule alone (a time comes); or silence (no message for a time) with or without back (the first one after it). message where nothing is said"`
	Filter        *string              `json:"filter,omitempty" maxLength:"1024" doc:"Topics of message and silence" example:"sensors/#"`
	Client        *string              `json:"client,omitempty" maxLength:"512" doc:"Client id of connect and disconnect, with * at the end for all that begin so; empty: all"`
	Condition     *string              `json:"condition,omitempty" maxLength:"512" doc:"Comparison that an event must fulfil, or a message that counts against silence: = != < <= > >= contains, or changed" example:"payload.temperature > 30"`
	Edge          *bool                `json:"edge,omitempty" doc:"Of message: it is told only when the condition becomes true, not with every message while it is"`
	Rearm         *string              `json:"rearm,omitempty" maxLength:"512" doc:"With edge: comparison after which the condition can become true again; empty: when it isn't true any more" example:"payload.temperature < 25"`
	Quiet         *int                 `json:"quiet,omitempty" minimum:"0" maximum:"604800" doc:"Seconds in which at most one event is told; 0: all are"`
	Together      *bool                `json:"together,omitempty" doc:"The topics of the filter count as one; otherwise edge, quiet and silence are each topic's own"`
	Silence       *int                 `json:"silence,omitempty" minimum:"0" maximum:"604800" doc:"Of silence: seconds without a message, 10 at least"`
	Schedule      *string              `json:"schedule,omitempty" maxLength:"256" doc:"Of schedule: minute, hour, day, month and day of the week as cron has them; every 15m or every 2h; or at 2026-12-24T18:00" example:"0 23 * * mon-fri"`
	Zone          *string              `json:"zone,omitempty" maxLength:"64" doc:"Time zone of schedule by its IANA name; empty: UTC" example:"Europe/Berlin"`
	Action        *account.HookAction  `json:"action,omitempty" maxLength:"16" doc:"post, publish or mail"`
	URL           *string              `json:"url,omitempty" maxLength:"2048" doc:"Of post" example:"https://example.org/hook"`
	Authorization *string              `json:"authorization,omitempty" maxLength:"1024" doc:"Of post: the Authorization header. Never shown again; empty takes it away. A new url needs it again"`
	Topic         *string              `json:"topic,omitempty" maxLength:"1024" doc:"Of publish, with places such as {topic[1]} and {payload.name}" example:"alarms/{topic[1]}"`
	Template      *string              `json:"template,omitempty" maxLength:"16384" doc:"Body of post, payload of publish, text of mail, with places; empty: the event as JSON, the payload as it is, a sentence. To be given with schedule and publish"`
	QoS           *int                 `json:"qos,omitempty" doc:"Of publish: 0, 1 or 2"`
	Retain        *bool                `json:"retain,omitempty" doc:"Of publish"`
	MailTo        *[]string            `json:"mail_to,omitempty" maxItems:"20" doc:"Of mail: addresses of people of the instance, see hook-readers"`
}

func (b hookChangeBody) change() account.HookChange { return account.HookChange(b) }

type createHookInput struct {
	WithID
	Body hookChangeBody
}

func (p *Panel) createHook(ctx context.Context, in *createHookInput) (*tagged[hookBody], error) {
	h, secret, err := p.o.Accounts.CreateHook(ctx, actor(ctx), in.ID, in.Body.change())
	return p.replyHook(ctx, h, secret, err)
}

type changeHookInput struct {
	OneHook
	Body hookChangeBody
}

func (p *Panel) changeHook(ctx context.Context, in *changeHookInput) (*tagged[hookBody], error) {
	h, secret, err := p.o.Accounts.ChangeHook(ctx, actor(ctx), in.ID, in.Hook, in.Body.change())
	return p.replyHook(ctx, h, secret, err)
}

func (p *Panel) deleteHook(ctx context.Context, in *OneHook) (*nothing, error) {
	return nil, p.o.Accounts.DeleteHook(ctx, actor(ctx), in.ID, in.Hook)
}

type hookSecretBody struct {
	Secret string `json:"secret" doc:"Shown once"`
}

func (p *Panel) rotateHook(ctx context.Context, in *OneHook) (*answer[hookSecretBody], error) {
	secret, err := p.o.Accounts.RotateHook(ctx, actor(ctx), in.ID, in.Hook)
	return reply(hookSecretBody{secret}), err
}

func (p *Panel) listHookReaders(ctx context.Context, in *WithID) (*answer[page[string]], error) {
	list, err := p.o.Accounts.InstancePeople(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, func(s string) string { return s })), err
}
