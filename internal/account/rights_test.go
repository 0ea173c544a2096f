package account_test

import (
	"testing"

	"tsunagi/internal/account"
)

func TestRights(t *testing.T) {
	const (
		pub = "publish"
		sub = "subscribe"
		rcv = "receive"
	)
	allow, deny := account.Allow, account.Deny
	type ask struct {
		what, topic string
		want        bool
		rule        string // "" is not looked at
	}
	tests := []struct {
		name   string
		user   string // "" asks as the first user
		client string
		rules  []account.Rule
		asks   []ask
	}{
		{"no rule is a no", "u", "c", nil, []ask{
			{pub, "a", false, "no rule"}, {sub, "a", false, "no rule"}, {rcv, "a", false, "no rule"}}},
		{"the first user owns #", "", "c", nil, []ask{
			{pub, "a/b", true, "the first user owns #"}, {sub, "#", true, ""}, {sub, "$SYS/#", true, ""}, {rcv, "$SYS/uptime", true, ""},
			{pub, "$SYS/x", false, "topics that begin with $ are read-only"}, {sub, "$CONTROL/#", false, "no rule"}, {sub, "$share/g/#", true, ""}}},
		{"deny reaches the first user", "", "c", []account.Rule{{Effect: deny, Access: account.Both, Filter: "secret/#"}}, []ask{
			{pub, "secret/x", false, "deny publish and subscribe secret/#"}, {pub, "a", true, ""}, {sub, "#", true, ""}, {rcv, "secret/x", false, ""}, {sub, "secret/x", false, ""}}},
		{"one direction", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Publish, Filter: "a"}, {User: "u", Effect: allow, Access: account.Subscribe, Filter: "b"}}, []ask{
			{pub, "a", true, "allow publish a for u"}, {sub, "a", false, ""}, {rcv, "a", false, ""}, {pub, "b", false, ""}, {sub, "b", true, ""}, {rcv, "b", true, ""}}},
		{"deny before allow", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Both, Filter: "a/b"}, {Effect: deny, Access: account.Both, Filter: "a/#"}}, []ask{
			{pub, "a/b", false, "deny publish and subscribe a/#"}}},
		{"specific before general", "u", "c", []account.Rule{{Effect: allow, Access: account.Both, Filter: "#"}, {Effect: allow, Access: account.Both, Filter: "a/+"}, {Effect: allow, Access: account.Both, Filter: "a/b"}, {Effect: allow, Access: account.Both, Filter: "a/#"}}, []ask{
			{pub, "a/b", true, "allow publish and subscribe a/b"}, {pub, "a/c", true, "allow publish and subscribe a/+"}, {pub, "a", true, "allow publish and subscribe a/#"}, {pub, "x", true, "allow publish and subscribe #"}}},
		{"a filter must be covered", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Subscribe, Filter: "sport/#"}}, []ask{
			{sub, "sport/#", true, ""}, {sub, "sport/+/a", true, ""}, {sub, "sport", true, ""}, {sub, "#", false, ""}, {sub, "+/+", false, ""},
			{sub, "$share/g/sport/+", true, ""}, {sub, "$share/g/#", false, ""}, {sub, "$share/sport/#", false, ""}, {sub, "a/#/b", false, "not a valid filter"}, {sub, "$share/g/", false, ""}}},
		{"denied middle", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Subscribe, Filter: "#"}, {Effect: deny, Access: account.Subscribe, Filter: "secret/#"}}, []ask{
			{sub, "#", true, ""}, {sub, "+/x", true, ""}, {rcv, "secret/x", false, ""}, {rcv, "open/x", true, ""}, {sub, "secret/+", false, ""}, {sub, "$share/g/secret/x", false, ""}}},
		{"# is not $SYS", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Both, Filter: "#"}}, []ask{
			{sub, "$SYS/#", false, ""}, {rcv, "$SYS/a", false, ""}, {pub, "$SYS/a", false, ""}}},
		{"$SYS by rule", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Subscribe, Filter: "$SYS/#"}}, []ask{
			{sub, "$SYS/#", true, ""}, {rcv, "$SYS/a", true, ""}, {pub, "$SYS/a", false, ""}}},
		{"%u and %c", "u", "dev-1", []account.Rule{{Effect: allow, Access: account.Both, Filter: "users/%u/#"}, {Effect: allow, Access: account.Publish, Filter: "dev/%c/state"}, {Effect: allow, Access: account.Publish, Filter: "x/a-%u-%c"}}, []ask{
			{pub, "users/u/a", true, "allow publish and subscribe users/%u/#"}, {pub, "users/v/a", false, ""}, {pub, "users/%u/a", false, ""}, {sub, "users/+/a", false, ""},
			{pub, "dev/dev-1/state", true, ""}, {pub, "dev/dev-2/state", false, ""}, {sub, "dev/dev-1/state", false, ""}, {pub, "x/a-u-dev-1", true, ""}}},
		{"patterns are for rules without a user", "u", "c", []account.Rule{{User: "u", Effect: allow, Access: account.Both, Filter: "users/%u"}}, []ask{
			{pub, "users/u", false, ""}, {pub, "users/%u", true, ""}}},
		{"CVE-2017-7650: client id #", "u", "#", []account.Rule{{Effect: allow, Access: account.Both, Filter: "dev/%c"}, {Effect: allow, Access: account.Both, Filter: "%c"}}, []ask{
			{pub, "dev/a", false, "no rule"}, {sub, "dev/#", false, ""}, {sub, "#", false, ""}, {rcv, "dev/a", false, ""}}},
		{"client id +/x", "u", "+/x", []account.Rule{{Effect: allow, Access: account.Both, Filter: "dev/%c"}}, []ask{
			{pub, "dev/a/x", false, ""}, {sub, "dev/+/x", false, ""}}},
		{"client id a/b", "u", "a/b", []account.Rule{{Effect: allow, Access: account.Both, Filter: "dev/%c"}}, []ask{{pub, "dev/a/b", false, ""}}},
		{"client id $SYS", "u", "$SYS", []account.Rule{{Effect: allow, Access: account.Both, Filter: "%c/#"}}, []ask{{sub, "$SYS/#", false, ""}, {rcv, "$SYS/a", false, ""}}},
		{"no client id", "u", "", []account.Rule{{Effect: allow, Access: account.Both, Filter: "dev/%c"}}, []ask{{pub, "dev/", false, ""}}},
		{"user +", "+", "c", []account.Rule{{Effect: allow, Access: account.Both, Filter: "users/%u"}}, []ask{{sub, "users/+", false, ""}, {pub, "users/a", false, ""}}},
		{"client id %u", "u", "%u", []account.Rule{{Effect: allow, Access: account.Both, Filter: "dev/%c"}}, []ask{{pub, "dev/u", false, ""}, {pub, "dev/%u", true, ""}}},
		{"a deny with a pattern that can't match denies nothing else", "u", "#", []account.Rule{{Effect: deny, Access: account.Both, Filter: "dev/%c"}, {Effect: allow, Access: account.Both, Filter: "#"}}, []ask{{pub, "dev/a", true, ""}}},
	}
	w := newWorld(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, secret := w.instance(w.owner)
			defer func() {
				if err := w.DeleteInstance(w.ctx, w.owner, in.ID); err != nil {
					t.Error(err)
				}
			}()
			user, p := in.ID, secret
			if tt.user != "" {
				var err error
				if _, p, err = w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: tt.user, Connect: true}); err != nil {
					t.Fatal(err)
				}
				user = tt.user
			}
			r := w.mustLogin(in.ID, user, p).Rights
			for _, rule := range tt.rules {
				rule.Instance = in.ID
				if _, err := w.CreateRule(w.ctx, w.owner, rule); err != nil {
					t.Fatal(err)
				}
				w.wait(1)
			}
			for _, a := range tt.asks {
				var v account.Verdict
				switch a.what {
				case pub:
					v = r.MayPublish(a.topic, tt.client, 0, false)
				case sub:
					v = r.MaySubscribe(a.topic, tt.client)
				case rcv:
					v = r.MayReceive(a.topic, tt.client)
				}
				if v.Allowed != a.want || a.rule != "" && v.Rule != a.rule {
					t.Errorf("%s %s = %+v, want %v %q", a.what, a.topic, v, a.want, a.rule)
				}
			}
		})
	}
}

func TestRulesThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	good := account.Rule{Instance: in.ID, Effect: account.Allow, Access: account.Both, Filter: "a"}
	tests := map[string]func(r *account.Rule){
		"effect":             func(r *account.Rule) { r.Effect = "perhaps" },
		"access":             func(r *account.Rule) { r.Access = "" },
		"empty filter":       func(r *account.Rule) { r.Filter = "" },
		"# in the middle":    func(r *account.Rule) { r.Filter = "a/#/b" },
		"part of a level":    func(r *account.Rule) { r.Filter = "a+" },
		"shared":             func(r *account.Rule) { r.Filter = "$share/g/a" },
		"publish to $SYS":    func(r *account.Rule) { r.Filter = "$SYS/#" },
		"control characters": func(r *account.Rule) { r.Filter = "a\x1b[2J" },
		"unknown user":       func(r *account.Rule) { r.User = "nobody" },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			r := good
			spoil(&r)
			_, err := w.CreateRule(w.ctx, w.owner, r)
			wantCode(t, err, account.Invalid)
		})
	}
	if _, err := w.CreateRule(w.ctx, w.owner, good); err != nil {
		t.Fatal(err)
	}
	_, err := w.CreateRule(w.ctx, w.owner, good)
	wantCode(t, err, account.Conflict)
}

func TestVerdictsDontAllocate(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	for _, f := range []string{"a/#", "b/+/c", "users/%u/#", "dev/%c/#"} {
		if _, err := w.CreateRule(w.ctx, w.owner, account.Rule{Instance: in.ID, Effect: account.Deny, Access: account.Both, Filter: f}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.mustLogin(in.ID, in.ID, secret).Rights
	if n := testing.AllocsPerRun(1000, func() {
		r.MayPublish("sensors/kitchen/temperature", "client", 0, false)
		r.MayReceive("sensors/kitchen/temperature", "client")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPatternsAreFilledOnce: what a name brings along is no pattern, and the logins of one user don't share what is the
// client's.
func TestPatternsAreFilledOnce(t *testing.T) {
	rule := func(e account.Effect, filter string) account.Rule {
		return account.Rule{Effect: e, Access: account.Both, Filter: filter}
	}
	r := account.RightsOf("%c", []account.Rule{rule(account.Allow, "u/%u/%c/#"), rule(account.Allow, "d/x-%c-%c/+"), rule(account.Deny, "d/+/off")})
	for _, tt := range []struct {
		topic, client string
		want          bool
	}{
		{"u/%c/alice/1", "alice", true}, {"u/alice/alice/1", "alice", false}, {"u/%c/alice", "alice", true}, {"u/%c/bob/1", "alice", false},
		{"d/x-a-a/1", "a", true}, {"d/x-a-b/1", "a", false}, {"d/x-a-a/off", "a", false}, {"d/x-a-a", "a", false}, {"d/x-a-a/1/2", "a", false},
		{"d/x---/1", "", false}, {"d/x-+-+/1", "+", false}, {"u/%c/%u/1", "%u", true}, {"u/%c/$a/1", "$a", false},
	} {
		if got := r.MayPublish(tt.topic, tt.client, 0, false).Allowed; got != tt.want {
			t.Errorf("client %q, topic %q: %v, want %v", tt.client, tt.topic, got, tt.want)
		}
	}
	if !r.MaySubscribe("u/%c/alice/#", "alice").Allowed || r.MaySubscribe("u/%c/bob/#", "alice").Allowed || r.MaySubscribe("u/alice/alice/#", "alice").Allowed {
		t.Error("filters of SUBSCRIBE are judged otherwise")
	}
}

func BenchmarkMayPublish(b *testing.B) {
	r := account.RightsOf("u", []account.Rule{
		{Effect: account.Deny, Access: account.Both, Filter: "secret/#"}, {Effect: account.Allow, Access: account.Both, Filter: "users/%u/#"},
		{Effect: account.Allow, Access: account.Publish, Filter: "sensors/+/temperature"}})
	b.ReportAllocs()
	for b.Loop() {
		if !r.MayPublish("sensors/kitchen/temperature", "client", 0, false).Allowed {
			b.Fatal("denied")
		}
	}
}
