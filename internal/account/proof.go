package account

import (
	"context"
	"time"
)

// Purpose is what a person confirms that it is them for: the operation of the API that asks.
type Purpose string

// Purposes.
const (
	ToRevealPassword Purpose = "reveal-password"
	ToRevealKey      Purpose = "reveal-key"
	ToExport         Purpose = "export-instance"
	ToChangePassword Purpose = "change-account"
	ToDeleteAccount  Purpose = "delete-own-account"
	ToAddApp         Purpose = "create-factor"
	ToRemoveApp      Purpose = "remove-factor"
	ToRenewCodes     Purpose = "new-recovery-codes"
	ToAddPasskey     Purpose = "begin-passkey"
	ToRemovePasskey  Purpose = "remove-passkey"
	ToLinkIdentity   Purpose = "begin-identity"
	ToRemoveIdentity Purpose = "remove-identity"
	ToMakeToken      Purpose = "create-token"
)

// ofThings says which purposes there are, and whether each is about one thing.
var ofThings = map[Purpose]bool{
	ToRevealPassword: true, ToRevealKey: true, ToExport: true, ToRemoveApp: true, ToRemovePasskey: true, ToRemoveIdentity: true,
	ToChangePassword: false, ToDeleteAccount: false, ToAddApp: false, ToRenewCodes: false, ToAddPasskey: false, ToLinkIdentity: false, ToMakeToken: false,
}

// Intent is a purpose and the id of the thing that it is about; "" where it is about the account.
type Intent struct {
	Purpose Purpose
	Object  string
}

const (
	maxIntentObject     = 1400            // bytes; an id of a passkey may be long
	confirmTime         = 2 * time.Minute // for a passkey to answer
	confirmLife         = time.Minute     // of a confirmation by passkey, which the page uses at once
	confirmLifeAway     = 5 * time.Minute // of one by a provider, from which the browser comes back to another page
	maxConfirmations    = 10_000
	maxConfirmationsOne = 20 // of one account
)

func (i Intent) check() error {
	thing, known := ofThings[i.Purpose]
	if !known {
		return invalid("purpose", "api.confirm.purpose")
	}
	if thing != (i.Object != "") || len(i.Object) > maxIntentObject {
		return invalid("object", "api.confirm.object")
	}
	return nil
}

// Proof is how a signed-in person shows that it is them, before something that a forgotten open browser shouldn't do:
// the password of their account, or a confirmation that EndConfirm or EndProvider gave.
type Proof struct {
	Password     string
	Confirmation string
}

// confirmation says that the person of a session has confirmed an intent.
type confirmation struct {
	account string
	session [32]byte
	intent  Intent
}

// confirm judges a proof. A confirmation holds for the session and the intent that it was made for, and is used up by the
// first try; all but the last thing that can be refused is therefore to be looked at before.
func (s *Service) confirm(ctx context.Context, by Actor, proof Proof, want Intent) error {
	if by.Operator {
		return nil // who can open the admin socket is nobody's forgotten browser
	}
	if proof.Confirmation != "" {
		return s.useConfirmation(by, proof.Confirmation, want)
	}
	if by.Account.Password == "" {
		return fail(Forbidden, "api.password.none")
	}
	address := AddressKey(by.Remote)
	if err := s.triesLeft(by.Account.Email, address); err != nil {
		return err
	}
	ok, err := s.people.verify(ctx, by.Account.Password, proof.Password)
	if err != nil {
		return err
	}
	if !ok {
		s.failed(by.Account.Email, address)
		return fail(Forbidden, "api.password.wrong")
	}
	return nil
}

func (s *Service) useConfirmation(by Actor, token string, want Intent) error {
	address := AddressKey(by.Remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	c, ok := s.confirmations.take(hashToken(token), s.now())
	if !ok || c.session != by.Session || c.account != by.Account.ID || c.intent != want {
		s.addresses.add(address, s.now())
		return fail(Forbidden, "api.confirm.over")
	}
	return nil
}

// confirmed makes the confirmation of an intent for the actor's session.
func (s *Service) confirmed(by Actor, intent Intent, life time.Duration) (string, error) {
	token := newToken()
	c := confirmation{by.Account.ID, by.Session, intent}
	if !s.confirmations.add(hashToken(token), ticket[confirmation]{value: c, group: by.Account.ID, session: by.Session, ends: s.now().Add(life)}, s.now()) {
		return "", &Error{Code: RateLimited, Key: "api.busy", Wait: life}
	}
	return token, nil
}

// ConfirmWays are the ways in which a person can show that it is them.
type ConfirmWays struct {
	Password  bool
	Passkey   bool
	Providers []Provider // with which an identity of theirs is
}

// ConfirmWays lists those of the actor's person.
func (s *Service) ConfirmWays(ctx context.Context, by Actor) (out ConfirmWays, err error) {
	out.Password = by.Account.Password != ""
	err = s.view(ctx, func(r Reader) error {
		keys, err := r.Passkeys(by.Account.ID)
		if err != nil {
			return err
		}
		out.Passkey = len(keys) > 0 && s.HasPasskeys()
		out.Providers, err = s.linked(r, by.Account.ID)
		return err
	})
	return out, err
}

// linked are the providers with which an account has identities.
func (s *Service) linked(r Reader, account string) (list []Provider, err error) {
	have, err := r.Identities(account)
	if err != nil {
		return nil, err
	}
	for _, p := range s.ProviderList() {
		for _, i := range have {
			if i.Issuer == p.Issuer {
				list = append(list, p)
				break
			}
		}
	}
	return list, nil
}
