package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"
)

const (
	maxIdentities = 10
	tripLife      = 10 * time.Minute // for a visit to a provider
	maxTrips      = 10_000
	maxTripsFrom  = 100 // of one account or, before sign-in, of one address
)

// trip is a visit of a browser to a provider that isn't over.
type trip struct {
	provider Provider
	ask      ProviderAsk
	browser  [32]byte // hash of the secret in the browser's cookie
	account  string   // to which the identity will be linked, or whose person confirms something; "" for a sign-in
	session  [32]byte // BrowserSession.Hash that wants the link or the confirmation
	confirms *Intent  // the visit is to confirm it; nil: not
	language string   // of an account that is made
}

// ProviderList are the providers with which people may sign in.
func (s *Service) ProviderList() []Provider {
	if s.o.Providers == nil {
		return nil
	}
	return s.o.Providers.List()
}

func (s *Service) provider(id string) (Provider, error) {
	for _, p := range s.ProviderList() {
		if p.ID == id {
			return p, nil
		}
	}
	return Provider{}, fail(NotFound, "api.provider.none")
}

// BeginProvider begins a sign-in with a provider: it gives the address that the browser must go to. browser is a
// secret of that browser alone, which EndProvider wants to see again; language is that of an account which may be made.
func (s *Service) BeginProvider(ctx context.Context, by Actor, id, browser, language string) (address string, err error) {
	if wait := s.addresses.wait(AddressKey(by.Remote), s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	if err := checkLanguage(language); err != nil {
		return "", err
	}
	return s.depart(ctx, id, browser, "from "+AddressKey(by.Remote), trip{language: language})
}

// BeginIdentity is BeginProvider to link an identity to the actor's account.
func (s *Service) BeginIdentity(ctx context.Context, by Actor, proof Proof, id, browser string) (address string, err error) {
	if _, err := s.provider(id); err != nil {
		return "", err
	}
	if err := s.confirm(ctx, by, proof, Intent{ToLinkIdentity, ""}); err != nil {
		return "", err
	}
	return s.depart(ctx, id, browser, by.Account.ID, trip{account: by.Account.ID, session: by.Session})
}

func (s *Service) depart(ctx context.Context, id, browser, group string, t trip) (address string, err error) {
	if t.provider, err = s.provider(id); err != nil {
		return "", err
	}
	t.ask.State, t.ask.Nonce, t.ask.Verifier = newToken(), newToken(), newToken()
	t.browser = hashToken(browser)
	if address, err = s.o.Providers.Begin(ctx, id, t.ask); err != nil {
		return "", err
	}
	if !s.trips.add(hashToken(t.ask.State), ticket[trip]{value: t, group: group, session: t.session, ends: s.now().Add(tripLife)}, s.now()) {
		return "", &Error{Code: RateLimited, Key: "api.busy", Wait: time.Minute}
	}
	return address, nil
}

// Arrived is how a visit to a provider ended: with a sign-in, with a link or with a confirmation of an intent.
type Arrived struct {
	SignedIn
	Linked       bool
	Confirmation string
	Intent       Intent
}

// EndProvider ends a visit with what the browser brought back. A state works once, in the browser that began with it,
// and for the provider that it was made for: what another provider, or another browser, sends here opens nothing.
func (s *Service) EndProvider(ctx context.Context, by Actor, id, state, browser string, answer ProviderAnswer) (Arrived, error) {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return Arrived{}, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	t, ok := s.trips.take(hashToken(state), s.now())
	seen := hashToken(browser)
	if !ok || t.provider.ID != id || subtle.ConstantTimeCompare(t.browser[:], seen[:]) != 1 || t.account != "" && (t.account != by.Account.ID || t.session != by.Session) {
		s.addresses.add(address, s.now())
		return Arrived{}, fail(Forbidden, "api.provider.state")
	}
	who, err := s.o.Providers.End(ctx, id, t.ask, answer)
	if err != nil {
		return Arrived{}, err
	}
	if !who.Domain {
		return Arrived{}, fail(Forbidden, "api.provider.domain", "provider", t.provider.Name)
	}
	if t.confirms != nil {
		token, err := s.confirmedBy(ctx, by, t, who)
		return Arrived{Confirmation: token, Intent: *t.confirms}, err
	}
	if t.account != "" {
		return Arrived{Linked: true}, s.link(ctx, by, t.provider, who)
	}
	in, err := s.enterAs(ctx, by, t, who)
	return Arrived{SignedIn: in}, err
}

// link makes an identity one of the actor's account.
func (s *Service) link(ctx context.Context, by Actor, p Provider, who Proved) error {
	row := Identity{ID: IdentityID(who.Issuer, who.Subject), Account: by.Account.ID, Issuer: who.Issuer, Subject: who.Subject, Email: who.Email, CreatedAt: s.now()}
	err := s.update(ctx, func(tx Tx) error {
		have, err := tx.Identities(by.Account.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxIdentities {
			return fail(Limit, "api.identity.limit", "limit", maxIdentities)
		}
		if err := tx.Insert(row); errors.Is(err, ErrExists) {
			return fail(Conflict, "api.identity.taken", "provider", p.Name)
		} else if err != nil {
			return err
		}
		return s.audit(tx, by, "identity.create", by.Account.ID, p.Name)
	})
	if err == nil {
		s.inform(ctx, LetterIdentity, by.Account, by)
	}
	return err
}

// enterAs signs in whoever the identity belongs to. Nobody gets into an account because an e-mail is the same: who has
// one links the identity from there.
func (s *Service) enterAs(ctx context.Context, by Actor, t trip, who Proved) (SignedIn, error) {
	var acc Account
	err := s.update(ctx, func(tx Tx) error {
		row, err := tx.Identity(IdentityID(who.Issuer, who.Subject))
		if err != nil {
			return err
		}
		if acc, err = tx.Account(row.Account); err != nil {
			return err
		}
		row.UsedAt = s.now()
		return tx.Save(row)
	})
	var e *Error
	if errors.As(err, &e) && e.Code == NotFound {
		session, err := s.arrive(ctx, by, t, who)
		return SignedIn{Session: session}, err
	}
	if err != nil {
		return SignedIn{}, err
	}
	return s.furtherProof(ctx, by, acc)
}

// arrive makes an account for somebody whom a provider vouches for, where sign_up lets it. It has no password until its
// person asks for a link to choose one.
func (s *Service) arrive(ctx context.Context, by Actor, t trip, who Proved) (session string, err error) {
	if who.Email == "" {
		return "", fail(Forbidden, "api.provider.unverified", "provider", t.provider.Name)
	}
	acc := Account{ID: newID(), Email: who.Email, Role: RoleMember, Language: t.language, CreatedAt: s.now()}
	if s.o.SignUp == "open" {
		if err := s.mayAsk(by, who.Email); err != nil {
			return "", err
		}
	}
	row, session := s.newSession(acc, by)
	by.Account = acc
	identity := Identity{ID: IdentityID(who.Issuer, who.Subject), Account: acc.ID, Issuer: who.Issuer, Subject: who.Subject, Email: who.Email, CreatedAt: s.now(), UsedAt: s.now()}
	err = s.update(ctx, func(tx Tx) error {
		if _, err := tx.AccountByEmail(who.Email); err == nil {
			return fail(Forbidden, "api.provider.have", "email", who.Email, "provider", t.provider.Name)
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		invited, err := s.useInvitation(tx, who.Email)
		if err != nil {
			return err
		}
		if s.o.SignUp != "open" && (!invited || s.o.SignUp == "closed") {
			return fail(Forbidden, "api.provider.stranger", "provider", t.provider.Name)
		}
		return s.insertAccount(tx, by, acc, row, identity)
	})
	return session, err
}

// useInvitation uses up what was sent to an e-mail, and says whether the owner had invited it.
func (s *Service) useInvitation(tx Tx, email string) (invited bool, err error) {
	all, err := tx.Invitations()
	if err != nil {
		return false, err
	}
	for _, inv := range all {
		if inv.Email != email {
			continue
		}
		invited = invited || inv.By != "" && s.now().Before(inv.ExpiresAt)
		if err := tx.Delete(inv); err != nil {
			return false, err
		}
	}
	return invited, nil
}

// Identities lists those that are linked to the actor's account.
func (s *Service) Identities(ctx context.Context, by Actor) (list []Identity, err error) {
	err = s.view(ctx, func(r Reader) error {
		list, err = r.Identities(by.Account.ID)
		return err
	})
	return list, err
}

// RemoveIdentity takes a link away; the identity opens nothing here any more.
func (s *Service) RemoveIdentity(ctx context.Context, by Actor, proof Proof, id string) error {
	if err := s.confirm(ctx, by, proof, Intent{ToRemoveIdentity, id}); err != nil {
		return err
	}
	return s.update(ctx, func(tx Tx) error {
		row, err := tx.Identity(id)
		if err != nil {
			return err
		}
		if row.Account != by.Account.ID {
			return notFound()
		}
		if err := tx.Delete(row); err != nil {
			return err
		}
		return s.audit(tx, by, "identity.delete", by.Account.ID, row.Issuer)
	})
}
