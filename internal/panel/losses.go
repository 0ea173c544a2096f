package panel

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/account"
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
	Query  string `query:"query" maxLength:"256" doc:"Part of the client id or user"`
	Cursor string `query:"cursor" maxLength:"65600" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

// lossMark is a place in the list of losses, which has the largest first.
type lossMark struct {
	total  uint64
	client string
	gone   bool
}

func (l *Loss) mark() lossMark {
	m := lossMark{client: l.ClientID, gone: l.Gone}
	for _, c := range l.Causes {
		m.total += c.Count
	}
	return m
}

func (m lossMark) compare(o lossMark) int {
	if m.gone != o.gone && m.total == o.total && m.client == o.client { // the session that ended, and the one after it
		if m.gone {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(o.total, m.total), cmp.Compare(m.client, o.client))
}

// String is the mark as a cursor.
func (m lossMark) String() string { return fmt.Sprintf("%d:%t:%s", m.total, m.gone, m.client) }

func readLossMark(cursor string) (m lossMark, err error) {
	part := strings.SplitN(cursor, ":", 3)
	if len(part) == 3 {
		m.client = part[2]
		if m.gone, err = strconv.ParseBool(part[1]); err == nil {
			m.total, err = strconv.ParseUint(part[0], 10, 64)
		}
	}
	if len(part) != 3 || err != nil {
		return m, &account.Error{Code: account.Invalid, Key: "api.cursor", Field: "cursor"}
	}
	return m, nil
}

func (p *Panel) listLosses(ctx context.Context, in *listLossesInput) (*answer[page[lossBody]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	var after *lossMark
	if in.Cursor != "" {
		m, err := readLossMark(in.Cursor)
		if err != nil {
			return nil, err
		}
		after = &m
	}
	limit, language := account.PageSize(in.Limit), requestOf(ctx).language
	out := page[lossBody]{Items: []lossBody{}}
	list := p.o.Brokers.Losses(i.ID)
	slices.SortFunc(list, func(x, y Loss) int { return x.mark().compare(y.mark()) })
	var last lossMark
	for _, l := range list {
		if !strings.Contains(l.ClientID, in.Query) && !strings.Contains(l.User, in.Query) {
			continue
		}
		out.Total++
		if after != nil && l.mark().compare(*after) <= 0 {
			continue
		}
		if len(out.Items) == limit {
			out.Next = last.String()
			continue
		}
		out.Items, last = append(out.Items, p.showLoss(l, language)), l.mark()
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
