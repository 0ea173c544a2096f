package account

import (
	"context"
	"crypto/hmac"
	"errors"
	"net/url"

	"tsunagi/internal/jwt"
)

// maxTokenKeys is how many keys and key sets an instance can have.
const maxTokenKeys = 16

// NewTokenKey is a key to be added: Key or URL.
type NewTokenKey struct {
	KeyID string // "kid"; "" for the JWK's own or the key's thumbprint
	Key   string // public key: PEM or JWK
	URL   string // https address of a key set
}

// Algorithm is what the key's tokens are signed with; "" for a key set, whose keys say it each.
func (k TokenKey) Algorithm() string {
	if key, err := jwt.ParseKey(k.KeyID, []byte(k.Key)); err == nil {
		return string(key.Algorithm)
	}
	return ""
}

// TokenKeys lists an instance's keys.
func (s *Service) TokenKeys(ctx context.Context, by Actor, instance string) (list []TokenKey, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.TokenKeys(instance)
		return err
	})
	return list, err
}

// AddTokenKey adds a key or a key set. Whether a key set can be fetched shows at the first login.
func (s *Service) AddTokenKey(ctx context.Context, by Actor, instance string, n NewTokenKey) (TokenKey, error) {
	row, err := s.tokenKey(instance, n)
	if err != nil {
		return TokenKey{}, err
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		have, err := tx.TokenKeys(instance)
		if err != nil {
			return Change{}, err
		}
		if len(have) >= maxTokenKeys {
			return Change{}, fail(Limit, "api.login.keys", "limit", maxTokenKeys)
		}
		for _, h := range have {
			if h.URL == row.URL && h.KeyID == row.KeyID {
				return Change{}, fail(Conflict, "api.login.twice")
			}
		}
		if err := tx.Insert(row); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Logins: true}, s.audit(tx, by, "token_key.add", instance, row.KeyID+row.URL)
	})
	return row, err
}

// tokenKey judges what a person gives, and makes the row of it.
func (s *Service) tokenKey(instance string, n NewTokenKey) (TokenKey, error) {
	row := TokenKey{Instance: instance, ID: newID(), Key: n.Key, URL: n.URL, CreatedAt: s.now()}
	switch {
	case (n.Key == "") == (n.URL == ""):
		return TokenKey{}, invalid("key", "api.login.key_or_url")
	case n.URL != "":
		u, err := url.Parse(n.URL)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(n.URL) > 1024 || !plainText(n.URL) {
			return TokenKey{}, invalid("url", "api.login.url")
		}
	default:
		key, err := jwt.ParseKey(n.KeyID, []byte(n.Key))
		if err == nil && !plainText(key.ID) {
			err = errors.New("its id has characters that can't be shown")
		}
		if err != nil {
			return TokenKey{}, invalid("key", "api.login.key", "cause", causeOf(err, jwt.ErrKey))
		}
		row.KeyID = key.ID
	}
	return row, nil
}

// DeleteTokenKey deletes a key or key set; connections with its tokens end.
func (s *Service) DeleteTokenKey(ctx context.Context, by Actor, instance, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		k, err := tx.TokenKey(instance, id)
		if err != nil {
			return Change{}, err
		}
		if err := tx.Delete(k); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Logins: true}, s.audit(tx, by, "token_key.delete", instance, k.KeyID+k.URL)
	})
}

// MetricsTokenHead begins every metrics token, so that it isn't taken for a wrong API token.
const MetricsTokenHead = "tsm_"

// MintMetricsToken makes the token with which a program reads an instance's metrics; the one before ends.
func (s *Service) MintMetricsToken(ctx context.Context, by Actor, instance string) (string, error) {
	token := MetricsTokenHead + newToken()
	row := MetricsToken{Instance: instance, Hash: hashToken(token), CreatedAt: s.now()}
	err := s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return err
		}
		if err := tx.Delete(row); err != nil {
			return err
		}
		if err := tx.Insert(row); err != nil {
			return err
		}
		return s.audit(tx, by, "metrics.token", instance, "")
	})
	return token, err
}

// HasMetricsToken says whether an instance has a token that reads its metrics.
func (s *Service) HasMetricsToken(ctx context.Context, by Actor, instance string) (has bool, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		_, err := r.MetricsToken(instance)
		if has = err == nil; errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	return has, err
}

// DropMetricsToken takes the token back.
func (s *Service) DropMetricsToken(ctx context.Context, by Actor, instance string) error {
	return s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return err
		}
		if err := tx.Delete(MetricsToken{Instance: instance}); err != nil {
			return err
		}
		return s.audit(tx, by, "metrics.token", instance, "taken back")
	})
}

// InstanceByMetricsToken is the instance whose metrics a token opens. Whatever is wrong, the answer is "not found".
func (s *Service) InstanceByMetricsToken(ctx context.Context, instance, token string) (in Instance, err error) {
	sum := hashToken(token)
	err = s.view(ctx, func(r Reader) error {
		row, err := r.MetricsToken(instance)
		if err != nil {
			return err
		}
		if !hmac.Equal(row.Hash[:], sum[:]) {
			return notFound()
		}
		in, err = r.Instance(instance)
		return err
	})
	return in, err
}
