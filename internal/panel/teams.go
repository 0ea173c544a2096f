package panel

import (
	"context"
	"net/url"
	"time"

	"tsunagi/internal/account"
)

type teamBody struct {
	ID        string         `json:"id"`
	Name      string         `json:"name" doc:"Of the team, or the person's e-mail"`
	Own       bool           `json:"own" doc:"The person's own account, which nobody else uses"`
	Role      string         `json:"role" enum:"owner,member,viewer,dashboard"`
	Plan      string         `json:"plan" doc:"Plan of the account"`
	ETag      string         `json:"etag" doc:"Version of the account, for If-Match"`
	Suspended *suspendedBody `json:"suspended,omitempty" doc:"Set while the operator has stopped everything of it"`
}

type suspendedBody struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

func (p *Panel) showTeam(t account.InTeam) teamBody {
	return teamBody{t.Account.ID, t.Account.Title(), t.Account.Role != account.RoleTeam, string(t.Role), t.Account.Plan, p.etag(t.Account), suspension(t.Account)}
}

func suspension(a account.Account) *suspendedBody {
	if a.SuspendedAt.IsZero() {
		return nil
	}
	return &suspendedBody{a.SuspendedAt, a.SuspendedWhy}
}

func (p *Panel) listTeams(ctx context.Context, _ *empty) (*answer[page[teamBody]], error) {
	list, err := p.o.Accounts.Teams(ctx, actor(ctx))
	return reply(pageOf(list, p.showTeam)), err
}

type teamInput struct {
	Body struct {
		Name string `json:"name" maxLength:"256"`
	}
}

func (p *Panel) createTeam(ctx context.Context, in *teamInput) (*answer[teamBody], error) {
	team, err := p.o.Accounts.CreateTeam(ctx, actor(ctx), in.Body.Name)
	return reply(p.showTeam(account.InTeam{Account: team, Role: account.TeamOwner})), err
}

func (p *Panel) switchTeam(ctx context.Context, in *struct {
	Body struct {
		Team string `json:"team" maxLength:"64" doc:"Id of a team; empty: the person's own account"`
	}
}) (*answer[sessionBody], error) {
	by, err := p.o.Accounts.SwitchTeam(ctx, actor(ctx), in.Body.Team)
	return reply(p.showSession(by)), err
}

func (p *Panel) renameTeam(ctx context.Context, in *teamInput) (*tagged[teamBody], error) {
	team, err := p.o.Accounts.RenameTeam(ctx, actor(ctx), in.Body.Name)
	return tag(p, team, p.showTeam(account.InTeam{Account: team, Role: actor(ctx).TeamRole})), err
}

func (p *Panel) deleteTeam(ctx context.Context, _ *empty) (*nothing, error) {
	return nil, p.o.Accounts.DeleteTeam(ctx, actor(ctx))
}

func (p *Panel) leaveTeam(ctx context.Context, _ *empty) (*nothing, error) {
	return nil, p.o.Accounts.LeaveTeam(ctx, actor(ctx))
}

type memberBody struct {
	ID    string    `json:"id"`
	Email string    `json:"email"`
	Role  string    `json:"role" enum:"owner,member,viewer,dashboard"`
	Since time.Time `json:"since"`
	You   bool      `json:"you"`
	ETag  string    `json:"etag,omitempty" doc:"Version of the role, for If-Match; none in a person's own account"`
}

func (p *Panel) listMembers(ctx context.Context, _ *empty) (*answer[page[memberBody]], error) {
	by := actor(ctx)
	list, err := p.o.Accounts.Members(ctx, by)
	return reply(pageOf(list, func(m account.Member) memberBody {
		out := memberBody{m.Person.ID, m.Person.Email, string(m.Role), m.Since, m.Person.ID == by.Account.ID, ""}
		if m.In.Team != "" {
			out.ETag = p.etag(m.In)
		}
		return out
	})), err
}

func (p *Panel) changeMember(ctx context.Context, in *struct {
	WithID
	Body struct {
		Role string `json:"role" enum:"owner,member,viewer,dashboard"`
	}
}) (*nothing, error) {
	return nil, p.o.Accounts.ChangeMember(ctx, actor(ctx), in.ID, account.TeamRole(in.Body.Role))
}

func (p *Panel) removeMember(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.RemoveMember(ctx, actor(ctx), in.ID)
}

type teamInvitationBody struct {
	ID        string    `json:"id"`
	Email     string    `json:"email,omitempty" doc:"Empty: a link for whoever has it"`
	Role      string    `json:"role" enum:"owner,member,viewer,dashboard"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Link      string    `json:"link,omitempty" doc:"Works once; only in the answer that made it, and only without an e-mail"`
}

func showTeamInvitation(i account.TeamInvitation) teamInvitationBody {
	return teamInvitationBody{i.ID, i.Email, string(i.Role), i.CreatedAt, i.ExpiresAt, ""}
}

func (p *Panel) listTeamInvitations(ctx context.Context, _ *empty) (*answer[page[teamInvitationBody]], error) {
	list, err := p.o.Accounts.TeamInvitations(ctx, actor(ctx))
	return reply(pageOf(list, showTeamInvitation)), err
}

func (p *Panel) inviteToTeam(ctx context.Context, in *struct {
	Body struct {
		Email string `json:"email,omitempty" maxLength:"254" doc:"Empty: a link to hand on, for somebody who has an account"`
		Role  string `json:"role" enum:"owner,member,viewer,dashboard"`
	}
}) (*answer[teamInvitationBody], error) {
	inv, token, err := p.o.Accounts.InviteToTeam(ctx, actor(ctx), account.NewTeamInvitation{Email: in.Body.Email, Role: account.TeamRole(in.Body.Role)})
	out := showTeamInvitation(inv)
	if token != "" && err == nil {
		out.Link = p.o.Endpoints.PanelURL + "/join-team#token=" + url.QueryEscape(token)
	}
	return reply(out), err
}

func (p *Panel) deleteTeamInvitation(ctx context.Context, in *WithID) (*nothing, error) {
	return nil, p.o.Accounts.DeleteTeamInvitation(ctx, actor(ctx), in.ID)
}

type offeredTeamBody struct {
	Team    string `json:"team" doc:"Its name"`
	Role    string `json:"role" enum:"owner,member,viewer,dashboard"`
	Email   string `json:"email,omitempty" doc:"Who is invited; empty: whoever is signed in"`
	MayJoin bool   `json:"may_join" doc:"There is no account of that e-mail yet: one is made with a password"`
}

func (p *Panel) getTeamInvitation(ctx context.Context, in *struct {
	Token string `path:"token" maxLength:"128"`
}) (*answer[offeredTeamBody], error) {
	inv, err := p.o.Accounts.TeamInvitationByToken(ctx, actor(ctx), in.Token)
	return reply(offeredTeamBody{inv.Team.Name, string(inv.Invitation.Role), inv.Invitation.Email, inv.MayJoin}), err
}

func (p *Panel) acceptTeamInvitation(ctx context.Context, in *struct {
	Body struct {
		Token string `json:"token" maxLength:"128"`
	}
}) (*answer[teamBody], error) {
	by := actor(ctx)
	team, err := p.o.Accounts.AcceptTeamInvitation(ctx, by, in.Body.Token)
	if err != nil {
		return nil, err
	}
	if by, err = p.o.Accounts.SwitchTeam(ctx, by, team.ID); err != nil {
		return nil, err
	}
	return reply(p.showSession(by).Team), nil
}

func (p *Panel) joinTeam(ctx context.Context, in *acceptInput) (*withCookie, error) {
	token, err := p.o.Accounts.JoinTeam(ctx, actor(ctx), in.Body.Token, in.Body.Password, in.Body.Language)
	return &withCookie{sessionCookie(token)}, err
}
