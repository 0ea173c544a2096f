package panel

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
	"tsunagi/internal/roster"
)

// getUsersCSV sends all users with their rules while they are read, in pages.
func (p *Panel) getUsersCSV(ctx context.Context, in *WithID) (*huma.StreamResponse, error) {
	who := actor(ctx)
	rules, err := p.o.Accounts.Rules(ctx, who, in.ID, "")
	if err != nil {
		return nil, err
	}
	if !p.streams.enter(who.Account.ID) {
		return nil, &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: streamPulse}
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer p.streams.leave(who.Account.ID)
		_, w := humago.Unwrap(c)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="users-`+in.ID+`.csv"`)
		control := http.NewResponseController(w)
		table := roster.NewTable(patientWriter{w, control})
		if err := p.writeUsers(ctx, who, in.ID, rules, table, control); err != nil {
			if ctx.Err() == nil {
				p.o.Log.Warn("table of users broke off", "instance", in.ID, "error", err)
			}
			panic(http.ErrAbortHandler) // so that what has been sent isn't taken for whole
		}
	}}, nil
}

// writeUsers writes the rules for all users, then every user but the first, whom each instance has of its own.
func (p *Panel) writeUsers(ctx context.Context, who account.Actor, instance string, rules []account.Rule, table *roster.Table, control *http.ResponseController) error {
	of := map[string][]roster.Rule{}
	for _, r := range rules {
		of[r.User] = append(of[r.User], roster.Rule{Effect: string(r.Effect), Access: string(r.Access), Filter: r.Filter, QoSBelow: r.QoSBelow, NoRetain: r.NoRetain, ExpiresAt: r.ExpiresAt})
	}
	if len(of[""]) > 0 {
		table.User(roster.User{Connect: true}, of[""])
	}
	for q := (account.UserQuery{Instance: instance, Limit: 1000}); ; {
		page, err := p.o.Accounts.Users(ctx, who, q)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if !u.First {
				table.User(roster.User{Name: u.Name, Connect: u.Connect, Note: u.Note, ClientID: u.ClientID, ExpiresAt: u.ExpiresAt}, of[u.Name])
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
		_ = control.Flush() // the peer may be gone: the next write tells
	}
}

type deleteUsersInput struct {
	WithID
	Body struct {
		Names []string `json:"names" minItems:"1" maxItems:"1000" doc:"Each once"`
	}
}

type deletedUsersBody struct {
	Deleted int               `json:"deleted" doc:"Users that are gone"`
	Items   []deletedUserBody `json:"items" doc:"One for each name, in their order"`
}

type deletedUserBody struct {
	Name   string `json:"name"`
	Code   string `json:"code,omitempty" doc:"Of the problem, where the user stays; as in problems"`
	Detail string `json:"detail,omitempty" doc:"In the language of the request"`
}

// deleteUsers deletes all that can be deleted; why others stay stands in the answer.
func (p *Panel) deleteUsers(ctx context.Context, in *deleteUsersInput) (*answer[deletedUsersBody], error) {
	faults, err := p.o.Accounts.DeleteUsers(ctx, actor(ctx), in.ID, in.Body.Names)
	if err != nil {
		return nil, err
	}
	out := deletedUsersBody{Items: make([]deletedUserBody, 0, len(in.Body.Names))}
	for n, name := range in.Body.Names {
		item := deletedUserBody{Name: name}
		if faults[n] != nil {
			problem := p.problem(ctx, faults[n])
			item.Code, item.Detail = problem.Code, problem.Detail
		} else {
			out.Deleted++
		}
		out.Items = append(out.Items, item)
	}
	return reply(out), nil
}
