package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tsunagi/internal/roster"
)

// MaxPortableUsers bounds the users of one Portable: they are in memory while it is judged.
const MaxPortableUsers = 200_000

// The sources that the remarks of a Restoration name.
const (
	SourceInstance = "instance.json"
	SourceUsers    = "users.ndjson"
)

// Restoration is what was or would be made of a Portable.
type Restoration struct {
	Applied                                                                            bool
	Users, Rules, Hooks, Bridges, History, Authorities, TokenKeys, PageKeys, Addresses int
	Faults                                                                             roster.Remarks    // with one of them nothing is made
	Notes                                                                              roster.Remarks    // what is to be done by hand
	Generated                                                                          map[string]string // new passwords by user name, told once; empty in a dry run
}

// restoring gathers the rows that are to be made.
type restoring struct {
	Restoration
	s        *Service
	in       Instance
	from     Portable
	users    []User
	rows     []Row // to be inserted
	saves    []Row // to be saved, for the instance has them already
	generate int   // users that get a new password
}

// Restore makes an instance what a Portable says, in one transaction. The instance must have nothing of its own but its
// first user. Bridges come switched off, as those of the original may still run, and hooks that lack their secret as well.
func (s *Service) Restore(ctx context.Context, by Actor, instance string, from Portable, users []PortableUser, dry bool) (Restoration, error) {
	judge := func(r Reader) (*restoring, error) {
		in, err := instanceOf(r, by, instance)
		if err != nil {
			return nil, err
		}
		w := &restoring{s: s, in: in, from: from}
		return w, w.judge(r, users)
	}
	var w *restoring
	err := s.view(ctx, func(r Reader) (err error) { w, err = judge(r); return err })
	if err != nil || dry || w.Faults.Total > 0 {
		if w == nil {
			return Restoration{}, err
		}
		return w.Restoration, err
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if w, err = judge(tx); err != nil {
			return Change{}, err
		}
		if w.Faults.Total > 0 { // changed meanwhile
			return Change{}, nil
		}
		if err := w.insert(tx); err != nil {
			return Change{}, err
		}
		w.Applied = true
		return Change{Instance: instance, Recheck: true, Logins: true, Hooks: true, Bridges: true, History: true, Retain: true, ClientIDs: true, Addresses: true},
			s.audit(tx, by, "instance.import", instance, fmt.Sprintf("from %s: %d users, %d rules, %d hooks, %d bridges", clip(from.Instance), w.Users, w.Rules, w.Hooks, w.Bridges))
	})
	if err != nil {
		return Restoration{}, err
	}
	return w.Restoration, nil
}

// RestoreFirst says whether an actor may restore an instance, before there is anything to judge.
func (s *Service) RestoreFirst(ctx context.Context, by Actor, instance string) error {
	_, err := s.Instance(ctx, by, instance)
	return err
}

// judge plans everything against the instance as it is; the error is the store's, and faults are in the report.
func (w *restoring) judge(r Reader, users []PortableUser) error {
	if err := w.wantEmpty(r); err != nil {
		return err
	}
	people, err := peopleOf(r, w.in)
	if err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return w.judgeUsers(users) },
		w.judgeRules,
		func() error { return entries(w, SourceInstance, w.from.Hooks, w.hook(r, people)) },
		func() error { return entries(w, SourceInstance, w.from.Bridges, w.bridge) },
		w.judgeHistory,
		w.judgeRetain,
		func() error { return w.judgeClientIDs(r) },
		func() error { return w.judgeLogins(r) },
		func() error { return entries(w, SourceInstance, w.from.Authorities, w.authority) },
		func() error { return entries(w, SourceInstance, w.from.TokenKeys, w.tokenKey) },
		func() error { return entries(w, SourceInstance, w.from.PageKeys, w.pageKey) },
		func() error { return w.judgeGuard(r) },
		w.judgeAddresses,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	for _, name := range w.from.HostNames[:min(len(w.from.HostNames), maxNamesTold)] {
		w.note("api.restore.host_name", "name", clip(name))
	}
	return nil
}

// maxNamesTold bounds the notes about host names.
const maxNamesTold = 20

// entries plans the entries of a list, one after the other. plan gets the place of one, from 0, and gives back why it
// can't be made.
func entries[P any](w *restoring, source string, list []P, plan func(i int, p P) error) error {
	for i, p := range list {
		if err := w.fault(source, i+1, plan(i, p)); err != nil {
			return err
		}
	}
	return nil
}

// settle plans the one row that an instance has of a kind: have, or preset where err says that there is none, as apply
// changes it.
func settle[R oneRow](w *restoring, have R, err error, preset R, apply func(R) (R, error)) error {
	have, fresh, err := orPreset(have, err, preset)
	if err != nil {
		return err
	}
	changed, err := apply(have)
	switch {
	case err != nil:
		return w.fault(SourceInstance, 0, err)
	case changed == have:
	case fresh:
		w.rows = append(w.rows, changed)
	default:
		w.saves = append(w.saves, changed)
	}
	return nil
}

// fault notes a refusal; any other error goes on upwards.
func (w *restoring) fault(source string, line int, err error) error {
	if refused, ok := errors.AsType[*Error](err); ok {
		w.Faults.Add(roster.Place{Source: source, Line: line}, refused.Key, refused.Args...)
		return nil
	}
	return err
}

func (w *restoring) note(key string, args ...any) {
	w.Notes.Add(roster.Place{Source: SourceInstance}, key, args...)
}

// at is when the i'th entry of a list is made, so that they stay in the same order.
func (w *restoring) at(i int) time.Time { return w.s.now().Add(time.Duration(i) * time.Microsecond) }

// wantEmpty refuses an instance that has anything of its own.
func (w *restoring) wantEmpty(r Reader) error {
	n, err := r.CountUsers(UserQuery{Instance: w.in.ID})
	if err != nil {
		return err
	}
	have := n - 1 // the first
	for _, count := range []func() (int, error){
		func() (int, error) { l, err := r.Rules(w.in.ID); return len(l), err },
		func() (int, error) { l, err := r.Hooks(w.in.ID); return len(l), err },
		func() (int, error) { l, err := r.Bridges(w.in.ID); return len(l), err },
		func() (int, error) { l, err := historyOf(r, w.in.ID); return len(l), err },
		func() (int, error) { l, err := RetainExpiriesOf(r, w.in.ID); return len(l), err },
		func() (int, error) { l, err := r.ClientAuthorities(w.in.ID); return len(l), err },
		func() (int, error) { l, err := r.TokenKeys(w.in.ID); return len(l), err },
		func() (int, error) { l, err := r.AddressRules(w.in.ID); return len(l), err },
		func() (int, error) { l, err := r.PublishableKeys(w.in.ID); return len(l), err },
	} {
		n, err := count()
		if err != nil {
			return err
		}
		have += n
	}
	if have > 0 {
		return fail(Conflict, "api.restore.empty")
	}
	return nil
}

func (w *restoring) insert(tx Tx) error {
	w.Generated = map[string]string{}
	for _, u := range w.users {
		if u.Kind == "" {
			password := newPassword()
			u.Kind, u.Secret = SecretGenerated, w.s.o.Keys.hashGenerated(u.Instance, u.Name, password)
			w.Generated[u.Name] = password
		}
		if err := tx.Insert(u); err != nil {
			return err
		}
	}
	if err := tx.Insert(w.rows...); err != nil {
		return err
	}
	return tx.Save(w.saves...)
}
