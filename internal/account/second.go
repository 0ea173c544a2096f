package account

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	secondLife  = 5 * time.Minute // between the password and the code
	secondTries = 5               // codes for one right password
	maxSeconds  = 10_000
)

// seconds are the sign-ins that wait for their second proof, by the hash of their ticket. They are not stored: a
// restart makes them void.
type seconds struct {
	mu   sync.Mutex // guards wait
	wait map[[32]byte]*second
}

type second struct {
	account  string
	password string // Account.Password that was proved
	browser  [32]byte
	ends     time.Time
	tries    int
}

func (q *seconds) add(hash [32]byte, n *second, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wait == nil {
		q.wait = map[[32]byte]*second{}
	}
	if len(q.wait) >= maxSeconds {
		for h, w := range q.wait {
			if now.After(w.ends) {
				delete(q.wait, h)
			}
		}
	}
	if len(q.wait) >= maxSeconds {
		return false
	}
	q.wait[hash] = n
	return true
}

// try is the waiting sign-in of a ticket, with one of its tries spent.
func (q *seconds) try(hash, browser [32]byte, now time.Time) (second, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.wait[hash]
	if w == nil {
		return second{}, false
	}
	w.tries++
	if w.tries > secondTries || now.After(w.ends) || w.browser != browser {
		delete(q.wait, hash)
		return second{}, false
	}
	return *w, true
}

func (q *seconds) forget(hash [32]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.wait, hash)
}

// SecondSignIn ends a sign-in with a code of an authenticator app or a recovery code.
func (s *Service) SecondSignIn(ctx context.Context, by Actor, ticket, code string) (session string, err error) {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	hash := sha256.Sum256([]byte(ticket))
	w, ok := s.seconds.try(hash, browserKey(by.Agent), s.now())
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
	s.seconds.forget(hash)
	acc.Password = w.password
	return s.enter(ctx, by, acc)
}
