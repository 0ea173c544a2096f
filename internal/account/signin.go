package account

import (
	"context"
	"errors"
	"time"
)

// maxSessions bounds the browser sessions of one account; the oldest goes.
const maxSessions = 50

// SignedIn is how a sign-in went on: with a session, or with a ticket for SecondSignIn.
type SignedIn struct {
	Session string
	Ticket  string
	Passkey bool // with Ticket: a passkey is taken as well as a code
}

// SignIn checks e-mail and password and starts a session of the browser that asks, or asks for a second proof. Unknown
// e-mail and wrong password get the same answer after the same work. Tries are limited by address and by account; an
// address from which the account signed in before is not held up by what others try on it.
func (s *Service) SignIn(ctx context.Context, by Actor, email, password string) (in SignedIn, err error) {
	address := AddressKey(by.Remote)
	name, err := normalEmail(email)
	if err != nil || len(password) > 256 {
		name = "" // goes the same way as an unknown one
	}
	if err := s.triesLeft(name, address); err != nil {
		return SignedIn{}, err
	}
	var acc Account
	err = s.o.Store.View(ctx, func(r Reader) error {
		acc, err = r.AccountByEmail(name)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return SignedIn{}, err
	}
	ok, err := s.people.verify(ctx, acc.Password, password)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok {
		s.failed(name, address)
		return SignedIn{}, fail(Unauthorized, "api.signin")
	}
	return s.furtherProof(ctx, by, acc)
}

// furtherProof goes on with a sign-in whose first proof was right: it starts a session, or gives the ticket of the
// second step where the account has two.
func (s *Service) furtherProof(ctx context.Context, by Actor, acc Account) (in SignedIn, err error) {
	var factors []Factor
	passkeys := 0
	err = s.view(ctx, func(r Reader) error {
		list, err := r.Passkeys(acc.ID)
		if passkeys = len(list); err == nil {
			factors, err = r.Factors(acc.ID)
		}
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	if len(factors) > 0 {
		token := newToken()
		w := second{account: acc.ID, password: acc.Password, browser: browserKey(by.Agent)}
		if !s.seconds.add(hashToken(token), ticket[second]{value: w, group: acc.ID, ends: s.now().Add(secondLife)}, s.now()) {
			return SignedIn{}, &Error{Code: RateLimited, Key: "api.busy", Wait: secondLife}
		}
		return SignedIn{Ticket: token, Passkey: passkeys > 0}, nil
	}
	in.Session, err = s.enter(ctx, by, acc)
	return in, err
}

// enter starts a session of an account whose every proof was right. acc.Password is the one that was proved.
func (s *Service) enter(ctx context.Context, by Actor, acc Account) (session string, err error) {
	address := AddressKey(by.Remote)
	s.tries.forget(acc.Email + " " + address)
	s.places.add(acc.Email, address)
	row, session := s.newSession(acc, by)
	by.Account = acc
	var gone []BrowserSession
	fresh := false // the account was never used from this place
	err = s.update(ctx, func(tx Tx) error {
		now, err := tx.Account(acc.ID)
		if err != nil || now.Password != acc.Password {
			return fail(Unauthorized, "api.signin")
		}
		have, err := tx.BrowserSessions(acc.ID)
		if err != nil {
			return err
		}
		gone = gone[:0]
		if fresh, err = s.newPlace(tx, by, acc, have); err != nil {
			return err
		}
		for i, h := range have {
			if s.expired(h) || i <= len(have)-maxSessions {
				gone = append(gone, h)
				if err := tx.Delete(h); err != nil {
					return err
				}
			}
		}
		if err := tx.Insert(row); err != nil {
			return err
		}
		return s.audit(tx, by, "session.create", acc.ID, by.Agent)
	})
	if err != nil {
		return "", err
	}
	s.end(gone...)
	if fresh {
		s.tellNewPlace(ctx, by, acc)
	}
	return session, nil
}

// triesLeft says whether one more try on the account (name) from address is allowed.
func (s *Service) triesLeft(name, address string) error {
	now := s.now()
	wait := max(s.addresses.wait(address, now), s.tries.wait(name+" "+address, now))
	if !s.places.has(name, address) {
		wait = max(wait, s.accounts.wait(name, now))
	}
	if wait > 0 {
		return &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	return nil
}

func (s *Service) failed(name, address string) {
	now := s.now()
	s.addresses.add(address, now)
	s.tries.add(name+" "+address, now)
	s.accounts.add(name, now)
}

func (s *Service) newSession(acc Account, by Actor) (row BrowserSession, token string) {
	token = newToken()
	now := s.now()
	return BrowserSession{Hash: hashToken(token), Account: acc.ID, Remote: clip(by.Remote), Agent: clip(by.Agent), CreatedAt: now, SeenAt: now}, token
}

func (s *Service) expired(b BrowserSession) bool {
	now := s.now()
	return now.Sub(b.SeenAt) > s.o.SessionIdle || now.Sub(b.CreatedAt) > s.o.SessionMax
}

// BySession is the actor behind a cookie's token. Every answer comes from the store, so that a session that was ended
// is ended everywhere at once.
func (s *Service) BySession(ctx context.Context, token, remote, agent string) (Actor, error) {
	if len(token) != 43 { // 256 bits in base64
		return Actor{}, fail(Unauthorized, "api.unauthorized")
	}
	var b BrowserSession
	by := Actor{Via: "panel", Remote: remote, Agent: clip(agent)}
	err := s.o.Store.View(ctx, func(r Reader) (err error) {
		if b, err = r.BrowserSession(hashToken(token)); err == nil {
			by.Account, err = r.Account(b.Account)
		}
		return err
	})
	if errors.Is(err, ErrNotFound) || err == nil && s.expired(b) {
		return Actor{}, fail(Unauthorized, "api.unauthorized")
	}
	if err != nil {
		return Actor{}, err
	}
	by.Session, by.looks, by.Ends = b.Hash, b.Team, b.CreatedAt.Add(s.o.SessionMax)
	if now := s.now(); now.Sub(b.SeenAt) > time.Minute {
		s.touch(ctx, b, now)
		b.SeenAt = now
	}
	by.IdleEnds = b.SeenAt.Add(s.o.SessionIdle)
	return by, nil
}

// touch keeps when a session was used last. Failing is no reason to refuse the request: it may end earlier, then.
func (s *Service) touch(ctx context.Context, b BrowserSession, now time.Time) {
	err := s.update(ctx, func(tx Tx) error {
		if _, err := tx.BrowserSession(b.Hash); err != nil {
			return err
		}
		b.SeenAt = now
		return tx.Save(b)
	})
	var e *Error
	if err != nil && !errors.As(err, &e) && ctx.Err() == nil {
		s.o.Log.Warn("time of last use of a browser session not kept", "error", err)
	}
}

// SignOut ends the actor's session.
func (s *Service) SignOut(ctx context.Context, by Actor) error {
	row := BrowserSession{Hash: by.Session}
	err := s.update(ctx, func(tx Tx) error {
		if err := tx.Delete(row); err != nil {
			return err
		}
		return s.audit(tx, by, "session.delete", by.Account.ID, "")
	})
	if err == nil {
		s.end(row)
	}
	return err
}

// SessionAlive says whether the session with that hash still holds, for those who keep something open on its behalf.
func (s *Service) SessionAlive(ctx context.Context, hash [32]byte) (bool, error) {
	var b BrowserSession
	err := s.o.Store.View(ctx, func(r Reader) (err error) {
		b, err = r.BrowserSession(hash)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && !s.expired(b), err
}
