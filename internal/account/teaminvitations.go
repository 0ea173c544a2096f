package account

import (
	"context"
	"errors"
	"slices"
)

// NewTeamInvitation is what a team's owner chooses.
type NewTeamInvitation struct {
	Email string // "" for a link that is handed on by other means
	Role  TeamRole
}

// InviteToTeam invites somebody to the account that the actor uses. With an e-mail the link is mailed and only its
// reader can use it; without one it is returned, for whoever is signed in and has it. An open invitation of the same
// e-mail is replaced.
func (s *Service) InviteToTeam(ctx context.Context, by Actor, n NewTeamInvitation) (inv TeamInvitation, token string, err error) {
	if !slices.Contains(teamRoles, n.Role) {
		return TeamInvitation{}, "", invalid("role", "api.team.role")
	}
	if n.Email != "" {
		if n.Email, err = normalEmail(n.Email); err != nil {
			return TeamInvitation{}, "", err
		}
		if s.o.Post == nil {
			return TeamInvitation{}, "", fail(Internal, "api.mail")
		}
		if err := s.mayAsk(by, n.Email); err != nil {
			return TeamInvitation{}, "", err
		}
	}
	token = newToken()
	now := s.now()
	inv = TeamInvitation{ID: newID(), TokenHash: hashToken(token), Email: n.Email, Role: n.Role, By: by.Account.ID, CreatedAt: now, ExpiresAt: now.Add(invitationLife)}
	var team Account
	language := ""
	err = s.update(ctx, func(tx Tx) error {
		if team, err = teamOf(tx, by); err != nil {
			return err
		}
		inv.Team = team.ID
		if err := s.roomInTeam(tx, inv); err != nil {
			return err
		}
		if reader, err := tx.AccountByEmail(n.Email); err == nil {
			language = reader.Language
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := tx.Insert(inv); err != nil {
			return err
		}
		return s.audit(tx, by, "team.invite", inv.ID, string(n.Role)+" "+n.Email)
	})
	if err != nil || n.Email == "" {
		return inv, token, err
	}
	l := Letter{Kind: LetterTeam, To: inv.Email, Language: language, Token: token, Expires: inv.ExpiresAt, Args: []any{"team", team.Name, "by", by.Account.Title()}}
	if err := s.o.Post(ctx, l); err != nil {
		s.o.Log.Warn("invitation to a team not sent", "invitation", inv.ID, "error", err)
		undo := s.update(context.WithoutCancel(ctx), func(tx Tx) error { return tx.Delete(inv) })
		return TeamInvitation{}, "", errors.Join(fail(Internal, "api.mail"), undo)
	}
	return inv, "", nil
}

// roomInTeam deletes what is over or replaced, and refuses more than the bounds or who is in already.
func (s *Service) roomInTeam(tx Tx, inv TeamInvitation) error {
	have, err := tx.TeamInvitations(inv.Team)
	if err != nil {
		return err
	}
	open := 0
	for _, h := range have {
		if s.now().Before(h.ExpiresAt) && (h.Email == "" || h.Email != inv.Email) {
			open++
		} else if err := tx.Delete(h); err != nil {
			return err
		}
	}
	people, err := tx.Memberships(inv.Team, "")
	if err != nil {
		return err
	}
	if open >= maxTeamInvitations || len(people) >= maxMembers {
		return fail(Limit, "api.team.members", "limit", maxMembers, "invitations", maxTeamInvitations)
	}
	for _, m := range people {
		if a, err := tx.Account(m.Person); err != nil {
			return err
		} else if a.Email == inv.Email {
			return fail(Conflict, "api.team.is_in")
		}
	}
	return nil
}

// TeamInvitations lists the open invitations to the account that the actor uses.
func (s *Service) TeamInvitations(ctx context.Context, by Actor) (list []TeamInvitation, err error) {
	err = s.view(ctx, func(r Reader) error {
		all, err := r.TeamInvitations(by.team())
		list = slices.DeleteFunc(all, func(i TeamInvitation) bool { return !s.now().Before(i.ExpiresAt) })
		return err
	})
	return list, err
}

// DeleteTeamInvitation takes one back; its link stops to work.
func (s *Service) DeleteTeamInvitation(ctx context.Context, by Actor, id string) error {
	return s.update(ctx, func(tx Tx) error {
		inv, err := tx.TeamInvitation(id)
		if err == nil && inv.Team != by.team() {
			err = notFound()
		}
		if err != nil {
			return err
		}
		if err := tx.Delete(inv); err != nil {
			return err
		}
		return s.audit(tx, by, "team.uninvite", id, inv.Email)
	})
}

// InvitedToTeam is what a link offers.
type InvitedToTeam struct {
	Invitation TeamInvitation
	Team       Account
	Known      bool // the invited e-mail has an account
	MayJoin    bool // who has no account yet makes one by this link
}

// TeamInvitationByToken is the open invitation behind a link. Tries with wrong links are limited by address.
func (s *Service) TeamInvitationByToken(ctx context.Context, by Actor, token string) (out InvitedToTeam, err error) {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return out, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	err = s.o.Store.View(ctx, func(r Reader) error {
		out, err = s.openTeamInvitation(r, token)
		return err
	})
	if isRefusal(err) {
		s.addresses.add(address, s.now())
	}
	return out, err
}

func (s *Service) openTeamInvitation(r Reader, token string) (out InvitedToTeam, err error) {
	out.Invitation, err = r.TeamInvitationByToken(hashToken(token))
	if errors.Is(err, ErrNotFound) || err == nil && !s.now().Before(out.Invitation.ExpiresAt) {
		return InvitedToTeam{}, fail(NotFound, "api.link")
	}
	if err != nil {
		return InvitedToTeam{}, err
	}
	if out.Team, err = r.Account(out.Invitation.Team); err != nil {
		return InvitedToTeam{}, err
	}
	if out.Invitation.Email == "" { // nobody has proved a mailbox with it
		return out, nil
	}
	_, err = r.AccountByEmail(out.Invitation.Email)
	if out.Known = err == nil; err != nil && !errors.Is(err, ErrNotFound) {
		return out, err
	}
	out.MayJoin = !out.Known && s.o.SignUp == "open"
	if s.o.SignUp == "invite" && !out.Known {
		host, err := r.Account(out.Invitation.By)
		out.MayJoin = err == nil && host.Role == RoleOwner // only who runs the installation invites people to it
	}
	return out, nil
}

// AcceptTeamInvitation takes the actor's person into a team, and has the browser look at it. The link works once.
func (s *Service) AcceptTeamInvitation(ctx context.Context, by Actor, token string) (team Account, err error) {
	if _, err := s.TeamInvitationByToken(ctx, by, token); err != nil {
		return Account{}, err
	}
	err = s.update(ctx, func(tx Tx) error {
		inv, err := s.openTeamInvitation(tx, token)
		if err != nil {
			return err
		}
		if team = inv.Team; inv.Invitation.Email != "" && inv.Invitation.Email != by.Account.Email {
			return fail(Forbidden, "api.team.other", "email", inv.Invitation.Email)
		}
		if err := s.enterTeam(tx, by, inv.Invitation); err != nil {
			return err
		}
		return looksAt(tx, by, team.ID)
	})
	return team, err
}

// JoinTeam makes an account for the reader of an invited mailbox, takes it into the team and signs the browser in.
func (s *Service) JoinTeam(ctx context.Context, by Actor, token, password, language string) (session string, err error) {
	inv, err := s.TeamInvitationByToken(ctx, by, token)
	if err != nil {
		return "", err
	}
	if !inv.MayJoin {
		return "", fail(Forbidden, "api.team.sign_in")
	}
	acc, err := s.newAccount(ctx, inv.Invitation.Email, password, RoleMember, language)
	if err != nil {
		return "", err
	}
	row, session := s.newSession(acc, by)
	row.Team = inv.Team.ID
	by.Account = acc
	err = s.update(ctx, func(tx Tx) error {
		again, err := s.openTeamInvitation(tx, token)
		if err != nil {
			return err
		}
		if err := s.insertAccount(tx, by, acc, row); err != nil {
			return err
		}
		return s.enterTeam(tx, by, again.Invitation)
	})
	return session, err
}

// enterTeam makes the membership of an invitation, which it uses up.
func (s *Service) enterTeam(tx Tx, by Actor, inv TeamInvitation) error {
	people, err := tx.Memberships(inv.Team, "")
	if err != nil {
		return err
	}
	in, err := tx.Memberships("", by.Account.ID)
	if err != nil {
		return err
	}
	if len(people) >= maxMembers {
		return fail(Limit, "api.team.members", "limit", maxMembers, "invitations", maxTeamInvitations)
	}
	if len(in) >= maxTeams {
		return fail(Limit, "api.team.limit", "limit", maxTeams)
	}
	if err := tx.Delete(inv); err != nil {
		return err
	}
	err = tx.Insert(Membership{Team: inv.Team, Person: by.Account.ID, Role: inv.Role, CreatedAt: s.now()})
	if errors.Is(err, ErrExists) {
		return fail(Conflict, "api.team.is_in")
	}
	if err != nil {
		return err
	}
	by.Team.ID = inv.Team
	return s.audit(tx, by, "team.join", by.Account.ID, string(inv.Role))
}
