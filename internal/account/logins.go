package account

import (
	"context"
	"slices"
	"strings"
)

// LoginsChange is what changes of an instance's ways of logging in; nil stays as it is.
type LoginsChange struct {
	Password        *bool
	Token           *bool
	Certificate     *CertificateUse
	CertificateUser *IdentityField
	TokenIssuer     *string
	TokenAudience   *string
	TokenUser       *string
}

// Logins reads how an instance's clients log in.
func (s *Service) Logins(ctx context.Context, by Actor, instance string) (l Logins, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		l, err = loginsOf(r, instance)
		return err
	})
	return l, err
}

func loginsOf(r Reader, instance string) (Logins, error) {
	found, err := r.Logins(instance)
	l, _, err := orPreset(found, err, DefaultLogins(instance))
	return l, err
}

// ChangeLogins changes how an instance's clients log in. It holds at once: connections whose login would not be let in
// any more end.
func (s *Service) ChangeLogins(ctx context.Context, by Actor, instance string, c LoginsChange) (l Logins, err error) {
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		found, err := tx.Logins(instance)
		have, fresh, err := orPreset(found, err, DefaultLogins(instance))
		if err != nil {
			return Change{}, err
		}
		if l, err = c.apply(have); err != nil {
			return Change{}, err
		}
		if err := s.fresh(ctx, have); err != nil {
			return Change{}, err
		}
		if err := writeOne(tx, fresh, l); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Logins: true}, s.audit(tx, by, "logins.change", instance, l.words())
	})
	return l, err
}

func (c LoginsChange) apply(l Logins) (Logins, error) {
	set(&l.Password, c.Password)
	set(&l.Token, c.Token)
	set(&l.Certificate, c.Certificate)
	set(&l.CertificateUser, c.CertificateUser)
	set(&l.TokenIssuer, c.TokenIssuer)
	set(&l.TokenAudience, c.TokenAudience)
	set(&l.TokenUser, c.TokenUser)
	if !slices.Contains([]CertificateUse{CertificateOff, CertificateAccepted, CertificateRequired}, l.Certificate) {
		return l, invalid("certificate", "api.login.certificate")
	}
	if !slices.Contains([]IdentityField{FieldCN, FieldDNS, FieldEmail, FieldURI}, l.CertificateUser) {
		return l, invalid("certificate_user", "api.login.field")
	}
	if !l.Password && !l.Token && l.Certificate == CertificateOff {
		return l, invalid("password", "api.login.none")
	}
	for field, v := range map[string]string{"token_issuer": l.TokenIssuer, "token_audience": l.TokenAudience, "token_user": l.TokenUser} {
		if len(v) > 256 || !plainText(v) || strings.TrimSpace(v) != v {
			return l, invalid(field, "api.login.text", "limit", 256)
		}
	}
	return l, nil
}

func set[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}

// words tell the audit.
func (l Logins) words() string {
	var w []string
	if l.Password {
		w = append(w, "password")
	}
	if l.Token {
		w = append(w, "token")
	}
	return strings.Join(append(w, "certificate "+string(l.Certificate)), ", ")
}
