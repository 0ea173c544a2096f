package panel

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
	"tsunagi/internal/topic"
)

type subscribeInput struct {
	WithID
	Filter string `query:"filter" maxLength:"65535" doc:"Topic filter; empty: #. Who connects again gets the retained messages first and what comes from then on: messages have no ids, and Last-Event-ID means nothing"`
}

type heardBody struct {
	Topic    string `json:"topic"`
	Payload  string `json:"payload"`
	Encoding string `json:"encoding"` // text or base64
	QoS      byte   `json:"qos"`
	Retain   bool   `json:"retain"`
}

// subscribe sends messages as server-sent events, until the caller leaves, the session or token ends, or the instance
// is restarted. Clients of server-sent events connect again by themselves then.
func (p *Panel) subscribe(ctx context.Context, in *subscribeInput) (*huma.StreamResponse, error) {
	by := actor(ctx)
	return openStream(ctx, p, in, p.sendMessages, func(instance, filter string) (Following, error) {
		from, err := p.o.Brokers.Follow(ctx, instance, filter, by.Remote)
		if refused, ok := errors.AsType[*Refused](err); ok {
			return nil, &account.Error{Code: account.Limit, Key: "api.topic.unsubscribed", Args: []any{"cause", refused.Cause}}
		}
		return from, err
	})
}

// openStream opens what comes from an instance, and has it sent until the stream ends. A stream takes one of the places
// that its account has.
func openStream[F interface{ Close() }](ctx context.Context, p *Panel, in *subscribeInput, send func(context.Context, http.ResponseWriter, account.Actor, string, F),
	open func(instance, filter string) (F, error)) (*huma.StreamResponse, error) {
	by := actor(ctx)
	i, err := p.o.Accounts.Instance(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	filter, err := wantFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	if !by.MayListen(filter) {
		return nil, &failure{status: http.StatusForbidden, key: "api.token.filter"}
	}
	if err := p.mayCome(ctx, i.ID); err != nil {
		return nil, err
	}
	if !p.streams.enter(by.Account.ID) {
		return nil, &account.Error{Code: account.RateLimited, Key: "api.topic.streams", Args: []any{"limit", streamsOfOne}, Wait: streamPulse}
	}
	from, err := open(i.ID, filter)
	if err != nil {
		p.streams.leave(by.Account.ID)
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer p.streams.leave(by.Account.ID)
		defer from.Close()
		_, w := humago.Unwrap(c)
		send(ctx, w, by, i.ID, from)
	}}, nil
}

func (p *Panel) sendMessages(ctx context.Context, w http.ResponseWriter, by account.Actor, instance string, from Following) {
	begin := func(send sender) bool { return send(": messages of %s\n\n", instance) }
	follow(ctx, p, w, by, instance, begin, from.Ready, func(send sender) bool {
		list, err := from.Take()
		for _, m := range list {
			if !send("data: %s\n\n", showHeard(m)) {
				return false
			}
		}
		return err == nil
	})
}

// sender writes to an event stream; false: the peer is gone.
type sender = func(format string, args ...any) bool

// follow sends what there is each time that ready says so, until somebody ends it or by may no longer see the instance.
func follow[T any](ctx context.Context, p *Panel, w http.ResponseWriter, by account.Actor, instance string, begin sending, ready func() <-chan T, next sending) {
	ended, forget := p.o.Accounts.ActorEnd(by)
	defer forget()
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	send := eventStream(w)
	ok := p.mayFollow(ctx, by, instance) && begin(send) // it may have ended before ActorEnd was asked
	for ok {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-p.stopping:
			return
		case <-ready():
			ok = next(send)
		case <-pulse.C:
			ok = p.mayFollow(ctx, by, instance) && p.mayCome(ctx, instance) == nil && send(": still here\n\n")
		}
	}
}

// sending sends what is there; false: the stream is to end.
type sending func(send sender) bool

func showHeard(m Heard) []byte {
	b := heardBody{m.Topic, string(m.Payload), "text", m.QoS, m.Retain}
	if !utf8.Valid(m.Payload) {
		b.Payload, b.Encoding = base64.StdEncoding.EncodeToString(m.Payload), "base64"
	}
	raw, _ := json.Marshal(b) // of strings and numbers: can't fail
	return raw
}

type retainedOutput struct {
	ContentType string `header:"Content-Type"`
	QoS         string `header:"Mqtt-Qos" doc:"QoS that it was published with"`
	Body        []byte
}

// getRetained answers the payload itself, for devices that want one value. The type is chosen so that no browser runs it.
func (p *Panel) getRetained(ctx context.Context, in *struct {
	WithID
	Topic string `query:"topic" required:"true" maxLength:"65535" example:"home/lamp" doc:"Without wildcards"`
}) (*retainedOutput, error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	if err := p.mayCome(ctx, i.ID); err != nil {
		return nil, err
	}
	if topic.CheckName(in.Topic) != nil {
		return nil, &account.Error{Code: account.Invalid, Key: "api.topic.name", Field: "topic"}
	}
	if !actor(ctx).MayListen(in.Topic) {
		return nil, &failure{status: http.StatusForbidden, key: "api.token.topic"}
	}
	found, err := p.o.Brokers.Retained(i.ID, RetainedQuery{Filter: in.Topic, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Topic != in.Topic {
		return nil, &account.Error{Code: account.NotFound, Key: "api.topic.empty"}
	}
	out := &retainedOutput{ContentType: "application/octet-stream", QoS: strconv.Itoa(int(found[0].QoS)), Body: found[0].Payload}
	if utf8.Valid(out.Body) {
		out.ContentType = "text/plain; charset=utf-8"
	}
	return out, nil
}
