package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// HookUser is the MQTT user name under which webhooks and rules work on their instance. Nobody logs in with it.
const HookUser = "hook-client"

// maxHooks is how many hooks an instance has at most, whatever the plan says.
const maxHooks = 100

// HookChange is what a hook is made of, or what changes of it; nil stays as it is. In a new hook what is nil has its
// default, which is empty where nothing else is said.
type HookChange struct {
	Name          *string
	Enabled       *bool        // [true]
	Events        *[]HookEvent // [message]
	Filter        *string      // must be given with the event message
	Client        *string
	Condition     *string
	Edge          *bool
	Rearm         *string
	Quiet         *int // seconds
	Together      *bool
	Silence       *int        // seconds; must be given with the event silence
	Schedule      *string     // must be given with the event schedule
	Zone          *string     // [UTC]
	Action        *HookAction // must be given
	URL           *string     // must be given with the action post
	Authorization *string     // "" takes it away
	Topic         *string     // must be given with the action publish
	Template      *string
	QoS           *int // [1]
	Retain        *bool
	MailTo        *[]string // must be given with the action mail
}

// Hooks lists an instance's hooks.
func (s *Service) Hooks(ctx context.Context, by Actor, instance string) (list []Hook, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.Hooks(instance)
		return err
	})
	return list, err
}

// Hook reads one hook.
func (s *Service) Hook(ctx context.Context, by Actor, instance, id string) (h Hook, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		h, err = r.Hook(instance, id)
		return err
	})
	return h, err
}

// CreateHook makes a hook within the bounds of the plan; it starts at once. What a POST is signed with is returned for
// the only time.
func (s *Service) CreateHook(ctx context.Context, by Actor, instance string, c HookChange) (h Hook, secret string, err error) {
	h = Hook{Instance: instance, ID: newID(), Enabled: true, Events: []HookEvent{HookMessage}, QoS: 1, CreatedAt: s.now()}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		have, err := tx.Hooks(instance)
		if err != nil {
			return Change{}, err
		}
		plan := s.Plan(in.Plan)
		if most := plan.Hooks; len(have) >= maxHooks || most > 0 && len(have) >= most {
			if most == 0 || most > maxHooks {
				most = maxHooks
			}
			return Change{}, fail(Limit, "api.hook.limit", "limit", most, "plan", plan.Name)
		}
		if err := s.applyHook(tx, in, &h, c); err != nil {
			return Change{}, err
		}
		if h.Action == HookPost {
			secrets, err := s.HookSecrets(h)
			if err != nil {
				return Change{}, err
			}
			secret = secrets.Signing
		}
		if err := tx.Insert(h); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Hooks: true}, s.audit(tx, by, "hook.create", instance, h.words())
	})
	if err != nil {
		return Hook{}, "", err
	}
	return h, secret, nil
}

// ChangeHook changes a hook, which goes on with what waits for it. A hook that becomes a POST has its new signing secret
// returned.
func (s *Service) ChangeHook(ctx context.Context, by Actor, instance, id string, c HookChange) (h Hook, secret string, err error) {
	err = s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		if h, err = tx.Hook(instance, id); err != nil {
			return Change{}, err
		}
		before := h
		if c.URL != nil && *c.URL != h.URL && c.Authorization == nil {
			if secrets, err := s.HookSecrets(h); err != nil || secrets.Authorization != "" {
				return Change{}, orElse(err, invalid("authorization", "api.hook.authorization_again")) // it is for the server that it was given for
			}
		}
		if err := s.applyHook(tx, in, &h, c); err != nil {
			return Change{}, err
		}
		if len(before.Sealed) == 0 && len(h.Sealed) > 0 {
			secrets, err := s.HookSecrets(h)
			if err != nil {
				return Change{}, err
			}
			secret = secrets.Signing
		}
		if err := s.replace(ctx, tx, before, h); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Hooks: true}, s.audit(tx, by, "hook.change", instance, h.words())
	})
	if err != nil {
		return Hook{}, "", err
	}
	return h, secret, nil
}

func orElse(err error, other error) error {
	if err != nil {
		return err
	}
	return other
}

// RotateHook gives a POST a new signing secret, which is returned for the only time.
func (s *Service) RotateHook(ctx context.Context, by Actor, instance, id string) (secret string, err error) {
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		h, err := tx.Hook(instance, id)
		if err != nil {
			return Change{}, err
		}
		if h.Action != HookPost {
			return Change{}, fail(Conflict, "api.hook.unsigned")
		}
		secrets, err := s.HookSecrets(h)
		if err != nil {
			return Change{}, err
		}
		secrets.Signing, secret = newSigning(), ""
		if h.Sealed, err = s.sealHook(h, secrets); err != nil {
			return Change{}, err
		}
		secret = secrets.Signing
		if err := tx.Save(h); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Hooks: true}, s.audit(tx, by, "hook.rotate", instance, h.words())
	})
	return secret, err
}

// DeleteHook deletes a hook with what waits for it and its dead letters.
func (s *Service) DeleteHook(ctx context.Context, by Actor, instance, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		h, err := tx.Hook(instance, id)
		if err != nil {
			return Change{}, err
		}
		if err := s.remove(ctx, tx, h); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Hooks: true}, s.audit(tx, by, "hook.delete", instance, h.words())
	})
}

// words tell the audit.
func (h Hook) words() string { return h.Name + " " + string(h.Action) }

func newSigning() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(b[:])
}

func hookSeal(h Hook) []byte { return []byte("hook " + h.Instance + " " + h.ID) }

// HookSecrets opens the secrets of a hook, for who carries it out.
func (s *Service) HookSecrets(h Hook) (out HookSecrets, err error) {
	if len(h.Sealed) == 0 {
		return out, nil
	}
	plain, err := s.o.Keys.seal.Open(nil, nil, h.Sealed, hookSeal(h))
	if err == nil {
		err = json.Unmarshal(plain, &out)
	}
	if err != nil {
		return out, fmt.Errorf("open sealed secrets of hook %s: %w", h.ID, err)
	}
	return out, nil
}

func (s *Service) sealHook(h Hook, secrets HookSecrets) ([]byte, error) {
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	return s.o.Keys.seal.Seal(nil, nil, plain, hookSeal(h)), nil
}

// HookReaders are the accounts that a hook writes to: of those it names, who still belong to the instance.
func (s *Service) HookReaders(ctx context.Context, h Hook) (list []Account, err error) {
	err = s.o.Store.View(ctx, func(r Reader) error {
		in, err := r.Instance(h.Instance)
		if err != nil {
			return err
		}
		list, err = peopleOf(r, in)
		return err
	})
	return slices.DeleteFunc(list, func(a Account) bool { return !slices.Contains(h.MailTo, a.Email) }), err
}

// InstancePeople are the e-mail addresses that mail about an instance may go to.
func (s *Service) InstancePeople(ctx context.Context, by Actor, instance string) (emails []string, err error) {
	err = s.view(ctx, func(r Reader) error {
		in, err := instanceOf(r, by, instance)
		if err != nil {
			return err
		}
		people, err := peopleOf(r, in)
		for _, a := range people {
			emails = append(emails, a.Email)
		}
		return err
	})
	return emails, err
}

// peopleOf are the accounts to whom an instance belongs. All of them have confirmed their address.
func peopleOf(r Reader, in Instance) ([]Account, error) {
	a, err := r.Account(in.Owner)
	if err != nil || a.Role != RoleTeam {
		return []Account{a}, err
	}
	all, err := r.Memberships(a.ID, "")
	if err != nil {
		return nil, err
	}
	var list []Account
	for _, m := range all {
		person, err := r.Account(m.Person)
		if err != nil {
			return nil, err
		}
		list = append(list, person)
	}
	return list, nil
}
