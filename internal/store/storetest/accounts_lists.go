package storetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tsunagi/internal/account"
)

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
		ids("devices", each(func() ([]account.Device, error) { return r.Devices("") }, func(d account.Device) string { return d.ID }), "device1 device2 device3")
		ids("devices of one", each(func() ([]account.Device, error) { return r.Devices("account3") }, func(d account.Device) string { return d.ID }), "device3")
		ids("sessions of one", each(func() ([]account.BrowserSession, error) { return r.BrowserSessions("account1") },
			func(b account.BrowserSession) string { return fmt.Sprint(b.Hash[0]) }), "8 1")
		ids("sessions", each(func() ([]account.BrowserSession, error) { return r.BrowserSessions("") },
			func(b account.BrowserSession) string { return fmt.Sprint(b.Hash[0] == 8) }), "true false false false")
		ids("bridges", each(func() ([]account.Bridge, error) { return r.Bridges("") }, func(b account.Bridge) string { return b.Instance }), "instance1 instance2 instance3")
		ids("bridges of one", each(func() ([]account.Bridge, error) { return r.Bridges("instance2") }, func(b account.Bridge) string { return b.Instance }), "instance2")
		ids("answers before", each(func() ([]account.Once, error) { return r.OnceBefore(at(3), 9) }, func(o account.Once) string { return o.Account }), "account1 account2")
		ids("the oldest answer", each(func() ([]account.Once, error) { return r.OnceBefore(at(9), 1) }, func(o account.Once) string { return o.Account }), "account1")
		ids("exposures", each(func() ([]account.Exposure, error) { return r.Exposures("instance2", 9) }, func(e account.Exposure) string { return e.User }), "sensor")
		ids("guards", each(r.Guards, func(g account.Guard) string { return g.Instance }), "instance1 instance2 instance3")
		ids("address rules", each(func() ([]account.AddressRule, error) { return r.AddressRules("") }, func(a account.AddressRule) string { return a.Instance }), "instance1 instance2 instance3")
		ids("address rules of one", each(func() ([]account.AddressRule, error) { return r.AddressRules("instance2") }, func(a account.AddressRule) string { return a.ID }), "range")
		ids("bans", each(func() ([]account.Ban, error) { return r.Bans("") }, func(b account.Ban) string { return b.Instance }), "instance1 instance2 instance3")
		ids("bans of one", each(func() ([]account.Ban, error) { return r.Bans("instance2") }, func(b account.Ban) string { return b.Address }), "192.0.2.9")
		ids("sign-in places", each(func() ([]account.SignInPlace, error) { return r.SignInPlaces("account2") }, func(p account.SignInPlace) string { return p.Network }), "192.0.2.0/24")
		ids("hooks", each(func() ([]account.Hook, error) { return r.Hooks("") }, func(h account.Hook) string { return h.Instance }), "instance1 instance2 instance3")
		ids("hooks of one", each(func() ([]account.Hook, error) { return r.Hooks("instance2") }, func(h account.Hook) string { return h.Instance }), "instance2")
		ids("rules", each(func() ([]account.Rule, error) { return r.Rules("instance1") }, func(r account.Rule) string { return r.ID }), "oldest for all for one")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func accountDeadLetters(t *testing.T, s AccountStore) {
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	insert(t, s, account.Hook{Instance: "instance1", ID: "other", Events: []account.HookEvent{account.HookMessage}})
	for _, id := range []int64{5, 3, 4} {
		insert(t, s, account.DeadLetter{Instance: "instance1", ID: id, Hook: "other", Event: fmt.Sprint(id), Body: []byte("12345")})
	}
	for name, tt := range map[string]struct {
		q    account.DeadLetterQuery
		want string
	}{
		"all":       {account.DeadLetterQuery{Limit: 9}, "5 4 3 1"},
		"of a hook": {account.DeadLetterQuery{Hook: "other", Limit: 9}, "5 4 3"},
		"a page":    {account.DeadLetterQuery{Hook: "other", Limit: 2}, "5 4"},
		"the next":  {account.DeadLetterQuery{Before: 4, Limit: 9}, "3 1"},
	} {
		tt.q.Instance = "instance1"
		got := each(func() ([]account.DeadLetter, error) {
			return view(t, s, func(r account.Reader) ([]account.DeadLetter, error) { return r.DeadLetters(tt.q) }), nil
		}, func(d account.DeadLetter) string { return fmt.Sprint(d.ID) })
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	for hook, want := range map[string]string{"": "4 18", "other": "3 15", "hook": "1 3", "none": "0 0"} {
		n, bytes := 0, 0
		if err := s.View(context.Background(), func(r account.Reader) (err error) {
			n, bytes, err = r.CountDeadLetters("instance1", hook)
			return err
		}); err != nil || fmt.Sprint(n, bytes) != want {
			t.Errorf("dead letters of %q: %d, %d bytes, %v, want %s", hook, n, bytes, err, want)
		}
	}
}

func accountCertificates(t *testing.T, s AccountStore) {
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	insert(t, s, account.ClientAuthority{Instance: "instance1", ID: "z", Certificate: []byte{1}})
	for _, n := range []string{"3", "1", "2"} {
		insert(t, s, account.ClientCertificate{Instance: "instance1", Authority: "z", Serial: n})
	}
	serials := func(q account.CertificateQuery) []string {
		q.Instance = "instance1"
		return each(func() ([]account.ClientCertificate, error) {
			return view(t, s, func(r account.Reader) ([]account.ClientCertificate, error) { return r.ClientCertificates(q) }), nil
		}, func(c account.ClientCertificate) string { return c.Serial })
	}
	for name, tt := range map[string]struct {
		q    account.CertificateQuery
		want string
	}{
		"all":       {account.CertificateQuery{Limit: 9}, "[0a 0b 1 2 3]"},
		"a page":    {account.CertificateQuery{Limit: 2}, "[0a 0b]"},
		"the next":  {account.CertificateQuery{After: "ours0b", Limit: 2}, "[1 2]"},
		"of a user": {account.CertificateQuery{User: "sensor", Limit: 9}, "[0a]"},
	} {
		if got := fmt.Sprint(serials(tt.q)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if n := view(t, s, func(r account.Reader) (int, error) { return r.CountClientCertificates("instance1") }); n != 5 {
		t.Errorf("%d certificates are counted, want 5", n)
	}
	if l := view(t, s, func(r account.Reader) ([]account.Logins, error) { return r.LoginsByCertificate() }); len(l) != 2 || l[0].Instance != "instance1" {
		t.Errorf("instances with certificates: %v", l)
	}
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
		{"beginning", account.UserQuery{Prefix: "b", Limit: 99}, "b b%", 2},
		{"beginning is no pattern", account.UserQuery{Prefix: "_", Limit: 99}, "_", 1},
		{"beginning of many bytes", account.UserQuery{Prefix: "日", Limit: 99}, "日本", 1},
		{"beginning with case", account.UserQuery{Prefix: "z", Limit: 99}, "", 0},
		{"passed over", account.UserQuery{Skip: 1, Limit: 2}, "B Z", 10},
		{"beginning and passed over", account.UserQuery{Prefix: "b", Skip: 1, Limit: 2}, "b%", 2},
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
		{"down to a line", account.LogQuery{Instance: "instance1", From: 3, Limit: 99}, "7 6 3"},
		{"between lines", account.LogQuery{Instance: "instance1", Before: 7, From: 2, Contains: "a/b", Limit: 99}, "6"},
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
	for _, tt := range []struct {
		before   int64
		n        int
		instance string
		want     int64
	}{{0, 1, "instance1", 7}, {0, 4, "instance1", 1}, {0, 5, "instance1", 0}, {7, 2, "instance1", 3}, {1, 1, "instance1", 0}, {0, 1, "", 4}, {0, 1, "nowhere", 0}} {
		if got := view(t, s, func(r account.Reader) (int64, error) { return r.LogEdge(tt.instance, tt.before, tt.n) }); got != tt.want {
			t.Errorf("LogEdge(%q, %d, %d) = %d, want %d", tt.instance, tt.before, tt.n, got, tt.want)
		}
	}
	add(-1, line(9, "instance2"))
	if got := ids(logPage(t, s, account.LogQuery{Instance: "instance2", Limit: 99})); got != "9 2" {
		t.Errorf("after deleting none, the lines are %q", got)
	}
	add(2, line(8, "instance1"))
	for instance, want := range map[string]string{"instance1": "8 7", "instance2": "9 2", "": "4"} {
		if got := ids(logPage(t, s, account.LogQuery{Instance: instance, Limit: 99})); got != want {
			t.Errorf("after keeping 2, the lines of %q are %q, want %q", instance, got, want)
		}
	}
	add(1, line(10, ""), line(11, ""), line(12, ""))
	if got := ids(logPage(t, s, account.LogQuery{Limit: 99})); got != "12" {
		t.Errorf("the operator's lines are %q, want 12", got)
	}
}

// accountTeams reads memberships by team and by person, and what was done by team.
func accountTeams(t *testing.T, s AccountStore) {
	for n := byte(1); n <= 3; n++ {
		insert(t, s, account.Account{ID: fmt.Sprint("a", n), Email: fmt.Sprint("a", n)})
	}
	insert(t, s, account.Membership{Team: "a1", Person: "a3", CreatedAt: at(2)}, account.Membership{Team: "a1", Person: "a2", CreatedAt: at(1)},
		account.Membership{Team: "a2", Person: "a3", CreatedAt: at(1)},
		account.TeamInvitation{ID: "late", TokenHash: hash(1), Team: "a1", CreatedAt: at(2)}, account.TeamInvitation{ID: "early", TokenHash: hash(2), Team: "a1", CreatedAt: at(1)},
		account.TeamInvitation{ID: "other", TokenHash: hash(3), Team: "a2"},
		account.AuditEntry{ID: 1, Account: "a3", Team: "a1"}, account.AuditEntry{ID: 2, Account: "a1"}, account.AuditEntry{ID: 3, Account: "a1", Team: "a2"})
	err := s.View(context.Background(), func(r account.Reader) error {
		for _, tt := range []struct {
			name, want string
			got        []string
		}{
			{"members of a team", "a2 a3", each(func() ([]account.Membership, error) { return r.Memberships("a1", "") }, func(m account.Membership) string { return m.Person })},
			{"teams of a person", "a2 a1", each(func() ([]account.Membership, error) { return r.Memberships("", "a3") }, func(m account.Membership) string { return m.Team })},
			{"invitations", "early late", each(func() ([]account.TeamInvitation, error) { return r.TeamInvitations("a1") }, func(i account.TeamInvitation) string { return i.ID })},
			{"by token", "other", each(func() ([]account.TeamInvitation, error) {
				i, err := r.TeamInvitationByToken(hash(3))
				return []account.TeamInvitation{i}, err
			}, func(i account.TeamInvitation) string { return i.ID })},
			{"done in a team, and before there were teams", "2 1", each(func() ([]account.AuditEntry, error) { return r.Audit(account.AuditQuery{Account: "a1", Limit: 9}) },
				func(e account.AuditEntry) string { return fmt.Sprint(e.ID) })},
		} {
			if got := strings.Join(tt.got, " "); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
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
			return view(t, s, func(r account.Reader) ([]account.AuditEntry, error) {
				return r.Audit(account.AuditQuery{Before: tt.before, Limit: tt.limit})
			}), nil
		}, func(a account.AuditEntry) string { return fmt.Sprint(a.ID) })
		if strings.Join(got, " ") != tt.want {
			t.Errorf("Audit(%d, %d) = %q, want %q", tt.before, tt.limit, got, tt.want)
		}
	}
}
