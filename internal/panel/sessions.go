package panel

import (
	"context"
	"strings"

	"tsunagi/internal/account"
)

type listClientsInput struct {
	WithID
	Query string `query:"query" maxLength:"256" doc:"Part of the client id or user"`
	After string `query:"cursor" maxLength:"65535" doc:"Client ids above this one"`
	Limit int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

func (p *Panel) listClientSessions(ctx context.Context, in *listClientsInput) (*answer[page[Session]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	limit := account.PageSize(in.Limit)
	out := page[Session]{Items: []Session{}}
	for _, s := range p.o.Brokers.Sessions(i.ID) {
		if !strings.Contains(s.ClientID, in.Query) && !strings.Contains(s.User, in.Query) {
			continue
		}
		out.Total++
		switch {
		case s.ClientID <= in.After && in.After != "":
		case len(out.Items) < limit:
			out.Items = append(out.Items, s)
		case out.Next == "":
			out.Next = out.Items[limit-1].ClientID
		}
	}
	return reply(out), nil
}

func (p *Panel) forgetSession(ctx context.Context, in *kickInput) (*nothing, error) {
	if err := p.o.Accounts.AuditInstance(ctx, actor(ctx), in.ID, "session.forget", in.ClientID); err != nil {
		return nil, err
	}
	if !p.o.Brokers.Forget(in.ID, in.ClientID) {
		return nil, &account.Error{Code: account.NotFound, Key: "api.client_gone"}
	}
	return nil, nil
}

func (p *Panel) restartInstance(ctx context.Context, in *WithID) (*nothing, error) {
	if err := p.o.Accounts.AuditInstance(ctx, actor(ctx), in.ID, "instance.restart", ""); err != nil {
		return nil, err
	}
	return nil, p.o.Brokers.Restart(ctx, in.ID)
}

func (p *Panel) resetInstance(ctx context.Context, in *WithID) (*nothing, error) {
	if err := p.o.Accounts.AuditInstance(ctx, actor(ctx), in.ID, "instance.reset", ""); err != nil {
		return nil, err
	}
	return nil, p.o.Brokers.Reset(ctx, in.ID)
}
