package account

import (
	"context"
	"crypto/subtle"
	"errors"
)

// ownerSetting keeps the hash of the link with which the owner is made.
const ownerSetting = "owner_token"

// HasOwner says whether the installation has its owner yet.
func (s *Service) HasOwner(ctx context.Context) (bool, error) {
	if s.ownerSeen.Load() {
		return true, nil
	}
	found := false
	err := s.view(ctx, func(r Reader) (err error) {
		found, err = hasOwner(r)
		return err
	})
	if found && err == nil {
		s.ownerSeen.Store(true)
	}
	return found, err
}

func hasOwner(r Reader) (bool, error) {
	all, err := r.Accounts()
	for _, a := range all {
		if a.Role == RoleOwner {
			return true, err
		}
	}
	return false, err
}

// SignUp is the installation's way for new people: "open", "invite" or "closed".
func (s *Service) SignUp() string { return s.o.SignUp }

// OwnerToken makes the single-use token with which the owner is made; the one before stops to work. It returns ""
// when there is an owner already.
func (s *Service) OwnerToken(ctx context.Context) (string, error) {
	token := newToken()
	hash := hashToken(token)
	err := s.update(ctx, func(tx Tx) error {
		found, err := hasOwner(tx)
		if err != nil {
			return err
		}
		row := Setting{Key: ownerSetting, Value: hash[:]}
		if found {
			token = ""
			return tx.Delete(row)
		}
		if _, err := tx.Setting(ownerSetting); errors.Is(err, ErrNotFound) {
			return tx.Insert(row)
		} else if err != nil {
			return err
		}
		return tx.Save(row)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// CreateOwner makes the owner with the token of the link and signs the browser in.
func (s *Service) CreateOwner(ctx context.Context, by Actor, token, email, password, language string) (session string, err error) {
	if wait := s.addresses.wait(AddressKey(by.Remote), s.now()); wait > 0 {
		return "", &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	check := func(r Reader) error {
		have, err := r.Setting(ownerSetting)
		hash := hashToken(token)
		if errors.Is(err, ErrNotFound) || err == nil && subtle.ConstantTimeCompare(have.Value, hash[:]) != 1 {
			s.addresses.add(AddressKey(by.Remote), s.now())
			return fail(Forbidden, "api.link")
		}
		return err
	}
	if err := s.view(ctx, check); err != nil { // before the work of hashing
		return "", err
	}
	acc, err := s.newAccount(ctx, email, password, RoleOwner, language)
	if err != nil {
		return "", err
	}
	row, session := s.newSession(acc, by)
	by.Account = acc
	err = s.update(ctx, func(tx Tx) error {
		if err := check(tx); err != nil {
			return err
		}
		if err := tx.Delete(Setting{Key: ownerSetting}); err != nil {
			return err
		}
		return s.insertAccount(tx, by, acc, row)
	})
	return session, err
}

// CreateAccount makes an account without an invitation, for the admin socket. Without a role the first account
// becomes the owner. An empty password is replaced by a generated one, which is returned.
func (s *Service) CreateAccount(ctx context.Context, by Actor, email, password string, role Role, plan string) (Account, string, error) {
	if !by.Operator {
		return Account{}, "", fail(Forbidden, "api.forbidden")
	}
	if role != "" && role != RoleOwner && role != RoleMember {
		return Account{}, "", invalid("role", "api.role")
	}
	if _, ok := findPlan(s.o.Plans, plan); !ok {
		return Account{}, "", NoPlan(s.o.Plans)
	}
	generated := ""
	if password == "" {
		generated = newPassword()
		password = generated
	}
	acc, err := s.newAccount(ctx, email, password, role, "")
	if err != nil {
		return Account{}, "", err
	}
	acc.Plan = plan
	err = s.update(ctx, func(tx Tx) error {
		if role == "" {
			acc.Role = RoleMember
			if found, err := hasOwner(tx); err != nil {
				return err
			} else if !found {
				acc.Role = RoleOwner
			}
		}
		return s.insertAccount(tx, by, acc)
	})
	return acc, generated, err
}

// newAccount checks the words and hashes the password; nothing is stored yet.
func (s *Service) newAccount(ctx context.Context, email, password string, role Role, language string) (Account, error) {
	email, err := normalEmail(email)
	if err != nil {
		return Account{}, err
	}
	if err := checkLanguage(language); err != nil {
		return Account{}, err
	}
	if err := checkPersonPassword(password, email); err != nil {
		return Account{}, err
	}
	hash, err := s.people.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	return Account{ID: newID(), Email: email, Password: hash, Role: role, Language: language, CreatedAt: s.now()}, nil
}

func (s *Service) insertAccount(tx Tx, by Actor, acc Account, more ...Row) error {
	err := tx.Insert(append([]Row{acc}, more...)...)
	if errors.Is(err, ErrExists) {
		return fail(Conflict, "api.email_taken")
	}
	if err != nil {
		return err
	}
	return s.audit(tx, by, "account.create", acc.ID, string(acc.Role)+" "+acc.Email)
}

// Accounts lists all accounts, for the admin socket.
func (s *Service) Accounts(ctx context.Context, by Actor) (list []Account, err error) {
	if !by.Operator {
		return nil, fail(Forbidden, "api.forbidden")
	}
	err = s.view(ctx, func(r Reader) error {
		list, err = r.Accounts()
		return err
	})
	return list, err
}

// SetLanguage stores the language of the actor's account.
func (s *Service) SetLanguage(ctx context.Context, by Actor, language string) (acc Account, err error) {
	if err := checkLanguage(language); err != nil {
		return Account{}, err
	}
	err = s.update(ctx, func(tx Tx) error {
		if acc, err = tx.Account(by.Account.ID); err != nil {
			return err
		}
		acc.Language = language
		return tx.Save(acc)
	})
	return acc, err
}

func checkLanguage(l string) error {
	if l != "" && l != "en" && l != "ja" {
		return invalid("language", "api.language")
	}
	return nil
}
