package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	maxPasskeys       = 20
	maxPasskeyAnswer  = 16 << 10        // bytes
	ceremonyLife      = 5 * time.Minute // between the halves of one
	maxCeremonies     = 10_000
	maxCeremoniesFrom = 30 // of one account or, before sign-in, of one address
)

// ceremony is the half of one that waits for its answer.
type ceremony struct {
	state   []byte
	account string // whose passkey; "" for a sign-in that begins with it
	second  string // ticket of a sign-in for which it is the second proof

	confirms *confirmation // it is to confirm something; nil: not
	browser  [32]byte
}

// BegunCeremony is what the browser needs. Ticket belongs to the answer.
type BegunCeremony struct {
	Ticket  string
	Options json.RawMessage
}

// HasPasskeys says whether people can sign in with passkeys here: it takes a name, an address won't do.
func (s *Service) HasPasskeys() bool { return s.o.Passkeys != nil }

func (s *Service) passkeysOff() error {
	if s.o.Passkeys == nil {
		return fail(Forbidden, "api.passkey.off")
	}
	return nil
}

// Passkeys lists those of the actor's person.
func (s *Service) Passkeys(ctx context.Context, by Actor) (list []Passkey, err error) {
	err = s.view(ctx, func(r Reader) error {
		list, err = r.Passkeys(by.Account.ID)
		return err
	})
	return list, err
}

func passkeyUser(r Reader, acc Account) (PasskeyUser, error) {
	list, err := r.Passkeys(acc.ID)
	u := PasskeyUser{ID: acc.ID, Name: acc.Email}
	for _, p := range list {
		u.Records = append(u.Records, p.Record)
	}
	return u, err
}

func (s *Service) userWithPasskeys(ctx context.Context, account string) (u PasskeyUser, err error) {
	err = s.view(ctx, func(r Reader) error {
		acc, err := r.Account(account)
		if err == nil {
			u, err = passkeyUser(r, acc)
		}
		return err
	})
	return u, err
}

// begun keeps a ceremony until its answer comes.
func (s *Service) begun(by Actor, c ceremony, options json.RawMessage) (BegunCeremony, error) {
	token := newToken()
	c.browser = browserKey(by.Agent)
	group := c.account
	life := ceremonyLife
	if c.confirms != nil {
		life = confirmTime
	}
	if group == "" {
		group = "from " + AddressKey(by.Remote)
	}
	if !s.ceremonies.add(hashToken(token), ticket[ceremony]{value: c, group: group, session: by.Session, ends: s.now().Add(life)}, s.now()) {
		return BegunCeremony{}, &Error{Code: RateLimited, Key: "api.busy", Wait: time.Minute}
	}
	return BegunCeremony{token, options}, nil
}

// BeginPasskey begins to add a passkey to the actor's account.
func (s *Service) BeginPasskey(ctx context.Context, by Actor, proof Proof) (BegunCeremony, error) {
	if err := s.passkeysOff(); err != nil {
		return BegunCeremony{}, err
	}
	if err := s.confirm(ctx, by, proof, Intent{ToAddPasskey, ""}); err != nil {
		return BegunCeremony{}, err
	}
	u, err := s.userWithPasskeys(ctx, by.Account.ID)
	if err != nil {
		return BegunCeremony{}, err
	}
	if len(u.Records) >= maxPasskeys {
		return BegunCeremony{}, fail(Limit, "api.passkey.limit", "limit", maxPasskeys)
	}
	options, state, err := s.o.Passkeys.BeginRegister(u)
	if err != nil {
		return BegunCeremony{}, err
	}
	return s.begun(by, ceremony{state: state, account: u.ID}, options)
}

// AddPasskey stores the passkey that the browser has made.
func (s *Service) AddPasskey(ctx context.Context, by Actor, token, name string, answer []byte) (p Passkey, err error) {
	if err := s.passkeysOff(); err != nil {
		return Passkey{}, err
	}
	if name, err = checkText("name", name, 64, false); err != nil {
		return Passkey{}, err
	}
	c, ok := s.ceremonies.take(hashToken(token), s.now())
	if !ok || c.account != by.Account.ID || c.second != "" || c.confirms != nil || c.browser != browserKey(by.Agent) || len(answer) > maxPasskeyAnswer {
		return Passkey{}, fail(Forbidden, "api.passkey.wrong")
	}
	u, err := s.userWithPasskeys(ctx, by.Account.ID)
	if err != nil {
		return Passkey{}, err
	}
	id, record, err := s.o.Passkeys.EndRegister(u, c.state, answer)
	if err != nil {
		s.o.Log.Info("passkey refused", "error", err)
		return Passkey{}, fail(Forbidden, "api.passkey.wrong")
	}
	p = Passkey{ID: id, Account: by.Account.ID, Name: name, Record: record, CreatedAt: s.now()}
	err = s.update(ctx, func(tx Tx) error {
		have, err := tx.Passkeys(p.Account)
		if err != nil {
			return err
		}
		if len(have) >= maxPasskeys {
			return fail(Limit, "api.passkey.limit", "limit", maxPasskeys)
		}
		if err := tx.Insert(p); errors.Is(err, ErrExists) {
			return fail(Conflict, "api.passkey.known")
		} else if err != nil {
			return err
		}
		return s.audit(tx, by, "passkey.create", by.Account.ID, name)
	})
	if err == nil {
		s.inform(ctx, LetterPasskey, by.Account, by)
	}
	return p, err
}

// RenamePasskey gives one of the person's passkeys another name.
func (s *Service) RenamePasskey(ctx context.Context, by Actor, id, name string) (p Passkey, err error) {
	if name, err = checkText("name", name, 64, false); err != nil {
		return Passkey{}, err
	}
	err = s.update(ctx, func(tx Tx) error {
		if p, err = passkeyOf(tx, by, id); err != nil {
			return err
		}
		p.Name = name
		if err := tx.Save(p); err != nil {
			return err
		}
		return s.audit(tx, by, "passkey.rename", by.Account.ID, name)
	})
	return p, err
}

// RemovePasskey takes a passkey away; it opens nothing any more.
func (s *Service) RemovePasskey(ctx context.Context, by Actor, proof Proof, id string) error {
	if err := s.confirm(ctx, by, proof, Intent{ToRemovePasskey, id}); err != nil {
		return err
	}
	return s.update(ctx, func(tx Tx) error {
		p, err := passkeyOf(tx, by, id)
		if err != nil {
			return err
		}
		if err := tx.Delete(p); err != nil {
			return err
		}
		return s.audit(tx, by, "passkey.delete", by.Account.ID, p.Name)
	})
}

func passkeyOf(r Reader, by Actor, id string) (Passkey, error) {
	p, err := r.Passkey(id)
	if err == nil && p.Account != by.Account.ID {
		err = notFound()
	}
	return p, err
}

// BeginPasskeySignIn begins a sign-in without a password or, with the ticket of SignIn, its second step.
func (s *Service) BeginPasskeySignIn(ctx context.Context, by Actor, second string) (BegunCeremony, error) {
	if err := s.passkeysOff(); err != nil {
		return BegunCeremony{}, err
	}
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return BegunCeremony{}, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	if second == "" {
		options, state, err := s.o.Passkeys.BeginSignIn(nil)
		if err != nil {
			return BegunCeremony{}, err
		}
		return s.begun(by, ceremony{state: state}, options)
	}
	w, ok := s.seconds.look(hashToken(second), s.now())
	if !ok || w.browser != browserKey(by.Agent) {
		s.addresses.add(address, s.now())
		return BegunCeremony{}, fail(Unauthorized, "api.factor.ticket")
	}
	u, err := s.userWithPasskeys(ctx, w.account)
	if err != nil {
		return BegunCeremony{}, err
	}
	if len(u.Records) == 0 {
		return BegunCeremony{}, fail(Forbidden, "api.passkey.none")
	}
	options, state, err := s.o.Passkeys.BeginSignIn(&u)
	if err != nil {
		return BegunCeremony{}, err
	}
	return s.begun(by, ceremony{state: state, account: u.ID, second: second}, options)
}

// PasskeySignIn ends a sign-in with what a passkey has signed. A passkey is had, and has verified its person: no further
// proof is asked for. What is wrong isn't told.
func (s *Service) PasskeySignIn(ctx context.Context, by Actor, token string, answer []byte) (session string, err error) {
	if err := s.passkeysOff(); err != nil {
		return "", err
	}
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	refused := func(cause error) (string, error) {
		s.o.Log.Info("sign-in with a passkey refused", "remote", by.Remote, "error", cause)
		s.addresses.add(address, s.now())
		return "", fail(Unauthorized, "api.passkey.sign_in")
	}
	c, ok := s.ceremonies.take(hashToken(token), s.now())
	if !ok || c.account != "" && c.second == "" || c.browser != browserKey(by.Agent) || len(answer) > maxPasskeyAnswer {
		return refused(errors.New("no such ceremony is under way"))
	}
	var known *PasskeyUser
	proved := "" // the password that was right, where the passkey is the second proof
	if c.second != "" {
		w, ok := s.seconds.take(hashToken(c.second), s.now())
		if !ok || w.account != c.account {
			return refused(errors.New("the first step is over"))
		}
		u, err := s.userWithPasskeys(ctx, c.account)
		if err != nil {
			return "", err
		}
		known, proved = &u, w.password
	}
	acc, err := s.signed(ctx, known, c.state, answer)
	if errors.Is(err, errAnswer) {
		return refused(err)
	}
	if err != nil {
		return "", err
	}
	if proved != "" {
		acc.Password = proved
	}
	return s.enter(ctx, by, acc)
}

// errAnswer is what a browser sent that no passkey of the person has signed.
var errAnswer = errors.New("bad answer")

// signed proves that a passkey of the known person, or of anybody where known is nil, has signed a ceremony, and keeps its
// counter. It returns whose it is. A bad answer is errAnswer.
func (s *Service) signed(ctx context.Context, known *PasskeyUser, state, answer []byte) (acc Account, err error) {
	find := func(user string) (PasskeyUser, error) { return s.userWithPasskeys(ctx, user) }
	id, record, err := s.o.Passkeys.EndSignIn(find, known, state, answer)
	if err != nil {
		return Account{}, fmt.Errorf("%w: %w", errAnswer, err)
	}
	err = s.update(ctx, func(tx Tx) error {
		p, err := tx.Passkey(id)
		if err != nil {
			return err
		}
		if acc, err = tx.Account(p.Account); err != nil {
			return err
		}
		p.Record, p.UsedAt = record, s.now()
		return tx.Save(p)
	})
	return acc, err
}
