package panel

import (
	"context"
	"errors"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/stats"
)

// Statistics are the numbers of instances over time, and how near they are to the limits of their plans. A
// *stats.Collector is one.
type Statistics interface {
	// History is in order; a step in which nothing happened has no point.
	History(ctx context.Context, instance string, step stats.Step, from time.Time) ([]stats.Point, error)
	Quotas(ctx context.Context, instance string) ([]stats.QuotaState, error)
}

type historyInput struct {
	WithID
	Step string    `query:"step" enum:"minute,hour" default:"minute" doc:"minute: of the last day; hour: of the last year"`
	From time.Time `query:"from" doc:"Points from this time on; empty: all that are kept"`
}

type historyBody struct {
	Step  int         `json:"step" doc:"Seconds that a point stands for"`
	From  time.Time   `json:"from" doc:"Beginning of what is kept or was asked for"`
	To    time.Time   `json:"to" doc:"Now; the last point may still grow"`
	Items []pointBody `json:"items" doc:"In order. A step in which nothing happened and nobody was connected has none"`
}

type pointBody struct {
	At             time.Time        `json:"at" doc:"Beginning of the step"`
	Connections    int64            `json:"connections" doc:"Most at a time, as all that isn't counted by arrival"`
	WebConnections int64            `json:"web_connections"`
	Sessions       int64            `json:"sessions"`
	Subscriptions  int64            `json:"subscriptions"`
	Retained       int64            `json:"retained"`
	RetainedBytes  int64            `json:"retained_bytes"`
	Queued         int64            `json:"queued" doc:"Messages that waited for clients"`
	QueuedBytes    int64            `json:"queued_bytes"`
	Connects       int64            `json:"connects" doc:"Logins within the step"`
	MessagesIn     int64            `json:"messages_in" doc:"Within the step, as all below"`
	MessagesOut    int64            `json:"messages_out"`
	BytesIn        int64            `json:"bytes_in" doc:"Of messages"`
	BytesOut       int64            `json:"bytes_out" doc:"Of messages"`
	Lost           map[string]int64 `json:"lost" doc:"Messages that did not arrive, by cause; causes without any are left out"`
}

func (p *Panel) getHistory(ctx context.Context, in *historyInput) (*answer[historyBody], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	step := stats.Minute
	if in.Step == "hour" {
		step = stats.Hour
	}
	now := time.Now().UTC().Truncate(time.Second)
	out := historyBody{Step: int(step), From: now.Add(-step.Kept()), To: now, Items: []pointBody{}}
	if in.From.After(out.From) {
		out.From = in.From.UTC()
	}
	if p.o.Statistics == nil {
		return reply(out), nil
	}
	list, err := p.o.Statistics.History(ctx, i.ID, step, out.From)
	for _, one := range list {
		out.Items = append(out.Items, showPoint(one))
	}
	return reply(out), err
}

func showPoint(s stats.Point) pointBody {
	out := pointBody{At: time.Unix(s.At, 0).UTC(), Connections: s.Connections, WebConnections: s.WebConnections, Sessions: s.Sessions,
		Subscriptions: s.Subscriptions, Retained: s.Retained, RetainedBytes: s.RetainedBytes, Queued: s.Queued, QueuedBytes: s.QueuedBytes,
		Connects: s.Connects, MessagesIn: s.MessagesIn, MessagesOut: s.MessagesOut, BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		Lost: map[string]int64{}}
	for cause, n := range s.Lost {
		if n > 0 {
			out.Lost[stats.Causes[cause]] = n
		}
	}
	return out
}

type quotaBody struct {
	Name  string     `json:"name" doc:"Setting of the plan"`
	Used  int64      `json:"used"`
	Limit int64      `json:"limit" doc:"0: none"`
	Bytes bool       `json:"bytes" doc:"Both are bytes"`
	Of    string     `json:"of,omitempty" doc:"Client id of the session that uses most, where the limit is one session's"`
	Level int        `json:"level" enum:"0,75,100" doc:"Percent that were reached and told the owner by mail; it falls when the use has been 10 points lower for ten minutes"`
	Since *time.Time `json:"since,omitempty" doc:"Of the level"`
}

func (p *Panel) listQuotas(ctx context.Context, in *WithID) (*answer[page[quotaBody]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	var list []stats.QuotaState
	if p.o.Statistics != nil {
		if list, err = p.o.Statistics.Quotas(ctx, i.ID); errors.Is(err, stats.ErrGone) {
			return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
		}
	}
	return reply(pageOf(list, func(q stats.QuotaState) quotaBody {
		out := quotaBody{Name: q.Name, Used: q.Used, Limit: q.Limit, Bytes: q.Bytes, Of: q.Of, Level: q.Level}
		if q.Level > 0 {
			out.Since = &q.Since
		}
		return out
	})), err
}
