package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// guess tries a wrong login and gives back the ban that it led to.
func (w *world) guess(instance, user, password, remote string) *account.Banned {
	w.t.Helper()
	_, err := w.Directory().Authenticate(w.ctx, account.Credentials{Instance: instance, User: user, Password: password, ClientID: "c-" + user, Remote: remote})
	refused, ok := errors.AsType[*account.Refusal](err)
	if !ok {
		w.t.Fatalf("guess: %v", err)
	}
	return refused.Banned
}

func (w *world) barred(instance, remote string) string {
	why := w.Directory().Barred(instance, remote)
	if why == nil {
		return ""
	}
	return why.Rule
}

// TestAddressRules wants the narrowest range to decide, one form of each range, and what is refused told by name.
func TestAddressRules(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	deny, sure := account.Deny, true
	for _, tt := range []struct {
		prefix string
		effect account.Effect
		want   string
	}{
		{" 192.0.2.77/24 ", account.Deny, "192.0.2.0/24"},
		{"192.0.2.7", account.Allow, "192.0.2.7/32"},
		{"2001:db8:1::5/32", account.Deny, "2001:db8::/32"},
		{"2001:db8:1::/48", account.Allow, "2001:db8:1::/48"},
		{"::ffff:198.51.100.1", account.Deny, "198.51.100.1/32"},
	} {
		a, err := w.CreateAddressRule(w.ctx, w.owner, id, account.NewAddressRule{Prefix: tt.prefix, Effect: tt.effect, Note: "n"}, sure)
		if err != nil || a.Prefix != tt.want {
			t.Errorf("rule for %q: %q, %v", tt.prefix, a.Prefix, err)
		}
		if n := w.lastNews(); !n.Addresses || n.Instance != id {
			t.Errorf("news %+v", n)
		}
	}
	for remote, want := range map[string]string{
		"192.0.2.6:1883": "192.0.2.0/24", "192.0.2.7:1883": "", "192.0.3.1:9": "", "[2001:db8:2::1]:9": "2001:db8::/32", "[2001:db8:1:9::1]:9": "",
		"[::ffff:192.0.2.6]:9": "192.0.2.0/24", "[2001:db8:2::1%eth0]:9": "2001:db8::/32", "198.51.100.1": "198.51.100.1/32", "nonsense": "",
	} {
		if got := w.barred(id, remote); got != want {
			t.Errorf("from %s: %q, want %q", remote, got, want)
		}
	}
	for _, tt := range []struct {
		n    account.NewAddressRule
		code account.Code
		key  string
	}{
		{account.NewAddressRule{Prefix: "192.0.2.9/24", Effect: account.Allow}, account.Conflict, "api.address.twice"},
		{account.NewAddressRule{Prefix: "here", Effect: account.Allow}, account.Invalid, "api.address.prefix"},
		{account.NewAddressRule{Prefix: "::ffff:0:0/64", Effect: account.Deny}, account.Invalid, "api.address.prefix"},
		{account.NewAddressRule{Prefix: "fe80::1%eth0", Effect: account.Deny}, account.Invalid, "api.address.prefix"},
		{account.NewAddressRule{Prefix: "10.0.0.0/8", Effect: "maybe"}, account.Invalid, "api.address.effect"},
		{account.NewAddressRule{Prefix: "10.0.0.0/8", Effect: account.Deny, Note: strings.Repeat("n", 201)}, account.Invalid, "api.text"},
	} {
		if _, err := w.CreateAddressRule(w.ctx, w.owner, id, tt.n, sure); !isFailure(err, tt.code, tt.key) {
			t.Errorf("%+v: %v", tt.n, err)
		}
	}
	if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, account.GuardChange{Others: &deny}, sure); err != nil {
		t.Fatal(err)
	}
	for remote, want := range map[string]string{"192.0.2.7:1": "", "203.0.113.1:1": "everybody else", "127.0.0.1:1": "everybody else", "nonsense": "everybody else"} {
		if got := w.barred(id, remote); got != want {
			t.Errorf("others refused, from %s: %q, want %q", remote, got, want)
		}
	}
	w.wait(time.Second)
	w.open() // another process reads them again
	if got := w.barred(id, "203.0.113.1:1"); got != "everybody else" || w.barred(id, "192.0.2.7:1") != "" {
		t.Errorf("after a start: %q", got)
	}
	w.owner = w.session(w.token)
	if err := w.DeleteInstance(w.ctx, w.owner, id); err != nil || w.barred(id, "203.0.113.1:1") != "" {
		t.Errorf("a deleted instance: %v, %q", err, w.barred(id, "203.0.113.1:1"))
	}
}

// TestOwnAddress wants a browser to be asked before clients may not come from where it is.
func TestOwnAddress(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	deny := account.Deny
	rule := account.NewAddressRule{Prefix: "192.0.2.0/24", Effect: account.Deny} // the owner is at 192.0.2.1
	if _, err := w.CreateAddressRule(w.ctx, w.owner, id, rule, false); !isFailure(err, account.Conflict, "api.address.own") {
		t.Errorf("a rule against oneself: %v", err)
	}
	if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, account.GuardChange{Others: &deny}, false); !isFailure(err, account.Conflict, "api.address.own") {
		t.Errorf("everybody else refused: %v", err)
	}
	if _, err := w.CreateBan(w.ctx, w.owner, id, account.NewBan{Address: "192.0.2.1", Minutes: 1}, false); !isFailure(err, account.Conflict, "api.address.own") {
		t.Errorf("a ban of oneself: %v", err)
	}
	if w.barred(id, "192.0.2.1:1") != "" {
		t.Error("what was refused holds")
	}
	token := w.owner
	token.Via = "token" // a program asks nobody
	made, err := w.CreateAddressRule(w.ctx, token, id, rule, false)
	if err != nil || w.barred(id, "192.0.2.1:1") == "" {
		t.Errorf("by a program: %v", err)
	}
	_, you, err := w.Guard(w.ctx, w.owner, id)
	if err != nil || you.Allowed || you.Rule != "192.0.2.0/24" || you.Address != "192.0.2.1" {
		t.Errorf("%+v, %v", you, err)
	}
	if _, err := w.ChangeAddressRule(w.ctx, w.owner, id, made.ID, account.NewAddressRule{Prefix: "192.0.2.2", Effect: account.Deny}, false); err != nil || w.barred(id, "192.0.2.1:1") != "" {
		t.Errorf("changed: %v", err)
	}
	if err := w.DeleteAddressRule(w.ctx, w.owner, id, made.ID, false); err != nil || w.barred(id, "192.0.2.2:1") != "" {
		t.Errorf("deleted: %v", err)
	}
}

// TestBanAfterGuesses shuts out who tries different passwords, for the time that was chosen, and nobody else.
func TestBanAfterGuesses(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	const guesser = "203.0.113.7:40000"
	var ban *account.Banned
	for i := range 10 {
		if ban != nil {
			t.Fatalf("shut out after %d", i)
		}
		if i%3 == 0 {
			w.wait(10 * time.Second) // the limit of tries is another matter
		}
		ban = w.guess(id, fmt.Sprint("user", i%7), fmt.Sprint("guess ", i), guesser)
	}
	if ban == nil || ban.Tries != 10 || ban.Address != "203.0.113.7" || len(ban.Users) != 5 || ban.Until.Sub(ban.Since) != 15*time.Minute {
		t.Fatalf("the ban: %+v", ban)
	}
	for remote, want := range map[string]string{"203.0.113.7:1": "10 wrong logins", "203.0.113.8:1": ""} {
		if got := w.barred(id, remote); got != want {
			t.Errorf("from %s: %q, want %q", remote, got, want)
		}
	}
	if w.barred("zzzzzzzz", guesser) != "" {
		t.Error("another instance shuts the address out as well")
	}
	list, err := w.Bans(w.ctx, w.owner, id)
	if err != nil || len(list) != 1 || !list[0].Automatic || strings.Contains(fmt.Sprintf("%+v", list), "guess") {
		t.Errorf("%+v, %v", list, err)
	}
	w.wait(15*time.Minute + time.Second)
	if list, _ := w.Bans(w.ctx, w.owner, id); w.barred(id, guesser) != "" || len(list) != 0 {
		t.Errorf("after its time: %+v", list)
	}
	for i := range 10 { // the count begins anew
		ban = w.guess(id, "user", fmt.Sprint("more ", i), guesser)
		w.wait(5 * time.Second)
	}
	if ban == nil {
		t.Fatal("not shut out again")
	}
	if err := w.LiftBan(w.ctx, w.owner, id, "203.0.113.7"); err != nil || w.barred(id, guesser) != "" {
		t.Errorf("lifted: %v", err)
	}
	if err := w.LiftBan(w.ctx, w.owner, id, "203.0.113.7"); !isFailure(err, account.NotFound, "api.not_found") {
		t.Errorf("lifted twice: %v", err)
	}
}

// TestNoBan goes through those who are never shut out by themselves.
func TestNoBan(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	if _, err := w.CreateAddressRule(w.ctx, w.owner, id, account.NewAddressRule{Prefix: "198.51.100.0/24", Effect: account.Allow}, false); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, remote, password string }{
		{"the same password again", "203.0.113.9:1", "the old one"},
		{"an address that a rule lets in", "198.51.100.3:1", ""},
		{"a private address", "192.168.1.5:1", ""}, {"this machine", "127.0.0.1:1", ""}, {"a carrier's network", "100.64.0.9:1", ""},
		{"a local network", "[fe80::1%eth0]:1", ""}, {"a unique local address", "[fd00::1]:1", ""},
	} {
		for i := range 25 {
			if b := w.guess(id, "u", tt.password+strings.Repeat("x", i*(1-min(1, len(tt.password)))), tt.remote); b != nil {
				t.Errorf("%s: shut out after %d", tt.name, i)
				break
			}
			w.wait(4 * time.Second)
		}
	}
	off := false
	if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, account.GuardChange{Ban: &off}, false); err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		if b := w.guess(id, "u", fmt.Sprint(i), "203.0.113.10:1"); b != nil {
			t.Error("shut out though it is off")
		}
		w.wait(4 * time.Second)
	}
}

// TestBanOfNetwork wants an IPv6 guesser to be shut out with the /64 that all belongs to them, and no more.
func TestBanOfNetwork(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	three := 3
	if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, account.GuardChange{BanTries: &three}, false); err != nil {
		t.Fatal(err)
	}
	var ban *account.Banned
	for i := range 3 {
		ban = w.guess(id, "u", fmt.Sprint(i), fmt.Sprintf("[2001:db8:0:1::%x]:9", i+1))
	}
	if ban == nil || ban.Address != "2001:db8:0:1::/64" || w.barred(id, "[2001:db8:0:1:ffff::9]:9") == "" || w.barred(id, "[2001:db8:0:2::1]:9") != "" {
		t.Errorf("%+v", ban)
	}
	if err := w.LiftBan(w.ctx, w.owner, id, "2001:db8:0:1::/64"); err != nil || w.barred(id, "[2001:db8:0:1::1]:9") != "" {
		t.Errorf("lifted: %v", err)
	}
}

// TestBanByHand outlives the process, ends in time, and takes the place of one that came by itself.
func TestBanByHand(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	b, err := w.CreateBan(w.ctx, w.owner, id, account.NewBan{Address: "2001:db8::7", Minutes: 60, Note: "noisy"}, false)
	if err != nil || b.Address != "2001:db8::/64" || b.Automatic || !w.lastNews().Addresses {
		t.Fatalf("%+v, %v", b, err)
	}
	if w.barred(id, "[2001:db8::8]:9") != "by hand" {
		t.Error("not shut out")
	}
	w.wait(time.Second)
	w.open()
	w.owner = w.session(w.token)
	if w.barred(id, "[2001:db8::8]:9") != "by hand" {
		t.Error("not shut out after a start")
	}
	if _, err := w.CreateBan(w.ctx, w.owner, id, account.NewBan{Address: "2001:db8::9", Minutes: 5}, false); err != nil {
		t.Errorf("a shorter one in its place: %v", err)
	}
	w.wait(6 * time.Minute)
	if list, _ := w.Bans(w.ctx, w.owner, id); w.barred(id, "[2001:db8::8]:9") != "" || len(list) != 0 {
		t.Errorf("after its time: %+v", list)
	}
	for _, tt := range []account.NewBan{{Address: "192.0.2.0/24", Minutes: 5}, {Address: "x", Minutes: 5}, {Address: "192.0.2.9"}, {Address: "192.0.2.9", Minutes: 525_601}} {
		if _, err := w.CreateBan(w.ctx, w.owner, id, tt, true); err == nil || !strings.Contains(err.Error(), "invalid") {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	err = w.store.Update(w.ctx, func(tx account.Tx) error {
		for i := range 1000 {
			if err := tx.Insert(account.Ban{Instance: id, Address: fmt.Sprintf("203.0.%d.%d", i/200, i%200), Until: w.clock().Add(time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateBan(w.ctx, w.owner, id, account.NewBan{Address: "198.51.100.1", Minutes: 5}, true); !isFailure(err, account.Limit, "api.address.bans") {
		t.Errorf("one too many: %v", err)
	}
}

// TestConnectRate lets so many in a minute log in.
func TestConnectRate(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	for range 100 {
		if ok, _ := w.Directory().Paced(id); !ok {
			t.Fatal("bounded by nothing")
		}
	}
	three := 3
	if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, account.GuardChange{ConnectRate: &three}, false); err != nil {
		t.Fatal(err)
	}
	paced := func() (n int) {
		for range 10 {
			if ok, most := w.Directory().Paced(id); ok {
				n++
			} else if most != 3 {
				t.Errorf("most %d", most)
			}
		}
		return n
	}
	if n := paced(); n != 3 {
		t.Errorf("%d at once, want 3", n)
	}
	on := true
	if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, account.GuardChange{Ban: &on}, false); err != nil {
		t.Fatal(err)
	}
	if n := paced(); n != 0 {
		t.Errorf("another setting has begun the minute anew: %d", n)
	}
	w.wait(21 * time.Second)
	if n := paced(); n != 1 {
		t.Errorf("%d after a third of a minute, want 1", n)
	}
}

// TestGuardEdits wants collisions of edits to be noticed, and others' instances not to be there.
func TestGuardEdits(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	id := in.ID
	g, _, err := w.Guard(w.ctx, w.owner, id)
	if err != nil || g != account.DefaultGuard(id) {
		t.Fatalf("%+v, %v", g, err)
	}
	old := account.WithVersions(w.ctx, w.Version(g))
	n := 5
	if _, _, err := w.ChangeGuard(old, w.owner, id, account.GuardChange{BanTries: &n}, false); err != nil {
		t.Error(err)
	}
	if _, _, err := w.ChangeGuard(old, w.owner, id, account.GuardChange{BanTries: &n}, false); !isFailure(err, account.Stale, "api.stale") {
		t.Errorf("a stale edit: %v", err)
	}
	zero := 0
	for _, c := range []account.GuardChange{{BanTries: &zero}, {BanWindow: &zero}, {BanLength: &zero}, {Others: new(account.Effect)}} {
		if _, _, err := w.ChangeGuard(w.ctx, w.owner, id, c, false); err == nil || !strings.Contains(err.Error(), "invalid") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	other, _ := w.member("other@example.org")
	_, _, err1 := w.Guard(w.ctx, other, id)
	_, err2 := w.CreateAddressRule(w.ctx, other, id, account.NewAddressRule{Prefix: "10.0.0.0/8", Effect: account.Deny}, true)
	_, err3 := w.Bans(w.ctx, other, id)
	err4 := w.LiftBan(w.ctx, other, id, "x")
	for _, err := range []error{err1, err2, err3, err4} {
		if !isFailure(err, account.NotFound, "api.not_found") {
			t.Errorf("another's: %v", err)
		}
	}
}

func isFailure(err error, code account.Code, key string) bool {
	e, ok := errors.AsType[*account.Error](err)
	return ok && e.Code == code && e.Key == key
}

// TestNewPlaces wants one letter for each browser and network that is new, five a day, and none for who wants none.
func TestNewPlaces(t *testing.T) {
	w := newWorld(t)
	letters := func() (n int) {
		w.Flush(w.ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, l := range w.letters {
			if l.Kind == account.LetterNewPlace {
				n++
			}
		}
		return n
	}
	enter := func(remote, agent string) {
		t.Helper()
		w.wait(time.Minute)
		in, err := w.SignIn(w.ctx, account.Actor{Via: "panel", Remote: remote, Agent: agent}, ownerMail, password)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.SignOut(w.ctx, w.session(in.Session)); err != nil { // what is known outlives sessions
			t.Fatal(err)
		}
	}
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for i, tt := range []struct {
		remote, agent string
		want          int
	}{
		{"192.0.2.200", "Browser/2", 0}, // where the account was made
		{"192.0.2.9", firefox, 1},
		{"192.0.2.77", strings.ReplaceAll(firefox, "140", "141"), 1},
		{"198.51.100.1", firefox, 2},
		{"198.51.100.2", firefox, 2},
		{"2001:db8:1:1::1", firefox, 3}, {"2001:db8:1:2::1", firefox, 3}, {"2001:db8:2::1", firefox, 4},
		{"203.0.113.1", firefox, 5}, {"203.0.114.1", firefox, 5}, // enough for a day
	} {
		if enter(tt.remote, tt.agent); letters() != tt.want {
			t.Errorf("%d, from %s: %d letters, want %d", i, tt.remote, letters(), tt.want)
		}
	}
	w.wait(25 * time.Hour)
	w.owner.Account.QuietSignIns = false
	if acc, err := w.SetQuietSignIns(w.ctx, w.owner, true); err != nil || !acc.QuietSignIns {
		t.Fatal(err)
	}
	if enter("203.0.115.1", firefox); letters() != 5 {
		t.Errorf("a letter that nobody wants")
	}
}
