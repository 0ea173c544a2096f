package account

import (
	"context"
	"time"
)

// phoneLife is how long a code lets another device sign in.
const phoneLife = 2 * time.Minute

// phoneDoor stands where other codes name the flow server that they are for; no flow server has such an id.
const phoneDoor = "sign-in"

// PhoneCode makes a single-use code with which another device of the same person signs in, while the browser's own
// session lives.
func (s *Service) PhoneCode(ctx context.Context, by Actor) (token string, ends time.Time, err error) {
	if by.Session == ([32]byte{}) {
		return "", time.Time{}, fail(Forbidden, "api.token.browser")
	}
	if err := s.update(ctx, func(tx Tx) error { return s.audit(tx, by, "session.code", by.Account.ID, "") }); err != nil {
		return "", time.Time{}, err
	}
	token, ends = newToken(), s.now().Add(phoneLife)
	c := code{server: phoneDoor, session: by.Session}
	if !s.codes.add(hashToken(token), ticket[code]{value: c, group: string(by.Session[:]), session: by.Session, ends: ends}, s.now()) {
		return "", time.Time{}, &Error{Code: RateLimited, Key: "api.busy", Wait: phoneLife}
	}
	return token, ends, nil
}

// EnterByCode starts a session of the device that has a code. Any try ends the code. Who made it had given every proof,
// so no second one is asked for.
func (s *Service) EnterByCode(ctx context.Context, by Actor, token string) (session string, err error) {
	refused := fail(Unauthorized, "api.phone.code")
	c, ok := s.codes.take(hashToken(token), s.now())
	if !ok || c.server != phoneDoor {
		return "", refused
	}
	var acc Account
	err = s.view(ctx, func(r Reader) error {
		b, err := r.BrowserSession(c.session)
		if err != nil || s.expired(b) {
			return refused
		}
		acc, err = r.Account(b.Account)
		return err
	})
	if err != nil {
		return "", err
	}
	return s.enter(ctx, by, acc)
}
