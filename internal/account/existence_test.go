package account_test

import (
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"tsunagi/internal/account"
)

// TestSameWorkForWhoExists is attack row 18: what a stranger asks about a mailbox costs as many slow hashes whether or
// not it has an account, and is answered in the same words. Hashes are counted: times tell less on a busy machine.
func TestSameWorkForWhoExists(t *testing.T) {
	w := newWorldWith(t, 1024, "open")
	w.member("ken@example.org")
	two, _ := w.member("two@example.org") // has a second step
	n := w.BeginTOTP(two)
	code, err := totp.GenerateCode(n.Secret, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddTOTP(w.ctx, two, account.Proof{Password: password}, "phone", n.Secret, code); err != nil {
		t.Fatal(err)
	}
	out, _ := w.member("out@example.org") // is suspended
	if _, err := w.Suspend(w.ctx, w.owner, out.Account.ID, "unpaid"); err != nil {
		t.Fatal(err)
	}
	team, err := w.CreateTeam(w.ctx, two, "Works")
	if err != nil {
		t.Fatal(err)
	}
	ways := []struct {
		name   string
		hashes int64
		ask    func(by account.Actor, email string) error
	}{
		{"signing in", 1, func(by account.Actor, email string) error {
			_, err := w.SignIn(w.ctx, by, email, "not the pass phrase")
			return err
		}},
		{"signing in without a password", 1, func(by account.Actor, email string) error {
			_, err := w.SignIn(w.ctx, by, email, "")
			return err
		}},
		{"signing in with a huge password", 1, func(by account.Actor, email string) error {
			_, err := w.SignIn(w.ctx, by, email, strings.Repeat("x", 10_000))
			return err
		}},
		{"asking for a reset", 0, func(by account.Actor, email string) error { return w.AskReset(w.ctx, by, email) }},
		{"asking to join", 0, func(by account.Actor, email string) error { return w.AskToJoin(w.ctx, by, email, "en") }},
	}
	for i, way := range ways {
		want := ""
		for j, email := range []string{"nobody@example.org", "ken@example.org", "two@example.org", "out@example.org", team.ID + "@example.org"} {
			by := w.browser("203.0.113." + string(rune('1'+i)) + string(rune('1'+j)))
			before := w.PeopleHashes()
			err := way.ask(by, email)
			w.Flush(w.ctx) // what goes on behind the answer costs no hash either
			if got := w.PeopleHashes() - before; got != way.hashes {
				t.Errorf("%s as %s: %d slow hashes, want %d", way.name, email, got, way.hashes)
			}
			said := "done"
			if err != nil {
				said = err.Error()
			}
			if j == 0 {
				want = said
			} else if said != want {
				t.Errorf("%s as %s: %q, as nobody %q", way.name, email, said, want)
			}
		}
	}
	for _, email := range []string{"", "no mailbox", team.ID} { // a team's id stands where a person's e-mail does
		before := w.PeopleHashes()
		_, err := w.SignIn(w.ctx, w.browser("198.51.100.99"), email, "")
		wantRefusal(t, "signing in as "+email, err, account.Unauthorized)
		if got := w.PeopleHashes() - before; got != 1 {
			t.Errorf("signing in as %q: %d slow hashes, want 1", email, got)
		}
	}
}

// TestSameLimitForWhoExists guesses until tries have to wait: they do so after as many, and as long, for a mailbox
// without an account.
func TestSameLimitForWhoExists(t *testing.T) {
	answers := func(email string) (list []string) {
		w := newWorld(t) // each with tries of its own
		for i := range 12 {
			_, err := w.SignIn(w.ctx, w.browser("203.0.113."+string(rune('1'+i%9))), email, "guess")
			list = append(list, err.Error())
		}
		for range 8 {
			_, err := w.SignIn(w.ctx, w.browser("203.0.113.77"), email, "guess")
			list = append(list, err.Error())
		}
		for range 5 {
			err := w.AskReset(w.ctx, w.browser("203.0.113.78"), email)
			said := "done"
			if err != nil {
				said = err.Error()
			}
			list = append(list, said)
		}
		return list
	}
	known, unknown := answers(ownerMail), answers("nobody@example.org")
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("try %d: %q, with a mailbox without an account %q", i+1, known[i], unknown[i])
		}
	}
}

// TestLinksCostNoHash is attack row 19: a link that is none is refused before anything is hashed.
func TestLinksCostNoHash(t *testing.T) {
	w := newWorldWith(t, 1024, "open")
	before := w.PeopleHashes()
	for name, try := range map[string]func(by account.Actor, token string) error{
		"reset": func(by account.Actor, token string) error { return w.ResetPassword(w.ctx, by, token, password) },
		"invitation": func(by account.Actor, token string) error {
			_, err := w.AcceptInvitation(w.ctx, by, token, password, "")
			return err
		},
		"team": func(by account.Actor, token string) error {
			_, err := w.JoinTeam(w.ctx, by, token, password, "")
			return err
		},
		"second step": func(by account.Actor, token string) error {
			_, err := w.SecondSignIn(w.ctx, by, token, "123456")
			return err
		},
	} {
		for _, token := range []string{"", "x", strings.Repeat("A", 43)} {
			if try(w.browser("192.0.2.44"), token) == nil {
				t.Errorf("%s: the link %q opens something", name, token)
			}
			w.wait(10 * 60 * 1e9) // tries are limited
		}
	}
	if got := w.PeopleHashes() - before; got != 0 {
		t.Errorf("%d slow hashes for links that are none", got)
	}
}
