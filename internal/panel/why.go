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
		From   string `json:"from,omitempty" maxLength:"64" doc:"Address that the client comes from, for address rules and bans; empty: that of its connection. To connect it may stand alone"`
	}
}

type whyBody struct {
	Works bool              `json:"works" doc:"Every gate lets it through"`
	Steps []whyStep         `json:"steps" doc:"The gates in order, up to the one where it stops"`
	Seen  []account.LogLine `json:"seen" doc:"What the log says of the same client or user, newest first"`
}

// whyStep is one gate's answer.
type whyStep struct {
	Gate string `json:"gate" enum:"listener,tls,address,limits,login,ban,acl,subscription,queue,session"`
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
	from     string            // address that the client comes from; "" when not known
	seen     []account.LogLine // of the same client, user or address, newest first
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
	if err := a.readLog(ctx); err != nil {
		return nil, err
	}
	works := true
	for _, gate := range []func(context.Context) (bool, error){a.listener, a.tls, a.address, a.limits, a.login, a.ban, a.acl, a.subscription, a.queue, a.standing} {
		if works, err = gate(ctx); err != nil {
			return nil, err
		}
		if !works {
			break
		}
	}
	return reply(whyBody{Works: works, Steps: a.steps, Seen: append([]account.LogLine{}, a.seen[:min(len(a.seen), 5)]...)}), nil
}

// whyLines is how many lines of the log are looked at.
const whyLines = 20

// readLog finds what the log says of the client, the user or the address.
func (a *asking) readLog(ctx context.Context) error {
	word := cmp.Or(a.in.Body.Client, a.user, a.in.Body.From)
	seen, err := a.p.o.Journal.Read(ctx, account.LogQuery{Instance: a.instance.ID, Contains: word, Limit: whyLines})
	a.seen = seen.Lines
	return err
}

func (a *asking) judgeInput() error {
	b := a.in.Body
	switch {
	case b.From != "" && hostAddress(b.From) == "":
		return &account.Error{Code: account.Invalid, Key: "api.address.one", Field: "from"}
	case b.Client == "" && a.user == "" && (b.From == "" || b.Action != "connect"):
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

// findSession looks for the session of the client, or one of the user's, and where the client comes from.
func (a *asking) findSession() {
	a.from = hostAddress(a.in.Body.From)
	if a.in.Body.Client == "" && a.user == "" {
		return
	}
	s, ok := a.p.o.Brokers.Session(a.instance.ID, a.in.Body.Client, a.user)
	if !ok {
		return
	}
	a.session = &s
	if a.from == "" && s.Connected {
		a.from = hostAddress(s.Remote)
	}
	if a.user == "" {
		a.user = s.User
	}
}

// say adds a gate's answer and gives ok back.
func (a *asking) say(gate string, ok bool, rule, fix, key string, args ...any) bool {
	a.steps = append(a.steps, whyStep{gate, ok, a.p.o.Text(a.language, key, args...), rule, fix})
	return ok
}
