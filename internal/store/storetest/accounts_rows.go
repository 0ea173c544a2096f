package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tsunagi/internal/account"
)

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
	if k := view(t, s, func(r account.Reader) (account.APIToken, error) { return r.APITokenByHash(hash(2)) }); k.ID != "token2" {
		t.Errorf("APITokenByHash found %q", k.ID)
	}
	if l := view(t, s, func(r account.Reader) (account.ResetLink, error) { return r.ResetLinkOf("account2") }); l.Hash != hash(2) {
		t.Errorf("ResetLinkOf found %v", l)
	}
	if f := view(t, s, func(r account.Reader) (account.FlowServer, error) { return r.FlowServerByName("flows1") }); f.ID != "flow1" {
		t.Errorf("FlowServerByName found %q", f.ID)
	}
	if d := view(t, s, func(r account.Reader) (account.Device, error) { return r.DeviceByName("pi1") }); d.ID != "device1" {
		t.Errorf("DeviceByName found %q", d.ID)
	}
}

func accountNotFound(t *testing.T, s AccountStore) {
	wantGone(t, s, world("1", 1)...)
	for name, read := range map[string]func(account.Reader) error{
		"AccountByEmail":        func(r account.Reader) error { _, err := r.AccountByEmail("x"); return err },
		"InvitationByToken":     func(r account.Reader) error { _, err := r.InvitationByToken(hash(1)); return err },
		"APITokenByHash":        func(r account.Reader) error { _, err := r.APITokenByHash(hash(1)); return err },
		"TeamInvitationByToken": func(r account.Reader) error { _, err := r.TeamInvitationByToken(hash(1)); return err },
		"ResetLinkOf":           func(r account.Reader) error { _, err := r.ResetLinkOf("x"); return err },
		"DeviceByName":          func(r account.Reader) error { _, err := r.DeviceByName("x"); return err },
		"FlowServerByName":      func(r account.Reader) error { _, err := r.FlowServerByName("x"); return err },
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
			func() (int, error) { l, err := r.Devices(""); return len(l), err },
			func() (int, error) { l, err := r.APITokens("x"); return len(l), err },
			func() (int, error) { l, err := r.Factors("x"); return len(l), err },
			func() (int, error) { l, err := r.Passkeys("x"); return len(l), err },
			func() (int, error) { l, err := r.Identities("x"); return len(l), err },
			func() (int, error) { l, err := r.Memberships("x", ""); return len(l), err },
			func() (int, error) { l, err := r.Memberships("", "x"); return len(l), err },
			func() (int, error) { l, err := r.TeamInvitations("x"); return len(l), err },
			func() (int, error) { l, err := r.LoginsByCertificate(); return len(l), err },
			func() (int, error) { l, err := r.ClientAuthorities("x"); return len(l), err },
			func() (int, error) {
				l, err := r.ClientCertificates(account.CertificateQuery{Instance: "x", Limit: 9})
				return len(l), err
			},
			func() (int, error) { return r.CountClientCertificates("x") },
			func() (int, error) { l, err := r.TokenKeys("x"); return len(l), err },
			func() (int, error) { l, err := r.Bridges("x"); return len(l), err },
			func() (int, error) { l, err := r.Bridges(""); return len(l), err },
			func() (int, error) { l, err := r.OnceBefore(at(999), 9); return len(l), err },
			func() (int, error) { return r.CountOnce("x") },
			func() (int, error) { l, err := r.Exposures("x", 9); return len(l), err },
			func() (int, error) { l, err := r.Guards(); return len(l), err },
			func() (int, error) { l, err := r.AddressRules(""); return len(l), err },
			func() (int, error) { l, err := r.Bans("x"); return len(l), err },
			func() (int, error) { l, err := r.SignInPlaces("x"); return len(l), err },
			func() (int, error) { l, err := r.Hooks("x"); return len(l), err },
			func() (int, error) { l, err := r.Hooks(""); return len(l), err },
			func() (int, error) {
				l, err := r.DeadLetters(account.DeadLetterQuery{Instance: "x", Limit: 9})
				return len(l), err
			},
			func() (int, error) { n, bytes, err := r.CountDeadLetters("x", ""); return n + bytes, err },
			func() (int, error) { l, err := r.PublishableKeys("x"); return len(l), err },
			func() (int, error) { l, err := r.HostNames("x"); return len(l), err },
			func() (int, error) { l, err := r.HostNames(""); return len(l), err },
			func() (int, error) { l, err := r.HostNameClaims("x"); return len(l), err },
			func() (int, error) { l, err := r.Log(account.LogQuery{Limit: 9}); return len(l), err },
			func() (int, error) { l, err := r.Audit(account.AuditQuery{Limit: 9}); return len(l), err },
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
	device := two[21].(account.Device)
	device.Name = "pi1"
	ask := two[25].(account.TeamInvitation)
	ask.TokenHash = hash(1)
	link, token := two[10].(account.ResetLink), two[11].(account.APIToken)
	link.Account, token.Hash = "account1", hash(1)
	other.Email = "account1@example.org"
	mail := invitation
	mail.Email = "new1@example.org"
	invitation.TokenHash = hash(101)
	flow.Name = "flows1"
	letter := two[28].(account.DeadLetter)
	insert(t, s, account.DeadLetter{Instance: "instance2", ID: 99, Hook: "hook", Event: "other"})
	letter.Event = "other"
	span := two[34].(account.AddressRule)
	insert(t, s, account.AddressRule{Instance: "instance2", ID: "other", Prefix: "192.0.2.0/24"})
	span.Prefix = "192.0.2.0/24"
	for _, row := range []account.Row{other, invitation, mail, flow, link, token, device, ask, letter, span} {
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
		account.Device{ID: "d", Owner: "nobody", Name: "d", Key: []byte{1}},
		account.Passkey{ID: "x", Account: "nobody", Record: []byte{1}},
		account.Identity{ID: "x", Account: "nobody"},
		account.Membership{Team: "nobody", Person: "account1"},
		account.Membership{Team: "account1", Person: "nobody"},
		account.TeamInvitation{ID: "i", TokenHash: hash(9), Team: "nobody"},
		account.DeviceLabels{Device: "nobody's"},
		account.ResetLink{Hash: hash(9), Account: "nobody"},
		account.APIToken{ID: "t", Hash: hash(9), Account: "nobody"},
		account.APIToken{ID: "t", Hash: hash(9), Account: "account1", Instance: "nowhere"},
		account.Factor{ID: "x", Account: "nobody"},
		account.User{Instance: "nowhere", Name: "u"},
		account.Rule{Instance: "nowhere", ID: "r"},
		account.Rule{Instance: "instance1", ID: "r", User: "nobody"},
		account.Logins{Instance: "nowhere"},
		account.ClientAuthority{Instance: "nowhere", ID: "a", Certificate: []byte{1}},
		account.ClientCertificate{Instance: "instance1", Authority: "nobody's", Serial: "1"},
		account.ClientCertificate{Instance: "instance1", Authority: "ours", Serial: "1", User: "nobody"},
		account.TokenKey{Instance: "nowhere", ID: "k"},
		account.MetricsToken{Instance: "nowhere"},
		account.Bridge{Instance: "nowhere", ID: "b"},
		account.Once{Account: "nobody", Key: hash(1)},
		account.Exposure{Instance: "instance1", User: "nobody"},
		account.Hook{Instance: "nowhere", ID: "h"},
		account.DeadLetter{Instance: "instance1", ID: 9, Hook: "nobody's"},
		account.PublishableKey{Instance: "nowhere", ID: "k"},
		account.HostName{Instance: "nowhere", Name: "n"},
		account.Guard{Instance: "nowhere"},
		account.AddressRule{Instance: "nowhere", ID: "a"},
		account.Ban{Instance: "nowhere", Address: "192.0.2.1"},
		account.SignInPlace{Account: "nobody"},
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
		account.ResetLink{Hash: hash(1), Account: "account1", ExpiresAt: at(7)},
		account.APIToken{ID: "token1", Hash: hash(33), Account: "account2", Scope: account.ScopeManage},
		account.Factor{ID: "factor1", Account: "account1", Kind: account.FactorRecovery, Secret: []byte{9}, Last: 8},
		account.AuditEntry{ID: 1, Detail: "d"},
		account.Passkey{ID: "passkey1", Account: "account1", Name: "other", Record: []byte{9}, UsedAt: at(9)},
		account.Identity{ID: "identity1", Account: "account1", Issuer: "https://other.example", Subject: "s", UsedAt: at(9)},
		account.Membership{Team: "account1", Person: "account1", Role: account.TeamOwner, CreatedAt: at(9)},
		account.TeamInvitation{ID: "ask1", TokenHash: hash(90), Team: "account2", Role: account.TeamViewer},
		account.Logins{Instance: "instance1", Certificate: account.CertificateOff},
		account.ClientAuthority{Instance: "instance1", ID: "ours", Certificate: []byte{2}, Sealed: []byte{9}, CreatedAt: at(7)},
		account.ClientCertificate{Instance: "instance1", Authority: "ours", Serial: "0a", RevokedAt: at(9)},
		account.TokenKey{Instance: "instance1", ID: "key", KeyID: "other"},
		account.MetricsToken{Instance: "instance1", Hash: hash(200)},
		account.Bridge{Instance: "instance1", ID: "bridge", Sealed: []byte{1}, Version: account.BridgeV311},
		account.Once{Account: "account1", Key: hash(1), Status: 500},
		account.Exposure{Instance: "instance1", User: "sensor", Times: 9},
		account.Hook{Instance: "instance1", ID: "hook", Events: []account.HookEvent{account.HookConnect}, Action: account.HookMail, Sealed: []byte{1}},
		account.DeadLetter{Instance: "instance1", ID: 1, Hook: "hook", Event: "e", Body: []byte{9}},
		account.PublishableKey{Instance: "instance1", ID: "page", Publish: []string{}, Subscribe: []string{"x"}, Origins: []string{}},
		account.HostName{Instance: "instance1", Name: "mqtt.example.com", Token: "other", FailingAt: at(9)},
		account.Guard{Instance: "instance1", Others: account.Allow, BanTries: 3},
		account.AddressRule{Instance: "instance1", ID: "range", Prefix: "192.0.2.0/24", Effect: account.Deny},
		account.Ban{Instance: "instance1", Address: "192.0.2.9", Until: at(100)},
		account.SignInPlace{Account: "account1", Browser: "Firefox", Network: "192.0.2.0/24", LastAt: at(50)},
		account.Device{ID: "device1", Owner: "account2", Name: "moved", Key: []byte{7}, SeenAt: at(9)},
		account.DeviceLabels{Device: "device1", Labels: []string{"attic"}},
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
		{"account", account.Account{ID: "account1"}, []int{0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36}},
		{"session", account.BrowserSession{Hash: hash(1)}, []int{1}},
		{"invitation", account.Invitation{ID: "invitation1"}, []int{2}},
		{"instance", account.Instance{ID: "instance1"}, []int{3, 4, 5, 6, 7, 11, 14, 15, 16, 17, 18, 19, 20, 23, 27, 28, 29, 32, 33, 34, 35}},
		{"user", account.User{Instance: "instance1", Name: "sensor"}, []int{5, 7, 16, 23}},
		{"user without rules", account.User{Instance: "instance1", Name: "instance1"}, []int{4}},
		{"rule", account.Rule{Instance: "instance1", ID: "for all"}, []int{6}},
		{"flow server", account.FlowServer{ID: "flow1"}, []int{8}},
		{"setting", account.Setting{Key: "setting1"}, []int{9}},
		{"reset link", account.ResetLink{Hash: hash(1)}, []int{10}},
		{"token", account.APIToken{ID: "token1"}, []int{11}},
		{"factor", account.Factor{ID: "factor1"}, []int{12}},
		{"audit", account.AuditEntry{ID: 1}, []int{13}},
		{"logins", account.Logins{Instance: "instance1"}, []int{14}},
		{"client authority", account.ClientAuthority{Instance: "instance1", ID: "ours"}, []int{15, 16, 17}},
		{"certificate", account.ClientCertificate{Instance: "instance1", Authority: "ours", Serial: "0a"}, []int{16}},
		{"token key", account.TokenKey{Instance: "instance1", ID: "key"}, []int{18}},
		{"device", account.Device{ID: "device1"}, []int{21, 26}},
		{"labels", account.DeviceLabels{Device: "device1"}, []int{26}},
		{"passkey", account.Passkey{ID: "passkey1"}, []int{30}},
		{"identity", account.Identity{ID: "identity1"}, []int{31}},
		{"guard", account.Guard{Instance: "instance1"}, []int{33}},
		{"address rule", account.AddressRule{Instance: "instance1", ID: "range"}, []int{34}},
		{"ban", account.Ban{Instance: "instance1", Address: "192.0.2.9"}, []int{35}},
		{"sign-in place", account.SignInPlace{Account: "account1", Browser: "Firefox", Network: "192.0.2.0/24"}, []int{36}},
		{"membership", account.Membership{Team: "account1", Person: "account1"}, []int{24}},
		{"team invitation", account.TeamInvitation{ID: "ask1"}, []int{25}},
		{"metrics token", account.MetricsToken{Instance: "instance1"}, []int{19}},
		{"bridge", account.Bridge{Instance: "instance1", ID: "bridge"}, []int{20}},
		{"publishable key", account.PublishableKey{Instance: "instance1", ID: "page"}, []int{29}},
		{"host name", account.HostName{Instance: "instance1", Name: "mqtt.example.com"}, []int{32}},
		{"once", account.Once{Account: "account1", Key: hash(1)}, []int{22}},
		{"exposure", account.Exposure{Instance: "instance1", User: "sensor"}, []int{23}},
		{"hook", account.Hook{Instance: "instance1", ID: "hook"}, []int{27, 28}},
		{"dead letter", account.DeadLetter{Instance: "instance1", ID: 1}, []int{28}},
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
