package account

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tsunagi/internal/cert"
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
	rows     []Row
	logins   *Logins
	guard    *Guard
	generate int // users that get a new password
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
		return Change{Instance: instance, Recheck: true, Logins: true, Hooks: true, Bridges: true, History: true, Retain: true, Addresses: true},
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
	for _, part := range []func(Reader) error{func(r Reader) error { return w.judgeUsers(users) }, w.judgeRules, w.judgeHooks, w.judgeBridges, w.judgeKeys, w.judgeAddresses} {
		if err := part(r); err != nil {
			return err
		}
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

// maxNamesTold bounds the notes about host names.
const maxNamesTold = 20

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

func (w *restoring) judgeUsers(from []PortableUser) error {
	plan, seen, now := w.s.Plan(w.in.Plan), map[string]bool{w.in.ID: true}, w.s.now()
	for i, u := range from {
		row := User{Instance: w.in.ID, Name: u.Name, Connect: u.Connect, CreatedAt: now}
		err := checkUserName(u.Name)
		if err == nil && seen[u.Name] {
			err = fail(Conflict, "api.import.twice", "name", clip(u.Name))
		}
		if err == nil {
			row.Note, err = checkText("note", u.Note, 200, true)
		}
		if err == nil {
			row.ClientID, row.ExpiresAt, err = checkBounds(u.ClientID, never(u.ExpiresAt))
		}
		if err == nil {
			row.Kind, row.Secret, err = w.secret(u.Hash)
		}
		if err == nil && plan.Users > 0 && len(w.users)+1 >= plan.Users {
			err = fail(Limit, "api.user.limit", "limit", plan.Users, "plan", plan.Name)
		}
		if err != nil {
			if err = w.fault(SourceUsers, i+1, err); err != nil {
				return err
			}
			continue
		}
		seen[u.Name] = true
		w.users = append(w.users, row)
	}
	if w.Users = len(w.users); w.generate > 0 {
		w.note("api.restore.generated", "count", w.generate)
	}
	return nil
}

// secret is how a hash is kept; kind "" asks for a new password.
func (w *restoring) secret(hash string) (SecretKind, []byte, error) {
	if server, _, _, ok := parseGenerated(hash); ok && server == w.s.o.Keys.Server() {
		return SecretImported, []byte(hash), nil
	} else if ok || hash == "" {
		w.generate++
		return "", nil, nil
	}
	kind, ok := takeHash(hash)
	if !ok {
		return "", nil, invalid("", "api.import.hash")
	}
	return kind, []byte(hash), nil
}

func (w *restoring) judgeRules(Reader) error {
	names := map[string]bool{"": true, w.in.ID: true}
	for _, u := range w.users {
		names[u.Name] = true
	}
	seen, now := map[ruleKey]bool{}, w.s.now()
	for i, p := range w.from.Rules {
		if p.User == w.from.Instance && p.User != "" {
			p.User = w.in.ID // the first user's
		}
		n := Rule{Instance: w.in.ID, ID: newID(), User: p.User, Effect: p.Effect, Access: p.Access, Filter: p.Filter, QoSBelow: p.QoSBelow, NoRetain: p.NoRetain,
			ExpiresAt: never(p.ExpiresAt), CreatedAt: now.Add(time.Duration(i) * time.Microsecond)} // in the same order
		key := ruleKey{n.User, n.Filter, n.Effect, n.Access}
		err := checkRule(n)
		if err == nil {
			n.Note, err = checkText("note", p.Note, 200, true)
		}
		switch {
		case err != nil:
		case !names[n.User]:
			err = invalid("user", "api.rule.user", "name", clip(n.User))
		case seen[key]:
			err = fail(Conflict, "api.rule.twice")
		case i >= maxRules:
			err = fail(Limit, "api.rule.limit", "limit", maxRules)
		}
		if err != nil {
			w.Faults.Add(roster.Place{Source: SourceInstance, Line: i + 1}, keyOf(err), argsOf(err)...)
			continue
		}
		seen[key] = true
		w.rows = append(w.rows, n)
		w.Rules++
	}
	return nil
}

func keyOf(err error) string {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Key
	}
	return "api.invalid"
}

func argsOf(err error) []any {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Args
	}
	return nil
}

func (w *restoring) judgeHooks(r Reader) error {
	plan := w.s.Plan(w.in.Plan)
	people, err := peopleOf(r, w.in)
	if err != nil {
		return err
	}
	for i, p := range w.from.Hooks {
		if p.Action == HookMail {
			p.MailTo = slices.DeleteFunc(slices.Clone(p.MailTo), func(to string) bool {
				return !slices.ContainsFunc(people, func(a Account) bool { return a.Email == to })
			})
			if len(p.MailTo) == 0 {
				w.note("api.restore.readers", "name", clip(p.Name))
				continue
			}
		}
		if p.HasAuthorization {
			p.Enabled = false
			w.note("api.restore.authorization", "name", clip(p.Name))
		}
		h := Hook{Instance: w.in.ID, ID: newID(), CreatedAt: w.s.now().Add(time.Duration(i) * time.Microsecond),
			Schedule: p.Schedule, Zone: p.Zone} // a time that is over is no fault here
		err := w.s.applyHook(r, w.in, &h, HookChange{Name: &p.Name, Enabled: &p.Enabled, Events: &p.Events, Filter: &p.Filter, Client: &p.Client,
			Condition: &p.Condition, Action: &p.Action, URL: &p.URL, Topic: &p.Topic, Template: &p.Template, QoS: &p.QoS, Retain: &p.Retain, MailTo: &p.MailTo,
			Edge: &p.Edge, Rearm: &p.Rearm, Quiet: &p.Quiet, Together: &p.Together, Silence: &p.Silence})
		if err == nil && (w.Hooks >= maxHooks || plan.Hooks > 0 && w.Hooks >= plan.Hooks) {
			err = fail(Limit, "api.hook.limit", "limit", least(maxHooks, plan.Hooks), "plan", plan.Name)
		}
		if err != nil {
			if err = w.fault(SourceInstance, i+1, err); err != nil {
				return err
			}
			continue
		}
		if h.Action == HookPost {
			w.note("api.restore.signing", "name", clip(p.Name))
		}
		w.rows = append(w.rows, h)
		w.Hooks++
	}
	return nil
}

// least is the bound that holds where a plan's may be 0, for none.
func least(most, plan int) int {
	if plan == 0 {
		plan = math.MaxInt
	}
	return min(most, plan)
}

func (w *restoring) judgeBridges(Reader) error {
	plan := w.s.Plan(w.in.Plan)
	off := false
	for i, p := range w.from.Bridges {
		b := Bridge{Instance: w.in.ID, ID: newID(), CreatedAt: w.s.now().Add(time.Duration(i) * time.Microsecond)}
		err := w.s.applyBridge(&b, BridgeChange{Name: &p.Name, Enabled: &off, Address: &p.Address, Roots: &p.Roots, ClientID: &p.ClientID, User: &p.User,
			Version: &p.Version, KeepAlive: &p.KeepAlive, Topics: &p.Topics})
		if err == nil && (w.Bridges >= maxBridges || plan.Bridges > 0 && w.Bridges >= plan.Bridges) {
			err = fail(Limit, "api.bridge.limit", "limit", least(maxBridges, plan.Bridges), "plan", plan.Name)
		}
		if err != nil {
			if err = w.fault(SourceInstance, i+1, err); err != nil {
				return err
			}
			continue
		}
		w.note("api.restore.bridge", "name", clip(p.Name))
		w.rows = append(w.rows, b)
		w.Bridges++
	}
	if err := checkHistory(plan, w.from.History); err != nil {
		return w.fault(SourceInstance, 0, err)
	}
	if w.History = len(w.from.History); w.History > 0 {
		value, err := json.Marshal(w.from.History)
		if err != nil {
			return err
		}
		w.rows = append(w.rows, Setting{Key: historySetting + w.in.ID, Value: value})
	}
	if err := checkRetainExpiries(w.from.Retain); err != nil {
		return w.fault(SourceInstance, 0, err)
	}
	if len(w.from.Retain) > 0 {
		row, err := RetainRow(w.in.ID, w.from.Retain)
		if err != nil {
			return err
		}
		w.rows = append(w.rows, row)
	}
	return nil
}

// judgeKeys plans what judges certificates and tokens, and the keys of pages.
func (w *restoring) judgeKeys(r Reader) error {
	have, err := r.Logins(w.in.ID)
	fresh := errors.Is(err, ErrNotFound)
	if fresh {
		have = DefaultLogins(w.in.ID)
	} else if err != nil {
		return err
	}
	l := w.from.Logins
	changed, err := LoginsChange{&l.Password, &l.Token, &l.Certificate, &l.CertificateUser, &l.TokenIssuer, &l.TokenAudience, &l.TokenUser}.apply(have)
	switch {
	case err != nil:
		if err = w.fault(SourceInstance, 0, err); err != nil {
			return err
		}
	case fresh && changed != have:
		w.rows = append(w.rows, changed)
	case changed != have:
		w.logins = &changed
	}
	for i, a := range w.from.Authorities {
		if err := w.judgeAuthority(a); err != nil {
			w.Faults.Add(roster.Place{Source: SourceInstance, Line: i + 1}, keyOf(err), argsOf(err)...)
		}
	}
	for i, k := range w.from.TokenKeys {
		row, err := w.s.tokenKey(w.in.ID, NewTokenKey(k))
		if err == nil && i >= maxTokenKeys {
			err = fail(Limit, "api.login.keys", "limit", maxTokenKeys)
		}
		if err != nil {
			w.Faults.Add(roster.Place{Source: SourceInstance, Line: i + 1}, keyOf(err), argsOf(err)...)
			continue
		}
		w.rows = append(w.rows, row)
		w.TokenKeys++
	}
	for i, k := range w.from.PageKeys {
		row, err := w.s.pageKey(w.in.ID, NewPublishableKey{Name: k.Name, Publish: k.Publish, Subscribe: k.Subscribe, Origins: k.Origins, Connections: k.Connections})
		if err == nil && i >= maxPageKeys {
			err = fail(Limit, "api.page_key.limit", "limit", maxPageKeys)
		}
		if err != nil {
			w.Faults.Add(roster.Place{Source: SourceInstance, Line: i + 1}, keyOf(err), argsOf(err)...)
			continue
		}
		row.ExpiresAt = never(k.ExpiresAt)
		w.note("api.restore.page_key", "name", clip(k.Name))
		w.rows = append(w.rows, row)
		w.PageKeys++
	}
	for _, name := range w.from.HostNames[:min(len(w.from.HostNames), maxNamesTold)] {
		w.note("api.restore.host_name", "name", clip(name))
	}
	return nil
}

func (w *restoring) judgeAuthority(a PortableAuthority) error {
	list, err := cert.ParseAuthorities([]byte(a.Certificate), w.s.now())
	if err != nil || len(list) != 1 {
		if err == nil {
			err = errors.New("want one certificate")
		}
		return invalid("pem", "api.login.authority", "cause", causeOf(err, cert.ErrClient))
	}
	if w.Authorities >= maxClientAuthorities {
		return fail(Limit, "api.login.authorities", "limit", maxClientAuthorities)
	}
	for _, have := range w.rows {
		if h, ok := have.(ClientAuthority); ok && bytes.Equal(h.Certificate, list[0].Raw) {
			return fail(Conflict, "api.login.twice")
		}
	}
	row := ClientAuthority{Instance: w.in.ID, ID: newID(), Certificate: list[0].Raw, CreatedAt: w.s.now().Add(time.Duration(w.Authorities) * time.Microsecond)}
	rows := []Row{row}
	if len(a.Revoked) > maxClientCertificates {
		return fail(Limit, "api.login.certificates", "limit", maxClientCertificates)
	}
	seen := map[string]bool{}
	for _, serial := range a.Revoked {
		if !serialForm.MatchString(serial) || seen[serial] {
			return invalid("serial", "api.login.serial")
		}
		seen[serial] = true
		rows = append(rows, ClientCertificate{Instance: w.in.ID, Authority: row.ID, Serial: serial, CreatedAt: w.s.now(), RevokedAt: w.s.now()})
	}
	if a.Signs {
		w.note("api.restore.authority", "name", clip(row.Name()))
	}
	w.rows = append(w.rows, rows...)
	w.Authorities++
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
	if w.guard != nil {
		if err := tx.Save(*w.guard); err != nil {
			return err
		}
	}
	if w.logins != nil {
		return tx.Save(*w.logins)
	}
	return nil
}
