package panel

import (
	"context"
	"strings"
	"time"
)

// Loss is what one session has lost.
type Loss struct {
	ClientID string
	User     string
	Gone     bool // the session has ended
	Causes   []LossCause
}

// LossCause is one cause, by the name that package stats gives it.
type LossCause struct {
	Cause string
	Count uint64
	Last  time.Time
}

// Fight is a client id that is fought for.
type Fight struct {
	ClientID  string    `json:"client_id"`
	Users     []string  `json:"users" doc:"Who log in with it"`
	Addresses []string  `json:"addresses" doc:"From which; one alone: clients behind the same address, or one that begins anew without closing its connection"`
	Takeovers int       `json:"takeovers" doc:"In a row, each less than a minute after the one before"`
	Since     time.Time `json:"since"`
	Last      time.Time `json:"last"`
}

type lossBody struct {
	ClientID string          `json:"client_id"`
	User     string          `json:"user"`
	Gone     bool            `json:"gone" doc:"The session has ended"`
	Total    uint64          `json:"total" doc:"Messages"`
	Causes   []lossCauseBody `json:"causes"`
}

type lossCauseBody struct {
	Cause   string    `json:"cause" enum:"away,slow,queue_messages,queue_bytes,too_large,expired,session_ended,denied"`
	Count   uint64    `json:"count"`
	Last    time.Time `json:"last" doc:"Time of the newest, nearly"`
	Text    string    `json:"text" doc:"What happened, in the language of the request"`
	Keep    string    `json:"keep" doc:"What would have kept the messages, in the language of the request"`
	Setting string    `json:"setting" doc:"The setting in question: of the plan (plan.…), of the client (connect.…), of the message (publish.…) or the rules"`
	Fix     string    `json:"fix,omitempty" doc:"Page of the panel, below the instance, where it is changed"`
}

// lossKind is what there is to say about a cause: the setting that decides, where it is changed, what happened, and
// what would have kept the message.
type lossKind struct{ setting, fix, text, keep string }

var lossKinds = map[string]lossKind{
	"away":           {"publish.qos", "", "api.loss.away", "api.loss.away.keep"},
	"slow":           {"publish.qos", "", "api.loss.slow", "api.loss.slow.keep"},
	"queue_messages": {"plan.queue_messages", "/statistics", "api.loss.queue_messages", "api.loss.queue.keep"},
	"queue_bytes":    {"plan.queue_bytes", "/statistics", "api.loss.queue_bytes", "api.loss.queue.keep"},
	"too_large":      {"connect.maximum_packet_size", "", "api.loss.too_large", "api.loss.too_large.keep"},
	"expired":        {"publish.message_expiry", "", "api.loss.expired", "api.loss.expired.keep"},
	"session_ended":  {"connect.session_expiry", "", "api.loss.session_ended", "api.loss.session_ended.keep"},
	"denied":         {"rules", "/users/", "api.loss.denied", "api.loss.denied.keep"},
}

type listLossesInput struct {
	WithID
	Query string `query:"query" maxLength:"256" doc:"Part of the client id or user"`
	Limit int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

func (p *Panel) listLosses(ctx context.Context, in *listLossesInput) (*answer[page[lossBody]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	limit := in.Limit
	if limit == 0 {
		limit = 100
	}
	language := requestOf(ctx).language
	out := page[lossBody]{Items: []lossBody{}}
	for _, l := range p.o.Brokers.Losses(i.ID) {
		if !strings.Contains(l.ClientID, in.Query) && !strings.Contains(l.User, in.Query) {
			continue
		}
		if out.Total++; out.Total <= limit {
			out.Items = append(out.Items, p.showLoss(l, language))
		}
	}
	return reply(out), nil
}

func (p *Panel) showLoss(l Loss, language string) lossBody {
	out := lossBody{ClientID: l.ClientID, User: l.User, Gone: l.Gone, Causes: []lossCauseBody{}}
	for _, c := range l.Causes {
		k := lossKinds[c.Cause]
		if k.setting == "rules" {
			k.fix += l.User
		}
		out.Total += c.Count
		out.Causes = append(out.Causes, lossCauseBody{Cause: c.Cause, Count: c.Count, Last: c.Last.UTC(), Setting: k.setting, Fix: k.fix,
			Text: p.o.Text(language, k.text), Keep: p.o.Text(language, k.keep)})
	}
	return out
}

func (p *Panel) listFights(ctx context.Context, in *WithID) (*answer[page[Fight]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return reply(pageOf(p.o.Brokers.Fights(i.ID), func(f Fight) Fight { return f })), nil
}
