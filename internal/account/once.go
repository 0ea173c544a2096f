package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"
)

// Bounds of remembered answers.
const (
	OnceLife    = 24 * time.Hour
	onceMax     = 10_000 // of one account
	onceCleared = 200    // old ones that one call clears away at most
)

// Once is a request that is to be done once, however often it comes, with the answer that it got. Primary key
// (Account, Key); parent Account.
type Once struct {
	Account   string
	Key       [32]byte // digest of who asked and of the key that was chosen
	Digest    [32]byte // of the request
	Status    int      // HTTP status of the answer; 0: there is none (yet)
	Sealed    []byte   // the answer under the key file: it may hold a password
	CreatedAt time.Time
}

func (Once) row() {}

// OnceCall is one request with a key of the caller's choice.
type OnceCall struct {
	Key    string   // chosen by the caller
	Digest [32]byte // of all that the request says
}

// OnceAnswer is what a request was answered with.
type OnceAnswer struct {
	Status int
	Body   []byte
}

// BeginOnce says whether a request is to be done: nil asks the caller to do it and to tell EndOnce how it went, an
// answer is that of the first time. The same key with another request is Invalid. A request that is under way, or
// that broke off with the process, is a Conflict: nobody knows whether it was done.
func (s *Service) BeginOnce(ctx context.Context, by Actor, c OnceCall) (answer *OnceAnswer, err error) {
	row := Once{Account: by.Account.ID, Key: onceKey(by, c.Key), Digest: c.Digest, CreatedAt: s.now()}
	var have Once
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		old, err := tx.OnceBefore(row.CreatedAt.Add(-OnceLife), onceCleared)
		if err != nil {
			return err
		}
		for _, o := range old {
			if err := tx.Delete(o); err != nil {
				return err
			}
		}
		have, err = tx.Once(row.Account, row.Key)
		if err == nil && row.CreatedAt.Sub(have.CreatedAt) < OnceLife {
			return nil
		}
		if err == nil {
			err = tx.Delete(have)
		} else if errors.Is(err, ErrNotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		have = Once{}
		n, err := tx.CountOnce(row.Account)
		if err != nil {
			return err
		}
		if n >= onceMax {
			return fail(Limit, "api.once.limit", "limit", onceMax)
		}
		return tx.Insert(row)
	})
	switch {
	case err != nil:
		return nil, told(err)
	case have.Account == "":
		return nil, nil
	case have.Digest != row.Digest:
		return nil, invalid("", "api.once.other")
	case have.Status == 0:
		return nil, fail(Conflict, "api.once.open")
	}
	body, err := s.o.Keys.seal.Open(nil, nil, have.Sealed, have.seal())
	if err != nil {
		return nil, err
	}
	return &OnceAnswer{have.Status, body}, nil
}

// EndOnce keeps the answer of a request that BeginOnce let through; nil: it failed and may come again.
func (s *Service) EndOnce(ctx context.Context, by Actor, c OnceCall, answer *OnceAnswer) error {
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		row, err := tx.Once(by.Account.ID, onceKey(by, c.Key))
		if err != nil {
			return err
		}
		if answer == nil {
			return tx.Delete(row)
		}
		row.Status, row.Sealed = answer.Status, s.o.Keys.seal.Seal(nil, nil, answer.Body, row.seal())
		return tx.Save(row)
	})
	if errors.Is(err, ErrNotFound) { // the account is gone with it
		return nil
	}
	return err
}

// onceKey tells the keys of two API tokens of one account apart, for what one may see, the other may not; and those of a
// person in two teams, for what is made in one isn't made in the other.
func onceKey(by Actor, key string) (out [32]byte) {
	h := hmac.New(sha256.New, by.Token[:])
	h.Write([]byte(by.team() + " " + key))
	h.Sum(out[:0])
	return out
}

func (o Once) seal() []byte { return append([]byte("once "+o.Account+" "), o.Key[:]...) }
