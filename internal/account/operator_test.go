package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"tsunagi/internal/account"
)

// host is a FlowHost that notes what it is told.
type host struct{ did []string }

func (h *host) note(what string, f account.FlowServer) error {
	h.did = append(h.did, what+" "+f.Name)
	return nil
}

func TestSuspend(t *testing.T) {
	w := newWorld(t)
	flows := &host{}
	w.HostFlows(flows)
	by, token := w.member("m@example.org")
	in, password := w.instance(by)
	if _, err := w.CreateFlowServer(w.ctx, by, "night"); err != nil {
		t.Fatal(err)
	}
	web, err := w.MintWebToken(w.ctx, by, in.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.mustLogin(in.ID, in.ID, password)
	_, err = w.Suspend(w.ctx, by, by.Account.ID, "x")
	wantRefusal(t, "a member suspends", err, account.Forbidden)
	_, err = w.Suspend(w.ctx, w.owner, w.owner.Account.ID, "x")
	wantRefusal(t, "the host suspends itself", err, account.Conflict)
	_, err = w.Suspend(w.ctx, w.owner, by.Account.ID, " ")
	wantRefusal(t, "no reason", err, account.Invalid)
	ended, stop := w.SessionEnd(by.Session)
	defer stop()
	if _, err := w.Suspend(w.ctx, w.owner, by.Account.ID, "unpaid since August"); err != nil {
		t.Fatal(err)
	}
	<-ended
	if news := w.lastNews(); news.Instance != in.ID || news.Suspended != "unpaid since August" || !news.Bridges || !news.Hooks || !news.History {
		t.Errorf("news %+v", news)
	}
	var refused *account.Refusal
	if _, err := w.login(in.ID, in.ID, password); !errors.As(err, &refused) || !refused.Closed || !strings.Contains(refused.Cause, "unpaid since August") || refused.Instance != in.ID {
		t.Errorf("login of a suspended account: %v", err)
	}
	if _, err := w.login(in.ID, in.ID, "wrong"); !errors.As(err, &refused) || refused.Closed {
		t.Errorf("a wrong password learns that the account is suspended: %v", err)
	}
	_, err = w.Directory().Authenticate(w.ctx, account.Credentials{Instance: in.ID, User: account.WebUser, Password: web.Token, ClientID: web.ClientID, Remote: "192.0.2.1:1"})
	if !errors.As(err, &refused) || !refused.Closed {
		t.Errorf("web client of a suspended account: %v", err)
	}
	by = w.session(token) // still signed in, to see why
	if _, err := w.Judge(w.ctx, by, account.TeamViewer, account.Thing{Kind: account.ThingInstance, ID: in.ID}); err != nil {
		t.Errorf("looking: %v", err)
	}
	_, err = w.Judge(w.ctx, by, account.TeamMember, account.Thing{})
	wantRefusal(t, "changing", err, account.Forbidden)

	if _, err := w.Resume(w.ctx, w.owner, "m@example.org"); err != nil {
		t.Fatal(err)
	}
	w.mustLogin(in.ID, in.ID, password)
	if got := strings.Join(flows.did, ", "); got != "stop night, start night" {
		t.Errorf("flow servers: %s", got)
	}
	page, err := w.Audit(w.ctx, w.session(token), account.AuditQuery{}, false)
	if err != nil || len(page.Entries) < 2 || page.Entries[0].Action != "account.resume" || page.Entries[1].Action != "account.suspend" {
		t.Errorf("the person's audit: %+v, %v", page, err)
	}
}

func TestDeleteAccount(t *testing.T) {
	w := newWorld(t)
	flows := &host{}
	w.HostFlows(flows)
	by, token := w.member("m@example.org")
	in, password := w.instance(by)
	if _, err := w.CreateFlowServer(w.ctx, by, "night"); err != nil {
		t.Fatal(err)
	}
	team, err := w.CreateTeam(w.ctx, by, "Works")
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, "last owner of a team", w.DeleteAccount(w.ctx, w.owner, by.Account.ID), account.Conflict)
	wantRefusal(t, "the host", w.DeleteAccount(w.ctx, w.owner, w.owner.Account.ID), account.Conflict)
	wantRefusal(t, "by a member", w.DeleteAccount(w.ctx, by, team.ID), account.Forbidden)
	if err := w.DeleteAccount(w.ctx, w.owner, team.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteAccount(w.ctx, account.AdminActor(), "m@example.org"); err != nil {
		t.Fatal(err)
	}
	if news := w.lastNews(); news.Instance != in.ID || !news.Deleted {
		t.Errorf("news %+v", news)
	}
	if _, err := w.login(in.ID, in.ID, password); err == nil {
		t.Error("a login of a deleted account")
	}
	_, err = w.BySession(w.ctx, token, "192.0.2.1", "Browser/1")
	wantRefusal(t, "session of a deleted account", err, account.Unauthorized)
	if got := strings.Join(flows.did, ", "); got != "remove night" {
		t.Errorf("flow servers: %s", got)
	}
	list, total, err := w.Standings(w.ctx, w.owner, account.AccountQuery{})
	if err != nil || total != 1 || list[0].Account.Email != ownerMail {
		t.Errorf("accounts left: %+v, %v", list, err)
	}
}

// TestBoundsOfAccounts is about what an account can start, and who changes that.
func TestBoundsOfAccounts(t *testing.T) {
	w := newWorld(t)
	by, _ := w.member("m@example.org")
	_, _, err := w.CreateInstance(w.ctx, by, account.NewInstance{Name: "x", Plan: "gold"})
	wantRefusal(t, "a plan that isn't on offer", err, account.Forbidden)
	one, two := 1, 2
	if _, err := w.ChangeAccount(w.ctx, w.owner, by.Account.ID, account.AccountChange{Plan: ptr("gold"), Instances: &two}); err != nil {
		t.Fatal(err)
	}
	_, err = w.ChangeAccount(w.ctx, by, by.Account.ID, account.AccountChange{Instances: &one})
	wantRefusal(t, "a member changes bounds", err, account.Forbidden)
	for _, plan := range []string{"gold", "free"} {
		if _, _, err := w.CreateInstance(w.ctx, by, account.NewInstance{Name: "x", Plan: plan}); err != nil {
			t.Errorf("in %s: %v", plan, err)
		}
	}
	_, _, err = w.CreateInstance(w.ctx, by, account.NewInstance{Name: "x"})
	wantRefusal(t, "a third", err, account.Limit)
	for range 3 {
		if _, err := w.CreateTeam(w.ctx, by, "x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.CreateTeam(w.ctx, by, "x")
	wantRefusal(t, "a fourth team", err, account.Limit)
}

func (h *host) Start(_ context.Context, f account.FlowServer) error  { return h.note("start", f) }
func (h *host) Stop(_ context.Context, f account.FlowServer) error   { return h.note("stop", f) }
func (h *host) Remove(_ context.Context, f account.FlowServer) error { return h.note("remove", f) }

// TestDeleteOwnAccount tries what is refused first: nothing may be gone then.
func TestDeleteOwnAccount(t *testing.T) {
	w := newWorld(t)
	flows := &host{}
	w.HostFlows(flows)
	by, token := w.member("m@example.org")
	in, login := w.instance(by)
	if _, err := w.CreateFlowServer(w.ctx, by, "night"); err != nil {
		t.Fatal(err)
	}
	alone, err := w.CreateTeam(w.ctx, by, "Alone")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := w.CreateTeam(w.ctx, by, "Works")
	if err != nil {
		t.Fatal(err)
	}
	other, _ := w.member("o@example.org")
	err = w.store.Update(w.ctx, func(tx account.Tx) error {
		return tx.Insert(account.Membership{Team: shared.ID, Person: other.Account.ID, Role: account.TeamViewer, CreatedAt: w.clock()})
	})
	if err != nil {
		t.Fatal(err)
	}
	leave := func(by account.Actor) error {
		return w.DeleteOwnAccount(w.ctx, by, " M@example.org", account.Proof{Password: password})
	}
	wantRefusal(t, "another e-mail", w.DeleteOwnAccount(w.ctx, by, "o@example.org", account.Proof{Password: password}), account.Invalid)
	wantRefusal(t, "a wrong password", w.DeleteOwnAccount(w.ctx, by, "m@example.org", account.Proof{Password: "wrong"}), account.Forbidden)
	wantRefusal(t, "who runs the server", w.DeleteOwnAccount(w.ctx, w.owner, ownerMail, account.Proof{Password: password}), account.Conflict)
	wantRefusal(t, "the last owner of a team of two", leave(by), account.Conflict)
	err = w.store.Update(w.ctx, func(tx account.Tx) error {
		return tx.Save(account.Membership{Team: shared.ID, Person: other.Account.ID, Role: account.TeamOwner, CreatedAt: w.clock()})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{account.SubscriptionActive, account.SubscriptionPastDue} {
		if err := w.SetSubscription(w.ctx, in.ID, account.Subscription{ID: "sub_1", Plan: "big", Status: status}); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, "a subscription that is "+status, leave(by), account.Conflict)
	}
	if err := w.SetSubscription(w.ctx, in.ID, account.Subscription{ID: "sub_1", Plan: "big", Status: account.SubscriptionEnded}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Suspend(w.ctx, w.owner, by.Account.ID, "abuse"); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, "who is suspended", leave(by), account.Forbidden)
	if _, err := w.Resume(w.ctx, w.owner, by.Account.ID); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(flows.did, ", "); got != "stop night, start night" {
		t.Errorf("flow servers before: %s", got)
	}

	if err := leave(w.session(token)); err != nil {
		t.Fatal(err)
	}
	if news := w.lastNews(); news.Instance != in.ID || !news.Deleted {
		t.Errorf("news %+v", news)
	}
	if _, err := w.login(in.ID, in.ID, login); err == nil {
		t.Error("a login of a deleted account")
	}
	_, err = w.BySession(w.ctx, token, "192.0.2.1", "Browser/1")
	wantRefusal(t, "session of a deleted account", err, account.Unauthorized)
	if got := strings.Join(flows.did, ", "); got != "stop night, start night, remove night" {
		t.Errorf("flow servers: %s", got)
	}
	if l := w.lastLetter(account.LetterDeleted, "m@example.org"); l.Remote != "192.0.2.1" || l.Language != "en" {
		t.Errorf("letter %+v", l)
	}
	_, err = w.Standing(w.ctx, w.owner, alone.ID)
	wantRefusal(t, "a team that nobody is in", err, account.NotFound)
	if left, err := w.Standing(w.ctx, w.owner, shared.ID); err != nil || left.Members != 1 {
		t.Errorf("the team with another owner: %+v, %v", left, err)
	}
	page, err := w.Audit(w.ctx, w.owner, account.AuditQuery{}, true)
	if err != nil || len(page.Entries) < 2 || page.Entries[0].Action != "account.delete" || page.Entries[0].Account != by.Account.ID || page.Entries[0].Detail != "m@example.org" || page.Entries[1].Object != alone.ID {
		t.Errorf("audit: %+v, %v", page, err)
	}
}
