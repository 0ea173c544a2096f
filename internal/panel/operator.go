package panel

import (
	"context"
	"strconv"
	"time"

	"tsunagi/internal/account"
)

// StandingBody is an account as the operator sees it.
type StandingBody struct {
	ID            string         `json:"id"`
	Name          string         `json:"name" doc:"Of the team, or the person's e-mail"`
	Kind          string         `json:"kind" enum:"owner,member,team" doc:"owner: a person who runs the server; member: any other; team: an account of several"`
	Plan          string         `json:"plan" doc:"Empty: the default plan"`
	CreatedAt     time.Time      `json:"created_at"`
	SeenAt        *time.Time     `json:"seen_at,omitempty" doc:"Last use by a browser that is signed in"`
	Suspended     *suspendedBody `json:"suspended,omitempty"`
	InstanceLimit int            `json:"instance_limit" doc:"In all plans together; 0: as the settings say"`
	Owners        []string       `json:"owners,omitempty" doc:"E-mails of a team's owners"`
	Members       int            `json:"members,omitempty" doc:"Of a team"`
	Usage         usageBody      `json:"usage"`
}

// usageBody sums up all instances of an account.
type usageBody struct {
	Instances   int    `json:"instances"`
	FlowServers int    `json:"flow_servers"`
	Devices     int    `json:"devices"`
	Connections int    `json:"connections" doc:"Clients that are connected now"`
	Sessions    int    `json:"sessions" doc:"Clients that are away included"`
	Retained    int    `json:"retained" doc:"Retained messages"`
	MessagesIn  uint64 `json:"messages_in" doc:"Since the brokers were started"`
	MessagesOut uint64 `json:"messages_out" doc:"Since the brokers were started"`
}

func (p *Panel) showStanding(s account.Standing) StandingBody {
	a := s.Account
	out := StandingBody{ID: a.ID, Name: a.Title(), Kind: string(a.Role), Plan: a.Plan, CreatedAt: a.CreatedAt, SeenAt: moment(s.SeenAt), Suspended: suspension(a),
		InstanceLimit: a.Instances, Owners: s.People, Members: s.Members}
	u := &out.Usage
	u.Instances, u.FlowServers, u.Devices = len(s.Instances), s.FlowServers, s.Devices
	for _, in := range s.Instances {
		n := p.o.Brokers.Stats(in.ID)
		u.Connections += n.Connections
		u.Sessions += n.Sessions
		u.Retained += n.Retained
		u.MessagesIn += n.MessagesIn
		u.MessagesOut += n.MessagesOut
	}
	return out
}

func (p *Panel) listAccounts(ctx context.Context, in *struct {
	Query  string `query:"query" maxLength:"256" doc:"Part of name, e-mail or id"`
	Cursor string `query:"cursor" maxLength:"16" pattern:"^[0-9]*$" doc:"From the answer before"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}) (*answer[page[StandingBody]], error) {
	skip, _ := strconv.Atoi(in.Cursor) // the pattern lets digits in and no more; too many of them are past the end
	list, total, err := p.o.Accounts.Standings(ctx, actor(ctx), account.AccountQuery{Contains: in.Query, Skip: skip, Limit: in.Limit})
	out := pageOf(list, p.showStanding)
	out.Total = total
	if next := skip + len(list); len(list) > 0 && next < total {
		out.Next = strconv.Itoa(next)
	}
	return reply(out), err
}

type standingDetails struct {
	StandingBody
	Instances []standingInstance `json:"instances"`
}

type standingInstance struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Plan      string    `json:"plan"`
	CreatedAt time.Time `json:"created_at"`
	Stats     Stats     `json:"stats"`
}

func (p *Panel) getAccount(ctx context.Context, in *WithID) (*tagged[standingDetails], error) {
	s, err := p.o.Accounts.Standing(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	out := standingDetails{p.showStanding(s), []standingInstance{}}
	for _, i := range s.Instances {
		n := p.o.Brokers.Stats(i.ID)
		n.ConnectionLimit = p.o.Accounts.Plan(i.Plan).Connections
		out.Instances = append(out.Instances, standingInstance{i.ID, i.Name, i.Plan, i.CreatedAt, n})
	}
	return tag(p, s.Account, out), nil
}

// standing answers with an account as it is after a change.
func (p *Panel) standing(ctx context.Context, id string, err error) (*tagged[standingDetails], error) {
	if err != nil {
		return nil, err
	}
	return p.getAccount(ctx, &WithID{id})
}

func (p *Panel) changeAnyAccount(ctx context.Context, in *struct {
	WithID
	Body struct {
		Plan          *string `json:"plan,omitempty" maxLength:"64" doc:"Bounds flow servers, and may then be chosen for instances though it isn't on offer; empty: the default plan"`
		InstanceLimit *int    `json:"instance_limit,omitempty" minimum:"0" maximum:"1000000" doc:"0: as the settings say"`
	}
}) (*tagged[standingDetails], error) {
	_, err := p.o.Accounts.ChangeAccount(ctx, actor(ctx), in.ID, account.AccountChange{Plan: in.Body.Plan, Instances: in.Body.InstanceLimit})
	return p.standing(ctx, in.ID, err)
}

func (p *Panel) suspendAccount(ctx context.Context, in *struct {
	WithID
	Body struct {
		Why string `json:"why" maxLength:"1024" doc:"Told to the account's people and to clients that are refused"`
	}
}) (*tagged[standingDetails], error) {
	_, err := p.o.Accounts.Suspend(ctx, actor(ctx), in.ID, in.Body.Why)
	return p.standing(ctx, in.ID, err)
}

func (p *Panel) resumeAccount(ctx context.Context, in *WithID) (*tagged[standingDetails], error) {
	_, err := p.o.Accounts.Resume(ctx, actor(ctx), in.ID)
	return p.standing(ctx, in.ID, err)
}

func (p *Panel) deleteAccount(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.DeleteAccount(ctx, actor(ctx), in.ID)
}
