package account

import (
	"context"
	"errors"
	"time"
)

const (
	joinLife = 24 * time.Hour
	maxJoins = 10_000 // people who asked and have not opened their link yet
)

// AskToJoin mails a link that makes an account to whoever reads that mailbox. The answer is the same for an e-mail that
// has an account; its person gets a mail that says so.
func (s *Service) AskToJoin(ctx context.Context, by Actor, email, language string) error {
	if s.o.SignUp != "open" {
		return fail(Forbidden, "api.signup.closed")
	}
	email, err := normalEmail(email)
	if err != nil {
		return err
	}
	if err := checkLanguage(language); err != nil {
		return err
	}
	if err := s.mayAsk(by, email); err != nil {
		return err
	}
	if !s.later(ctx, func(ctx context.Context) { s.join(ctx, email, language) }) {
		return &Error{Code: RateLimited, Key: "api.busy", Wait: time.Minute}
	}
	return nil
}

func (s *Service) join(ctx context.Context, email, language string) {
	token := newToken()
	now := s.now()
	l := Letter{Kind: LetterJoin, To: email, Language: language, Token: token, Expires: now.Add(joinLife)}
	inv := Invitation{ID: newID(), TokenHash: hashToken(token), Email: email, Sent: "mail", CreatedAt: now, ExpiresAt: l.Expires}
	err := s.update(ctx, func(tx Tx) error {
		acc, err := tx.AccountByEmail(email)
		if err == nil {
			l = Letter{Kind: LetterHave, To: email, Language: acc.Language}
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := s.makeRoomForInvitation(tx, email, true); err != nil {
			return err
		}
		return tx.Insert(inv)
	})
	if err != nil {
		s.o.Log.Warn("link to join not made", "error", err)
		return
	}
	s.post(ctx, l)
}
