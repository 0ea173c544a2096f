package account

import (
	"context"
	"unicode/utf8"
)

// ChangePassword sets another password of the actor's account, ends all its browser sessions and starts a new one, but
// none for the admin socket.
func (s *Service) ChangePassword(ctx context.Context, by Actor, proof Proof, password string) (session string, err error) {
	if err := checkPersonPassword(password, by.Account.Email); err != nil {
		return "", err
	}
	if err := s.confirm(ctx, by, proof, Intent{ToChangePassword, ""}); err != nil { // behind the check, as a confirmation works once
		return "", err
	}
	hash, err := s.people.hash(ctx, password)
	if err != nil {
		return "", err
	}
	row, session := s.newSession(by.Account, by)
	var gone []BrowserSession
	err = s.update(ctx, func(tx Tx) error {
		acc, err := tx.Account(by.Account.ID)
		if err != nil {
			return err
		}
		acc.Password = hash
		if gone, err = tx.BrowserSessions(acc.ID); err != nil {
			return err
		}
		for _, g := range gone {
			if err := tx.Delete(g); err != nil {
				return err
			}
		}
		if err := tx.Save(acc); err != nil {
			return err
		}
		if by.Operator {
			session = ""
		} else if err := tx.Insert(row); err != nil {
			return err
		}
		return s.audit(tx, by, "account.password", acc.ID, "")
	})
	if err != nil {
		return "", err
	}
	s.end(gone...)
	return session, nil
}

// checkPersonPassword wants 10 characters or more that aren't easily guessed, at most 256 bytes.
func checkPersonPassword(password, email string) error {
	if utf8.RuneCountInString(password) < 10 || len(password) > 256 || !utf8.ValidString(password) {
		return invalid("password", "api.password.length", "min", 10)
	}
	judged := password[:min(len(password), 64)] // the judge's time grows steeply with the length
	if strength(judged, email, "tsunagi", "mqtt") < strengthLeast {
		return invalid("password", "api.password.weak")
	}
	return nil
}
