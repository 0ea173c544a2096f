package account_test

import (
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/roster"
)

// What mosquitto_passwd 2.0 made of "correct horse".
const (
	hash6 = "$6$NwEKqXItFVFr0NNa$KcK6KNr6Ev7m7Ca5580VRBARq25+2+2eiZzyuHI2FNTra5TK6ry247QCA5FxZw/cXBV9OL52k5Yu8rpge6uLRw=="
	hash7 = "$7$101$Cs0YcYwpuCauhY4u$y7v/plsDtmHs12ZRhIolK8r5YvgpNtvbBcOLBHPZfuVh0icfN+kFB3gXI/vK7RtfqYiMADhEj0vEVq8UDgHGTw=="
)

func (w *world) stored(instance, name string) (u account.User) {
	w.t.Helper()
	err := w.store.View(w.ctx, func(r account.Reader) (err error) {
		u, err = r.User(instance, name)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// big is an instance with room for many users.
func (w *world) big() account.Instance {
	w.t.Helper()
	in, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "big", Plan: "big"})
	if err != nil {
		w.t.Fatal(err)
	}
	return in
}

func TestImportedHashes(t *testing.T) {
	w := newWorld(t)
	in := w.big()
	for name, hash := range map[string]string{"six": hash6, "seven": hash7} {
		t.Run(name, func(t *testing.T) {
			report, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(roster.Files{Passwords: name + ":" + hash, ACL: "user " + name + "\ntopic write s/#"}), account.ImportWish{})
			if err != nil || !report.Applied || len(report.Users) != 1 || report.Users[0].Password != "hash" || len(report.Rules) != 1 || len(report.Generated) != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			for _, wrong := range []string{"", "correct hors", hash} {
				if _, err := w.login(in.ID, name, wrong); err == nil {
					t.Errorf("let in with %q", wrong)
				}
			}
			if u := w.stored(in.ID, name); u.Kind != account.SecretImported || string(u.Secret) != hash {
				t.Errorf("before the first login: %+v", u)
			}
			l := w.mustLogin(in.ID, name, "correct horse")
			if u := w.stored(in.ID, name); u.Kind != account.SecretChosen || !strings.HasPrefix(string(u.Secret), "$argon2id$") {
				t.Errorf("behind the first login: %s", u.Kind)
			}
			if again := w.mustLogin(in.ID, name, "correct horse"); l.Rights.Revoked() || !again.Rights.MayPublish("s/1", "c", 0, false).Allowed || again.Rights.MayReceive("s/1", "c").Allowed {
				t.Error("rights are wrong")
			}
			if _, err := w.login(in.ID, name, "correct hors"); err == nil {
				t.Error("let in with a wrong password after it was strengthened")
			}
		})
	}
}

// TestImportedStorm lets many logins of one imported user come at once: each must get in, whoever strengthens it.
func TestImportedStorm(t *testing.T) {
	w := newWorld(t)
	in := w.big()
	if _, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(roster.Files{Passwords: "a:" + hash7}), account.ImportWish{}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := w.login(in.ID, "a", "correct horse"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if u := w.stored(in.ID, "a"); u.Kind != account.SecretChosen {
		t.Error("not strengthened")
	}
}

func TestHashesThatAreNone(t *testing.T) {
	w := newWorld(t)
	in := w.big()
	for _, hash := range []string{"$6$", "$6$NwEKqXItFVFr0NNa$AAAA", "$7$x$c2FsdA==$" + strings.Repeat("A", 86) + "==", "$7$99999999$c2FsdA==$" + strings.Repeat("A", 86) + "==",
		"$7$0$c2FsdA==$" + strings.Repeat("A", 86) + "==", "$6$$" + strings.Repeat("A", 86) + "==", "$1$a$b", "$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=1024,t=99,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43), "$argon2id$v=19$m=1024,t=1,p=0$c2FsdHNhbHQ$" + strings.Repeat("A", 43)} {
		report, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(roster.Files{Passwords: "a:" + hash}), account.ImportWish{})
		if err != nil || report.Applied || report.Faults.Total != 1 || report.Faults.List[0].Key != "api.import.hash" {
			t.Errorf("%s: %+v, %v", hash, report, err)
		}
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	in := w.big()
	if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: "there", Connect: true}); err != nil {
		t.Fatal(err)
	}
	count := func() (users, rules int) {
		p, err := w.Users(w.ctx, w.owner, account.UserQuery{Instance: in.ID})
		if err != nil {
			t.Fatal(err)
		}
		list, err := w.Rules(w.ctx, w.owner, in.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		return p.Total, len(list)
	}
	files := roster.Files{CSV: `name,password,connect,rules
sensor,a long password,yes,allow publish sensor/#; deny both secret/#
pump,,no,allow subscribe pump/#
there,,,allow both there/#
short,x,,
web-client,,,
pump,,,
other,,,allow both a/#/b
,,,allow subscribe all/%u
nobody-else,,,
`, ACL: "user stranger\ntopic read x\nuser sensor\ntopic write sensor/#\n"}
	for name, wish := range map[string]account.ImportWish{"dry": {DryRun: true}, "with faults": {}} {
		report, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(files), wish)
		if err != nil || report.Applied || len(report.Generated) != 0 {
			t.Fatalf("%s: %+v, %v", name, report, err)
		}
		var faults []string
		for _, f := range report.Faults.List {
			faults = append(faults, f.Key)
		}
		if got := strings.Join(faults, " "); got != "api.user.taken api.password.length api.user.reserved api.import.twice api.rule.user api.rule.filter" {
			t.Errorf("%s: faults %s", name, got)
		}
		if len(report.Users) != 4 || len(report.Rules) != 5 || report.Same != 1 {
			t.Errorf("%s: %d users, %d rules, %d there", name, len(report.Users), len(report.Rules), report.Same)
		}
		if users, rules := count(); users != 2 || rules != 0 {
			t.Fatalf("%s changed something: %d users, %d rules", name, users, rules)
		}
	}
	report, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(files), account.ImportWish{SkipFaults: true, KeepExisting: true})
	if err != nil || !report.Applied || report.Kept != 1 || len(report.Generated) != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	if users, rules := count(); users != 6 || rules != 5 {
		t.Errorf("%d users, %d rules", users, rules)
	}
	w.mustLogin(in.ID, "sensor", "a long password")
	w.mustLogin(in.ID, "other", report.Generated["other"])
	if _, err := w.login(in.ID, "pump", report.Generated["pump"]); err == nil {
		t.Error("a user who may not connect was let in")
	}
	if news := w.lastNews(); news.Instance != in.ID || !news.Recheck {
		t.Errorf("news %+v", news)
	}
	again, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(files), account.ImportWish{SkipFaults: true, KeepExisting: true})
	if err != nil || len(again.Users) != 0 || len(again.Rules) != 0 || len(again.Generated) != 0 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	member, _ := w.member("m@example.org")
	_, err = w.Import(w.ctx, member, in.ID, roster.Read(files), account.ImportWish{DryRun: true})
	wantCode(t, err, account.NotFound)
}

// TestImportBounds holds an import to the plan and to the instance's bounds.
func TestImportBounds(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner) // room for three users, one is there
	report, err := w.Import(w.ctx, w.owner, in.ID, roster.Read(roster.Files{CSV: "a\nb\nc\nd\n"}), account.ImportWish{})
	if err != nil || report.Applied || report.Faults.Total != 2 || report.Faults.List[0].Key != "api.user.limit" {
		t.Errorf("%+v, %v", report, err)
	}
	report, err = w.Import(w.ctx, w.owner, in.ID, roster.Read(roster.Files{CSV: strings.Repeat("a,longer than eight,,\n", 1) + ",,,"}), account.ImportWish{DryRun: true})
	if err != nil || report.Faults.Total != 0 || len(report.Users) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	var acl strings.Builder
	for i := range 1100 {
		acl.WriteString("pattern read x/" + strings.Repeat("y", i) + "\n")
	}
	report, err = w.Import(w.ctx, w.owner, in.ID, roster.Read(roster.Files{ACL: acl.String()}), account.ImportWish{DryRun: true})
	if err != nil || len(report.Rules) != 1000 || report.Faults.Total != 100 {
		t.Errorf("%d rules, %d faults, %v", len(report.Rules), report.Faults.Total, err)
	}
}
