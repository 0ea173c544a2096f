package account_test

import (
	"strings"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/topic"
)

// FuzzPatterns looks for user names and client ids that get out of the level that a pattern gives them, and for
// verdicts on subscribing that the verdicts on receiving don't bear out.
func FuzzPatterns(f *testing.F) {
	for _, s := range [][3]string{{"u", "c", "dev/c/state"}, {"#", "+", "dev/+/state"}, {"a/b", "#", "dev/#"}, {"$SYS", "$share", "$SYS/x"},
		{"%c", "%u", "dev/%u/state"}, {"", "", "dev//state"}, {"u", "c", "$share/g/dev/c/state"}} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, user, client, name string) {
		r := account.RightsOf(user, []account.Rule{
			{Effect: account.Allow, Access: account.Both, Filter: "dev/%c/state"},
			{Effect: account.Allow, Access: account.Both, Filter: "users/%u/#"},
			{Effect: account.Deny, Access: account.Both, Filter: "users/%u/secret/#"},
			{Effect: account.Allow, Access: account.Both, Filter: "%c"},
		})
		if topic.ValidName([]byte(name)) && r.MayPublish(name, client, 0, false).Allowed {
			levels := strings.Split(name, "/")
			own := name == "dev/"+client+"/state" || name == client || levels[0] == "users" && len(levels) > 1 && levels[1] == user
			if !own || strings.HasPrefix(name, "$") || strings.HasPrefix(name, "users/"+user+"/secret") && user != "" && strings.HasPrefix(name+"/", "users/"+user+"/secret/") {
				t.Errorf("user %q, client %q may publish %q", user, client, name)
			}
		}
		if v := r.MaySubscribe(name, client); v.Allowed {
			filter, err := topic.ParseFilter(name)
			if err != nil {
				t.Fatalf("allowed an invalid filter %q", name)
			}
			example := strings.NewReplacer("+", "x", "#", "x").Replace(filter.Filter)
			if topic.Match(filter.Filter, example) && !r.MayReceive(example, client).Allowed && !strings.Contains(example, "secret") {
				t.Errorf("user %q, client %q may subscribe %q and not receive %q", user, client, name, example)
			}
		}
	})
}

// FuzzWebToken feeds the judge of minted tokens.
func FuzzWebToken(f *testing.F) {
	keys, err := account.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		f.Fatal(err)
	}
	good := account.SignWeb(keys, "abcdefgh", "web-1")
	for _, s := range []string{good, good[:len(good)-1], "tw1.", "tw1..", "tw1.e30.x", "", "tw2." + good[4:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		instance, client, ok := account.OpenWeb(keys, token)
		if ok && (instance != "abcdefgh" || client != "web-1") {
			t.Errorf("%q opens as %q %q", token, instance, client)
		}
	})
}
