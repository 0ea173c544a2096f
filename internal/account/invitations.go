package account

import (
	"context"
	"errors"
	"time"
)

const (
	invitationLife = 7 * 24 * time.Hour
	maxInvitations = 1000
)

// InviteMail is an invitation to be sent. Token is the secret of its link.
type InviteMail struct {
	To      string
	Token   string
	Expires time.Time
}

// Invite sends somebody a link with which to make an account. An open invitation of the same e-mail is replaced: only
// the newest link works.
func (s *Service) Invite(ctx context.Context, by Actor, email string) (inv Invitation, err error) {
	if !by.owner() {
		return Invitation{}, fail(Forbidden, "api.forbidden")
	}
	if s.o.SignUp == "closed" {
		return Invitation{}, fail(Forbidden, "api.signup.closed")
	}
	if email, err = normalEmail(email); err != nil {
		return Invitation{}, err
	}
	token := newToken()
	now := s.now()
	inv = Invitation{ID: newID(), TokenHash: hashToken(token), Email: email, By: by.Account.ID, CreatedAt: now, ExpiresAt: now.Add(invitationLife)}
	err = s.update(ctx, func(tx Tx) error {
		if _, err := tx.AccountByEmail(email); !errors.Is(err, ErrNotFound) {
			if err == nil {
				err = fail(Conflict, "api.email_taken")
			}
			return err
		}
		if err := s.makeRoomForInvitation(tx, email, false); err != nil {
			return err
		}
		if err := tx.Insert(inv); err != nil {
			return err
		}
		return s.audit(tx, by, "invitation.create", inv.ID, email)
	})
	if err != nil {
		return Invitation{}, err
	}
	return s.deliver(ctx, inv, token)
}

// makeRoomForInvitation deletes what is over, and what the new one replaces. Those who asked to join themselves have a
// bound of their own, so that strangers can't keep the owner from inviting.
func (s *Service) makeRoomForInvitation(tx Tx, email string, asked bool) error {
	have, err := tx.Invitations()
	if err != nil {
		return err
	}
	open := 0
	for _, h := range have {
		if h.Email != email && s.now().Before(h.ExpiresAt) {
			if (h.By == "") == asked {
				open++
			}
			continue
		}
		if err := tx.Delete(h); err != nil {
			return err
		}
	}
	limit := maxInvitations
	if asked {
		limit = maxJoins
	}
	if open >= limit {
		return fail(Limit, "api.invitation.limit", "limit", limit)
	}
	return nil
}

// deliver sends the link, outside of any transaction. What could not be sent is deleted again: nobody has its link.
func (s *Service) deliver(ctx context.Context, inv Invitation, token string) (Invitation, error) {
	err := errors.New("no way to send mail is set up")
	if s.o.Invite != nil {
		inv.Sent, err = s.o.Invite(ctx, InviteMail{inv.Email, token, inv.ExpiresAt})
	}
	if err != nil {
		s.o.Log.Warn("invitation not sent", "invitation", inv.ID, "error", err)
		undo := s.update(context.WithoutCancel(ctx), func(tx Tx) error { return tx.Delete(inv) })
		return Invitation{}, errors.Join(fail(Internal, "api.mail"), undo)
	}
	err = s.o.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error { return tx.Save(inv) })
	if errors.Is(err, ErrNotFound) { // used or taken back already
		err = nil
	}
	return inv, err
}

// Invitations lists the open invitations, newest first.
func (s *Service) Invitations(ctx context.Context, by Actor) (list []Invitation, err error) {
	if !by.owner() {
		return nil, fail(Forbidden, "api.forbidden")
	}
	err = s.view(ctx, func(r Reader) error {
		all, err := r.Invitations()
		for _, inv := range all {
			if inv.By != "" && s.now().Before(inv.ExpiresAt) {
				list = append(list, inv)
			}
		}
		return err
	})
	return list, err
}

// DeleteInvitation takes an invitation back; its link stops to work.
func (s *Service) DeleteInvitation(ctx context.Context, by Actor, id string) error {
	if !by.owner() {
		return fail(Forbidden, "api.forbidden")
	}
	return s.update(ctx, func(tx Tx) error {
		inv, err := tx.Invitation(id)
		if err != nil {
			return err
		}
		if err := tx.Delete(inv); err != nil {
			return err
		}
		return s.audit(tx, by, "invitation.delete", id, inv.Email)
	})
}

// InvitationByToken is the open invitation behind a link. Tries with wrong links are limited by address.
func (s *Service) InvitationByToken(ctx context.Context, by Actor, token string) (inv Invitation, err error) {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return Invitation{}, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	err = s.o.Store.View(ctx, func(r Reader) error {
		inv, err = s.openInvitation(r, token)
		return err
	})
	var e *Error
	if errors.As(err, &e) {
		s.addresses.add(address, s.now())
	}
	return inv, err
}

func (s *Service) openInvitation(r Reader, token string) (Invitation, error) {
	inv, err := r.InvitationByToken(hashToken(token))
	if errors.Is(err, ErrNotFound) || err == nil && !s.now().Before(inv.ExpiresAt) {
		return Invitation{}, fail(NotFound, "api.link")
	}
	return inv, err
}

// AcceptInvitation makes the invited person's account, with the e-mail of the invitation, and signs the browser in.
// The link works once.
func (s *Service) AcceptInvitation(ctx context.Context, by Actor, token, password, language string) (session string, err error) {
	inv, err := s.InvitationByToken(ctx, by, token)
	if err != nil {
		return "", err
	}
	acc, err := s.newAccount(ctx, inv.Email, password, RoleMember, language)
	if err != nil {
		return "", err
	}
	row, session := s.newSession(acc, by)
	by.Account = acc
	err = s.update(ctx, func(tx Tx) error {
		again, err := s.openInvitation(tx, token)
		if err != nil {
			return err
		}
		if err := tx.Delete(again); err != nil {
			return err
		}
		return s.insertAccount(tx, by, acc, row)
	})
	return session, err
}
