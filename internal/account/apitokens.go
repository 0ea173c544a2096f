package account

import (
	"context"
	"errors"
	"strings"
	"time"
)

const (
	maxAPITokens = 50
	tokenPrefix  = "tsu_" // so that people and scanners of code know what it is
)

// NewAPIToken is what a person chooses. Life is in days, 0 for no end.
type NewAPIToken struct {
	Name     string
	Scope    Scope
	Instance string   // "" for all
	Topics   []string // of a scope for messages
	Days     int
}

// CreateAPIToken makes a token that acts for the account that the actor uses, for a person who has confirmed that it is
// them: it outlives the browser's session, and shows what else is shown after a confirmation only. It is returned once.
func (s *Service) CreateAPIToken(ctx context.Context, by Actor, proof Proof, n NewAPIToken) (row APIToken, token string, err error) {
	name, err := checkText("name", n.Name, 64, false)
	if err != nil {
		return APIToken{}, "", err
	}
	if err := checkScope(n); err != nil {
		return APIToken{}, "", err
	}
	if n.Days < 0 || n.Days > 3650 {
		return APIToken{}, "", invalid("days", "api.token.days", "max", 3650)
	}
	if n.Instance != "" {
		if _, err := s.Instance(ctx, by, n.Instance); err != nil { // not found before wrong password
			return APIToken{}, "", err
		}
	}
	if err := s.confirm(ctx, by, proof, Intent{ToMakeToken, ""}); err != nil {
		return APIToken{}, "", err
	}
	token = tokenPrefix + newToken()
	now := s.now()
	row = APIToken{ID: newID(), Hash: hashToken(token), Account: by.team(), Name: name, Scope: n.Scope, Instance: n.Instance, Topics: n.Topics, CreatedAt: now}
	if n.Days > 0 {
		row.ExpiresAt = now.AddDate(0, 0, n.Days)
	}
	err = s.update(ctx, func(tx Tx) error {
		have, err := tx.APITokens(by.team())
		if err != nil {
			return err
		}
		if len(have) >= maxAPITokens {
			return fail(Limit, "api.token.limit", "limit", maxAPITokens)
		}
		if row.Instance != "" {
			if _, err := instanceOf(tx, by, row.Instance); err != nil {
				return err
			}
		}
		if err := tx.Insert(row); err != nil {
			return err
		}
		return s.audit(tx, by, "token.create", row.ID, name)
	})
	return row, token, err
}

// APITokens lists the tokens of the account that the actor uses.
func (s *Service) APITokens(ctx context.Context, by Actor) (list []APIToken, err error) {
	err = s.view(ctx, func(r Reader) error {
		list, err = r.APITokens(by.team())
		return err
	})
	return list, err
}

// DeleteAPIToken makes a token stop to work at once.
func (s *Service) DeleteAPIToken(ctx context.Context, by Actor, id string) error {
	var row APIToken
	err := s.update(ctx, func(tx Tx) (err error) {
		row, err = tx.APIToken(id)
		if errors.Is(err, ErrNotFound) || err == nil && row.Account != by.team() {
			return notFound()
		}
		if err != nil {
			return err
		}
		if err := tx.Delete(row); err != nil {
			return err
		}
		return s.audit(tx, by, "token.delete", id, row.Name)
	})
	if err == nil {
		s.ended.tell(row.Hash)
	}
	return err
}

// ByToken is the actor behind an API token. Tries with wrong tokens are limited by address.
func (s *Service) ByToken(ctx context.Context, token, remote, agent string) (Actor, error) {
	by := Actor{Via: "token", Remote: remote, Agent: clip(agent)}
	if !strings.HasPrefix(token, tokenPrefix) || len(token) != len(tokenPrefix)+43 {
		return by, fail(Unauthorized, "api.token.unknown") // a token for something else, as that of metrics, is no try
	}
	address := AddressKey(remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return by, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	var row APIToken
	err := s.o.Store.View(ctx, func(r Reader) (err error) {
		if row, err = r.APITokenByHash(hashToken(token)); err == nil {
			by.Account, err = r.Account(row.Account)
		}
		return err
	})
	now := s.now()
	if errors.Is(err, ErrNotFound) || err == nil && !row.ExpiresAt.IsZero() && !now.Before(row.ExpiresAt) {
		s.addresses.add(address, now)
		return by, fail(Unauthorized, "api.token.unknown")
	}
	if err != nil {
		return by, err
	}
	by.Scope, by.Only, by.Topics, by.Token = row.Scope, row.Instance, row.Topics, row.Hash
	if now.Sub(row.UsedAt) > time.Minute {
		s.touchToken(ctx, row, now)
	}
	return by, nil
}

// touchToken keeps when a token was used last; failing is no reason to refuse the request.
func (s *Service) touchToken(ctx context.Context, row APIToken, now time.Time) {
	err := s.update(ctx, func(tx Tx) error {
		if _, err := tx.APIToken(row.ID); err != nil {
			return err
		}
		row.UsedAt = now
		return tx.Save(row)
	})
	var e *Error
	if err != nil && !errors.As(err, &e) && ctx.Err() == nil {
		s.o.Log.Warn("time of last use of a token not kept", "error", err)
	}
}
