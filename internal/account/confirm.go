package account

import (
	"context"
	"errors"
)

// BeginConfirm begins to confirm an intent with one of the actor's passkeys.
func (s *Service) BeginConfirm(ctx context.Context, by Actor, intent Intent) (BegunCeremony, error) {
	if err := s.passkeysOff(); err != nil {
		return BegunCeremony{}, err
	}
	if err := intent.check(); err != nil {
		return BegunCeremony{}, err
	}
	if wait := s.addresses.wait(AddressKey(by.Remote), s.now()); wait > 0 {
		return BegunCeremony{}, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	u, err := s.userWithPasskeys(ctx, by.Account.ID)
	if err != nil {
		return BegunCeremony{}, err
	}
	if len(u.Records) == 0 {
		return BegunCeremony{}, fail(Forbidden, "api.confirm.no_passkey")
	}
	options, state, err := s.o.Passkeys.BeginSignIn(&u)
	if err != nil {
		return BegunCeremony{}, err
	}
	return s.begun(by, ceremony{state: state, account: u.ID, confirms: &confirmation{u.ID, by.Session, intent}}, options)
}

// EndConfirm gives the confirmation of what BeginConfirm began, once a passkey of the actor's has signed the challenge
// and verified its person. A ceremony is used up by its first answer, and only the session that began it can give that.
func (s *Service) EndConfirm(ctx context.Context, by Actor, token string, answer []byte) (string, error) {
	if err := s.passkeysOff(); err != nil {
		return "", err
	}
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	refused := func(cause error) (string, error) {
		s.o.Log.Info("confirmation with a passkey refused", "remote", by.Remote, "error", cause)
		s.addresses.add(address, s.now())
		return "", fail(Forbidden, "api.confirm.passkey")
	}
	c, ok := s.ceremonies.take(hashToken(token), s.now())
	if !ok || c.confirms == nil || c.confirms.session != by.Session || c.account != by.Account.ID || c.browser != browserKey(by.Agent) || len(answer) > maxPasskeyAnswer {
		return refused(errors.New("no such ceremony is under way"))
	}
	u, err := s.userWithPasskeys(ctx, by.Account.ID)
	if err != nil {
		return "", err
	}
	if _, err = s.signed(ctx, &u, c.state, answer); err != nil {
		if errors.Is(err, errAnswer) {
			return refused(err)
		}
		return "", err
	}
	return s.confirmed(by, c.confirms.intent, confirmLife)
}

// BeginProviderConfirm begins to confirm an intent by signing in anew with a provider that the actor's account is linked
// with. EndProvider ends it; browser is as there.
func (s *Service) BeginProviderConfirm(ctx context.Context, by Actor, intent Intent, id, browser string) (address string, err error) {
	if wait := s.addresses.wait(AddressKey(by.Remote), s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	if err := intent.check(); err != nil {
		return "", err
	}
	p, err := s.provider(id)
	if err != nil {
		return "", err
	}
	var linked []Provider
	err = s.view(ctx, func(r Reader) error {
		linked, err = s.linked(r, by.Account.ID)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, l := range linked {
		if l.ID == id {
			return s.depart(ctx, id, browser, by.Account.ID,
				trip{account: by.Account.ID, session: by.Session, confirms: &intent, ask: ProviderAsk{Since: s.now()}})
		}
	}
	return "", fail(Forbidden, "api.confirm.not_linked", "provider", p.Name)
}

// confirmedBy gives the confirmation that a visit to a provider was for, where it vouches for the actor's person.
func (s *Service) confirmedBy(ctx context.Context, by Actor, t trip, who Proved) (string, error) {
	err := s.update(ctx, func(tx Tx) error {
		row, err := tx.Identity(IdentityID(who.Issuer, who.Subject))
		if errors.Is(err, ErrNotFound) || err == nil && row.Account != by.Account.ID {
			s.addresses.add(AddressKey(by.Remote), s.now())
			return fail(Forbidden, "api.confirm.another", "provider", t.provider.Name)
		}
		if err != nil {
			return err
		}
		row.UsedAt = s.now()
		return tx.Save(row)
	})
	if err != nil {
		return "", err
	}
	return s.confirmed(by, *t.confirms, confirmLifeAway)
}
