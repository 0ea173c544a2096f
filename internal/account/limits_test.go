package account_test

import (
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/account"
)

// TestRuleLimits judges messages by QoS and retain flag, and subscriptions by the QoS that they get.
func TestRuleLimits(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	_, password, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u", Connect: true})
	if err != nil {
		t.Fatal(err)
	}
	rule := func(r account.Rule) account.Rule {
		t.Helper()
		r.Instance, r.User = in.ID, "u"
		made, err := w.CreateRule(w.ctx, w.owner, r)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	rule(account.Rule{Effect: account.Allow, Access: account.Both, Filter: "a/#", QoSBelow: 2, NoRetain: true})
	rule(account.Rule{Effect: account.Allow, Access: account.Both, Filter: "a/b", QoSBelow: 1})
	r := w.mustLogin(in.ID, "u", password).Rights
	for _, tt := range []struct {
		topic  string
		qos    byte
		retain bool
		want   bool
	}{
		{"a/x", 0, false, true}, {"a/x", 1, false, true}, {"a/x", 2, false, false}, {"a/x", 0, true, false},
		{"a/b", 1, false, true}, {"a/b", 0, true, true}, {"a/b", 1, true, false}, {"b", 0, false, false},
	} {
		if v := r.MayPublish(tt.topic, "c", tt.qos, tt.retain); v.Allowed != tt.want || !tt.want && tt.topic != "b" && v.Rule == "no rule" {
			t.Errorf("publish %+v: %+v", tt, v)
		}
	}
	for filter, want := range map[string]byte{"a/#": 1, "a/b": 1, "a/x": 1} {
		if got := r.GrantQoS(filter, "c", 2); got != want || r.GrantQoS(filter, "c", 0) != 0 {
			t.Errorf("%s is granted QoS %d, want %d", filter, got, want)
		}
	}
	if first := w.mustLogin(in.ID, in.ID, secret).Rights; first.GrantQoS("a/b", "c", 2) != 2 || !first.MayPublish("a/b", "c", 2, true).Allowed {
		t.Error("the first user is limited by another's rules")
	}
	for _, bad := range []account.Rule{
		{Effect: account.Deny, Access: account.Both, Filter: "x", QoSBelow: 1}, {Effect: account.Deny, Access: account.Both, Filter: "x", NoRetain: true},
		{Effect: account.Allow, Access: account.Both, Filter: "x", QoSBelow: 3}, {Effect: account.Allow, Access: account.Both, Filter: "x", Note: "\x00"},
	} {
		bad.Instance = in.ID
		if _, err := w.CreateRule(w.ctx, w.owner, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// TestRulesExpire lets the time of a rule pass under a connected client.
func TestRulesExpire(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	_, password, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u", Connect: true})
	if err != nil {
		t.Fatal(err)
	}
	ends := w.clock().Add(time.Hour)
	made, err := w.CreateRule(w.ctx, w.owner, account.Rule{Instance: in.ID, User: "u", Effect: account.Allow, Access: account.Both, Filter: "a", ExpiresAt: ends})
	if err != nil || !made.ExpiresAt.Equal(ends) {
		t.Fatal(made, err)
	}
	r := w.mustLogin(in.ID, "u", password).Rights
	if !r.MayPublish("a", "c", 0, false).Allowed || !r.MaySubscribe("a", "c").Allowed {
		t.Error("not allowed before")
	}
	w.wait(time.Hour)
	if _, err := w.ChangeRule(w.ctx, w.owner, in.ID, made.ID, account.RuleChange{Note: new("over")}); err != nil { // any change looks again
		t.Fatal(err)
	}
	if r.MayPublish("a", "c", 0, false).Allowed || r.MayReceive("a", "c").Allowed {
		t.Error("allowed after")
	}
}

// TestExpiryWakes sees to it that answers are asked for again in the moment when a rule expires.
func TestExpiryWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := account.WatchedRules(t, time.Now().Add(3*24*time.Hour))
		before := wake()
		time.Sleep(3*24*time.Hour - time.Second)
		synctest.Wait()
		if wake() == before { // it looks once a day at least
			t.Error("nobody looked for three days")
		}
		before = wake()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if wake() == before {
			t.Error("the rule is over and nobody is told")
		}
	})
}

// TestUserLimits lets a user in with one client id and until a time.
func TestUserLimits(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	ends := w.clock().Add(time.Hour)
	_, password, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u", Connect: true, ClientID: "porch", ExpiresAt: ends})
	if err != nil {
		t.Fatal(err)
	}
	login := func(client string) (*account.Login, error) {
		return w.Directory().Authenticate(w.ctx, account.Credentials{Instance: in.ID, User: "u", Password: password, ClientID: client, Remote: "192.0.2.9:1"})
	}
	l, err := login("porch")
	if err != nil || !l.Until.Equal(ends) {
		t.Fatalf("%+v, %v", l, err)
	}
	for _, other := range []string{"", "attic", "Porch"} {
		if _, err := login(other); err == nil {
			t.Errorf("let in as %q", other)
		}
	}
	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, "u", account.UserChange{ClientID: new("attic")}); err != nil || !l.Rights.Revoked() {
		t.Errorf("%v, the old binding holds: %v", err, !l.Rights.Revoked())
	}
	if _, err := login("attic"); err != nil {
		t.Error(err)
	}
	w.wait(time.Hour)
	if _, err := login("attic"); err == nil {
		t.Error("let in after the end")
	}
	if _, connect, err := w.Directory().RightsOf(w.ctx, in.ID, "u"); err != nil || connect {
		t.Errorf("away after the end: %v, %v", connect, err)
	}
	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, "u", account.UserChange{ClientID: new(""), ExpiresAt: new(time.Time{})}); err != nil {
		t.Fatal(err)
	}
	if _, err := login("any"); err != nil {
		t.Error(err)
	}
	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, in.ID, account.UserChange{ClientID: new("x")}); err == nil {
		t.Error("the first user was bound")
	}
}
