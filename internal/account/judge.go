package account

import (
	"context"
	"errors"
)

// Judge says whether an actor may do what needs a role, with a thing or in the account that the actor looks at, and
// returns the actor as it goes on: with the account whose things it may use. It is the one place where roles of teams
// are judged; everything behind it asks mayUse only.
func (s *Service) Judge(ctx context.Context, by Actor, needed TeamRole, about Thing) (Actor, error) {
	if by.Operator {
		return s.judgeAdmin(ctx, by, needed, about)
	}
	if by.Account.ID == "" {
		return by, fail(Unauthorized, "api.unauthorized")
	}
	if by.Only != "" && about.Kind != "" && (about.Kind != ThingInstance || about.ID != by.Only) {
		return by, notFound() // for a token of one instance there is nothing else
	}
	err := s.view(ctx, func(r Reader) (err error) {
		team := by.looks
		if about.Kind != "" {
			if team, err = ownerOfThing(r, about); err != nil {
				return err
			}
		}
		if about.Kind == "" { // who has left the team that the browser looked at is back in the own account
			if role, err := roleIn(r, by.Account.ID, team); err != nil {
				return err
			} else if role == "" {
				team = by.Account.ID
			}
		}
		by.Team, by.TeamRole, err = mayEnter(r, by.Account.ID, team, needed)
		return err
	})
	return by, err
}

// judgeAdmin lets the admin socket do everything, and finds in whose account: that of the thing, else the one that was
// named, else the owner of the installation. Before there is anybody, there is nothing to change.
func (s *Service) judgeAdmin(ctx context.Context, by Actor, needed TeamRole, about Thing) (Actor, error) {
	err := s.view(ctx, func(r Reader) (err error) {
		var acc Account
		switch {
		case about.Kind != "":
			id, err := ownerOfThing(r, about)
			if err != nil {
				return err
			}
			by.Team, err = r.Account(id)
			return err
		case by.named != "":
			if acc, err = accountNamed(r, by.named); errors.Is(err, ErrNotFound) {
				return fail(NotFound, "api.owner")
			}
		default:
			if acc, err = hostOf(r); errors.Is(err, ErrNotFound) {
				if needed.may(TeamMember) {
					return fail(Conflict, "api.admin.nobody")
				}
				return nil
			}
		}
		by.Account, by.Team = acc, acc
		return err
	})
	by.TeamRole = TeamOwner
	return by, err
}

// hostOf is the owner of the installation, the first of them.
func hostOf(r Reader) (Account, error) {
	all, err := r.Accounts()
	for _, a := range all {
		if a.Role == RoleOwner {
			return a, err
		}
	}
	if err == nil {
		err = ErrNotFound
	}
	return Account{}, err
}
