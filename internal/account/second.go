package account

import (
	"context"
	"crypto/sha256"
	"time"
)

const (
	secondLife      = 5 * time.Minute // between the password and the code
	secondTries     = 5               // codes for one right password
	maxSeconds      = 10_000          // sign-ins that wait
	maxSecondsOfOne = 100             // of one account
)

// second is a sign-in that waits for its second proof.
type second struct {
	account  string
	password string // Account.Password that was proved
	browser  [32]byte
}

// SecondSignIn ends a sign-in with a code of an authenticator app or a recovery code.
func (s *Service) SecondSignIn(ctx context.Context, by Actor, ticket, code string) (session string, err error) {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	hash := sha256.Sum256([]byte(ticket))
	w, ok := s.seconds.try(hash, secondTries, s.now(), func(w second) bool { return w.browser == browserKey(by.Agent) })
	if !ok || len(code) > 64 {
		s.addresses.add(address, s.now())
		return "", fail(Unauthorized, "api.factor.ticket")
	}
	if wait := s.codeTries.wait(w.account, s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	right := false
	var acc Account
	err = s.update(ctx, func(tx Tx) (err error) {
		if acc, err = tx.Account(w.account); err != nil {
			return err
		}
		right, err = s.useFactor(tx, w.account, code)
		return err
	})
	if err != nil {
		return "", err
	}
	if !right {
		s.failed(acc.Email, address)
		s.codeTries.add(w.account, s.now())
		return "", fail(Forbidden, "api.factor.code")
	}
	if _, ok := s.seconds.take(hash, s.now()); !ok { // another one was quicker
		return "", fail(Unauthorized, "api.factor.ticket")
	}
	acc.Password = w.password
	return s.enter(ctx, by, acc)
}
