package account_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
)

func TestResolve(t *testing.T) {
	d := newWorld(t).Directory()
	tests := []struct {
		name           string
		where          account.Where
		instance, user string
	}{
		{"host", account.Where{Host: "abcdefgh.example.org", User: "u"}, "abcdefgh", "u"},
		{"host in capitals with a dot", account.Where{Host: "ABCDEFGH.Example.org.", User: "u"}, "abcdefgh", "u"},
		{"host wins over path", account.Where{Host: "abcdefgh.example.org", Path: "/mqtt/zzzzzzzz", User: "u"}, "abcdefgh", "u"},
		{"path", account.Where{Host: "localhost", Path: "/mqtt/abcdefgh", User: "u"}, "abcdefgh", "u"},
		{"path wins over user", account.Where{Path: "/mqtt/abcdefgh", User: "zzzzzzzz"}, "abcdefgh", "zzzzzzzz"},
		{"prefix", account.Where{Path: "/mqtt", User: "abcdefgh:u"}, "abcdefgh", "u"},
		{"prefix, user with colons", account.Where{User: "abcdefgh:aa:bb:cc"}, "abcdefgh", "aa:bb:cc"},
		{"prefix of the same instance as the path", account.Where{Path: "/mqtt/abcdefgh", User: "abcdefgh:u"}, "abcdefgh", "u"},
		{"prefix of another instance than the path", account.Where{Path: "/mqtt/abcdefgh", User: "zzzzzzzz:u"}, "abcdefgh", "zzzzzzzz:u"},
		{"id alone", account.Where{User: "abcdefgh"}, "abcdefgh", "abcdefgh"},
		{"nothing", account.Where{Host: "localhost", User: "u"}, "", "u"},
		{"no id before the colon", account.Where{User: "AA:BB"}, "", "AA:BB"},
		{"empty", account.Where{}, "", ""},
		{"other domain", account.Where{Host: "abcdefgh.example.net", User: "u"}, "", "u"},
		{"path with more", account.Where{Path: "/mqtt/abcdefgh/x", User: "u"}, "", "u"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if in, u := d.Resolve(tt.where); in != tt.instance || u != tt.user {
				t.Errorf("Resolve(%+v) = %q, %q", tt.where, in, u)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	other, _ := w.instance(w.owner)
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "chosen", Password: "word of mine", Connect: true}); err != nil {
		t.Fatal(err)
	}
	_, shut, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "shut"})
	if err != nil {
		t.Fatal(err)
	}
	l := w.mustLogin(in.ID, in.ID, secret)
	if l.Instance.ID != in.ID || l.User != in.ID || l.Web || !l.Until.IsZero() {
		t.Errorf("login = %+v", l)
	}
	w.mustLogin(in.ID, "chosen", "word of mine")

	tests := []struct {
		name, instance, user, password, cause string
		log                                   string // whose log tells it
	}{
		{"wrong password", in.ID, in.ID, "wrong", "wrong password", in.ID},
		{"wrong chosen password", in.ID, "chosen", "wrong", "wrong password", in.ID},
		{"unknown user", in.ID, "nobody", secret, "no such user", in.ID},
		{"unknown instance", "zzzzzzzz", "zzzzzzzz", secret, "no such instance", ""},
		{"no instance", "", "u", secret, "no such instance", ""},
		{"another instance", other.ID, in.ID, secret, "no such user", other.ID},
		{"another instance's user with its name", other.ID, other.ID, secret, "wrong password", other.ID},
		{"may not connect", in.ID, "shut", shut, "may not connect", in.ID},
		{"empty", in.ID, in.ID, "", "wrong password", in.ID},
		{"very long", in.ID, "chosen", strings.Repeat("x", 60_000), "wrong password", in.ID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := w.Directory().DeviceHashes()
			_, err := w.login(tt.instance, tt.user, tt.password)
			var r *account.Refusal
			if !errors.As(err, &r) || r.Busy || !strings.Contains(r.Cause, tt.cause) || r.Instance != tt.log {
				t.Errorf("got %+v (%v), want %q in the log of %q", r, err, tt.cause, tt.log)
			}
			if n := w.Directory().DeviceHashes() - before; n != 1 && tt.name != "may not connect" {
				t.Errorf("%d slow hashes; a failure of any kind costs one", n)
			}
		})
	}
}

func TestChosenPasswordsAreHashedOnce(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u", Password: "word of mine", Connect: true}); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		w.mustLogin(in.ID, "u", "word of mine")
	}
	if n := w.Directory().DeviceHashes(); n != 1 {
		t.Errorf("%d hashes for 50 logins", n)
	}
	w.wait(6 * time.Minute)
	w.mustLogin(in.ID, "u", "word of mine")
	if n := w.Directory().DeviceHashes(); n != 2 {
		t.Errorf("%d hashes after the memory is over", n)
	}
	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, "u", account.UserChange{Password: ptr("another word")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.login(in.ID, "u", "word of mine"); err == nil {
		t.Error("the old password works from memory")
	}
}

func TestSprayingIsSlowedAndGoodLoginsGoOn(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u", Password: "word of mine", Connect: true}); err != nil {
		t.Fatal(err)
	}
	try := func(remote, user, p string) error {
		_, err := w.Directory().Authenticate(w.ctx, account.Credentials{Instance: in.ID, User: user, Password: p, ClientID: "c", Remote: remote})
		return err
	}
	if err := try("192.0.2.50:1", "u", "word of mine"); err != nil {
		t.Fatal(err)
	}
	w.wait(6 * time.Minute) // the memory of the good password is over
	busy := 0
	for i := range 60 {
		var r *account.Refusal
		if err := try("203.0.113.9:1", "u", "guess"+string(rune('a'+i%26))); errors.As(err, &r) && r.Busy {
			busy++
		}
	}
	if busy < 25 {
		t.Errorf("%d of 60 guesses were put off", busy)
	}
	if err := try("192.0.2.50:2", "u", "word of mine"); err != nil {
		t.Errorf("from the known address: %v", err)
	}
	if err := try("203.0.113.9:1", in.ID, secret); err != nil {
		t.Errorf("a generated password from the guesser's address: %v", err)
	}
}

func TestStormOfChosenPasswordsIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("runs without the race detector: it takes long")
	}
	w := newWorldHashing(t, 0) // slow ones, so that they queue
	in, secret := w.instance(w.owner)
	var wg sync.WaitGroup
	var mu sync.Mutex
	busy := 0
	for i := range 300 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := w.Directory().Authenticate(w.ctx, account.Credentials{Instance: in.ID, User: "nobody", Password: "x",
				Remote: "10.0." + string(rune('0'+i/100)) + "." + string(rune('0'+i%10)) + string(rune('0'+i/10%10)) + ":1"})
			var r *account.Refusal
			if errors.As(err, &r) && r.Busy {
				mu.Lock()
				busy++
				mu.Unlock()
			}
		}()
	}
	w.mustLogin(in.ID, in.ID, secret)
	wg.Wait()
	if n := w.Directory().DeviceHashes(); n > 150 || busy < 150 {
		t.Errorf("%d slow hashes, %d put off", n, busy)
	}
}

func TestChangesReachLogins(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	_, userSecret, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u", Connect: true})
	if err != nil {
		t.Fatal(err)
	}
	u := w.mustLogin(in.ID, "u", userSecret).Rights
	first := w.mustLogin(in.ID, in.ID, secret).Rights
	generation := u.Generation()
	may := func(want bool, topic string) {
		t.Helper()
		if v := u.MayPublish(topic, "c1", 0, false); v.Allowed != want {
			t.Errorf("publish %s = %+v", topic, v)
		}
		if g := u.Generation(); g <= generation {
			t.Errorf("generation %d after %d", g, generation)
		} else {
			generation = g
		}
		if n := w.lastNews(); n.Instance != in.ID || !n.Recheck {
			t.Errorf("news = %+v", n)
		}
	}
	rule, err := w.CreateRule(w.ctx, w.owner, account.Rule{Instance: in.ID, User: "u", Effect: account.Allow, Access: account.Both, Filter: "home/#"})
	if err != nil {
		t.Fatal(err)
	}
	may(true, "home/a")
	if _, err := w.ChangeRule(w.ctx, w.owner, in.ID, rule.ID, account.RuleChange{Filter: ptr("garden/#")}); err != nil {
		t.Fatal(err)
	}
	may(false, "home/a")
	if err := w.DeleteRule(w.ctx, w.owner, in.ID, rule.ID); err != nil {
		t.Fatal(err)
	}
	may(false, "garden/a")

	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, "u", account.UserChange{Connect: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	if !u.Revoked() || first.Revoked() {
		t.Errorf("revoked: u %v, first %v", u.Revoked(), first.Revoked())
	}
	if n := w.lastNews(); len(n.Users) != 1 || n.Users[0] != "u" {
		t.Errorf("news = %+v", n)
	}
	if _, _, err := w.ChangeUser(w.ctx, w.owner, in.ID, "u", account.UserChange{Connect: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	again := w.mustLogin(in.ID, "u", userSecret).Rights
	if again.Revoked() || !u.Revoked() {
		t.Error("a new login holds, an old one stays revoked")
	}
	if err := w.DeleteUser(w.ctx, w.owner, in.ID, "u"); err != nil {
		t.Fatal(err)
	}
	if v := again.MaySubscribe("a", "c1"); !again.Revoked() || v.Allowed {
		t.Errorf("deleted user: %+v", v)
	}
	if err := w.DeleteInstance(w.ctx, w.owner, in.ID); err != nil {
		t.Fatal(err)
	}
	if v := first.MayPublish("a", "c1", 0, false); !first.Revoked() || v.Allowed {
		t.Errorf("deleted instance: %+v", v)
	}
}

func TestRightsOfUsersWhoAreAway(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "u"}); err != nil {
		t.Fatal(err)
	}
	d := w.Directory()
	first, connect, err := d.RightsOf(w.ctx, in.ID, in.ID)
	if err != nil || !connect || !first.MayPublish("a", "c", 0, false).Allowed {
		t.Fatalf("first user: %v, %v", connect, err)
	}
	r, connect, err := d.RightsOf(w.ctx, in.ID, "u")
	if err != nil || connect || r.MayPublish("a", "c", 0, false).Allowed {
		t.Errorf("user who may not connect: %v, %v", connect, err)
	}
	if web, connect, err := d.RightsOf(w.ctx, in.ID, account.WebUser); err != nil || !connect || !web.MayPublish("a", "c", 0, false).Allowed {
		t.Errorf("web client: %v, %v", connect, err)
	}
	for _, nobody := range [][2]string{{in.ID, "x"}, {"zzzzzzzz", "zzzzzzzz"}, {"", ""}} {
		if r, connect, err := d.RightsOf(w.ctx, nobody[0], nobody[1]); r != nil || connect || err != nil {
			t.Errorf("RightsOf(%q) = %v, %v, %v", nobody, r, connect, err)
		}
	}
}

func TestRulesOfIdleInstancesAreForgotten(t *testing.T) {
	w := newWorld(t)
	in, secret := w.instance(w.owner)
	l := w.mustLogin(in.ID, in.ID, secret)
	runtime.GC()
	if n := w.Directory().RuleSets(); n != 1 {
		t.Errorf("%d sets while a login lives", n)
	}
	runtime.KeepAlive(l)
	for range 100 {
		runtime.GC()
		if w.Directory().RuleSets() == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Error("the rules stay in memory without a login")
}

func TestWebToken(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	other, _ := w.instance(w.owner)
	minted, err := w.MintWebToken(w.ctx, w.owner, in.ID)
	if err != nil || minted.Ends.Sub(w.clock()) > 10*time.Minute {
		t.Fatalf("MintWebToken = %+v, %v", minted, err)
	}
	try := func(instance, client, token string) (*account.Login, error) {
		return w.Directory().Authenticate(w.ctx, account.Credentials{Instance: instance, User: account.WebUser, Password: token, ClientID: client, Remote: "192.0.2.1:5"})
	}
	l, err := try(in.ID, minted.ClientID, minted.Token)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Web || l.User != account.WebUser || !l.Until.Equal(minted.Ends) {
		t.Errorf("login = %+v", l)
	}
	for _, q := range []struct {
		v    account.Verdict
		want bool
	}{
		{l.Rights.MayPublish("test", minted.ClientID, 0, false), true},
		{l.Rights.MaySubscribe("#", minted.ClientID), true},
		{l.Rights.MaySubscribe("$SYS/#", minted.ClientID), true},
		{l.Rights.MayPublish("$SYS/x", minted.ClientID, 0, false), false},
	} {
		if q.v.Allowed != q.want {
			t.Errorf("verdict %+v, want %v", q.v, q.want)
		}
	}
	swap := func(s string) string { // one bit of the signature
		b := []byte(s)
		b[len(b)-2] ^= 1
		return string(b)
	}
	for name, f := range map[string]func() (*account.Login, error){
		"another instance":  func() (*account.Login, error) { return try(other.ID, minted.ClientID, minted.Token) },
		"another client id": func() (*account.Login, error) { return try(in.ID, "x", minted.Token) },
		"no client id":      func() (*account.Login, error) { return try(in.ID, "", minted.Token) },
		"forged":            func() (*account.Login, error) { return try(in.ID, minted.ClientID, swap(minted.Token)) },
		"no signature": func() (*account.Login, error) {
			return try(in.ID, minted.ClientID, minted.Token[:len(minted.Token)-43])
		},
		"empty": func() (*account.Login, error) { return try(in.ID, minted.ClientID, "") },
		"long":  func() (*account.Login, error) { return try(in.ID, minted.ClientID, strings.Repeat("a", 60_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			var r *account.Refusal
			if _, err := f(); !errors.As(err, &r) {
				t.Errorf("error %v", err)
			}
		})
	}
	again, err := try(in.ID, minted.ClientID, minted.Token) // a reconnect
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SignOut(w.ctx, w.owner); err != nil {
		t.Fatal(err)
	}
	if !again.Rights.Revoked() {
		t.Error("signing out leaves the web client's login")
	}
	if n := w.lastNews(); n.Instance != in.ID || len(n.Clients) != 1 || n.Clients[0] != minted.ClientID {
		t.Errorf("news = %+v", n)
	}
	if _, err := try(in.ID, minted.ClientID, minted.Token); err == nil {
		t.Error("a token works after signing out")
	}
}

func TestWebTokenEnds(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	minted, err := w.MintWebToken(w.ctx, w.owner, in.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.wait(10*time.Minute + time.Second)
	var r *account.Refusal
	if _, err := w.Directory().Authenticate(w.ctx, account.Credentials{Instance: in.ID, User: account.WebUser, Password: minted.Token, ClientID: minted.ClientID}); !errors.As(err, &r) || r.Instance != in.ID {
		t.Errorf("error %v", err)
	}
}
