package panel_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
	"tsunagi/internal/passkey/softkey"
)

// secrets are what is random in every answer: ids, challenges and tickets; moments are times of it.
var (
	secrets = regexp.MustCompile(`[A-Za-z0-9_-]{16,}`)
	moments = regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]+Z`)
)

// crowd is a world in which anybody may join, with people of all kinds in it.
type crowd struct {
	*world
	boss, two *browser
	ticket    string       // of a sign-in of two@ that waits for its second step
	key       *softkey.Key // boss's passkey
	asked     int
}

func newCrowd(t *testing.T) *crowd {
	w := newWorldOf(t, func(*panel.Options) {}, func(o *account.Options) { o.SignUp, o.AccountTeams = "open", 3 })
	c := &crowd{world: w, boss: w.owner()}
	c.key = c.boss.register("phone")
	w.member(c.boss, "ken@example.org")
	c.two = w.member(c.boss, "two@example.org")
	out := w.member(c.boss, "out@example.org")
	c.boss.want("POST", "/api/v1/invitations", map[string]any{"email": "invited@example.org"}, 201, nil)
	var begun struct{ Secret string }
	c.two.want("POST", "/api/v1/factors/new", nil, 200, &begun)
	code, err := totp.GenerateCode(begun.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.two.want("POST", "/api/v1/factors", map[string]any{"password": password, "name": "phone", "secret": begun.Secret, "code": code}, 201, nil)
	var first struct{ Ticket string }
	w.browser().want("POST", "/api/v1/session", map[string]any{"email": "two@example.org", "password": password}, 200, &first)
	c.ticket = first.Ticket
	var s struct{ Account struct{ ID string } }
	out.want("GET", "/api/v1/session", nil, 200, &s)
	c.boss.want("POST", "/api/v1/accounts/"+s.Account.ID+"/suspend", map[string]any{"why": "Unpaid."}, 200, nil)
	c.two.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, nil)
	return c
}

// said is all that an answer says: status, headers and body, without what is random in each and what was asked about.
// Every stranger comes from an address of their own, so that what is left of a rate tells nothing.
func (c *crowd) said(b *browser, method, path string, body any, mailbox string) string {
	c.t.Helper()
	if b == nil {
		b = c.browser()
		c.asked++
		b.header.Set("Test-From", fmt.Sprintf("203.0.113.%d:1", c.asked))
	}
	answer, raw := b.do(method, path, body)
	var out strings.Builder
	fmt.Fprintln(&out, answer.Status)
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		if name != "Date" && (name != "Ratelimit" || b.cookie == "") {
			fmt.Fprintln(&out, name, answer.Header[name])
		}
	}
	text := out.String() + string(raw)
	if mailbox != "" {
		text = strings.ReplaceAll(text, mailbox, "MAILBOX")
	}
	length := regexp.MustCompile(`Content-Length \[\d+\]`)
	if mailbox != "" && b.cookie != "" { // the answer repeats the mailbox, which is as long as it is
		text = length.ReplaceAllString(text, "")
	}
	return moments.ReplaceAllString(secrets.ReplaceAllString(text, "SECRET"), "MOMENT")
}

// TestNobodyLearnsWhoExists is attack row 18 at the API: whatever a stranger asks about a mailbox, the answer is the
// same to the last header, with an account and without one. That the work is the same is TestSameWorkForWhoExists.
func TestNobodyLearnsWhoExists(t *testing.T) {
	c := newCrowd(t)
	ways := map[string]func(email string) string{
		"sign in": func(email string) string {
			return c.said(nil, "POST", "/api/v1/session", map[string]any{"email": email, "password": "wrong"}, "")
		},
		"reset": func(email string) string {
			return c.said(nil, "POST", "/api/v1/password-reset", map[string]any{"email": email}, "")
		},
		"sign up": func(email string) string {
			return c.said(nil, "POST", "/api/v1/signup", map[string]any{"email": email}, "")
		},
		"invite to a team": func(email string) string {
			return c.said(c.two, "POST", "/api/v1/team/invitations", map[string]any{"email": email, "role": "viewer"}, email)
		},
	}
	for name, ask := range ways {
		want := ask("nobody@example.org")
		if name != "sign in" && !strings.HasPrefix(want, "20") || name == "sign in" && !strings.HasPrefix(want, "401") {
			t.Fatalf("%s: %s", name, want)
		}
		for _, email := range []string{"owner@example.org", "ken@example.org", "out@example.org", "invited@example.org"} {
			if got := ask(email); got != want {
				t.Errorf("%s as %s:\n%s\nas nobody:\n%s", name, email, got, want)
			}
		}
	}
	if got, want := ways["sign in"]("two@example.org"), ways["sign in"]("nobody2@example.org"); got != want {
		t.Errorf("somebody with a second step:\n%s\nnobody:\n%s", got, want)
	}
}

// TestLinksAndTicketsTellNothing asks with secrets that were right once, or are of something else, and with ones that
// never were: the answers are the same.
func TestLinksAndTicketsTellNothing(t *testing.T) {
	c := newCrowd(t)
	mail := func(kind string) string {
		c.accounts.Flush(t.Context())
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.mails[kind]
	}
	ask := c.browser()
	ask.want("POST", "/api/v1/password-reset", map[string]any{"email": "ken@example.org"}, 204, nil)
	reset := mail("reset ken@example.org")
	ask.want("POST", "/api/v1/password-reset/accept", map[string]any{"token": reset, "password": "another long pass phrase"}, 204, nil)
	invited := mail("invited@example.org") // still open
	never := strings.Repeat("A", 43)
	for _, tt := range []struct {
		method, path string
		body         map[string]any
		secrets      []string
	}{
		{"POST", "/api/v1/password-reset/check", map[string]any{"token": nil}, []string{reset, invited}},
		{"POST", "/api/v1/password-reset/accept", map[string]any{"token": nil, "password": "a third long pass phrase"}, []string{reset, invited}},
		{"POST", "/api/v1/invitations/accept", map[string]any{"token": nil, "password": "a third long pass phrase"}, []string{mail("ken@example.org"), reset}},
		{"GET", "/api/v1/invitations/", nil, []string{mail("ken@example.org"), reset}},
		{"GET", "/api/v1/team-invitations/", nil, []string{invited, reset}},
		{"POST", "/api/v1/team-invitations/join", map[string]any{"token": nil, "password": "a third long pass phrase"}, []string{invited}},
		{"POST", "/api/v1/session/second", map[string]any{"ticket": nil, "code": "123456"}, []string{reset}},
		{"POST", "/api/v1/session/code", map[string]any{"code": nil}, []string{reset}},
		{"POST", "/api/v1/session/passkey/new", map[string]any{"ticket": nil}, []string{reset}},
	} {
		with := func(secret string) string {
			path, body := tt.path, maps.Clone(tt.body)
			if tt.method == "GET" {
				return c.said(nil, tt.method, path+secret, nil, "")
			}
			for k, v := range body {
				if v == nil {
					body[k] = secret
				}
			}
			return c.said(nil, tt.method, path, body, "")
		}
		want := with(never)
		if !strings.HasPrefix(want, "4") || strings.HasPrefix(want, "422") {
			t.Errorf("%s %s with a secret that never was: %s", tt.method, tt.path, want)
		}
		for _, secret := range tt.secrets {
			if secret == "" {
				t.Fatalf("%s: no secret to try", tt.path)
			}
			if got := with(secret); got != want {
				t.Errorf("%s %s with a secret that isn't good here:\n%s\nwith one that never was:\n%s", tt.method, tt.path, got, want)
			}
		}
	}
	// The ticket of a right password is bound to its browser: in another one it is no ticket.
	other := c.browser()
	other.header.Set("User-Agent", "another")
	other.header.Set("Test-From", "203.0.113.250:1")
	stolen := c.said(other, "POST", "/api/v1/session/second", map[string]any{"ticket": c.ticket, "code": "123456"}, "")
	other.header.Set("Test-From", "203.0.113.251:1")
	if never := c.said(other, "POST", "/api/v1/session/second", map[string]any{"ticket": never, "code": "123456"}, ""); stolen != never {
		t.Errorf("a ticket in another browser:\n%s\none that never was:\n%s", stolen, never)
	}
}

// TestPasskeysTellNothing signs in with a passkey of nobody, with one of somebody whose signature is another key's, and
// with one that was taken away.
func TestPasskeysTellNothing(t *testing.T) {
	c := newCrowd(t)
	begin := c.said(nil, "POST", "/api/v1/session/passkey/new", map[string]any{}, "")
	if strings.Contains(begin, "example.org") || strings.Contains(begin, "allowCredentials") {
		t.Errorf("the beginning of a sign-in names somebody: %s", begin)
	}
	sign := func(change func(response map[string]any)) string {
		var half ceremony
		b := c.browser()
		c.asked++
		b.header.Set("Test-From", fmt.Sprintf("203.0.113.%d:1", c.asked))
		b.want("POST", "/api/v1/session/passkey/new", map[string]any{}, 200, &half)
		raw, err := c.key.Get(half.Options)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(raw, &answer); err != nil {
			t.Fatal(err)
		}
		change(answer["response"].(map[string]any))
		out := c.said(b, "POST", "/api/v1/session/passkey", map[string]any{"ticket": half.Ticket, "answer": answer}, "")
		if b.cookie != "" {
			t.Error("signed in")
		}
		return out
	}
	unknown := sign(func(r map[string]any) { r["userHandle"] = "bm9ib2R5" })
	wrong := sign(func(r map[string]any) { r["signature"] = "MEUCIQDn" + strings.Repeat("A", 80) })
	none := sign(func(r map[string]any) { delete(r, "userHandle") })
	c.boss.want("GET", "/api/v1/session", nil, http.StatusOK, nil)
	if unknown != wrong || none != wrong || !strings.HasPrefix(wrong, "401") {
		t.Errorf("a passkey of nobody:\n%s\na wrong signature:\n%s\nno user:\n%s", unknown, wrong, none)
	}
}
