package account

import (
	"context"
	"slices"
	"strings"
)

// DeleteAccount deletes a person or a team with all that belongs to it. A team that would be left without an owner is
// to be deleted or handed on first.
func (s *Service) DeleteAccount(ctx context.Context, by Actor, id string) error {
	one, err := s.Standing(ctx, by, id)
	if err != nil {
		return err
	}
	return s.erase(ctx, by, func(r Reader) ([]Account, error) {
		acc, err := r.Account(one.Account.ID)
		if err != nil {
			return nil, err
		}
		if acc.Role == RoleOwner {
			return nil, fail(Conflict, "api.account.host")
		}
		if err := s.fresh(ctx, acc); err != nil {
			return nil, err
		}
		return []Account{acc}, lastOwnerOfNone(r, acc.ID)
	})
}

// DeleteOwnAccount deletes the actor's person with all that belongs to it and the teams that nobody else is in, once
// they have typed their e-mail and confirmed that it is them. It is a Conflict while they run the installation, are the
// last owner of a team of several, or pay for an instance, and Forbidden while the operator has suspended them.
func (s *Service) DeleteOwnAccount(ctx context.Context, by Actor, email string, proof Proof) error {
	if strings.ToLower(strings.TrimSpace(email)) != by.Account.Email {
		return invalid("email", "api.account.email")
	}
	if err := s.confirm(ctx, by, proof, Intent{ToDeleteAccount, ""}); err != nil {
		return err
	}
	person := by.Account.ID
	err := s.erase(ctx, by, func(r Reader) ([]Account, error) {
		acc, err := r.Account(person)
		if err != nil {
			return nil, err
		}
		if acc.Role == RoleOwner {
			return nil, fail(Conflict, "api.account.host")
		}
		lone, err := loneTeams(r, person)
		if err != nil {
			return nil, err
		}
		if err := lastOwnerOfNone(r, person, lone...); err != nil {
			return nil, err
		}
		all := append(lone, acc)
		for _, a := range all {
			if err := mayLeave(r, a); err != nil {
				return nil, err
			}
		}
		return all, nil
	})
	if err == nil {
		s.inform(ctx, LetterDeleted, by.Account, by)
	}
	return err
}

// mayLeave refuses to let an account go that the operator has suspended, or that somebody pays for.
func mayLeave(r Reader, a Account) error {
	if !a.SuspendedAt.IsZero() {
		return fail(Forbidden, "api.account.suspended", "why", a.SuspendedWhy)
	}
	instances, err := r.Instances(a.ID)
	if err != nil {
		return err
	}
	for _, in := range instances {
		sub, err := subscriptionOf(r, in.ID)
		if err != nil {
			return err
		}
		if sub.ID != "" && sub.Status != SubscriptionEnded {
			return fail(Conflict, "api.account.paid", "instance", in.Name)
		}
	}
	return nil
}

// loneTeams are the teams that a person is in alone.
func loneTeams(r Reader, person string) (lone []Account, err error) {
	in, err := r.Memberships("", person)
	if err != nil {
		return nil, err
	}
	for _, m := range in {
		all, err := r.Memberships(m.Team, "")
		if err != nil {
			return nil, err
		}
		if len(all) > 1 {
			continue
		}
		team, err := r.Account(m.Team)
		if err != nil {
			return nil, err
		}
		lone = append(lone, team)
	}
	return lone, nil
}

// lastOwnerOfNone refuses to delete a person without whom a team would have no owner; those that go along don't count.
func lastOwnerOfNone(r Reader, person string, along ...Account) error {
	in, err := r.Memberships("", person)
	if err != nil {
		return err
	}
	for _, m := range in {
		if m.Role != TeamOwner || slices.ContainsFunc(along, func(a Account) bool { return a.ID == m.Team }) {
			continue
		}
		all, err := r.Memberships(m.Team, "")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(o Membership) bool { return o.Role == TeamOwner && o.Person != person }) {
			team, err := r.Account(m.Team)
			if err != nil {
				return err
			}
			return fail(Conflict, "api.account.last", "team", team.Name)
		}
	}
	return nil
}

// erase deletes the accounts that which names, with all that belongs to them: first their flow servers stop, then
// everything goes at once. It asks which before anything is stopped and again within the transaction.
func (s *Service) erase(ctx context.Context, by Actor, which func(Reader) ([]Account, error)) error {
	var all []Account
	err := s.view(ctx, func(r Reader) (err error) {
		all, err = which(r)
		return err
	})
	if err != nil {
		return err
	}
	for _, acc := range all {
		if err := s.removeFlows(ctx, acc.ID); err != nil {
			return err
		}
	}
	var gone []BrowserSession
	var people []Membership
	err = s.changeAll(ctx, func(tx Tx) (news []Change, err error) {
		gone, people = nil, nil
		if all, err = which(tx); err != nil {
			return nil, err
		}
		for _, acc := range all {
			if gone, people, err = withPeople(tx, acc, gone, people); err != nil {
				return nil, err
			}
			ended, err := eraseInstances(tx, acc.ID)
			if err != nil {
				return nil, err
			}
			news = append(news, ended...)
			if err := tx.Delete(acc); err != nil {
				return nil, err
			}
			by.Team = acc
			if err := s.audit(tx, by, "account.delete", acc.ID, acc.Title()); err != nil {
				return nil, err
			}
		}
		return news, nil
	})
	if err != nil {
		return err
	}
	s.end(gone...)
	for _, m := range people {
		s.endOpen(ctx, m.Person)
	}
	return nil
}

// withPeople adds who must hear that an account goes: its browsers and, of a team, its people.
func withPeople(r Reader, acc Account, gone []BrowserSession, people []Membership) ([]BrowserSession, []Membership, error) {
	browsers, err := r.BrowserSessions(acc.ID)
	if err != nil {
		return nil, nil, err
	}
	members, err := r.Memberships(acc.ID, "")
	return append(gone, browsers...), append(people, members...), err
}

// eraseInstances takes away what an account's instances have apart from their own row, which goes with the account.
func eraseInstances(tx Tx, account string) (news []Change, err error) {
	instances, err := tx.Instances(account)
	if err != nil {
		return nil, err
	}
	for _, in := range instances {
		news = append(news, Change{Instance: in.ID, Deleted: true})
		if err := endSubscription(tx, in.ID); err != nil {
			return nil, err
		}
		if err := tx.Delete(settingsOf(in.ID)...); err != nil {
			return nil, err
		}
	}
	return news, nil
}

// removeFlows removes the flow servers of an account before their entries: what is listed no more must not run.
func (s *Service) removeFlows(ctx context.Context, id string) error {
	var flows []FlowServer
	err := s.view(ctx, func(r Reader) (err error) {
		flows, err = r.FlowServers(id)
		return err
	})
	if err != nil || s.flowHost == nil {
		return err
	}
	for _, f := range flows {
		if err := s.flowHost.Remove(ctx, f); err != nil {
			return err
		}
	}
	return nil
}
