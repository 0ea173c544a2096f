package account_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tsunagi/internal/account"
)

// wantRefusal fails unless err is an *account.Error with that code; what says what was tried.
func wantRefusal(t *testing.T, what string, err error, code account.Code) {
	t.Helper()
	var e *account.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestJoin(t *testing.T) {
	invited := newWorld(t)
	wantRefusal(t, "joining where invited only", invited.AskToJoin(t.Context(), invited.browser("192.0.2.9"), "a@example.org", ""), account.Forbidden)
	w := newWorldWith(t, 1024, "open")
	if err := w.AskToJoin(w.ctx, w.browser("192.0.2.9"), " A@example.org ", "ja"); err != nil {
		t.Fatal(err)
	}
	l := w.lastLetter(account.LetterJoin, "a@example.org")
	if l.Token == "" || l.Language != "ja" {
		t.Fatalf("letter %+v", l)
	}
	if list, err := w.Invitations(w.ctx, w.owner); err != nil || len(list) != 0 {
		t.Errorf("who asked to join stands among the invited: %v, %v", list, err)
	}
	token, err := w.AcceptInvitation(w.ctx, w.browser("192.0.2.9"), l.Token, password, "ja")
	if err != nil {
		t.Fatal(err)
	}
	if by := w.session(token); by.Account.Email != "a@example.org" || by.Account.Role != account.RoleMember {
		t.Errorf("account %+v", by.Account)
	}
	_, err = w.AcceptInvitation(w.ctx, w.browser("192.0.2.9"), l.Token, password, "ja")
	wantRefusal(t, "link used twice", err, account.NotFound)

	// The same answer for an e-mail that is taken, and no link.
	if err := w.AskToJoin(w.ctx, w.browser("192.0.2.9"), "a@example.org", ""); err != nil {
		t.Fatal(err)
	}
	if l := w.lastLetter(account.LetterHave, "a@example.org"); l.Token != "" {
		t.Error("a letter about an existing account carries a link that makes one")
	}
	for range 5 {
		err = w.AskToJoin(w.ctx, w.browser("192.0.2.9"), "b@example.org", "")
	}
	wantRefusal(t, "many wishes", err, account.RateLimited)
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	w.Flush(w.ctx)
	if err := w.AskReset(w.ctx, w.browser("192.0.2.9"), "nobody@example.org"); err != nil {
		t.Fatal("asking for an unknown e-mail tells so:", err)
	}
	w.Flush(w.ctx)
	if len(w.letters) != 0 {
		t.Errorf("letters to nobody: %+v", w.letters)
	}
	for range 2 { // the second link replaces the first
		if err := w.AskReset(w.ctx, w.browser("192.0.2.9"), ownerMail); err != nil {
			t.Fatal(err)
		}
		w.Flush(w.ctx)
	}
	first, second := w.letters[0], w.letters[1]
	_, err := w.ResetAccount(w.ctx, w.browser("192.0.2.9"), first.Token)
	wantRefusal(t, "replaced link", err, account.NotFound)
	if email, err := w.ResetAccount(w.ctx, w.browser("192.0.2.9"), second.Token); err != nil || email != ownerMail {
		t.Errorf("ResetAccount = %q, %v", email, err)
	}
	ended, stop := w.SessionEnd(w.owner.Session)
	defer stop()
	wantRefusal(t, "weak password", w.ResetPassword(w.ctx, w.browser("192.0.2.9"), second.Token, "aaaaaaaaaaaa"), account.Invalid)
	if err := w.ResetPassword(w.ctx, w.browser("192.0.2.9"), second.Token, "quite another pass phrase"); err != nil {
		t.Fatal(err)
	}
	<-ended
	_, err = w.BySession(w.ctx, w.token, "192.0.2.1", "Browser/1")
	wantRefusal(t, "session from before", err, account.Unauthorized)
	_, err = w.signIn("192.0.2.1", ownerMail, password)
	wantRefusal(t, "old password", err, account.Unauthorized)
	if _, err := w.signIn("192.0.2.1", ownerMail, "quite another pass phrase"); err != nil {
		t.Error(err)
	}
	wantRefusal(t, "used link", w.ResetPassword(w.ctx, w.browser("192.0.2.9"), second.Token, password), account.NotFound)
	w.lastLetter(account.LetterPassword, ownerMail)

	if err := w.AskReset(w.ctx, w.browser("192.0.2.8"), ownerMail); err != nil {
		t.Fatal(err)
	}
	late := w.lastLetter(account.LetterReset, ownerMail)
	w.wait(time.Hour)
	wantRefusal(t, "old link", w.ResetPassword(w.ctx, w.browser("192.0.2.9"), late.Token, password), account.NotFound)
}

func TestSessionsOfBrowsers(t *testing.T) {
	w := newWorld(t)
	second, err := w.signIn("198.51.100.7", ownerMail, password)
	if err != nil {
		t.Fatal(err)
	}
	if l := w.lastLetter(account.LetterNewPlace, ownerMail); l.Remote != "198.51.100.7" {
		t.Errorf("letter about a new place: %+v", l)
	}
	list, err := w.Sessions(w.ctx, w.owner)
	if err != nil || len(list) != 2 {
		t.Fatalf("sessions %v, %v", list, err)
	}
	other, _ := w.member("b@example.org")
	wantRefusal(t, "another's session", w.EndSession(w.ctx, other, list[0].ID()), account.NotFound)
	if err := w.EndSession(w.ctx, w.owner, "others"); err != nil {
		t.Fatal(err)
	}
	_, err = w.BySession(w.ctx, second, "198.51.100.7", "Browser/1")
	wantRefusal(t, "ended session", err, account.Unauthorized)
	w.session(w.token)
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t)
	n := w.BeginTOTP(w.owner)
	code := func() string {
		c, err := totp.GenerateCode(n.Secret, w.clock())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	_, err := w.AddTOTP(w.ctx, w.owner, account.Proof{Password: password}, "phone", n.Secret, "000000")
	if code() != "000000" {
		wantRefusal(t, "wrong first code", err, account.Invalid)
	}
	recovery, err := w.AddTOTP(w.ctx, w.owner, account.Proof{Password: password}, "phone", n.Secret, code())
	if err != nil || len(recovery) != 10 {
		t.Fatalf("AddTOTP: %v, %v", recovery, err)
	}
	ticket := func() string {
		t.Helper()
		in, err := w.SignIn(w.ctx, w.browser("192.0.2.1"), ownerMail, password)
		if err != nil || in.Session != "" || in.Ticket == "" {
			t.Fatalf("SignIn = %+v, %v", in, err)
		}
		return in.Ticket
	}
	one := ticket()
	_, err = w.SecondSignIn(w.ctx, w.browser("192.0.2.1"), one, code())
	wantRefusal(t, "code that made the factor", err, account.Forbidden)
	w.wait(30 * time.Second)
	session, err := w.SecondSignIn(w.ctx, w.browser("192.0.2.1"), one, code())
	if err != nil {
		t.Fatal(err)
	}
	w.session(session)
	_, err = w.SecondSignIn(w.ctx, w.browser("192.0.2.1"), one, code())
	wantRefusal(t, "ticket used twice", err, account.Unauthorized)
	_, err = w.SecondSignIn(w.ctx, w.browser("192.0.2.1"), ticket(), code())
	wantRefusal(t, "code used twice", err, account.Forbidden)
	if _, err := w.SecondSignIn(w.ctx, w.browser("192.0.2.1"), ticket(), strings.ToUpper(recovery[3])); err != nil {
		t.Error("recovery code:", err)
	}
	_, err = w.SecondSignIn(w.ctx, w.browser("192.0.2.1"), ticket(), recovery[3])
	wantRefusal(t, "recovery code used twice", err, account.Forbidden)
	foreign := w.browser("192.0.2.1")
	foreign.Agent = "Another"
	_, err = w.SecondSignIn(w.ctx, foreign, ticket(), recovery[4])
	wantRefusal(t, "ticket in another browser", err, account.Unauthorized)
	list, err := w.Factors(w.ctx, w.owner)
	if err != nil || len(list) != 2 || list[0].Secret != nil || list[1].Secret != nil {
		t.Fatalf("Factors = %+v, %v", list, err)
	}
	for _, f := range list {
		if f.Kind == account.FactorTOTP {
			if err := w.DeleteFactor(w.ctx, w.owner, account.Proof{Password: password}, f.ID); err != nil {
				t.Fatal(err)
			}
		} else if f.Last != 9 {
			t.Errorf("%d recovery codes left, want 9", f.Last)
		}
	}
	if _, err := w.signIn("192.0.2.1", ownerMail, password); err != nil {
		t.Error(err)
	}
	w.lastLetter(account.LetterFactorOff, ownerMail)
}

// TestCodesAreNotGuessed tries codes with the right password: a few, then a long wait.
func TestCodesAreNotGuessed(t *testing.T) {
	w := newWorld(t)
	n := w.BeginTOTP(w.owner)
	code, err := totp.GenerateCode(n.Secret, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddTOTP(w.ctx, w.owner, account.Proof{Password: password}, "phone", n.Secret, code); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for place := range 10 {
		by := w.browser("203.0.113." + string(rune('0'+place)))
		in, err := w.SignIn(w.ctx, by, ownerMail, password)
		if err != nil {
			break
		}
		for range 4 {
			_, err := w.SecondSignIn(w.ctx, by, in.Ticket, "not it")
			var e *account.Error
			if errors.As(err, &e) && e.Code == account.Forbidden {
				tried++
			}
		}
	}
	if tried > 10 {
		t.Errorf("%d codes could be tried", tried)
	}
}

func TestAPITokens(t *testing.T) {
	w := newWorld(t)
	one, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "two"})
	if err != nil {
		t.Fatal(err)
	}
	row, token, err := w.CreateAPIToken(w.ctx, w.owner, account.Proof{Password: password}, account.NewAPIToken{Name: "script", Scope: account.ScopeManage, Instance: one.ID, Days: 1})
	if err != nil {
		t.Fatal(err)
	}
	by, err := w.ByToken(w.ctx, token, "192.0.2.3", "curl")
	if err != nil || by.Via != "token" || by.Scope != account.ScopeManage {
		t.Fatalf("ByToken = %+v, %v", by, err)
	}
	if _, err := w.Instance(w.ctx, by, one.ID); err != nil {
		t.Error(err)
	}
	_, err = w.Instance(w.ctx, by, two.ID)
	wantRefusal(t, "another instance of the same account", err, account.NotFound)
	if list, err := w.Instances(w.ctx, by); err != nil || len(list) != 1 {
		t.Errorf("Instances = %v, %v", list, err)
	}
	_, _, err = w.CreateInstance(w.ctx, by, account.NewInstance{Name: "three"})
	wantRefusal(t, "making an instance", err, account.Forbidden)
	other, _ := w.member("b@example.org")
	wantRefusal(t, "deleting another's", w.DeleteAPIToken(w.ctx, other, row.ID), account.NotFound)
	_, _, err = w.CreateAPIToken(w.ctx, other, account.Proof{Password: password}, account.NewAPIToken{Name: "x", Scope: account.ScopeRead, Instance: one.ID})
	wantRefusal(t, "token for another's instance", err, account.NotFound)
	w.wait(25 * time.Hour)
	_, err = w.ByToken(w.ctx, token, "192.0.2.3", "curl")
	wantRefusal(t, "expired token", err, account.Unauthorized)
	_, forever, err := w.CreateAPIToken(w.ctx, w.owner, account.Proof{Password: password}, account.NewAPIToken{Name: "x", Scope: account.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.APITokens(w.ctx, w.owner)
	if err != nil || len(list) != 2 {
		t.Fatalf("APITokens = %v, %v", list, err)
	}
	if err := w.DeleteAPIToken(w.ctx, w.owner, list[1].ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.ByToken(w.ctx, forever, "192.0.2.3", "curl")
	wantRefusal(t, "deleted token", err, account.Unauthorized)
}

// TestForeignTokensAreNoTries: a scraper that shows its own kind of token doesn't lock its address out of signing in.
func TestForeignTokensAreNoTries(t *testing.T) {
	w := newWorld(t)
	for range 100 {
		_, err := w.ByToken(w.ctx, "tsm_something", "192.0.2.1", "scraper")
		wantRefusal(t, "another kind of token", err, account.Unauthorized)
	}
	if _, err := w.signIn("192.0.2.1", ownerMail, password); err != nil {
		t.Error(err)
	}
}

func TestAuditIsOnesOwn(t *testing.T) {
	w := newWorld(t)
	in, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	other, _ := w.member("b@example.org")
	page, err := w.Audit(w.ctx, other, account.AuditQuery{Limit: 100}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if e.Account != other.Account.ID {
			t.Errorf("another's entry: %+v", e)
		}
	}
	_, err = w.Audit(w.ctx, other, account.AuditQuery{Object: in.ID}, false)
	wantRefusal(t, "another's instance", err, account.NotFound)
	_, err = w.Audit(w.ctx, other, account.AuditQuery{}, true)
	wantRefusal(t, "everything, as a member", err, account.Forbidden)
	all, err := w.Audit(w.ctx, w.owner, account.AuditQuery{Limit: 100}, true)
	if err != nil || len(all.Entries) <= len(page.Entries) || all.Emails[other.Account.ID] != "b@example.org" {
		t.Errorf("everything, as the owner: %d entries, %v, %v", len(all.Entries), all.Emails, err)
	}
}

// TestAuditIsSearched looks for entries by each of their parts, and page by page.
func TestAuditIsSearched(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	for range 1100 { // more than one step
		if err := w.AuditInstance(w.ctx, w.owner, in.ID, "client.kick", "lamp"); err != nil {
			t.Fatal(err)
		}
	}
	for wanted, action := range map[string]string{"INSTANCE.create": "instance.create", "LAMP": "client.kick", w.owner.Account.Email: "client.kick"} {
		page, err := w.Audit(w.ctx, w.owner, account.AuditQuery{Contains: wanted, Limit: 10}, false)
		if err != nil || len(page.Entries) == 0 || page.Entries[0].Action != action {
			t.Errorf("with %q: %+v, %v", wanted, page.Entries, err)
		}
	}
	for _, code := range []string{"instance.create", "instance_create", "server"} { // what a page calls them contains what is looked for
		page, err := w.Audit(w.ctx, w.owner, account.AuditQuery{Contains: "作成", Codes: []string{code, "no.such"}, Limit: 10}, false)
		if err != nil || (code == "server") != (len(page.Entries) == 0) || len(page.Entries) > 0 && (len(page.Entries) != 1 || page.Entries[0].Action != "instance.create") {
			t.Errorf("with the code %s: %+v, %v", code, page.Entries, err)
		}
	}
	first, err := w.Audit(w.ctx, w.owner, account.AuditQuery{Contains: "kick", Limit: 1000}, false)
	if err != nil || len(first.Entries) != 1000 || first.Next != first.Entries[999].ID {
		t.Fatalf("first page: %d entries, next %d, %v", len(first.Entries), first.Next, err)
	}
	rest, err := w.Audit(w.ctx, w.owner, account.AuditQuery{Contains: "kick", Limit: 1000, Before: first.Next}, false)
	if err != nil || len(rest.Entries) != 100 || rest.Next != 0 || !rest.SearchedTo.IsZero() {
		t.Errorf("the rest: %d entries, next %d, searched to %s, %v", len(rest.Entries), rest.Next, rest.SearchedTo, err)
	}
}
