package account

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// An instance's API key is nowhere kept: it is made of the key file, the instance's id and a counter in the store that
// a rotation raises. It names its instance: "tsk_<instance>_<43 characters>".
const (
	instanceKeyHead    = "tsk_"
	instanceKeySetting = "instance_key." // and the instance's id; the counter in 8 bytes
)

// instanceKey is the key with that number.
func (k *Keys) instanceKey(instance string, number uint64) string {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], number)
	return instanceKeyHead + instance + "_" + base64.RawURLEncoding.EncodeToString(mac(k.instance, []byte(instance), n[:]))
}

// keyNumber is how often an instance's key was rotated.
func keyNumber(r Reader, instance string) (uint64, error) {
	row, err := r.Setting(instanceKeySetting + instance)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if len(row.Value) != 8 {
		return 0, errors.New("the counter of an instance's key is damaged")
	}
	return binary.BigEndian.Uint64(row.Value), nil
}

// RevealInstanceKey shows an instance's API key to a person who has confirmed that it is them.
func (s *Service) RevealInstanceKey(ctx context.Context, by Actor, id string, proof Proof) (string, error) {
	if !by.Operator {
		if _, err := s.Instance(ctx, by, id); err != nil { // not found before wrong password
			return "", err
		}
		if err := s.confirm(ctx, by, proof, Intent{ToRevealKey, id}); err != nil {
			return "", err
		}
	}
	var number uint64
	err := s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, id); err != nil {
			return err
		}
		var err error
		if number, err = keyNumber(tx, id); err != nil {
			return err
		}
		return s.audit(tx, by, "instance.key.reveal", id, "")
	})
	if err != nil {
		return "", err
	}
	return s.o.Keys.instanceKey(id, number), nil
}

// RotateInstanceKey makes the key before hold no more, and returns the new one.
func (s *Service) RotateInstanceKey(ctx context.Context, by Actor, id string) (key string, err error) {
	err = s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, id); err != nil {
			return err
		}
		number, err := keyNumber(tx, id)
		if err != nil {
			return err
		}
		row := Setting{Key: instanceKeySetting + id, Value: binary.BigEndian.AppendUint64(nil, number+1)}
		if err := tx.Delete(row); err != nil {
			return err
		}
		if err := tx.Insert(row); err != nil {
			return err
		}
		key = s.o.Keys.instanceKey(id, number+1)
		return s.audit(tx, by, "instance.key.rotate", id, "")
	})
	return key, err
}

// Secrets are what a program needs of an instance that it manages.
type Secrets struct {
	Password string // of the first user; "" where a person has chosen it
	Key      string // the instance's API key
}

// Secrets are told to API tokens that may manage the instance: they could as well give it new ones.
func (s *Service) Secrets(ctx context.Context, by Actor, id string) (out Secrets, err error) {
	if by.Scope != ScopeManage {
		return Secrets{}, fail(Forbidden, "api.token.read")
	}
	var sealed []byte
	err = s.update(ctx, func(tx Tx) error {
		if _, err := instanceOf(tx, by, id); err != nil {
			return err
		}
		number, err := keyNumber(tx, id)
		if err != nil {
			return err
		}
		u, err := tx.User(id, id)
		if err != nil {
			return err
		}
		sealed, out.Key = u.Sealed, s.o.Keys.instanceKey(id, number)
		return s.audit(tx, by, "instance.reveal", id, "")
	})
	if err == nil && len(sealed) > 0 {
		out.Password, err = s.o.Keys.openPassword(id, sealed)
	}
	return out, err
}

// ByInstanceKey is the actor behind an instance's API key: its owner, for this instance only. Tries with wrong keys are
// limited by address.
func (s *Service) ByInstanceKey(ctx context.Context, key, remote, agent string) (Actor, Instance, error) {
	by := Actor{Via: "token", Remote: remote, Agent: clip(agent)}
	address := AddressKey(remote)
	if wait := s.addresses.wait(address, s.now()); wait > 0 {
		return by, Instance{}, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(key, instanceKeyHead), "_")
	var in Instance
	err := ErrNotFound
	if ValidInstanceID(id) {
		err = s.o.Store.View(ctx, func(r Reader) error {
			number, err := keyNumber(r, id)
			if err != nil {
				return err
			}
			if !hmac.Equal([]byte(s.o.Keys.instanceKey(id, number)), []byte(key)) {
				return ErrNotFound
			}
			if in, err = r.Instance(id); err != nil {
				return err
			}
			by.Account, err = r.Account(in.Owner)
			return err
		})
	}
	if errors.Is(err, ErrNotFound) {
		s.addresses.add(address, s.now())
		return Actor{Via: by.Via, Remote: by.Remote, Agent: by.Agent}, Instance{}, fail(Unauthorized, "api.key.unknown")
	}
	by.Scope, by.Only = ScopeManage, id
	return by, in, err
}
