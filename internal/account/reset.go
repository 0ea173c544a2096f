package account

import (
	"context"
	"errors"
	"time"
)

// resetLife is how long a link to choose a new password works.
const resetLife = time.Hour

// AskReset mails a link to choose a new password to the account of that e-mail. The answer, and the time that it takes,
// are the same when there is none.
func (s *Service) AskReset(ctx context.Context, by Actor, email string) error {
	email, err := normalEmail(email)
	if err != nil {
		return err
	}
	if err := s.mayAsk(by, email); err != nil {
		return err
	}
	if !s.later(ctx, func(ctx context.Context) { s.sendReset(ctx, by, email) }) {
		return &Error{Code: RateLimited, Key: "api.busy", Wait: time.Minute}
	}
	return nil
}

func (s *Service) sendReset(ctx context.Context, by Actor, email string) {
	token := newToken()
	l := Letter{Kind: LetterReset, To: email, Token: token, Expires: s.now().Add(resetLife), Remote: clip(by.Remote)}
	err := s.update(ctx, func(tx Tx) error {
		acc, err := tx.AccountByEmail(email)
		if err != nil {
			return err
		}
		l.Language = acc.Language
		if old, err := tx.ResetLinkOf(acc.ID); err == nil {
			if err := tx.Delete(old); err != nil {
				return err
			}
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := tx.Insert(ResetLink{Hash: hashToken(token), Account: acc.ID, ExpiresAt: l.Expires}); err != nil {
			return err
		}
		return s.audit(tx, by, "account.reset.ask", acc.ID, "")
	})
	var known *Error
	switch {
	case err == nil:
		s.post(ctx, l)
	case !errors.Is(err, ErrNotFound) && !(errors.As(err, &known) && known.Code == NotFound):
		s.o.Log.Warn("link for a new password not made", "error", err)
	}
}

// ResetAccount is the e-mail of the account whose password a link sets. Tries with wrong links are limited by address.
func (s *Service) ResetAccount(ctx context.Context, by Actor, token string) (email string, err error) {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	err = s.o.Store.View(ctx, func(r Reader) error {
		_, acc, err := s.openReset(r, token)
		email = acc.Email
		return err
	})
	var e *Error
	if errors.As(err, &e) {
		s.addresses.add(address, s.now())
	}
	return email, err
}

func (s *Service) openReset(r Reader, token string) (ResetLink, Account, error) {
	l, err := r.ResetLink(hashToken(token))
	if errors.Is(err, ErrNotFound) || err == nil && !s.now().Before(l.ExpiresAt) {
		return ResetLink{}, Account{}, fail(NotFound, "api.link")
	}
	if err != nil {
		return ResetLink{}, Account{}, err
	}
	acc, err := r.Account(l.Account)
	return l, acc, err
}

// ResetPassword sets a new password with the link's token, which works once, and ends all browser sessions of the
// account. Nobody is signed in by it: a second factor is still asked for.
func (s *Service) ResetPassword(ctx context.Context, by Actor, token, password string) error {
	email, err := s.ResetAccount(ctx, by, token)
	if err != nil {
		return err
	}
	if err := checkPersonPassword(password, email); err != nil {
		return err
	}
	hash, err := s.people.hash(ctx, password)
	if err != nil {
		return err
	}
	var gone []BrowserSession
	var acc Account
	err = s.update(ctx, func(tx Tx) error {
		l, a, err := s.openReset(tx, token)
		if err != nil {
			return err
		}
		acc = a
		acc.Password = hash
		if gone, err = tx.BrowserSessions(acc.ID); err != nil {
			return err
		}
		for _, g := range gone {
			if err := tx.Delete(g); err != nil {
				return err
			}
		}
		if err := errors.Join(tx.Delete(l), tx.Save(acc)); err != nil {
			return err
		}
		by.Account = acc
		return s.audit(tx, by, "account.reset", acc.ID, "")
	})
	if err != nil {
		return err
	}
	s.end(gone...)
	s.inform(ctx, LetterPassword, acc, by)
	return nil
}
