package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// AccountStore is what an engine of accounts opens.
type AccountStore interface {
	account.Store
	io.Closer
}

// AccountEngine is a kind of account.Store.
type AccountEngine struct {
	Open      func(dir string) (AccountStore, error) // opens or makes a store in a directory
	Files     []string                               // as in Engine
	MakeNewer func(dir string) error                 // as in Engine
}

// RunAccounts judges an engine of accounts.
func RunAccounts(t *testing.T, e AccountEngine) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, AccountStore)
	}{
		{"every row comes back", accountRows},
		{"nothing is not found", accountNotFound},
		{"keys are unique", accountUnique},
		{"parents must be there", accountParents},
		{"save replaces whole rows", accountSave},
		{"deletes take what is below", accountDeletes},
		{"lists have their order", accountOrder},
		{"users by page and part", accountUsers},
		{"log", accountLog},
		{"audit", accountAudit},
		{"odd text and times", accountOdd},
		{"update is all or nothing", accountAtomic},
		{"update sees what it wrote", accountOwnWrites},
		{"updates don't overlap", accountTogether},
		{"view is one snapshot", accountSnapshot},
		{"cancelled calls change nothing", accountCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := e.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			test.run(t, s)
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Run("reopening keeps everything", func(t *testing.T) { accountReopen(t, e) })
	t.Run("newer version is refused", func(t *testing.T) { accountNewer(t, e) })
	t.Run("flipped bits are noticed", func(t *testing.T) { accountFlipped(t, e) })
}

// at is a moment of a test; n orders moments.
func at(n int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC).Add(time.Duration(n) * time.Minute)
}

func hash(n byte) (h [32]byte) { h[0], h[31] = n, ^n; return h }

// world is one row of every kind; names end in suffix.
func world(suffix string, n byte) []account.Row {
	a, i := "account"+suffix, "instance"+suffix
	return []account.Row{
		account.Account{ID: a, Email: a + "@example.org", Password: "$argon2id$", Role: account.RoleOwner, Plan: "free", Language: "ja", CreatedAt: at(int(n))},
		account.BrowserSession{Hash: hash(n), Account: a, Remote: "192.0.2.1", Agent: "Browser", CreatedAt: at(1), SeenAt: at(2)},
		account.Invitation{ID: "invitation" + suffix, TokenHash: hash(n + 100), Email: "new" + suffix + "@example.org", By: a, Sent: "mail", CreatedAt: at(int(n)), ExpiresAt: at(99)},
		account.Instance{ID: i, Owner: a, Name: "home", Region: "here", Plan: "free", CreatedAt: at(int(n))},
		account.User{Instance: i, Name: i, First: true, Connect: true, Note: "first", Kind: account.SecretGenerated, Secret: []byte{1, 0, 2}, Sealed: []byte{3}, CreatedAt: at(1)},
		account.User{Instance: i, Name: "sensor", Kind: account.SecretChosen, Secret: []byte("$argon2id$"), CreatedAt: at(2)},
		account.Rule{Instance: i, ID: "for all", Effect: account.Deny, Access: account.Both, Filter: "%u/#", CreatedAt: at(1)},
		account.Rule{Instance: i, ID: "for one", User: "sensor", Effect: account.Allow, Access: account.Publish, Filter: "a/+", CreatedAt: at(2)},
		account.FlowServer{ID: "flow" + suffix, Owner: a, Name: "flows" + suffix, CreatedAt: at(int(n))},
		account.Setting{Key: "setting" + suffix, Value: []byte{0, 1}},
		account.AuditEntry{ID: int64(n), Time: at(3), Account: a, Via: "panel", Remote: "192.0.2.1", Action: "instance.create", Object: i, Detail: "free"},
	}
}

// line is a log line.
func line(id int64, instance string) account.LogLine {
	return account.LogLine{ID: id, Instance: instance, Time: at(int(id)), Kind: "denied", Client: "c", User: "u", Remote: "192.0.2.1",
		Topic: "a/b", Gate: "acl", Rule: "no rule", Cause: "not allowed", Reason: 0x87}
}

func update(t testing.TB, s account.Store, f func(account.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func insert(t testing.TB, s account.Store, rows ...account.Row) {
	t.Helper()
	update(t, s, func(tx account.Tx) error { return tx.Insert(rows...) })
}

// view reads one thing.
func view[T any](t testing.TB, s account.Store, read func(account.Reader) (T, error)) (got T) {
	t.Helper()
	err := s.View(context.Background(), func(r account.Reader) (err error) {
		got, err = read(r)
		return err
	})
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	return got
}

// again reads the row with the same primary key.
func again(r account.Reader, row account.Row) (account.Row, error) {
	switch row := row.(type) {
	case account.Account:
		return r.Account(row.ID)
	case account.BrowserSession:
		return r.BrowserSession(row.Hash)
	case account.Invitation:
		return r.Invitation(row.ID)
	case account.Instance:
		return r.Instance(row.ID)
	case account.User:
		return r.User(row.Instance, row.Name)
	case account.Rule:
		return r.Rule(row.Instance, row.ID)
	case account.FlowServer:
		return r.FlowServer(row.ID)
	case account.Setting:
		return r.Setting(row.Key)
	case account.AuditEntry:
		list, err := r.Audit(row.ID+1, 1)
		if err == nil && (len(list) == 0 || list[0].ID != row.ID) {
			err = account.ErrNotFound
		}
		return append(list, account.AuditEntry{})[0], err
	}
	return nil, fmt.Errorf("no way to read %T", row)
}

func wantRows(t testing.TB, s account.Store, rows ...account.Row) {
	t.Helper()
	for _, row := range rows {
		got := view(t, s, func(r account.Reader) (account.Row, error) { return again(r, row) })
		if u, ok := got.(account.User); ok && len(u.Sealed) == 0 {
			u.Sealed = nil // nil may come back as empty
			got = u
		}
		if !reflect.DeepEqual(got, row) {
			t.Errorf("read %+v, want %+v", got, row)
		}
	}
}

func wantGone(t testing.TB, s account.Store, rows ...account.Row) {
	t.Helper()
	for _, row := range rows {
		err := s.View(context.Background(), func(r account.Reader) error { _, err := again(r, row); return err })
		if !errors.Is(err, account.ErrNotFound) {
			t.Errorf("reading %+v: %v, want ErrNotFound", row, err)
		}
	}
}

func accountRows(t *testing.T, s AccountStore) {
	rows := append(world("1", 1), world("2", 2)...)
	insert(t, s, rows...)
	wantRows(t, s, rows...)
	if a := view(t, s, func(r account.Reader) (account.Account, error) { return r.AccountByEmail("account2@example.org") }); a.ID != "account2" {
		t.Errorf("AccountByEmail found %q", a.ID)
	}
	if i := view(t, s, func(r account.Reader) (account.Invitation, error) { return r.InvitationByToken(hash(102)) }); i.ID != "invitation2" {
		t.Errorf("InvitationByToken found %q", i.ID)
	}
	if f := view(t, s, func(r account.Reader) (account.FlowServer, error) { return r.FlowServerByName("flows1") }); f.ID != "flow1" {
		t.Errorf("FlowServerByName found %q", f.ID)
	}
}

func accountNotFound(t *testing.T, s AccountStore) {
	wantGone(t, s, world("1", 1)...)
	for name, read := range map[string]func(account.Reader) error{
		"AccountByEmail":    func(r account.Reader) error { _, err := r.AccountByEmail("x"); return err },
		"InvitationByToken": func(r account.Reader) error { _, err := r.InvitationByToken(hash(1)); return err },
		"FlowServerByName":  func(r account.Reader) error { _, err := r.FlowServerByName("x"); return err },
	} {
		if err := s.View(context.Background(), read); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s = %v, want ErrNotFound", name, err)
		}
	}
	err := s.View(context.Background(), func(r account.Reader) error {
		for _, list := range []func() (int, error){
			func() (int, error) { l, err := r.Accounts(); return len(l), err },
			func() (int, error) { l, err := r.BrowserSessions("x"); return len(l), err },
			func() (int, error) { l, err := r.Invitations(); return len(l), err },
			func() (int, error) { l, err := r.Instances("x"); return len(l), err },
			func() (int, error) { l, err := r.Users(account.UserQuery{Instance: "x", Limit: 9}); return len(l), err },
			func() (int, error) { return r.CountUsers(account.UserQuery{Instance: "x"}) },
			func() (int, error) { l, err := r.Rules("x"); return len(l), err },
			func() (int, error) { l, err := r.FlowServers(""); return len(l), err },
			func() (int, error) { l, err := r.Log(account.LogQuery{Limit: 9}); return len(l), err },
			func() (int, error) { l, err := r.Audit(0, 9); return len(l), err },
		} {
			if n, err := list(); n != 0 || err != nil {
				t.Errorf("a list of an empty store has %d, %v", n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	// Saving what isn't there is an error, deleting it is none.
	for _, row := range world("1", 1) {
		if err := s.Update(context.Background(), func(tx account.Tx) error { return tx.Save(row) }); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("Save of a missing %T = %v, want ErrNotFound", row, err)
		}
		if err := s.Update(context.Background(), func(tx account.Tx) error { return tx.Delete(row) }); err != nil {
			t.Errorf("Delete of a missing %T = %v", row, err)
		}
	}
}

func accountUnique(t *testing.T, s AccountStore) {
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	for _, row := range world("1", 1) {
		if err := s.Update(context.Background(), func(tx account.Tx) error { return tx.Insert(row) }); !errors.Is(err, account.ErrExists) {
			t.Errorf("second Insert of %T = %v, want ErrExists", row, err)
		}
	}
	two := world("2", 2)
	other, invitation, flow := two[0].(account.Account), two[2].(account.Invitation), two[8].(account.FlowServer)
	other.Email = "account1@example.org"
	mail := invitation
	mail.Email = "new1@example.org"
	invitation.TokenHash = hash(101)
	flow.Name = "flows1"
	for _, row := range []account.Row{other, invitation, mail, flow} {
		if err := s.Update(context.Background(), func(tx account.Tx) error { return tx.Save(row) }); !errors.Is(err, account.ErrExists) {
			t.Errorf("Save of %T with another's unique key = %v, want ErrExists", row, err)
		}
	}
	wantRows(t, s, two...)
}

func accountParents(t *testing.T, s AccountStore) {
	insert(t, s, world("1", 1)...)
	for _, row := range []account.Row{
		account.BrowserSession{Hash: hash(9), Account: "nobody"},
		account.Instance{ID: "i", Owner: "nobody"},
		account.FlowServer{ID: "f", Owner: "nobody", Name: "f"},
		account.User{Instance: "nowhere", Name: "u"},
		account.Rule{Instance: "nowhere", ID: "r"},
		account.Rule{Instance: "instance1", ID: "r", User: "nobody"},
	} {
		if err := s.Update(context.Background(), func(tx account.Tx) error { return tx.Insert(row) }); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("Insert of %T without its parent = %v, want ErrNotFound", row, err)
		}
	}
}

func accountSave(t *testing.T, s AccountStore) {
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	changed := []account.Row{
		account.Account{ID: "account1", Email: "x@example.org", Role: account.RoleMember, CreatedAt: at(7)},
		account.BrowserSession{Hash: hash(1), Account: "account2", SeenAt: at(8)},
		account.Invitation{ID: "invitation1", TokenHash: hash(77), Email: "y@example.org"},
		account.Instance{ID: "instance1", Owner: "account2", Name: "moved", CreatedAt: at(9)},
		account.User{Instance: "instance1", Name: "sensor", Connect: true, Note: "n", Kind: account.SecretGenerated, Secret: []byte("s")},
		account.Rule{Instance: "instance1", ID: "for one", Effect: account.Deny, Filter: "x"},
		account.FlowServer{ID: "flow1", Owner: "account2", Name: "new"},
		account.Setting{Key: "setting1", Value: []byte("v")},
		account.AuditEntry{ID: 1, Detail: "d"},
	}
	update(t, s, func(tx account.Tx) error { return tx.Save(changed...) })
	wantRows(t, s, changed...)
	wantRows(t, s, world("2", 2)...)
}

func accountDeletes(t *testing.T, s AccountStore) {
	tests := []struct {
		name   string
		delete account.Row // other fields than the key are empty
		gone   []int       // indices in world
	}{
		{"account", account.Account{ID: "account1"}, []int{0, 1, 3, 4, 5, 6, 7, 8}},
		{"session", account.BrowserSession{Hash: hash(1)}, []int{1}},
		{"invitation", account.Invitation{ID: "invitation1"}, []int{2}},
		{"instance", account.Instance{ID: "instance1"}, []int{3, 4, 5, 6, 7}},
		{"user", account.User{Instance: "instance1", Name: "sensor"}, []int{5, 7}},
		{"user without rules", account.User{Instance: "instance1", Name: "instance1"}, []int{4}},
		{"rule", account.Rule{Instance: "instance1", ID: "for all"}, []int{6}},
		{"flow server", account.FlowServer{ID: "flow1"}, []int{8}},
		{"setting", account.Setting{Key: "setting1"}, []int{9}},
		{"audit", account.AuditEntry{ID: 1}, []int{10}},
	}
	both := append(world("1", 1), world("2", 2)...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			update(t, s, func(tx account.Tx) error {
				if err := tx.Delete(account.Account{ID: "account1"}, account.Account{ID: "account2"}); err != nil {
					return err
				}
				if err := tx.Delete(both...); err != nil {
					return err
				}
				return tx.Insert(both...)
			})
			lines := []account.LogLine{line(1, "instance1"), line(2, "instance2"), line(3, "")}
			if err := s.AppendLog(context.Background(), lines, 9); err != nil {
				t.Fatal(err)
			}
			update(t, s, func(tx account.Tx) error { return tx.Delete(tt.delete) })
			for i, row := range world("1", 1) {
				if slices.Contains(tt.gone, i) {
					wantGone(t, s, row)
				} else {
					wantRows(t, s, row)
				}
			}
			wantRows(t, s, world("2", 2)...)
			left := 1
			if slices.Contains(tt.gone, 3) {
				left = 0 // log lines go with their instance
			}
			for instance, want := range map[string]int{"instance1": left, "instance2": 1, "": 1} {
				if got := logPage(t, s, account.LogQuery{Instance: instance, Limit: 9}); len(got) != want {
					t.Errorf("%d log lines of %q are left, want %d", len(got), instance, want)
				}
			}
		})
	}
}

func accountOrder(t *testing.T, s AccountStore) {
	for _, n := range []byte{3, 1, 2} {
		insert(t, s, world(fmt.Sprint(n), n)...)
	}
	insert(t, s, account.Account{ID: "account0", Email: "z", CreatedAt: at(2)}, // as old as account2
		account.BrowserSession{Hash: hash(8), Account: "account1", CreatedAt: at(0)},
		account.Rule{Instance: "instance1", ID: "oldest", CreatedAt: at(0)})
	ids := func(what string, got []string, want string) {
		t.Helper()
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	err := s.View(context.Background(), func(r account.Reader) error {
		ids("accounts", each(r.Accounts, func(a account.Account) string { return a.ID }), "account1 account0 account2 account3")
		ids("invitations", each(r.Invitations, func(i account.Invitation) string { return i.ID }), "invitation3 invitation2 invitation1")
		ids("instances", each(func() ([]account.Instance, error) { return r.Instances("") }, func(i account.Instance) string { return i.ID }), "instance1 instance2 instance3")
		ids("instances of one", each(func() ([]account.Instance, error) { return r.Instances("account2") }, func(i account.Instance) string { return i.ID }), "instance2")
		ids("flow servers", each(func() ([]account.FlowServer, error) { return r.FlowServers("") }, func(f account.FlowServer) string { return f.ID }), "flow1 flow2 flow3")
		ids("flow servers of one", each(func() ([]account.FlowServer, error) { return r.FlowServers("account3") }, func(f account.FlowServer) string { return f.ID }), "flow3")
		ids("sessions of one", each(func() ([]account.BrowserSession, error) { return r.BrowserSessions("account1") },
			func(b account.BrowserSession) string { return fmt.Sprint(b.Hash[0]) }), "8 1")
		ids("sessions", each(func() ([]account.BrowserSession, error) { return r.BrowserSessions("") },
			func(b account.BrowserSession) string { return fmt.Sprint(b.Hash[0] == 8) }), "true false false false")
		ids("rules", each(func() ([]account.Rule, error) { return r.Rules("instance1") }, func(r account.Rule) string { return r.ID }), "oldest for all for one")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// each lists a part of every row.
func each[T any](list func() ([]T, error), part func(T) string) (parts []string) {
	rows, err := list()
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range rows {
		parts = append(parts, part(r))
	}
	return parts
}

func accountUsers(t *testing.T, s AccountStore) {
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	for _, name := range []string{"b%", "B", "b", "_", "a_b", "日本", "Z", "100%"} {
		insert(t, s, account.User{Instance: "instance1", Name: name})
	}
	tests := []struct {
		name  string
		query account.UserQuery
		want  string
		count int
	}{
		{"all, in byte order", account.UserQuery{Limit: 99}, "100% B Z _ a_b b b% instance1 sensor 日本", 10},
		{"first page", account.UserQuery{Limit: 3}, "100% B Z", 10},
		{"next page", account.UserQuery{After: "Z", Limit: 3}, "_ a_b b", 10},
		{"after a name that isn't there", account.UserQuery{After: "c", Limit: 99}, "instance1 sensor 日本", 10},
		{"part", account.UserQuery{Contains: "b", Limit: 99}, "a_b b b%", 3},
		{"part is no pattern", account.UserQuery{Contains: "%", Limit: 99}, "100% b%", 2},
		{"part is no pattern, either", account.UserQuery{Contains: "_", Limit: 99}, "_ a_b", 2},
		{"part with case", account.UserQuery{Contains: "B", Limit: 99}, "B", 1},
		{"part of many bytes", account.UserQuery{Contains: "本", Limit: 99}, "日本", 1},
		{"part and page", account.UserQuery{Contains: "b", After: "a_b", Limit: 1}, "b", 3},
		{"none", account.UserQuery{Contains: "nobody", Limit: 99}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.query.Instance = "instance1"
			got := each(func() ([]account.User, error) {
				return view(t, s, func(r account.Reader) ([]account.User, error) { return r.Users(tt.query) }), nil
			}, func(u account.User) string { return u.Name })
			if strings.Join(got, " ") != tt.want {
				t.Errorf("Users(%+v) = %q, want %q", tt.query, got, tt.want)
			}
			if n := view(t, s, func(r account.Reader) (int, error) { return r.CountUsers(tt.query) }); n != tt.count {
				t.Errorf("CountUsers(%+v) = %d, want %d", tt.query, n, tt.count)
			}
		})
	}
}

func logPage(t testing.TB, s account.Store, q account.LogQuery) []account.LogLine {
	t.Helper()
	return view(t, s, func(r account.Reader) ([]account.LogLine, error) { return r.Log(q) })
}

func accountLog(t *testing.T, s AccountStore) {
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	add := func(keep int, lines ...account.LogLine) {
		t.Helper()
		if err := s.AppendLog(context.Background(), lines, keep); err != nil {
			t.Fatal(err)
		}
	}
	odd := line(3, "instance1")
	odd.Kind, odd.Client, odd.Cause, odd.Topic = "refused", "client%", "Reason 日本", "x/y"
	add(99, line(1, "instance1"), line(2, "instance2"), odd, line(4, ""), line(5, "nowhere"), line(6, "instance1"))
	add(99, line(6, "instance2"), line(7, "instance1")) // 6 is there already
	add(99)
	if got := logPage(t, s, account.LogQuery{Instance: "instance1", Limit: 99}); len(got) != 4 || !reflect.DeepEqual(got[2], odd) {
		t.Errorf("lines are %+v", got)
	}
	tests := []struct {
		name  string
		query account.LogQuery
		want  string
	}{
		{"all", account.LogQuery{Instance: "instance1", Limit: 99}, "7 6 3 1"},
		{"the other instance", account.LogQuery{Instance: "instance2", Limit: 99}, "2"},
		{"operator", account.LogQuery{Limit: 99}, "4"},
		{"no instance", account.LogQuery{Instance: "nowhere", Limit: 99}, ""},
		{"page", account.LogQuery{Instance: "instance1", Before: 7, Limit: 2}, "6 3"},
		{"kind", account.LogQuery{Instance: "instance1", Kind: "refused", Limit: 99}, "3"},
		{"part of the client", account.LogQuery{Instance: "instance1", Contains: "t%", Limit: 99}, "3"},
		{"part of the cause", account.LogQuery{Instance: "instance1", Contains: "日", Limit: 99}, "3"},
		{"part of the topic", account.LogQuery{Instance: "instance1", Contains: "a/b", Limit: 99}, "7 6 1"},
		{"part with case", account.LogQuery{Instance: "instance1", Contains: "reason", Limit: 99}, ""},
		{"all at once", account.LogQuery{Instance: "instance1", Kind: "denied", Contains: "no rule", Before: 7, Limit: 1}, "6"},
		{"gate isn't searched", account.LogQuery{Instance: "instance1", Contains: "acl", Limit: 99}, ""},
	}
	ids := func(lines []account.LogLine) string {
		return strings.Join(each(func() ([]account.LogLine, error) { return lines, nil },
			func(l account.LogLine) string { return fmt.Sprint(l.ID) }), " ")
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ids(logPage(t, s, tt.query)); got != tt.want {
				t.Errorf("Log(%+v) = %q, want %q", tt.query, got, tt.want)
			}
		})
	}
	add(2, line(8, "instance1"))
	for instance, want := range map[string]string{"instance1": "8 7", "instance2": "2", "": "4"} {
		if got := ids(logPage(t, s, account.LogQuery{Instance: instance, Limit: 99})); got != want {
			t.Errorf("after keeping 2, the lines of %q are %q, want %q", instance, got, want)
		}
	}
	add(1, line(10, ""), line(11, ""), line(12, ""))
	if got := ids(logPage(t, s, account.LogQuery{Limit: 99})); got != "12" {
		t.Errorf("the operator's lines are %q, want 12", got)
	}
}

func accountAudit(t *testing.T, s AccountStore) {
	for id := int64(1); id <= 5; id++ {
		insert(t, s, account.AuditEntry{ID: id, Time: at(int(id)), Action: "a"})
	}
	for _, tt := range []struct {
		before int64
		limit  int
		want   string
	}{{0, 99, "5 4 3 2 1"}, {0, 2, "5 4"}, {4, 2, "3 2"}, {1, 9, ""}, {99, 1, "5"}} {
		got := each(func() ([]account.AuditEntry, error) {
			return view(t, s, func(r account.Reader) ([]account.AuditEntry, error) { return r.Audit(tt.before, tt.limit) }), nil
		}, func(a account.AuditEntry) string { return fmt.Sprint(a.ID) })
		if strings.Join(got, " ") != tt.want {
			t.Errorf("Audit(%d, %d) = %q, want %q", tt.before, tt.limit, got, tt.want)
		}
	}
}

func accountOdd(t *testing.T, s AccountStore) {
	odd := "日本 \" ' % _ \n \x00 \U0010ffff É;--"
	rows := []account.Row{
		account.Account{ID: odd, Email: odd, Password: odd, Role: account.Role(odd), Plan: odd, Language: odd,
			CreatedAt: time.Date(2500, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		account.Account{ID: "", Email: ""}, // empty and zero everywhere
		account.Account{ID: "old", Email: "É", CreatedAt: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)},
		account.Account{ID: "É", Email: "é"}, // another letter
		account.Account{ID: " old", Email: "É "},
		account.Setting{Key: odd, Value: slices.Repeat([]byte{0, 255}, 100_000)},
	}
	insert(t, s, rows...)
	wantRows(t, s, rows...)
	local := account.Account{ID: "local", Email: "local", CreatedAt: time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.FixedZone("JST", 9*3600))}
	insert(t, s, local)
	local.CreatedAt = time.Date(2026, 7, 1, 3, 0, 0, 123456000, time.UTC)
	wantRows(t, s, local)
}

func accountAtomic(t *testing.T, s AccountStore) {
	stop := errors.New("stop")
	err := s.Update(context.Background(), func(tx account.Tx) error {
		if err := tx.Insert(world("1", 1)...); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("Update = %v, want what its function returned", err)
	}
	wantGone(t, s, world("1", 1)...)
	err = s.Update(context.Background(), func(tx account.Tx) error { // the last row is refused
		return tx.Insert(append(world("1", 1), account.Instance{ID: "x", Owner: "nobody"})...)
	})
	if !errors.Is(err, account.ErrNotFound) {
		t.Errorf("Update = %v, want ErrNotFound", err)
	}
	wantGone(t, s, world("1", 1)...)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of an update's function went nowhere")
			}
		}()
		_ = s.Update(context.Background(), func(tx account.Tx) error {
			if err := tx.Insert(world("1", 1)...); err != nil {
				return err
			}
			panic("a fault of the caller")
		})
	}()
	wantGone(t, s, world("1", 1)...)
	insert(t, s, world("1", 1)...)
	if err := s.View(context.Background(), func(account.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("View = %v, want what its function returned", err)
	}
}

func accountOwnWrites(t *testing.T, s AccountStore) {
	update(t, s, func(tx account.Tx) error {
		if err := tx.Insert(world("1", 1)...); err != nil {
			return err
		}
		if _, err := tx.Account("account1"); err != nil {
			t.Errorf("a row that the update inserted: %v", err)
		}
		if err := tx.Delete(account.Instance{ID: "instance1"}); err != nil {
			return err
		}
		if _, err := tx.User("instance1", "sensor"); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("a row that the update deleted: %v", err)
		}
		// A refused row doesn't spoil the rest.
		if err := tx.Insert(account.Account{ID: "account1", Email: "x"}); !errors.Is(err, account.ErrExists) {
			t.Errorf("second insert: %v", err)
		}
		return tx.Insert(account.Setting{Key: "after"})
	})
	wantRows(t, s, world("1", 1)[0])
	if got := view(t, s, func(r account.Reader) (account.Setting, error) { return r.Setting("after") }); got.Key != "after" {
		t.Errorf("a row after a refused one: %+v", got)
	}
}

func accountTogether(t *testing.T, s AccountStore) {
	insert(t, s, account.Setting{Key: "n", Value: []byte{0}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 12 {
				err := s.Update(context.Background(), func(tx account.Tx) error {
					n, err := tx.Setting("n")
					if err != nil {
						return err
					}
					return tx.Save(account.Setting{Key: "n", Value: []byte{n.Value[0] + 1}})
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
				if err := s.View(context.Background(), func(r account.Reader) error { _, err := r.Setting("n"); return err }); err != nil {
					t.Errorf("view: %v", err)
				}
			}
		})
	}
	all.Wait()
	if n := view(t, s, func(r account.Reader) (account.Setting, error) { return r.Setting("n") }); n.Value[0] != 96 {
		t.Errorf("96 updates counted to %d", n.Value[0])
	}
}

func accountSnapshot(t *testing.T, s AccountStore) {
	insert(t, s, account.Setting{Key: "a", Value: []byte("old")}, account.Setting{Key: "b", Value: []byte("old")})
	err := s.View(context.Background(), func(r account.Reader) error {
		a, err := r.Setting("a")
		if err != nil {
			return err
		}
		done := make(chan struct{})
		go func() { // another caller, in the middle of the view
			defer close(done)
			update(t, s, func(tx account.Tx) error {
				return tx.Save(account.Setting{Key: "a", Value: []byte("new")}, account.Setting{Key: "b", Value: []byte("new")})
			})
		}()
		<-done
		b, err := r.Setting("b")
		if string(a.Value) != "old" || string(b.Value) != "old" {
			t.Errorf("the view saw %q and then %q", a.Value, b.Value)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	wantRows(t, s, account.Setting{Key: "b", Value: []byte("new")})
}

func accountCancelled(t *testing.T, s AccountStore) {
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Update(ctx, func(tx account.Tx) error {
		err := tx.Insert(world("1", 1)...)
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v, want the context's error", err)
	}
	wantGone(t, s, world("1", 1)...)
	called := false
	if err := s.Update(ctx, func(account.Tx) error { called = true; return nil }); !errors.Is(err, context.Canceled) || called {
		t.Errorf("Update after the end = %v, called %v", err, called)
	}
	if err := s.View(ctx, func(account.Reader) error { called = true; return nil }); !errors.Is(err, context.Canceled) || called {
		t.Errorf("View after the end = %v, called %v", err, called)
	}
	if err := s.AppendLog(ctx, []account.LogLine{line(1, "")}, 9); !errors.Is(err, context.Canceled) {
		t.Errorf("AppendLog after the end = %v", err)
	}
	if got := logPage(t, s, account.LogQuery{Limit: 9}); len(got) > 0 {
		t.Errorf("a cancelled AppendLog wrote %d lines", len(got))
	}
	insert(t, s, world("1", 1)...)
}

func accountReopen(t *testing.T, e AccountEngine) {
	dir := t.TempDir()
	for round := range 3 {
		s, err := e.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			insert(t, s, world("1", 1)...)
			if err := s.AppendLog(context.Background(), []account.LogLine{line(1, "instance1")}, 9); err != nil {
				t.Fatal(err)
			}
		}
		wantRows(t, s, world("1", 1)...)
		if got := logPage(t, s, account.LogQuery{Instance: "instance1", Limit: 9}); len(got) != 1 || got[0] != line(1, "instance1") {
			t.Errorf("log lines are %+v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func accountNewer(t *testing.T, e AccountEngine) {
	if e.MakeNewer == nil {
		t.Skip("the engine has no versions")
	}
	dir := t.TempDir()
	s, err := e.Open(dir)
	if err == nil {
		err = errors.Join(s.Close(), e.MakeNewer(dir))
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := e.Open(dir); err == nil {
		t.Errorf("a store of a newer version was opened, and closed with %v", s.Close())
	} else if !strings.Contains(err.Error(), "version") {
		t.Errorf("the error doesn't speak of versions: %v", err)
	}
}

// accountFlipped changes bits of a closed store. No row may come back changed, and none may be missing.
func accountFlipped(t *testing.T, e AccountEngine) {
	dir := t.TempDir()
	s, err := e.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []account.LogLine
	for n := byte(1); n <= 40; n++ {
		insert(t, s, world(fmt.Sprint(n), n)...)
		lines = append(lines, line(int64(n), fmt.Sprint("instance", n)))
	}
	if err := s.AppendLog(context.Background(), lines, 9); err != nil {
		t.Fatal(err)
	}
	holds, err := everything(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range e.Files {
		flip(t, filepath.Join(dir, name), func(where string) bool {
			s, err := e.Open(dir)
			if err != nil {
				return true
			}
			got, err := everything(s)
			_ = s.Close() // may fail on what is damaged
			if err == nil && got != holds {
				t.Errorf("%s: the store holds something else, without an error", where)
			}
			return err != nil
		})
	}
}

// everything puts all that a store of 40 worlds has into one text.
func everything(s account.Store) (string, error) {
	var all strings.Builder
	err := s.View(context.Background(), func(r account.Reader) error {
		var errs []error
		say := func(v any, err error) {
			fmt.Fprintf(&all, "%+v\n", v)
			errs = append(errs, err)
		}
		list := func() {
			a, err := r.Accounts()
			say(a, err)
			b, err := r.BrowserSessions("")
			say(b, err)
			i, err := r.Invitations()
			say(i, err)
			n, err := r.Instances("")
			say(n, err)
			f, err := r.FlowServers("")
			say(f, err)
			d, err := r.Audit(0, 999)
			say(d, err)
		}
		list()
		for n := range 40 {
			i := fmt.Sprint("instance", n+1)
			u, err := r.Users(account.UserQuery{Instance: i, Limit: 99})
			say(u, err)
			l, err := r.Rules(i)
			say(l, err)
			o, err := r.Log(account.LogQuery{Instance: i, Limit: 99})
			say(o, err)
			v, err := r.Setting(fmt.Sprint("setting", n+1))
			say(v, err)
			e, err := r.AccountByEmail(fmt.Sprintf("account%d@example.org", n+1))
			say(e, err)
		}
		return errors.Join(errs...)
	})
	return all.String(), err
}
