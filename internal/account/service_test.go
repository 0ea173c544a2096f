package account_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
)

func TestOwnerLinkWorksOnce(t *testing.T) {
	w := newWorld(t)
	if has, err := w.HasOwner(w.ctx); !has || err != nil {
		t.Fatalf("HasOwner = %v, %v", has, err)
	}
	if link, err := w.OwnerToken(w.ctx); link != "" || err != nil {
		t.Errorf("OwnerToken with an owner = %q, %v", link, err)
	}
	_, err := w.CreateOwner(w.ctx, w.browser("192.0.2.9"), "x", "b@example.org", password, "")
	wantCode(t, err, account.Forbidden)
	if w.owner.Account.Role != account.RoleOwner || w.owner.Account.Language != "ja" {
		t.Errorf("owner = %+v", w.owner.Account)
	}
}

func TestNewOwnerLinkEndsTheOldOne(t *testing.T) {
	w := &world{t: t, ctx: t.Context(), store: newStore(t), now: time.Now(), mails: map[string]string{}}
	w.open()
	old, _ := w.OwnerToken(w.ctx)
	fresh, _ := w.OwnerToken(w.ctx)
	_, err := w.CreateOwner(w.ctx, w.browser("192.0.2.1"), old, ownerMail, password, "")
	wantCode(t, err, account.Forbidden)
	if _, err := w.CreateOwner(w.ctx, w.browser("192.0.2.1"), fresh, ownerMail, password, ""); err != nil {
		t.Error(err)
	}
}

func TestPasswordsOfPeople(t *testing.T) {
	w := newWorld(t)
	for name, bad := range map[string]string{"short": "short1!", "guessable": "password123", "the mail": ownerMail, "too long": strings.Repeat("ab 9", 70), "not UTF-8": "abcdefgh\xff\xfe12"} {
		_, err := w.ChangePassword(w.ctx, w.owner, account.Proof{Password: password}, bad)
		t.Run(name, func(t *testing.T) { wantCode(t, err, account.Invalid) })
	}
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	token, err := w.signIn("192.0.2.1", "  Owner@Example.org ", password)
	if err != nil {
		t.Fatal(err)
	}
	if token == w.token {
		t.Error("the session has the value of an earlier one")
	}
	w.session(token)
	_, wrong := w.SignIn(w.ctx, w.browser("192.0.2.1"), ownerMail, "not the password")
	_, unknown := w.SignIn(w.ctx, w.browser("192.0.2.1"), "nobody@example.org", password)
	_, noMail := w.SignIn(w.ctx, w.browser("192.0.2.1"), "", "")
	for _, err := range []error{wrong, unknown, noMail} {
		if err == nil || err.Error() != wrong.Error() {
			t.Errorf("answers differ: %v and %v", wrong, err)
		}
	}
	wantCode(t, wrong, account.Unauthorized)
}

func TestSignInTriesAreLimited(t *testing.T) {
	w := newWorld(t)
	try := func(remote, p string) error {
		_, err := w.SignIn(w.ctx, w.browser(remote), ownerMail, p)
		return err
	}
	if err := try("192.0.2.1", password); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		wantCode(t, try("203.0.113.5", "wrong"), account.Unauthorized)
	}
	err := try("203.0.113.5", password)
	wantCode(t, err, account.RateLimited)
	var e *account.Error
	if errors.As(err, &e); e.Wait <= 0 || e.Wait > 20*time.Second {
		t.Errorf("wait %v", e.Wait)
	}
	w.wait(21 * time.Second)
	if err := try("203.0.113.5", password); err != nil {
		t.Errorf("after waiting: %v", err)
	}
	t.Run("many addresses on one account don't lock its person out", func(t *testing.T) {
		for i := range 40 {
			_ = try("198.51.100."+string(rune('0'+i%10))+string(rune('0'+i/10)), "wrong")
		}
		wantCode(t, try("198.51.100.200", password), account.RateLimited)
		if err := try("192.0.2.1", password); err != nil {
			t.Errorf("from the known address: %v", err)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	gone := func(t *testing.T, token string) {
		t.Helper()
		_, err := w.BySession(w.ctx, token, "192.0.2.1", "")
		wantCode(t, err, account.Unauthorized)
	}
	sign := func() string {
		token, err := w.signIn("192.0.2.1", ownerMail, password)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	t.Run("sign-out", func(t *testing.T) {
		token := sign()
		by := w.session(token)
		ended, stop := w.SessionEnd(by.Session)
		defer stop()
		if err := w.SignOut(w.ctx, by); err != nil {
			t.Fatal(err)
		}
		gone(t, token)
		<-ended
		if alive, err := w.SessionAlive(w.ctx, by.Session); alive || err != nil {
			t.Errorf("SessionAlive = %v, %v", alive, err)
		}
	})
	t.Run("idle", func(t *testing.T) {
		token := sign()
		w.wait(6 * 24 * time.Hour)
		w.session(token)
		w.wait(6 * 24 * time.Hour) // used in between
		w.session(token)
		w.wait(8 * 24 * time.Hour)
		gone(t, token)
	})
	t.Run("absolute", func(t *testing.T) {
		token := sign()
		for range 5 {
			w.wait(6 * 24 * time.Hour)
			w.session(token)
		}
		w.wait(time.Hour)
		gone(t, token)
	})
	t.Run("another password ends all others", func(t *testing.T) {
		one, two := sign(), sign()
		fresh, err := w.ChangePassword(w.ctx, w.session(one), account.Proof{Password: password}, "another good pass phrase")
		if err != nil {
			t.Fatal(err)
		}
		gone(t, one)
		gone(t, two)
		w.session(fresh)
		_, err = w.SignIn(w.ctx, w.browser("192.0.2.1"), ownerMail, password)
		wantCode(t, err, account.Unauthorized)
	})
	t.Run("garbage", func(t *testing.T) {
		for _, token := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 100_000)} {
			gone(t, token)
		}
	})
}

func TestInvitations(t *testing.T) {
	w := newWorld(t)
	m, _ := w.member("m@example.org")
	if m.Account.Role != account.RoleMember {
		t.Errorf("role %s", m.Account.Role)
	}
	_, err := w.Invite(w.ctx, m, "x@example.org")
	wantCode(t, err, account.Forbidden)
	_, err = w.Invite(w.ctx, w.owner, "M@example.org")
	wantCode(t, err, account.Conflict)
	_, err = w.Invite(w.ctx, w.owner, "not a mail")
	wantCode(t, err, account.Invalid)
	_, err = w.AcceptInvitation(w.ctx, w.browser("192.0.2.3"), w.mails["m@example.org"], password, "") // used
	wantCode(t, err, account.NotFound)

	inv, err := w.Invite(w.ctx, w.owner, "n@example.org")
	if err != nil || inv.Sent != "file" {
		t.Fatalf("Invite: %+v, %v", inv, err)
	}
	first := w.mails["n@example.org"]
	inv, _ = w.Invite(w.ctx, w.owner, "n@example.org")
	_, err = w.InvitationByToken(w.ctx, w.browser("192.0.2.3"), first)
	wantCode(t, err, account.NotFound)
	if got, err := w.InvitationByToken(w.ctx, w.browser("192.0.2.3"), w.mails["n@example.org"]); err != nil || got.Email != "n@example.org" {
		t.Errorf("InvitationByToken = %+v, %v", got, err)
	}
	if list, err := w.Invitations(w.ctx, w.owner); len(list) != 1 || err != nil {
		t.Errorf("Invitations = %v, %v", list, err)
	}
	w.wait(8 * 24 * time.Hour)
	_, err = w.AcceptInvitation(w.ctx, w.browser("192.0.2.3"), w.mails["n@example.org"], password, "")
	wantCode(t, err, account.NotFound)
	if err := w.DeleteInvitation(w.ctx, w.owner, inv.ID); err != nil {
		t.Error(err)
	}
}

func TestInstancesWithinThePlan(t *testing.T) {
	w := newWorld(t)
	a, secret := w.instance(w.owner)
	if !regexp.MustCompile(`^[a-z]{8}$`).MatchString(a.ID) || a.Plan != "free" || a.Region != "home" || len(secret) < 26 {
		t.Errorf("instance %+v, password of %d", a, len(secret))
	}
	w.instance(w.owner)
	_, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "third"})
	wantCode(t, err, account.Limit)
	for _, bad := range []account.NewInstance{{Name: ""}, {Name: "a\x00b"}, {Name: strings.Repeat("x", 65)}, {Name: "x", Plan: "none"}, {Name: "x", Region: "moon"}} {
		_, _, err := w.CreateInstance(w.ctx, w.owner, bad)
		wantCode(t, err, account.Invalid)
	}
	if err := w.DeleteInstance(w.ctx, w.owner, a.ID); err != nil {
		t.Fatal(err)
	}
	if n := w.lastNews(); n.Instance != a.ID || !n.Deleted {
		t.Errorf("news = %+v", n)
	}
	if _, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "third"}); err != nil {
		t.Errorf("after a delete: %v", err)
	}
}

func TestRevealAndRotate(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	got, err := w.RevealPassword(w.ctx, w.owner, in.ID, account.Proof{Password: password})
	if err != nil || got != secret {
		t.Fatalf("RevealPassword = %q, %v", got, err)
	}
	_, err = w.RevealPassword(w.ctx, w.owner, in.ID, account.Proof{Password: "wrong password"})
	wantCode(t, err, account.Forbidden)
	fresh, err := w.RotatePassword(w.ctx, w.owner, in.ID)
	if err != nil || fresh == secret {
		t.Fatalf("RotatePassword = %q, %v", fresh, err)
	}
	if n := w.lastNews(); len(n.Users) != 1 || n.Users[0] != in.ID {
		t.Errorf("news = %+v", n)
	}
	if got, _ := w.RevealPassword(w.ctx, w.owner, in.ID, account.Proof{Password: password}); got != fresh {
		t.Errorf("revealed %q after rotation, want %q", got, fresh)
	}
	if _, err := w.login(in.ID, in.ID, secret); err == nil {
		t.Error("the old password still works")
	}
	w.mustLogin(in.ID, in.ID, fresh)
	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, in.ID, account.UserChange{Password: ptr("chosen by me")}); err != nil {
		t.Fatal(err)
	}
	_, err = w.RevealPassword(w.ctx, w.owner, in.ID, account.Proof{Password: password})
	wantCode(t, err, account.Conflict)
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	for _, bad := range []string{"", "web-client", "$SYS", " a", "a\n", "abcdefgh:x", strings.Repeat("a", 129), "a\xff"} {
		_, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: bad, Connect: true})
		t.Run("name "+bad, func(t *testing.T) { wantCode(t, err, account.Invalid) })
	}
	u, secret, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "センサー", Connect: true, Note: "屋根"})
	if err != nil || len(secret) < 26 || u.Sealed != nil {
		t.Fatalf("CreateUser = %+v, %q, %v", u, secret, err)
	}
	_, _, err = w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "センサー"})
	wantCode(t, err, account.Conflict)
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "b", Password: "chosen word"}); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "c"})
	wantCode(t, err, account.Limit)

	p, err := w.Users(w.ctx, w.owner, account.UserQuery{Instance: in.ID, Limit: 2})
	if err != nil || p.Total != 3 || len(p.Users) != 2 || p.Next == "" {
		t.Fatalf("Users = %+v, %v", p, err)
	}
	p, _ = w.Users(w.ctx, w.owner, account.UserQuery{Instance: in.ID, Limit: 2, After: p.Next})
	if len(p.Users) != 1 || p.Next != "" {
		t.Errorf("second page = %+v", p)
	}
	wantCode(t, w.DeleteUser(w.ctx, w.owner, in.ID, in.ID), account.Conflict)
	if err := w.DeleteUser(w.ctx, w.owner, in.ID, "b"); err != nil {
		t.Error(err)
	}
	wantCode(t, w.DeleteUser(w.ctx, w.owner, in.ID, "b"), account.NotFound)
}

func TestOthersThingsAreNotFound(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	rule, err := w.CreateRule(w.ctx, w.owner, account.Rule{Instance: in.ID, Effect: account.Allow, Access: account.Both, Filter: "a/#"})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := w.CreateFlowServer(w.ctx, w.owner, "kitchen")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := w.member("m@example.org")
	calls := map[string]func() error{
		"Instance":       func() error { _, err := w.Instance(w.ctx, m, in.ID); return err },
		"RenameInstance": func() error { _, err := w.RenameInstance(w.ctx, m, in.ID, "x"); return err },
		"DeleteInstance": func() error { return w.DeleteInstance(w.ctx, m, in.ID) },
		"RevealPassword": func() error {
			_, err := w.RevealPassword(w.ctx, m, in.ID, account.Proof{Password: password})
			return err
		},
		"RotatePassword": func() error { _, err := w.RotatePassword(w.ctx, m, in.ID); return err },
		"MintWebToken":   func() error { _, err := w.MintWebToken(w.ctx, m, in.ID); return err },
		"AuditInstance":  func() error { return w.AuditInstance(w.ctx, m, in.ID, "connection.kick", "c") },
		"Users":          func() error { _, err := w.Users(w.ctx, m, account.UserQuery{Instance: in.ID}); return err },
		"User":           func() error { _, _, err := w.User(w.ctx, m, in.ID, in.ID); return err },
		"CreateUser":     func() error { _, _, err := w.CreateUser(w.ctx, m, in.ID, account.NewUser{Name: "x"}); return err },
		"ChangeUser": func() error {
			_, _, err := w.ChangeUser(w.ctx, m, in.ID, in.ID, account.UserChange{Connect: ptr(false)})
			return err
		},
		"DeleteUser":       func() error { return w.DeleteUser(w.ctx, m, in.ID, in.ID) },
		"Rules":            func() error { _, err := w.Rules(w.ctx, m, in.ID, ""); return err },
		"CreateRule":       func() error { r := rule; r.Filter = "b"; _, err := w.CreateRule(w.ctx, m, r); return err },
		"ChangeRule":       func() error { _, err := w.ChangeRule(w.ctx, m, in.ID, rule.ID, account.RuleChange{}); return err },
		"DeleteRule":       func() error { return w.DeleteRule(w.ctx, m, in.ID, rule.ID) },
		"FlowServer":       func() error { _, err := w.FlowServer(w.ctx, m, flow.ID); return err },
		"DeleteFlowServer": func() error { return w.DeleteFlowServer(w.ctx, m, flow.ID) },
		"OpenFlowServer":   func() error { _, _, err := w.OpenFlowServer(w.ctx, m, flow.ID); return err },
		"AuditFlowServer":  func() error { _, err := w.AuditFlowServer(w.ctx, m, flow.ID, "x"); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { wantCode(t, call(), account.NotFound) })
	}
	if list, err := w.Instances(w.ctx, m); len(list) != 0 || err != nil {
		t.Errorf("Instances = %v, %v", list, err)
	}
	if _, err := w.Instances(w.ctx, account.Actor{}); err == nil {
		t.Error("nobody in particular may list all instances")
	}
}

func TestFlowServersAndCodes(t *testing.T) {
	w := newWorld(t)
	for _, bad := range []string{"", "A", "1a", "a_b", "a-", "edit-x", "www", "flows", "xn--a", strings.Repeat("a", 33)} {
		_, err := w.CreateFlowServer(w.ctx, w.owner, bad)
		t.Run("name "+bad, func(t *testing.T) { wantCode(t, err, account.Invalid) })
	}
	f, err := w.CreateFlowServer(w.ctx, w.owner, "kitchen")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateFlowServer(w.ctx, w.owner, "garden")
	wantCode(t, err, account.Limit)
	m, _ := w.member("m@example.org")
	_, err = w.CreateFlowServer(w.ctx, m, "kitchen")
	wantCode(t, err, account.Conflict)

	code := func() string {
		c, _, err := w.OpenFlowServer(w.ctx, w.owner, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	refused := func(name, server, code, agent string) {
		_, err := w.ExchangeFlowCode(w.ctx, server, code, agent)
		t.Run(name, func(t *testing.T) { wantCode(t, err, account.Forbidden) })
	}
	c := code()
	login, err := w.ExchangeFlowCode(w.ctx, f.ID, c, "Browser/1")
	if err != nil || login.Account.ID != w.owner.Account.ID || login.Server.ID != f.ID || login.Session != w.owner.Session {
		t.Fatalf("ExchangeFlowCode = %+v, %v", login, err)
	}
	refused("a second time", f.ID, c, "Browser/1")
	refused("another browser", f.ID, code(), "Browser/2")
	refused("another flow server", "other", code(), "Browser/1")
	late := code()
	w.wait(21 * time.Second)
	refused("too late", f.ID, late, "Browser/1")
	out := code()
	if err := w.SignOut(w.ctx, w.owner); err != nil {
		t.Fatal(err)
	}
	refused("signed out", f.ID, out, "Browser/1")
}

func TestAuditTellsWhoDidWhat(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	if _, err := w.RevealPassword(w.ctx, w.owner, in.ID, account.Proof{Password: password}); err != nil {
		t.Fatal(err)
	}
	err := w.store.View(w.ctx, func(r account.Reader) error {
		list, err := r.Audit(account.AuditQuery{Limit: 100})
		var actions []string
		for _, e := range list {
			actions = append(actions, e.Action)
			if strings.Contains(e.Detail, secret) || strings.Contains(e.Detail, password) {
				t.Errorf("secret in %+v", e)
			}
		}
		if got := strings.Join(actions, " "); got != "instance.reveal instance.create account.create" {
			t.Errorf("actions = %s", got)
		}
		if e := list[0]; e.Account != w.owner.Account.ID || e.Remote != "192.0.2.1" || e.Object != in.ID || e.Via != "panel" {
			t.Errorf("entry = %+v", e)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	a, err := account.LoadKeyFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.LoadKeyFile(dir)
	if err != nil || string(a) != string(b) {
		t.Fatalf("second read differs: %v", err)
	}
	name := filepath.Join(dir, account.KeyFileName)
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := account.LoadKeyFile(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	if err := os.WriteFile(name, []byte("tsunagi-key-1 abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(name, 0o600)
	if _, err := account.LoadKeyFile(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged: %v", err)
	}
}

func TestAnotherKeyFileIsRefused(t *testing.T) {
	w := newWorld(t)
	keys, _ := account.NewKeys([]byte(strings.Repeat("k", 32)))
	_, err := account.NewService(w.ctx, account.Options{Store: w.store, Keys: keys, Plans: w.Plans(), Regions: w.Regions()})
	if err == nil || !strings.Contains(err.Error(), account.KeyFileName) {
		t.Errorf("error %v", err)
	}
}

func TestAdminMakesAccounts(t *testing.T) {
	w := &world{t: t, ctx: t.Context(), store: newStore(t), now: time.Now(), mails: map[string]string{}}
	w.open()
	admin := account.AdminActor()
	a, generated, err := w.CreateAccount(w.ctx, admin, "a@example.org", "", "", "")
	if err != nil || a.Role != account.RoleOwner || generated == "" {
		t.Fatalf("first = %+v, %q, %v", a, generated, err)
	}
	b, _, err := w.CreateAccount(w.ctx, admin, "b@example.org", password, "", "big")
	if err != nil || b.Role != account.RoleMember || b.Plan != "big" {
		t.Fatalf("second = %+v, %v", b, err)
	}
	if _, _, err := w.CreateInstance(w.ctx, admin, account.NewInstance{Name: "x", Owner: "b@example.org"}); err != nil {
		t.Error(err)
	}
	_, _, err = w.CreateInstance(w.ctx, admin, account.NewInstance{Name: "x", Owner: "nobody"})
	wantCode(t, err, account.Invalid)
	_, _, err = w.CreateAccount(w.ctx, account.Actor{Account: a}, "c@example.org", password, "", "")
	wantCode(t, err, account.Forbidden)
	if list, err := w.Instances(w.ctx, admin); len(list) != 1 || err != nil {
		t.Errorf("Instances = %v, %v", list, err)
	}
}
