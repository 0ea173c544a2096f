package account_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"tsunagi/internal/account"
)

// memory is the smallest account.Store: maps that are copied for each transaction.
type memory struct {
	mu   sync.Mutex // guards state
	s    state
	fail error // what the next Update answers
}

type state struct {
	accounts    map[string]account.Account
	sessions    map[[32]byte]account.BrowserSession
	invitations map[string]account.Invitation
	instances   map[string]account.Instance
	users       map[[2]string]account.User
	rules       map[[2]string]account.Rule
	flows       map[string]account.FlowServer
	settings    map[string]account.Setting
	audit       map[int64]account.AuditEntry
	log         map[int64]account.LogLine
}

func newMemory() *memory {
	return &memory{s: state{map[string]account.Account{}, map[[32]byte]account.BrowserSession{}, map[string]account.Invitation{},
		map[string]account.Instance{}, map[[2]string]account.User{}, map[[2]string]account.Rule{}, map[string]account.FlowServer{},
		map[string]account.Setting{}, map[int64]account.AuditEntry{}, map[int64]account.LogLine{}}}
}

func (m *memory) View(ctx context.Context, f func(account.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return f(&m.s)
}

func (m *memory) Update(ctx context.Context, f func(account.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	c := state{maps.Clone(m.s.accounts), maps.Clone(m.s.sessions), maps.Clone(m.s.invitations), maps.Clone(m.s.instances),
		maps.Clone(m.s.users), maps.Clone(m.s.rules), maps.Clone(m.s.flows), maps.Clone(m.s.settings), maps.Clone(m.s.audit), maps.Clone(m.s.log)}
	if err := f(&c); err != nil {
		return err
	}
	m.s = c
	return nil
}

func (m *memory) AppendLog(ctx context.Context, lines []account.LogLine, keep int) error {
	return m.Update(ctx, func(account.Tx) error { return nil })
}

func get[K comparable, V any](m map[K]V, k K) (V, error) {
	v, ok := m[k]
	if !ok {
		return v, fmt.Errorf("%v: %w", k, account.ErrNotFound)
	}
	return v, nil
}

func list[K comparable, V any](m map[K]V, key func(V) string, keep func(V) bool) []V {
	var out []V
	for _, v := range m {
		if keep(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b V) int { return strings.Compare(key(a), key(b)) })
	return out
}

func first[V any](l []V) (v V, err error) {
	if len(l) == 0 {
		return v, account.ErrNotFound
	}
	return l[0], nil
}

const stamp = "2006-01-02T15:04:05.000000"

func (s *state) Account(id string) (account.Account, error) { return get(s.accounts, id) }
func (s *state) AccountByEmail(e string) (account.Account, error) {
	return first(list(s.accounts, func(a account.Account) string { return a.ID }, func(a account.Account) bool { return a.Email == e }))
}
func (s *state) Accounts() ([]account.Account, error) {
	return list(s.accounts, func(a account.Account) string { return a.CreatedAt.Format(stamp) + a.ID }, func(account.Account) bool { return true }), nil
}
func (s *state) BrowserSession(h [32]byte) (account.BrowserSession, error) { return get(s.sessions, h) }
func (s *state) BrowserSessions(a string) ([]account.BrowserSession, error) {
	return list(s.sessions, func(b account.BrowserSession) string { return b.CreatedAt.Format(stamp) }, func(b account.BrowserSession) bool { return a == "" || b.Account == a }), nil
}
func (s *state) Invitation(id string) (account.Invitation, error) { return get(s.invitations, id) }
func (s *state) InvitationByToken(h [32]byte) (account.Invitation, error) {
	return first(list(s.invitations, func(i account.Invitation) string { return i.ID }, func(i account.Invitation) bool { return i.TokenHash == h }))
}
func (s *state) Invitations() ([]account.Invitation, error) {
	l := list(s.invitations, func(i account.Invitation) string { return i.CreatedAt.Format(stamp) }, func(account.Invitation) bool { return true })
	slices.Reverse(l)
	return l, nil
}
func (s *state) Instance(id string) (account.Instance, error) { return get(s.instances, id) }
func (s *state) Instances(o string) ([]account.Instance, error) {
	return list(s.instances, func(i account.Instance) string { return i.CreatedAt.Format(stamp) + i.ID }, func(i account.Instance) bool { return o == "" || i.Owner == o }), nil
}
func (s *state) User(in, n string) (account.User, error) { return get(s.users, [2]string{in, n}) }
func (s *state) all(q account.UserQuery) []account.User {
	return list(s.users, func(u account.User) string { return u.Name }, func(u account.User) bool {
		return u.Instance == q.Instance && strings.Contains(u.Name, q.Contains)
	})
}
func (s *state) Users(q account.UserQuery) ([]account.User, error) {
	var out []account.User
	for _, u := range s.all(q) {
		if u.Name > q.After && len(out) < q.Limit {
			out = append(out, u)
		}
	}
	return out, nil
}
func (s *state) CountUsers(q account.UserQuery) (int, error)     { return len(s.all(q)), nil }
func (s *state) Rule(in, id string) (account.Rule, error)        { return get(s.rules, [2]string{in, id}) }
func (s *state) Setting(k string) (account.Setting, error)       { return get(s.settings, k) }
func (s *state) Log(account.LogQuery) ([]account.LogLine, error) { return nil, nil }
func (s *state) Rules(in string) ([]account.Rule, error) {
	return list(s.rules, func(r account.Rule) string { return r.CreatedAt.Format(stamp) + r.ID }, func(r account.Rule) bool { return r.Instance == in }), nil
}
func (s *state) FlowServer(id string) (account.FlowServer, error) { return get(s.flows, id) }
func (s *state) FlowServerByName(n string) (account.FlowServer, error) {
	return first(list(s.flows, func(f account.FlowServer) string { return f.ID }, func(f account.FlowServer) bool { return f.Name == n }))
}
func (s *state) FlowServers(o string) ([]account.FlowServer, error) {
	return list(s.flows, func(f account.FlowServer) string { return f.ID }, func(f account.FlowServer) bool { return o == "" || f.Owner == o }), nil
}
func (s *state) Audit(before int64, limit int) ([]account.AuditEntry, error) {
	l := list(s.audit, func(a account.AuditEntry) string { return fmt.Sprintf("%020d", a.ID) }, func(a account.AuditEntry) bool { return before == 0 || a.ID < before })
	slices.Reverse(l)
	return l[:min(len(l), limit)], nil
}

func put[K comparable, V any](m map[K]V, k K, v V, insert bool) error {
	if _, ok := m[k]; ok == insert {
		if ok {
			return account.ErrExists
		}
		return account.ErrNotFound
	}
	m[k] = v
	return nil
}

func (s *state) put(insert bool, rows []account.Row) error {
	var err error
	for _, row := range rows {
		switch r := row.(type) {
		case account.Account:
			if old, found := s.AccountByEmail(r.Email); found == nil && old.ID != r.ID {
				return account.ErrExists
			}
			err = put(s.accounts, r.ID, r, insert)
		case account.BrowserSession:
			err = put(s.sessions, r.Hash, r, insert)
		case account.Invitation:
			err = put(s.invitations, r.ID, r, insert)
		case account.Instance:
			err = put(s.instances, r.ID, r, insert)
		case account.User:
			err = put(s.users, [2]string{r.Instance, r.Name}, r, insert)
		case account.Rule:
			err = put(s.rules, [2]string{r.Instance, r.ID}, r, insert)
		case account.FlowServer:
			if old, found := s.FlowServerByName(r.Name); found == nil && old.ID != r.ID {
				return account.ErrExists
			}
			err = put(s.flows, r.ID, r, insert)
		case account.Setting:
			err = put(s.settings, r.Key, r, insert)
		case account.AuditEntry:
			err = put(s.audit, r.ID, r, insert)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *state) Insert(rows ...account.Row) error { return s.put(true, rows) }
func (s *state) Save(rows ...account.Row) error   { return s.put(false, rows) }

func (s *state) Delete(rows ...account.Row) error {
	for _, row := range rows {
		switch r := row.(type) {
		case account.BrowserSession:
			delete(s.sessions, r.Hash)
		case account.Invitation:
			delete(s.invitations, r.ID)
		case account.Instance:
			delete(s.instances, r.ID)
			maps.DeleteFunc(s.users, func(k [2]string, _ account.User) bool { return k[0] == r.ID })
			maps.DeleteFunc(s.rules, func(k [2]string, _ account.Rule) bool { return k[0] == r.ID })
		case account.User:
			delete(s.users, [2]string{r.Instance, r.Name})
			maps.DeleteFunc(s.rules, func(k [2]string, u account.Rule) bool { return k[0] == r.Instance && u.User == r.Name })
		case account.Rule:
			delete(s.rules, [2]string{r.Instance, r.ID})
		case account.FlowServer:
			delete(s.flows, r.ID)
		case account.Setting:
			delete(s.settings, r.Key)
		default:
			return fmt.Errorf("memory store can't delete %T", row)
		}
	}
	return nil
}
