package panel

import (
	"context"

	"tsunagi/internal/account"
	"tsunagi/internal/topic"
)

func (a *asking) listener(context.Context) (bool, error) {
	e := a.p.o.Endpoints
	return a.say("listener", true, "", "", "api.why.listener", "server", e.Server, "port", e.SSLPort, "ws", e.WebSocketPort), nil
}

func (a *asking) login(ctx context.Context) (bool, error) {
	if a.user == "" && a.in.Body.Client == "" {
		return a.say("login", true, "", "", "api.why.any_user"), nil
	}
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
	if a.session != nil && a.session.Connected && a.session.User == a.user {
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
