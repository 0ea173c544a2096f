package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Bounds of teams.
const (
	maxTeams           = 20 // that one person is in
	maxMembers         = 100
	maxTeamInvitations = 50 // open, of one team
)

// Title is what an account is called: a team's name, a person's e-mail.
func (a Account) Title() string {
	if a.Role == RoleTeam {
		return a.Name
	}
	return a.Email
}

// InTeam is an account as one of its people sees it.
type InTeam struct {
	Account Account
	Role    TeamRole
}

// Member is a person of a team.
type Member struct {
	Person Account
	Role   TeamRole
	Since  time.Time
	In     Membership // zero in a person's own account
}

// Teams are the accounts that the actor's person may use: the own one first, then the teams by when they were joined.
func (s *Service) Teams(ctx context.Context, by Actor) (list []InTeam, err error) {
	err = s.view(ctx, func(r Reader) error {
		list = []InTeam{{by.Account, TeamOwner}}
		in, err := r.Memberships("", by.Account.ID)
		if err != nil {
			return err
		}
		for _, m := range in {
			team, err := r.Account(m.Team)
			if err != nil {
				return err
			}
			list = append(list, InTeam{team, m.Role})
		}
		return nil
	})
	return list, err
}

// CreateTeam makes a team with the actor's person as its owner; the browser looks at it from now on.
func (s *Service) CreateTeam(ctx context.Context, by Actor, name string) (team Account, err error) {
	if name, err = checkText("name", name, 64, false); err != nil {
		return Account{}, err
	}
	id, now := newID(), s.now()
	team = Account{ID: id, Email: id, Role: RoleTeam, Name: name, CreatedAt: now}
	err = s.update(ctx, func(tx Tx) error {
		in, err := tx.Memberships("", by.Account.ID)
		if err != nil {
			return err
		}
		owns := 0
		for _, m := range in {
			if m.Role == TeamOwner {
				owns++
			}
		}
		if owns >= s.o.AccountTeams || len(in) >= maxTeams {
			return fail(Limit, "api.team.limit", "limit", min(s.o.AccountTeams, maxTeams))
		}
		if err := tx.Insert(team, Membership{Team: id, Person: by.Account.ID, Role: TeamOwner, CreatedAt: now}); err != nil {
			return err
		}
		by.Team = team
		if err := s.audit(tx, by, "team.create", id, name); err != nil {
			return err
		}
		return looksAt(tx, by, id)
	})
	return team, err
}

// SwitchTeam has the actor's browser look at another of the person's accounts. "" is the person's own.
func (s *Service) SwitchTeam(ctx context.Context, by Actor, team string) (Actor, error) {
	if team == by.Account.ID {
		team = ""
	}
	err := s.update(ctx, func(tx Tx) error {
		if team != "" {
			if _, _, err := mayEnter(tx, by.Account.ID, team, TeamDashboard); err != nil {
				return err
			}
		}
		return looksAt(tx, by, team)
	})
	if err != nil {
		return by, err
	}
	by.looks = team
	return s.Judge(ctx, by, TeamDashboard, Thing{})
}

// looksAt keeps what the actor's browser looks at. The admin socket has none.
func looksAt(tx Tx, by Actor, team string) error {
	if by.Operator {
		return nil
	}
	b, err := tx.BrowserSession(by.Session)
	if err != nil {
		return err
	}
	b.Team = team
	return tx.Save(b)
}

// RenameTeam gives the team that the actor uses another name. A person's own account has none.
func (s *Service) RenameTeam(ctx context.Context, by Actor, name string) (team Account, err error) {
	if name, err = checkText("name", name, 64, false); err != nil {
		return Account{}, err
	}
	err = s.update(ctx, func(tx Tx) error {
		if team, err = teamOf(tx, by); err != nil {
			return err
		}
		was := team
		team.Name = name
		if err := s.replace(ctx, tx, was, team); err != nil {
			return err
		}
		return s.audit(tx, by, "team.rename", team.ID, name)
	})
	return team, err
}

// teamOf is the team that an actor uses; a person's own account is none.
func teamOf(r Reader, by Actor) (Account, error) {
	team, err := r.Account(by.team())
	if err == nil && team.Role != RoleTeam {
		err = fail(Conflict, "api.team.own")
	}
	return team, err
}

// DeleteTeam deletes the team that the actor uses once nothing is in it any more: instances, flow servers and devices
// are deleted or unpaired each by itself.
func (s *Service) DeleteTeam(ctx context.Context, by Actor) error {
	var people []Membership
	err := s.update(ctx, func(tx Tx) error {
		team, err := teamOf(tx, by)
		if err != nil {
			return err
		}
		n, err := countThings(tx, team.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			return fail(Conflict, "api.team.full", "count", n)
		}
		if people, err = tx.Memberships(team.ID, ""); err != nil {
			return err
		}
		if err := s.audit(tx, by, "team.delete", team.ID, team.Name); err != nil {
			return err
		}
		return tx.Delete(team)
	})
	if err == nil {
		for _, m := range people {
			s.endOpen(ctx, m.Person)
		}
	}
	return err
}

// MoveInstance hands an instance to another account of the actor's person: a team, or the own one. Clients stay
// connected; API tokens of the account before reach it no more.
func (s *Service) MoveInstance(ctx context.Context, by Actor, id, to string) (in Instance, err error) {
	before := ""
	err = s.update(ctx, func(tx Tx) error {
		if in, err = instanceOf(tx, by, id); err != nil {
			return err
		}
		before = in.Owner
		into, err := destination(tx, by, to)
		if err != nil || in.Owner == into.ID {
			return err
		}
		in.Owner = into.ID
		have, err := tx.Instances(into.ID)
		if err == nil {
			err = s.mayHave(by, into, s.Plan(in.Plan), len(have))
		}
		if err == nil {
			err = s.fits(tx, in, s.Plan(in.Plan))
		}
		if err != nil {
			return err
		}
		if err := tx.Save(in); err != nil {
			return err
		}
		return s.audit(tx, by, "instance.move", id, into.Title())
	})
	if err == nil {
		s.endOpenOfAll(ctx, before)
	}
	return in, err
}

// destination is the account that an actor hands something to: one where the person makes things; for the admin socket
// any, by id or e-mail.
func destination(r Reader, by Actor, to string) (Account, error) {
	if !by.Operator {
		into, _, err := mayEnter(r, by.Account.ID, to, TeamMember)
		return into, err
	}
	into, err := accountNamed(r, to)
	if errors.Is(err, ErrNotFound) {
		err = invalid("team", "api.owner")
	}
	return into, err
}

// countThings counts what belongs to an account.
func countThings(r Reader, id string) (int, error) {
	in, err := r.Instances(id)
	if err != nil {
		return 0, err
	}
	f, err := r.FlowServers(id)
	if err != nil {
		return 0, err
	}
	d, err := r.Devices(id)
	return len(in) + len(f) + len(d), err
}

// Members lists the people of the account that the actor uses, owners first. A person's own account has that one only.
func (s *Service) Members(ctx context.Context, by Actor) (list []Member, err error) {
	err = s.view(ctx, func(r Reader) error {
		list = nil
		all, err := r.Memberships(by.team(), "")
		if err != nil {
			return err
		}
		if by.team() == by.Account.ID && by.Account.Role != RoleTeam {
			list = append(list, Member{Person: by.Account, Role: TeamOwner, Since: by.Account.CreatedAt})
		}
		for _, m := range all {
			person, err := r.Account(m.Person)
			if err != nil {
				return err
			}
			list = append(list, Member{person, m.Role, m.CreatedAt, m})
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b Member) int {
		if a.Role != b.Role {
			return slices.Index(teamRoles, a.Role) - slices.Index(teamRoles, b.Role)
		}
		return strings.Compare(a.Person.Email, b.Person.Email)
	})
	return list, err
}

// ChangeMember gives a person of the team another role. Who has it open anywhere meets the new role at once.
func (s *Service) ChangeMember(ctx context.Context, by Actor, person string, role TeamRole) error {
	if !slices.Contains(teamRoles, role) {
		return invalid("role", "api.team.role")
	}
	return s.changeMember(ctx, by, person, func(tx Tx, m Membership) error {
		before := m.Role
		if m.Role = role; before == role {
			return nil
		}
		if err := tx.Save(m); err != nil {
			return err
		}
		return s.audit(tx, by, "team.role", person, string(before)+" → "+string(role))
	})
}

// RemoveMember takes a person out of the team that the actor uses.
func (s *Service) RemoveMember(ctx context.Context, by Actor, person string) error {
	return s.changeMember(ctx, by, person, func(tx Tx, m Membership) error {
		if err := tx.Delete(m); err != nil {
			return err
		}
		return s.audit(tx, by, "team.remove", person, string(m.Role))
	})
}

// LeaveTeam takes the actor's person out of the team that the actor uses.
func (s *Service) LeaveTeam(ctx context.Context, by Actor) error {
	return s.changeMember(ctx, by, by.Account.ID, func(tx Tx, m Membership) error {
		if err := tx.Delete(m); err != nil {
			return err
		}
		return s.audit(tx, by, "team.leave", m.Team, "")
	})
}

// changeMember changes or ends one membership; afterwards the team must still have an owner.
func (s *Service) changeMember(ctx context.Context, by Actor, person string, change func(Tx, Membership) error) error {
	err := s.update(ctx, func(tx Tx) error {
		team, err := teamOf(tx, by)
		if err != nil {
			return err
		}
		m, err := tx.Membership(team.ID, person)
		if err != nil {
			return err
		}
		if err := s.fresh(ctx, m); err != nil {
			return err
		}
		if err := change(tx, m); err != nil {
			return err
		}
		return hasTeamOwner(tx, team.ID)
	})
	if err == nil {
		s.endOpen(ctx, person)
	}
	return err
}

// hasTeamOwner refuses what leaves a team without an owner.
func hasTeamOwner(r Reader, team string) error {
	left, err := r.Memberships(team, "")
	if err == nil && !slices.ContainsFunc(left, func(m Membership) bool { return m.Role == TeamOwner }) {
		err = fail(Conflict, "api.team.last")
	}
	return err
}

// endOpen ends what a person's browsers hold open (streams, web clients, editors), so that each has to ask again. The
// browsers stay signed in.
func (s *Service) endOpen(ctx context.Context, person string) {
	var list []BrowserSession
	err := s.o.Store.View(context.WithoutCancel(ctx), func(r Reader) (err error) {
		list, err = r.BrowserSessions(person)
		return err
	})
	if err != nil { // what is open asks by itself now and then whether it may go on
		s.o.Log.Error("what a member has open was not ended", "error", err)
	}
	s.end(list...)
}

// endOpenOfAll is endOpen for everybody who has a part in an account.
func (s *Service) endOpenOfAll(ctx context.Context, team string) {
	var people []Membership
	err := s.o.Store.View(context.WithoutCancel(ctx), func(r Reader) (err error) {
		people, err = r.Memberships(team, "")
		return err
	})
	if err != nil {
		s.o.Log.Error("what members have open was not ended", "error", err)
	}
	s.endOpen(ctx, team) // a person's own account
	for _, m := range people {
		s.endOpen(ctx, m.Person)
	}
}

// EditorAlive says whether a session may go on in the editor of a flow server or a device: it lives, and its person
// still has a role for that.
func (s *Service) EditorAlive(ctx context.Context, hash [32]byte, about Thing) (alive bool, err error) {
	if alive, err = s.SessionAlive(ctx, hash); err != nil || !alive {
		return false, err
	}
	err = s.view(ctx, func(r Reader) error {
		b, err := r.BrowserSession(hash)
		if err != nil {
			return err
		}
		owner, err := ownerOfThing(r, about)
		if err != nil {
			return err
		}
		_, _, err = mayEnter(r, b.Account, owner, TeamMember)
		return err
	})
	if isRefusal(err) {
		return false, nil
	}
	return err == nil, err
}
