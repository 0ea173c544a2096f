package panel

import (
	"cmp"
	"context"
	"strings"

	"tsunagi/internal/account"
	"tsunagi/internal/topic"
)

type whyInput struct {
	WithID
	Body struct {
		Client string `json:"client,omitempty" maxLength:"65535" doc:"Client id; with it the user may be left out"`
		User   string `json:"user,omitempty" maxLength:"256" doc:"MQTT user, without the instance"`
		Action string `json:"action" enum:"connect,publish,subscribe,receive"`
		Topic  string `json:"topic,omitempty" maxLength:"65535" doc:"Topic, or the filter to subscribe to"`
		QoS    int    `json:"qos,omitempty" minimum:"0" maximum:"2" doc:"Of a publish"`
		Retain bool   `json:"retain,omitempty" doc:"Of a publish"`
	}
}

type whyBody struct {
	Works bool              `json:"works" doc:"Every gate lets it through"`
	Steps []whyStep         `json:"steps" doc:"The gates in order, up to the one where it stops"`
	Seen  []account.LogLine `json:"seen" doc:"What the log says of the same client or user, newest first"`
}

// whyStep is one gate's answer.
type whyStep struct {
	Gate string `json:"gate" enum:"listener,login,limits,acl,subscription,queue"`
	OK   bool   `json:"ok"`
	Text string `json:"text" doc:"The answer in the language of the request"`
	Rule string `json:"rule,omitempty" doc:"The rule or setting that decided"`
	Fix  string `json:"fix,omitempty" doc:"Page of the panel, below the instance, where it is changed"`
}

// asking is one question to why, with what has been found out so far.
type asking struct {
	p        *Panel
	language string
	instance account.Instance
	in       whyInput
	user     string
	session  *Session
	steps    []whyStep
}

// why walks the gates that a packet passes, in the same order and by the same rules, and stops where one says no.
func (p *Panel) why(ctx context.Context, in *whyInput) (*answer[whyBody], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	a := &asking{p: p, language: requestOf(ctx).language, instance: i, in: *in, user: strings.TrimPrefix(in.Body.User, i.ID+":")}
	if err := a.judgeInput(); err != nil {
		return nil, err
	}
	a.findSession()
	works := true
	for _, gate := range []func(context.Context) (bool, error){a.listener, a.login, a.limits, a.acl, a.subscription, a.queue} {
		if works, err = gate(ctx); err != nil {
			return nil, err
		}
		if !works {
			break
		}
	}
	out := whyBody{Works: works, Steps: a.steps, Seen: []account.LogLine{}}
	if word := cmp.Or(in.Body.Client, a.user); word != "" {
		seen, err := p.o.Journal.Read(ctx, account.LogQuery{Instance: i.ID, Contains: word, Limit: 5})
		if err != nil {
			return nil, err
		}
		out.Seen = seen.Lines
	}
	return reply(out), nil
}

func (a *asking) judgeInput() error {
	b := a.in.Body
	switch {
	case b.Client == "" && a.user == "":
		return &account.Error{Code: account.Invalid, Key: "api.why.who", Field: "user"}
	case b.Action == "connect":
		return nil
	case b.Action == "subscribe":
		if _, err := topic.ParseFilter(b.Topic); err != nil {
			return &account.Error{Code: account.Invalid, Key: "api.topic.filter", Field: "topic"}
		}
	case topic.CheckName(b.Topic) != nil:
		return &account.Error{Code: account.Invalid, Key: "api.topic.name", Field: "topic"}
	}
	return nil
}

// findSession looks for the session of the client, or one of the user's.
func (a *asking) findSession() {
	s, ok := a.p.o.Brokers.Session(a.instance.ID, a.in.Body.Client, a.user)
	if !ok {
		return
	}
	a.session = &s
	if a.user == "" {
		a.user = s.User
	}
}

// say adds a gate's answer and gives ok back.
func (a *asking) say(gate string, ok bool, rule, fix, key string, args ...any) bool {
	a.steps = append(a.steps, whyStep{gate, ok, a.p.o.Text(a.language, key, args...), rule, fix})
	return ok
}

func (a *asking) listener(context.Context) (bool, error) {
	e := a.p.o.Endpoints
	return a.say("listener", true, "", "", "api.why.listener", "server", e.Server, "port", e.SSLPort, "ws", e.WebSocketPort), nil
}

func (a *asking) login(ctx context.Context) (bool, error) {
	if a.user == "" {
		return a.say("login", false, "", "/connections", "api.why.no_session", "client", a.in.Body.Client), nil
	}
	_, connect, err := a.rights(ctx)
	if err != nil {
		return false, err
	}
	if connect == nil {
		return a.say("login", false, "", "/users", "api.why.no_user", "user", a.user), nil
	}
	fix := "/users/" + a.user
	if !*connect {
		return a.say("login", false, "connect", fix, "api.why.no_connect", "user", a.user), nil
	}
	if a.session != nil && a.session.Connected {
		return a.say("login", true, "", "", "api.why.connected", "user", a.user, "client", a.session.ClientID), nil
	}
	return a.say("login", true, "", fix, "api.why.login", "user", a.user, "login", a.loginName()), nil
}

func (a *asking) loginName() string {
	if a.user == a.instance.ID {
		return a.user
	}
	return a.instance.ID + ":" + a.user
}

// rights are the user's present rights; connect is nil where there is no such user.
func (a *asking) rights(ctx context.Context) (*account.Rights, *bool, error) {
	r, connect, err := a.p.o.Accounts.Directory().RightsOf(ctx, a.instance.ID, a.user)
	if err != nil || r == nil {
		return nil, nil, err
	}
	return r, &connect, nil
}

func (a *asking) limits(context.Context) (bool, error) {
	limit, used := a.p.o.Accounts.Plan(a.instance.Plan).Connections, a.p.o.Brokers.Stats(a.instance.ID).Connections
	switch connected := a.session != nil && a.session.Connected; {
	case limit == 0:
		return a.say("limits", true, "", "", "api.why.no_limit"), nil
	case used >= limit && !connected:
		return a.say("limits", false, "connections", "/connections", "api.why.full", "limit", limit, "used", used), nil
	}
	return a.say("limits", true, "connections", "", "api.why.room", "limit", limit, "used", used), nil
}

func (a *asking) acl(ctx context.Context) (bool, error) {
	b := a.in.Body
	if b.Action == "connect" {
		return true, nil
	}
	r, _, err := a.rights(ctx)
	if err != nil || r == nil {
		return false, err
	}
	client := b.Client
	if client == "" && a.session != nil {
		client = a.session.ClientID
	}
	verdict := r.MayReceive(b.Topic, client)
	switch b.Action {
	case "publish":
		verdict = r.MayPublish(b.Topic, client, byte(b.QoS), b.Retain)
	case "subscribe":
		filter, _ := topic.ParseFilter(b.Topic) // judged before
		verdict = r.MaySubscribe(filter.Full, client)
	}
	no, yes := "api.why.no_receive", "api.why.receive"
	switch b.Action {
	case "publish":
		no, yes = "api.why.no_publish", "api.why.publish"
	case "subscribe":
		no, yes = "api.why.no_subscribe", "api.why.subscribe"
	}
	key := yes
	if !verdict.Allowed {
		key = no
	}
	return a.say("acl", verdict.Allowed, verdict.Rule, "/users/"+a.user, key, "user", a.user, "topic", b.Topic), nil
}

func (a *asking) subscription(context.Context) (bool, error) {
	b := a.in.Body
	if b.Action != "receive" {
		return true, nil
	}
	if a.session == nil {
		return a.say("subscription", false, "", "/connections", "api.why.nobody", "user", a.user), nil
	}
	for _, s := range a.session.Subscriptions {
		f, err := topic.ParseFilter(s)
		if err != nil || !topic.Match(f.Filter, b.Topic) {
			continue
		}
		if f.Share != "" {
			return a.say("subscription", true, s, "", "api.why.shared", "filter", s, "group", f.Share), nil
		}
		return a.say("subscription", true, s, "", "api.why.matches", "filter", s), nil
	}
	return a.say("subscription", false, "", "/connections", "api.why.no_match", "client", a.session.ClientID, "count", len(a.session.Subscriptions)), nil
}

func (a *asking) queue(context.Context) (bool, error) {
	if a.in.Body.Action != "receive" || a.session == nil {
		return true, nil
	}
	s, plan := a.session, a.p.o.Accounts.Plan(a.instance.Plan)
	switch {
	case !s.Connected && s.Expiry == 0:
		return a.say("queue", false, "session expiry", "/connections", "api.why.away_clean", "client", s.ClientID), nil
	case plan.QueueMessages > 0 && s.Queue >= plan.QueueMessages:
		return a.say("queue", false, "queue_messages", "/connections", "api.why.queue_full", "count", s.Queue, "limit", plan.QueueMessages), nil
	case !s.Connected:
		return a.say("queue", true, "queue_messages", "/connections", "api.why.away", "client", s.ClientID, "count", s.Queue), nil
	case s.Dropped > 0:
		return a.say("queue", true, "", "/connections", "api.why.slow", "client", s.ClientID, "count", s.Dropped), nil
	}
	return a.say("queue", true, "", "/connections", "api.why.delivered", "client", s.ClientID, "count", s.Queue), nil
}
