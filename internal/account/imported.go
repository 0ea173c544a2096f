package account

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of hashes that come from elsewhere: what a login with one may cost.
const (
	importedMaxRounds = 200_000   // of PBKDF2
	importedMaxKiB    = 64 * 1024 // of argon2id
	importedMaxPasses = 4
)

var errImported = errors.New("stored password hash from elsewhere is damaged")

// importedHash is a password hash in Mosquitto's form: "$6$salt$hash", SHA-512 over password and salt, or
// "$7$rounds$salt$hash", PBKDF2 with HMAC-SHA-512; salt and hash in base64.
type importedHash struct {
	rounds     int // 0: SHA-512
	salt, hash []byte
}

func parseImported(text string) (h importedHash, err error) {
	parts := strings.Split(text, "$")
	switch {
	case len(parts) == 4 && parts[1] == "6":
	case len(parts) == 5 && parts[1] == "7":
		h.rounds, err = strconv.Atoi(parts[2])
		if err != nil || h.rounds < 1 || h.rounds > importedMaxRounds {
			return h, errImported
		}
	default:
		return h, errImported
	}
	var err1, err2 error
	h.salt, err1 = base64.StdEncoding.DecodeString(parts[len(parts)-2])
	h.hash, err2 = base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err1 != nil || err2 != nil || len(h.salt) == 0 || len(h.salt) > 256 || len(h.hash) != sha512.Size {
		return h, errImported
	}
	return h, nil
}

func (h importedHash) verify(password string) (bool, error) {
	if h.rounds == 0 {
		got := sha512.Sum512(append([]byte(password), h.salt...))
		return subtle.ConstantTimeCompare(got[:], h.hash) == 1, nil
	}
	got, err := pbkdf2.Key(sha512.New, password, h.salt, h.rounds, len(h.hash))
	return err == nil && subtle.ConstantTimeCompare(got, h.hash) == 1, err
}

// takeHash says how a hash from elsewhere is kept; false: it is none that we know, or would cost too much.
func takeHash(text string) (SecretKind, bool) {
	if strings.HasPrefix(text, "$argon2id$") {
		memory, passes, err := argonCost(text)
		return SecretChosen, err == nil && memory <= importedMaxKiB && passes <= importedMaxPasses
	}
	_, err := parseImported(text)
	return SecretImported, err == nil
}

// argonCost reads the parameters of a PHC form that verifyArgon can judge.
func argonCost(phc string) (memory, passes int, err error) {
	parts := strings.Split(phc, "$")
	var lanes int
	if len(parts) == 6 && parts[2] == "v=19" {
		_, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes)
	} else {
		err = errImported
	}
	if err != nil || memory < 8*lanes || memory < 8 || passes < 1 || lanes < 1 || lanes > 4 {
		return 0, 0, errImported
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return 0, 0, errImported
	}
	return memory, passes, nil
}

// verifyUser judges a password that isn't a generated one. Whatever is wrong costs an argon2id.
func (d *Directory) verifyUser(ctx context.Context, u User, password string) (ok bool, err error) {
	if u.Kind == SecretImported && len(password) <= 256 {
		if _, from, sum, of := parseGenerated(string(u.Secret)); of {
			if hmac.Equal(d.o.Keys.hashGenerated(from, u.Name, password), sum) {
				return true, nil
			}
			return d.devices.verify(ctx, "", password)
		}
		h, err := parseImported(string(u.Secret))
		if err == nil {
			var bad error
			if err = d.devices.do(ctx, func() { ok, bad = h.verify(password) }); err == nil {
				err = bad
			}
		}
		if err != nil || ok {
			return ok, err
		}
	}
	phc := ""
	if u.Kind == SecretChosen && len(password) <= 256 {
		phc = string(u.Secret)
	}
	return d.devices.verify(ctx, phc, password[:min(len(password), 256)])
}

// strengthen keeps a password that came with a weaker hash, and was just found good, with ours. The user comes back as
// it is then. Where that fails the old hash goes on working.
func (d *Directory) strengthen(ctx context.Context, c Credentials, u User) User {
	phc, err := d.devices.hash(ctx, c.Password)
	fresh := u
	fresh.Kind, fresh.Secret = SecretChosen, []byte(phc)
	if err == nil {
		err = d.o.Store.Update(ctx, func(tx Tx) error {
			have, err := tx.User(u.Instance, u.Name)
			if err != nil {
				return err
			}
			if have.Kind != u.Kind || string(have.Secret) != string(u.Secret) {
				return ErrNotFound // changed meanwhile
			}
			have.Kind, have.Secret = fresh.Kind, fresh.Secret
			return tx.Save(have)
		})
	}
	switch {
	case err == nil:
		d.rows.forget()
		d.cache.add(d.cache.key(c, fresh), d.o.Now())
		return fresh
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrBusy) && ctx.Err() == nil && d.o.Log != nil:
		d.o.Log.Warn("a password keeps the hash that it came with", "instance", u.Instance, "error", err)
	}
	return u
}
