package panel

import (
	"context"
	"encoding/base64"
	"unicode/utf8"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/topic"
)

// shownPayload is how much of a payload a list shows, in bytes.
const shownPayload = 4096

type retainedBody struct {
	Topic     string `json:"topic"`
	Payload   string `json:"payload" doc:"The first 4096 bytes"`
	Encoding  string `json:"encoding" enum:"text,base64"`
	Size      int    `json:"size" doc:"Bytes of the whole payload"`
	QoS       byte   `json:"qos"`
	Publisher string `json:"publisher,omitempty" doc:"Client id that published it"`
	User      string `json:"user,omitempty"`
	ExpiresIn uint32 `json:"expires_in,omitempty" doc:"Seconds; absent: never"`
	Command   bool   `json:"command,omitempty" doc:"Its topic looks like one for commands (its last level is set, cmd or command): whoever subscribes later carries it out again"`
}

type listRetainedInput struct {
	WithID
	Filter string `query:"filter" maxLength:"65535" doc:"Topic filter; empty: #"`
	Query  string `query:"query" maxLength:"256" doc:"Part of the topic"`
	After  string `query:"cursor" maxLength:"65535" doc:"Topics behind this one"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

func (p *Panel) listRetained(ctx context.Context, in *listRetainedInput) (*answer[page[retainedBody]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	filter, err := wantFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	limit := account.PageSize(in.Limit)
	found, err := p.o.Brokers.Retained(i.ID, RetainedQuery{Filter: filter, Contains: in.Query, After: in.After, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := pageOf(found, showRetained)
	if len(found) == limit {
		out.Next = found[limit-1].Topic
	}
	if out.Total, err = p.o.Brokers.CountRetained(i.ID, filter); err != nil {
		return nil, err
	}
	return reply(out), nil
}

func showRetained(m Retained) retainedBody {
	out := retainedBody{Topic: m.Topic, Size: len(m.Payload), QoS: m.QoS, Publisher: m.Publisher, User: m.User, ExpiresIn: m.ExpiresIn, Command: broker.Command(m.Topic)}
	part := m.Payload[:min(len(m.Payload), shownPayload)]
	for cut := 0; cut < 4 && len(part) > 0 && len(part) < len(m.Payload) && !utf8.Valid(part); cut++ {
		part = part[:len(part)-1] // not through the middle of a character
	}
	if out.Payload, out.Encoding = string(part), "text"; !utf8.Valid(part) {
		out.Payload, out.Encoding = base64.StdEncoding.EncodeToString(m.Payload[:min(len(m.Payload), shownPayload)]), "base64"
	}
	return out
}

// wantFilter judges a filter of a request; "" means all.
func wantFilter(filter string) (string, error) {
	if filter == "" {
		return "#", nil
	}
	if f, err := topic.ParseFilter(filter); err != nil || f.Share != "" {
		return "", &account.Error{Code: account.Invalid, Key: "api.topic.filter", Field: "filter"}
	}
	return filter, nil
}

type clearInput struct {
	WithID
	Body struct {
		Filter string `json:"filter" minLength:"1" maxLength:"65535" doc:"Topic, or filter for a subtree"`
		DryRun bool   `json:"dry_run,omitempty" doc:"Only count"`
	}
}

type clearedBody struct {
	Count int  `json:"count" doc:"Messages that were deleted, or would be"`
	More  bool `json:"more" doc:"More are left: at most 10,000 are deleted at once"`
}

func (p *Panel) clearRetained(ctx context.Context, in *clearInput) (*answer[clearedBody], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	filter, err := wantFilter(in.Body.Filter)
	if err != nil {
		return nil, err
	}
	if in.Body.DryRun {
		n, err := p.o.Brokers.CountRetained(i.ID, filter)
		return reply(clearedBody{n, n > 10_000}), err
	}
	if err := p.o.Accounts.AuditInstance(ctx, actor(ctx), i.ID, "retained.clear", filter); err != nil {
		return nil, err
	}
	n, err := p.o.Brokers.ClearRetained(ctx, i.ID, filter)
	if err != nil {
		return nil, err
	}
	left, err := p.o.Brokers.CountRetained(i.ID, filter)
	return reply(clearedBody{n, left > 0}), err
}
