package panel

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"tsunagi/internal/account"
)

// ClientsInput chooses a page of clients.
type ClientsInput struct {
	WithID
	Query  string `query:"query" maxLength:"256" doc:"Part of the client id, user or address; case is ignored"`
	Sort   string `query:"sort" enum:"client_id,-client_id,since,-since,queue,-queue,traffic,-traffic,lost,-lost" doc:"Order; with - the largest, or newest, first. traffic: bytes of messages in and out"`
	Cursor string `query:"cursor" maxLength:"65600" doc:"next of the page before, in the same order"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

// question reads what is asked for, in the order usual where none is named.
func (in *ClientsInput) question(usual string) (ClientQuery, error) {
	q := ClientQuery{Contains: in.Query, Limit: account.PageSize(in.Limit)}
	q.Sort, q.Down = strings.CutPrefix(cmp.Or(in.Sort, usual), "-")
	if in.Cursor == "" {
		return q, nil
	}
	q.After = &ClientMark{ID: in.Cursor}
	if q.Sort == "client_id" {
		return q, nil
	}
	number, id, ok := strings.Cut(in.Cursor, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return q, &account.Error{Code: account.Invalid, Key: "api.cursor", Field: "cursor"}
	}
	q.After = &ClientMark{N: n, ID: id}
	return q, nil
}

// clientPage shows a page. Its cursor is a client id, behind what the list is ordered by where that is something else.
func clientPage[T any](q ClientQuery, c Clients[T]) *answer[page[T]] {
	out := pageOf(c.Items, func(one T) T { return one })
	out.Total = c.Total
	if c.Next != nil {
		if out.Next = c.Next.ID; q.Sort != "client_id" {
			out.Next = fmt.Sprint(c.Next.N, ":", c.Next.ID)
		}
	}
	return reply(out)
}

func (p *Panel) listConnections(ctx context.Context, in *ClientsInput) (*answer[page[Connection]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	q, err := in.question("since")
	if err != nil {
		return nil, err
	}
	return clientPage(q, p.o.Brokers.Connections(i.ID, q)), nil
}

type listClientsInput struct {
	ClientsInput
	State string `query:"state" enum:"connected,away" doc:"Only sessions of clients that are connected, or away"`
}

func (p *Panel) listClientSessions(ctx context.Context, in *listClientsInput) (*answer[page[Session]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	q, err := in.question("client_id")
	if err != nil {
		return nil, err
	}
	q.State = in.State
	return clientPage(q, p.o.Brokers.Sessions(i.ID, q)), nil
}

func (p *Panel) getClientSession(ctx context.Context, in *kickInput) (*answer[Session], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	s, ok := p.o.Brokers.Session(i.ID, in.ClientID, "")
	if !ok {
		return nil, &account.Error{Code: account.NotFound, Key: "api.client_gone"}
	}
	return reply(s), nil
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
