package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	maxFactors    = 10 // authenticator apps of one account
	recoveryCodes = 10
	totpStep      = 30 // seconds, RFC 6238
)

var base32NoPad = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTP is an authenticator app to be: nothing is stored before the first code proves that the app has the key.
type NewTOTP struct {
	Secret string // base32
	URL    string // otpauth://totp/…, what the QR code holds
}

// BeginTOTP makes a key for an authenticator app.
func (s *Service) BeginTOTP(by Actor) NewTOTP {
	var key [20]byte // as long as SHA-1's, RFC 4226 section 4
	rand.Read(key[:])
	secret := base32NoPad.EncodeToString(key[:])
	q := url.Values{"secret": {secret}, "issuer": {"Tsunagi"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {strconv.Itoa(totpStep)}}
	return NewTOTP{secret, (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/Tsunagi:" + by.Account.Email, RawQuery: q.Encode()}).String()}
}

// AddTOTP stores an authenticator app once a code of it is right. With the first one come recovery codes, shown once.
func (s *Service) AddTOTP(ctx context.Context, by Actor, proof Proof, name, secret, code string) (recovery []string, err error) {
	if name, err = checkText("name", name, 64, false); err != nil {
		return nil, err
	}
	if key, err := base32NoPad.DecodeString(secret); err != nil || len(key) != 20 {
		return nil, invalid("secret", "api.factor.secret")
	}
	step, ok := totpMatch(secret, code, s.now(), 0)
	if !ok {
		return nil, invalid("code", "api.factor.code")
	}
	if err := s.confirm(ctx, by, proof, Intent{ToAddApp, ""}); err != nil { // the last, as a confirmation works once
		return nil, err
	}
	id, now := newID(), s.now()
	row := Factor{ID: id, Account: by.Account.ID, Kind: FactorTOTP, Name: name, Last: step, CreatedAt: now,
		Secret: s.o.Keys.sealPassword("factor "+id, secret)}
	err = s.update(ctx, func(tx Tx) error {
		have, err := tx.Factors(by.Account.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxFactors {
			return fail(Limit, "api.factor.limit", "limit", maxFactors)
		}
		rows := []Row{row}
		recovery = nil
		if len(have) == 0 {
			var r Factor
			r, recovery = newRecovery(by.Account.ID, now)
			rows = append(rows, r)
		}
		if err := tx.Insert(rows...); err != nil {
			return err
		}
		return s.audit(tx, by, "factor.create", id, name)
	})
	return recovery, err
}

func newRecovery(account string, now time.Time) (Factor, []string) {
	f := Factor{ID: newID(), Account: account, Kind: FactorRecovery, CreatedAt: now}
	var codes []string
	for range recoveryCodes {
		code := strings.ToLower(rand.Text()[:16]) // 80 bits
		sum := sha256.Sum256([]byte(code))
		f.Secret = append(f.Secret, sum[:]...)
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
	}
	return f, codes
}

// Factors lists the second proofs of the actor's account. Secrets stay out.
func (s *Service) Factors(ctx context.Context, by Actor) (list []Factor, err error) {
	err = s.view(ctx, func(r Reader) error {
		list, err = r.Factors(by.Account.ID)
		return err
	})
	for i := range list {
		if list[i].Kind == FactorRecovery {
			list[i].Last = int64(len(list[i].Secret) / sha256.Size) // codes left
		}
		list[i].Secret = nil
	}
	return list, err
}

// DeleteFactor takes an authenticator app away; with the last one two-step sign-in is off and the recovery codes go.
func (s *Service) DeleteFactor(ctx context.Context, by Actor, proof Proof, id string) error {
	if err := s.confirm(ctx, by, proof, Intent{ToRemoveApp, id}); err != nil {
		return err
	}
	off := false
	err := s.update(ctx, func(tx Tx) error {
		have, err := tx.Factors(by.Account.ID)
		if err != nil {
			return err
		}
		found, left := false, 0
		var rest []Row
		for _, f := range have {
			switch {
			case f.ID == id && f.Kind == FactorTOTP:
				found = true
				if err := tx.Delete(f); err != nil {
					return err
				}
			case f.Kind == FactorTOTP:
				left++
			default:
				rest = append(rest, f)
			}
		}
		if !found {
			return notFound()
		}
		if off = left == 0; off {
			if err := tx.Delete(rest...); err != nil {
				return err
			}
		}
		return s.audit(tx, by, "factor.delete", id, "")
	})
	if err == nil && off {
		s.inform(ctx, LetterFactorOff, by.Account, by)
	}
	return err
}

// NewRecoveryCodes replaces the recovery codes of the actor's account.
func (s *Service) NewRecoveryCodes(ctx context.Context, by Actor, proof Proof) (codes []string, err error) {
	if err := s.confirm(ctx, by, proof, Intent{ToRenewCodes, ""}); err != nil {
		return nil, err
	}
	err = s.update(ctx, func(tx Tx) error {
		have, err := tx.Factors(by.Account.ID)
		if err != nil {
			return err
		}
		if len(have) == 0 {
			return notFound()
		}
		for _, f := range have {
			if f.Kind == FactorRecovery {
				if err := tx.Delete(f); err != nil {
					return err
				}
			}
		}
		var row Factor
		row, codes = newRecovery(by.Account.ID, s.now())
		if err := tx.Insert(row); err != nil {
			return err
		}
		return s.audit(tx, by, "factor.recovery", by.Account.ID, "")
	})
	return codes, err
}

// RemoveFactors switches two-step sign-in of an account off, for who lost everything: the admin socket only.
func (s *Service) RemoveFactors(ctx context.Context, by Actor, email string) error {
	if !by.Operator {
		return fail(Forbidden, "api.forbidden")
	}
	return s.update(ctx, func(tx Tx) error {
		acc, err := tx.AccountByEmail(strings.ToLower(strings.TrimSpace(email)))
		if err != nil {
			return err
		}
		have, err := tx.Factors(acc.ID)
		if err != nil {
			return err
		}
		for _, f := range have {
			if err := tx.Delete(f); err != nil {
				return err
			}
		}
		return s.audit(tx, by, "factor.delete", acc.ID, "all")
	})
}

// useFactor judges a code against an account's factors and spends it, so that it works once.
func (s *Service) useFactor(tx Tx, account, code string) (bool, error) {
	have, err := tx.Factors(account)
	if err != nil {
		return false, err
	}
	now := s.now()
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	for _, f := range have {
		switch f.Kind {
		case FactorTOTP:
			secret, err := s.o.Keys.openPassword("factor "+f.ID, f.Secret)
			if err != nil {
				return false, err
			}
			step, ok := totpMatch(secret, plain, now, f.Last)
			if !ok {
				continue
			}
			f.Last, f.UsedAt = step, now
			return true, tx.Save(f)
		case FactorRecovery:
			sum := sha256.Sum256([]byte(plain))
			for i := 0; i+len(sum) <= len(f.Secret); i += len(sum) {
				if subtle.ConstantTimeCompare(f.Secret[i:i+len(sum)], sum[:]) == 1 {
					f.Secret = append(append([]byte{}, f.Secret[:i]...), f.Secret[i+len(sum):]...)
					f.UsedAt = now
					return true, tx.Save(f)
				}
			}
		}
	}
	return false, nil
}

// totpMatch finds the time step of a code: that of now, the one before or the one after [RFC 6238 section 5.2], and
// later than the last that was used.
func totpMatch(secret, code string, now time.Time, last int64) (int64, bool) {
	current := now.Unix() / totpStep
	for _, step := range []int64{current - 1, current, current + 1} {
		if step <= last {
			continue
		}
		ok, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return step, true
		}
		if err != nil && !errors.Is(err, otp.ErrValidateInputInvalidLength) {
			return 0, false
		}
	}
	return 0, false
}
