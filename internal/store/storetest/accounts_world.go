package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// at is a moment of a test; n orders moments.
func at(n int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC).Add(time.Duration(n) * time.Minute)
}

func hash(n byte) (h [32]byte) { h[0], h[31] = n, ^n; return h }

// world is one row of every kind; names end in suffix.
func world(suffix string, n byte) []account.Row {
	a, i := "account"+suffix, "instance"+suffix
	return []account.Row{
		account.Account{ID: a, Email: a + "@example.org", Password: "$argon2id$", Role: account.RoleOwner, Plan: "free", Language: "ja", CreatedAt: at(int(n)),
			Name: "team" + suffix, Instances: 3, SuspendedAt: at(1), SuspendedWhy: "日本", QuietSignIns: true},
		account.BrowserSession{Hash: hash(n), Account: a, Remote: "192.0.2.1", Agent: "Browser", CreatedAt: at(1), SeenAt: at(2), Team: a},
		account.Invitation{ID: "invitation" + suffix, TokenHash: hash(n + 100), Email: "new" + suffix + "@example.org", By: a, Sent: "mail", CreatedAt: at(int(n)), ExpiresAt: at(99)},
		account.Instance{ID: i, Owner: a, Name: "home", Region: "here", Plan: "free", CreatedAt: at(int(n))},
		account.User{Instance: i, Name: i, First: true, Connect: true, Note: "first", Kind: account.SecretGenerated, Secret: []byte{1, 0, 2}, Sealed: []byte{3}, CreatedAt: at(1)},
		account.User{Instance: i, Name: "sensor", Kind: account.SecretChosen, Secret: []byte("$argon2id$"), CreatedAt: at(2), ClientID: "日本", ExpiresAt: at(9)},
		account.Rule{Instance: i, ID: "for all", Effect: account.Deny, Access: account.Both, Filter: "%u/#", CreatedAt: at(1)},
		account.Rule{Instance: i, ID: "for one", User: "sensor", Effect: account.Allow, Access: account.Publish, Filter: "a/+", CreatedAt: at(2), QoSBelow: 1, NoRetain: true, ExpiresAt: at(8), Note: "n"},
		account.FlowServer{ID: "flow" + suffix, Owner: a, Name: "flows" + suffix, CreatedAt: at(int(n))},
		account.Setting{Key: "setting" + suffix, Value: []byte{0, 1}},
		account.ResetLink{Hash: hash(n), Account: a, ExpiresAt: at(5)},
		account.APIToken{ID: "token" + suffix, Hash: hash(n), Account: a, Name: "script", Scope: account.ScopeRead, Instance: i, CreatedAt: at(int(n)), ExpiresAt: at(9), UsedAt: at(6),
			Topics: []string{"a/#", "日本/+"}},
		account.Factor{ID: "factor" + suffix, Account: a, Kind: account.FactorTOTP, Name: "phone", Secret: []byte{4, 0}, Last: 5, CreatedAt: at(int(n)), UsedAt: at(7)},
		account.AuditEntry{ID: int64(n), Time: at(3), Account: a, Via: "panel", Remote: "192.0.2.1", Action: "instance.create", Object: i, Detail: "free", Team: a},
		account.Logins{Instance: i, Password: true, Token: true, Certificate: account.CertificateRequired, CertificateUser: account.FieldDNS,
			TokenIssuer: "https://id.example", TokenAudience: "aud", TokenUser: "name"},
		account.ClientAuthority{Instance: i, ID: "ours", Certificate: []byte{0x30, 0}, Sealed: []byte{1}, CreatedAt: at(1)},
		account.ClientCertificate{Instance: i, Authority: "ours", Serial: "0a", User: "sensor", Note: "n", CreatedAt: at(1), ExpiresAt: at(2), RevokedAt: at(3)},
		account.ClientCertificate{Instance: i, Authority: "ours", Serial: "0b", CreatedAt: at(1)},
		account.TokenKey{Instance: i, ID: "key", KeyID: "kid", Key: "PEM", URL: "https://id.example/keys", CreatedAt: at(1)},
		account.MetricsToken{Instance: i, Hash: hash(n), CreatedAt: at(1)},
		account.Bridge{Instance: i, ID: "bridge", Name: "cloud", Enabled: true, Address: "mqtts://b.example", Roots: "PEM", ClientID: "c", User: "u",
			Sealed: []byte{7}, Version: account.BridgeV5, KeepAlive: 60, Topics: []account.BridgeTopic{{Direction: account.BridgeOut, Filter: "#", Local: "a/", Remote: "日本/", QoS: 2}}, CreatedAt: at(1)},
		account.Device{ID: "device" + suffix, Owner: a, Name: "pi" + suffix, Key: []byte{n, 0}, Instance: i, User: "sensor", Version: "1.2", NoEditing: true,
			CreatedAt: at(int(n)), SeenAt: at(8), Pages: account.PagesPublic},
		account.Once{Account: a, Key: hash(n), Digest: hash(n + 50), Status: 201, Sealed: []byte{n, 0}, CreatedAt: at(int(n))},
		account.Exposure{Instance: i, User: "sensor", Remote: "192.0.2.7", Client: "c", Times: 2, FirstAt: at(1), LastAt: at(int(n))},
		account.Membership{Team: a, Person: a, Role: account.TeamViewer, CreatedAt: at(int(n))},
		account.TeamInvitation{ID: "ask" + suffix, TokenHash: hash(n), Team: a, Email: "x@example.org", Role: account.TeamMember, By: "who", CreatedAt: at(1), ExpiresAt: at(2)},
		account.DeviceLabels{Device: "device" + suffix, Labels: []string{"garden", "home"}},
		account.Hook{Instance: i, ID: "hook", Name: "alarm", Enabled: true, Events: []account.HookEvent{account.HookDisconnect, account.HookMessage}, Filter: "a/#",
			Client: "pi*", Condition: "payload > 1", Action: account.HookPost, URL: "https://h.example", Sealed: []byte{8}, Topic: "日本", Template: "{payload}",
			QoS: 1, Retain: true, MailTo: []string{"x@example.org"}, CreatedAt: at(1), Edge: true, Rearm: "payload < 1", Quiet: 60, Together: true,
			Silence: int(n), Schedule: "0 23 * * *", Zone: "Asia/Tokyo"},
		account.DeadLetter{Instance: i, ID: int64(n), Hook: "hook", Event: "e", Topic: "a/b", Body: []byte{0, 1, 2}, Cause: "500", Attempts: 3, CreatedAt: at(2)},
		account.PublishableKey{Instance: i, ID: "page", Name: "shop", Publish: []string{"a/日本"}, Subscribe: []string{"b/#", "c"}, Origins: []string{"https://a.example"},
			Connections: 3, CreatedAt: at(1), ExpiresAt: at(9)},
		account.Passkey{ID: "passkey" + suffix, Account: a, Name: "phone", Record: []byte{n, 0}, CreatedAt: at(int(n)), UsedAt: at(3)},
		account.Identity{ID: "identity" + suffix, Account: a, Issuer: "https://id.example", Subject: "日本" + suffix, Email: "x@example.org", CreatedAt: at(int(n)), UsedAt: at(4)},
		account.HostName{Instance: i, Name: "mqtt.example.com", Token: "token" + suffix, CreatedAt: at(int(n)), ProvenAt: at(2), CheckedAt: at(3), FailingAt: at(4)},
		account.Guard{Instance: i, Others: account.Deny, Ban: true, BanTries: 5, BanWindow: 60, BanLength: 600, ConnectRate: 7},
		account.AddressRule{Instance: i, ID: "range", Prefix: "2001:db8::/32", Effect: account.Allow, Note: "日本", CreatedAt: at(2)},
		account.Ban{Instance: i, Address: "192.0.2.9", Note: "n", Since: at(int(n)), Until: at(99)},
		account.SignInPlace{Account: a, Browser: "Firefox", Network: "192.0.2.0/24", FirstAt: at(1), LastAt: at(int(n))},
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
	case account.Passkey:
		return r.Passkey(row.ID)
	case account.Identity:
		return r.Identity(row.ID)
	case account.Membership:
		return r.Membership(row.Team, row.Person)
	case account.TeamInvitation:
		return r.TeamInvitation(row.ID)
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
	case account.Device:
		return r.Device(row.ID)
	case account.DeviceLabels:
		return r.DeviceLabels(row.Device)
	case account.Setting:
		return r.Setting(row.Key)
	case account.ResetLink:
		return r.ResetLink(row.Hash)
	case account.APIToken:
		return r.APIToken(row.ID)
	case account.Factor:
		return r.Factor(row.ID)
	case account.AuditEntry:
		list, err := r.Audit(account.AuditQuery{Before: row.ID + 1, Limit: 1})
		if err == nil && (len(list) == 0 || list[0].ID != row.ID) {
			err = account.ErrNotFound
		}
		return append(list, account.AuditEntry{})[0], err
	case account.Logins:
		return r.Logins(row.Instance)
	case account.ClientAuthority:
		return r.ClientAuthority(row.Instance, row.ID)
	case account.ClientCertificate:
		return r.ClientCertificate(row.Instance, row.Authority, row.Serial)
	case account.TokenKey:
		return r.TokenKey(row.Instance, row.ID)
	case account.MetricsToken:
		return r.MetricsToken(row.Instance)
	case account.Bridge:
		return r.Bridge(row.Instance, row.ID)
	case account.Once:
		return r.Once(row.Account, row.Key)
	case account.Exposure:
		return r.Exposure(row.Instance, row.User)
	case account.Guard:
		return r.Guard(row.Instance)
	case account.AddressRule:
		return r.AddressRule(row.Instance, row.ID)
	case account.Ban:
		return r.Ban(row.Instance, row.Address)
	case account.SignInPlace:
		list, err := r.SignInPlaces(row.Account)
		for _, p := range list {
			if p.Browser == row.Browser && p.Network == row.Network {
				return p, nil
			}
		}
		return nil, errors.Join(err, account.ErrNotFound)
	case account.Hook:
		return r.Hook(row.Instance, row.ID)
	case account.DeadLetter:
		return r.DeadLetter(row.Instance, row.ID)
	case account.PublishableKey:
		return r.PublishableKey(row.Instance, row.ID)
	case account.HostName:
		return r.HostName(row.Instance, row.Name)
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

func logPage(t testing.TB, s account.Store, q account.LogQuery) []account.LogLine {
	t.Helper()
	return view(t, s, func(r account.Reader) ([]account.LogLine, error) { return r.Log(q) })
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
			pi, err := r.Devices("")
			say(pi, err)
			d, err := r.Audit(account.AuditQuery{Limit: 999})
			say(d, err)
			gu, err := r.Guards()
			say(gu, err)
			on, err := r.OnceBefore(at(999), 999)
			say(on, err)
		}
		list()
		for n := range 40 {
			i := fmt.Sprint("instance", n+1)
			u, err := r.Users(account.UserQuery{Instance: i, Limit: 99})
			say(u, err)
			l, err := r.Rules(i)
			say(l, err)
			lo, err := r.Logins(i)
			say(lo, err)
			ca, err := r.ClientAuthorities(i)
			say(ca, err)
			cc, err := r.ClientCertificates(account.CertificateQuery{Instance: i, Limit: 99})
			say(cc, err)
			tk, err := r.TokenKeys(i)
			say(tk, err)
			mt, err := r.MetricsToken(i)
			say(mt, err)
			br, err := r.Bridges(i)
			say(br, err)
			ex, err := r.Exposures(i, 99)
			say(ex, err)
			ar, err := r.AddressRules(i)
			say(ar, err)
			ba, err := r.Bans(i)
			say(ba, err)
			ho, err := r.Hooks(i)
			say(ho, err)
			dl, err := r.DeadLetters(account.DeadLetterQuery{Instance: i, Limit: 99})
			say(dl, err)
			pk, err := r.PublishableKeys(i)
			say(pk, err)
			hn, err := r.HostNames(i)
			say(hn, err)
			o, err := r.Log(account.LogQuery{Instance: i, Limit: 99})
			say(o, err)
			v, err := r.Setting(fmt.Sprint("setting", n+1))
			say(v, err)
			of := fmt.Sprint("account", n+1)
			k, err := r.APITokens(of)
			say(k, err)
			sp, err := r.SignInPlaces(of)
			say(sp, err)
			m, err := r.Memberships(of, "")
			say(m, err)
			pks, err := r.Passkeys(of)
			say(pks, err)
			ids, err := r.Identities(of)
			say(ids, err)
			ti, err := r.TeamInvitations(of)
			say(ti, err)
			c, err := r.Factors(of)
			say(c, err)
			x, err := r.ResetLinkOf(of)
			say(x, err)
			e, err := r.AccountByEmail(fmt.Sprintf("account%d@example.org", n+1))
			say(e, err)
		}
		return errors.Join(errs...)
	})
	return all.String(), err
}
