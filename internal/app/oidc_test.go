package app

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tsunagi/internal/oidc"
	"tsunagi/internal/oidc/oidctest"
)

const anyPassword = "a long enough pass phrase"

// providerWorld is a server whose people may sign in with a provider on loopback.
type providerWorld struct {
	*world
	provider *oidctest.Provider
}

func newProviderWorld(t *testing.T, signUp string, people ...oidctest.Person) *providerWorld {
	t.Helper()
	p := oidctest.Start(t, people...)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	settings := fmt.Sprintf(`
[[oidc]]
id = "real"
name = "Real"
issuer = %q
client_id = %q
client_secret_file = %q
roots = %q
`, p.Issuer, oidctest.ClientID, secret, p.Roots())
	for name, text := range map[string]string{"secret": oidctest.Secret + "\n", "tsunagi.toml": settings} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := serveWorld(t, "--config", filepath.Join(dir, "tsunagi.toml"), "--oidc-allow", "127.0.0.0/8", "--sign-up", signUp)
	p.SendBack("https://localhost" + w.https[strings.LastIndex(w.https, ":"):] + oidc.CallbackPath("real"))
	return &providerWorld{w, p}
}

// stranger is a browser that nobody signed in with.
func (w *providerWorld) stranger() *person {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{t: w.t, w: w.world, client: &http.Client{Jar: jar}}
	p.at(w.world)
	return p
}

// goes has a browser go to the provider, and gives what it comes back with.
func (w *providerWorld) goes(b *person, path string, who string, more ...any) map[string]any {
	w.t.Helper()
	in := map[string]any{"provider": "real"}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	var out struct{ Address string }
	if status := b.api("POST", path, in, &out); status != 200 {
		w.t.Fatalf("%s: %d\n%s", path, status, w.log)
	}
	back := w.provider.Visit(w.t.Context(), out.Address, who)
	return map[string]any{"provider": "real", "state": back.Get("state"), "code": back.Get("code"), "iss": back.Get("iss")}
}

type cameBack struct {
	Ticket string
	Linked bool
	Detail string
}

// signs has a browser sign in as a person of the provider.
func (w *providerWorld) signs(b *person, who string) (int, cameBack) {
	w.t.Helper()
	var out cameBack
	status := b.api("POST", "/session/provider", w.goes(b, "/session/provider/new", who), &out)
	return status, out
}

func (p *person) email() string {
	var s struct{ Account struct{ Email string } }
	if p.api("GET", "/session", nil, &s) != 200 {
		return ""
	}
	return s.Account.Email
}

// TestSignInWithProvider links an identity to an account, signs in with it, and takes it away.
func TestSignInWithProvider(t *testing.T) {
	w := newProviderWorld(t, "open", oidctest.Person{ID: "ann", Email: "boss@example.org"}, oidctest.Person{ID: "eve", Email: "boss@example.org"},
		oidctest.Person{ID: "new", Email: "New@example.org"}, oidctest.Person{ID: "vague", Email: "vague@example.org", Unverified: true})
	boss := w.signIn("boss@example.org")
	var status struct{ Providers []struct{ ID, Name string } }
	if boss.api("GET", "/status", nil, &status); len(status.Providers) != 1 || status.Providers[0].Name != "Real" {
		t.Fatalf("status %+v", status)
	}

	// The same e-mail opens nothing: an account is linked from inside.
	thief := w.stranger()
	if status, out := w.signs(thief, "eve"); status != 403 || !strings.Contains(out.Detail, "boss@example.org") || thief.email() != "" {
		t.Errorf("sign-in by e-mail alone: %d %+v", status, out)
	}
	if status := boss.api("POST", "/identities/new", map[string]any{"provider": "real", "password": "wrong"}, nil); status != 403 {
		t.Errorf("link without the password: %d", status)
	}
	var out cameBack
	if status := boss.api("POST", "/session/provider", w.goes(boss, "/identities/new", "ann", "password", anyPassword), &out); status != 200 || !out.Linked {
		t.Fatalf("link: %d %+v\n%s", status, out, w.log)
	}
	ann := w.stranger()
	if status, out := w.signs(ann, "ann"); status != 200 || ann.email() != "boss@example.org" {
		t.Errorf("sign-in: %d %+v as %q", status, out, ann.email())
	}
	if status, _ := w.signs(w.stranger(), "eve"); status != 403 {
		t.Errorf("another person of the provider with the same e-mail: %d", status)
	}

	// A new person gets an account, without a password, to which nothing can be added by who only sits at the browser.
	fresh := w.stranger()
	if status, out := w.signs(fresh, "new"); status != 200 || fresh.email() != "new@example.org" {
		t.Fatalf("new person: %d %+v as %q\n%s", status, out, fresh.email(), w.log)
	}
	if status := fresh.api("POST", "/passkeys/new", map[string]any{"password": ""}, &out); status != 403 || !strings.Contains(out.Detail, "no password") {
		t.Errorf("confirmed without a password: %d %+v", status, out)
	}
	if status, _ := w.signs(fresh, "vague"); status != 403 {
		t.Errorf("an e-mail that isn't verified: %d", status)
	}
	if status := fresh.api("POST", "/session", map[string]any{"email": "new@example.org", "password": ""}, nil); status != 401 {
		t.Errorf("sign-in with an empty password: %d", status)
	}

	var list struct {
		Items []struct{ ID, Provider, Email string }
	}
	if boss.api("GET", "/identities", nil, &list); len(list.Items) != 1 || list.Items[0].Provider != "Real" || list.Items[0].Email != "boss@example.org" {
		t.Fatalf("identities %+v", list)
	}
	at := "/identities/" + list.Items[0].ID + "/remove"
	if status := fresh.api("POST", at, map[string]any{"password": anyPassword}, nil); status == 204 {
		t.Error("somebody else took it away")
	}
	if status := boss.api("POST", at, map[string]any{"password": anyPassword}, nil); status != 204 {
		t.Errorf("unlink: %d", status)
	}
	if status, _ := w.signs(w.stranger(), "ann"); status != 403 {
		t.Errorf("sign-in with what was taken away: %d", status)
	}
	var audit struct {
		Items []struct{ Action, Detail string }
	}
	boss.api("GET", "/audit", nil, &audit)
	seen := fmt.Sprint(audit.Items)
	if !strings.Contains(seen, "{identity.create Real}") || !strings.Contains(seen, "identity.delete") {
		t.Errorf("audit %s", seen)
	}
	if strings.Contains(w.log.String(), oidctest.Secret) {
		t.Error("the client's secret stands in the log")
	}
}

// TestProviderAttacks takes what came back for one browser to another, twice, and for another provider.
func TestProviderAttacks(t *testing.T) {
	w := newProviderWorld(t, "open", oidctest.Person{ID: "ann", Email: "ann@example.org"})
	boss := w.signIn("boss@example.org")
	victim, thief := w.stranger(), w.stranger()
	wants403 := func(name string, b *person, in map[string]any) {
		t.Helper()
		if status := b.api("POST", "/session/provider", in, nil); status != 403 {
			t.Errorf("%s: %d", name, status)
		}
	}
	with := func(in map[string]any, name string, value any) map[string]any {
		out := map[string]any{}
		for k, v := range in {
			out[k] = v
		}
		out[name] = value
		return out
	}
	wants403("state of another browser", thief, w.goes(victim, "/session/provider/new", "ann"))
	w.goes(thief, "/session/provider/new", "ann") // has a cookie of its own now
	wants403("state of another browser that has begun too", thief, w.goes(victim, "/session/provider/new", "ann"))
	wants403("made-up state", victim, with(w.goes(victim, "/session/provider/new", "ann"), "state", strings.Repeat("x", 43)))
	wants403("page of another provider", victim, with(w.goes(victim, "/session/provider/new", "ann"), "provider", "other"))
	wants403("iss of another provider", victim, with(w.goes(victim, "/session/provider/new", "ann"), "iss", "https://other.example"))
	// Code of one visit in another: PKCE and nonce.
	first, second := w.goes(victim, "/session/provider/new", "ann"), w.goes(victim, "/session/provider/new", "ann")
	wants403("code of another visit", victim, with(first, "code", second["code"]))
	if victim.email() != "" || thief.email() != "" {
		t.Fatalf("signed in as %q, %q", victim.email(), thief.email())
	}
	// A link that somebody signed in has begun is nothing in another session of the same browser.
	link := w.goes(boss, "/identities/new", "ann", "password", anyPassword)
	if status := boss.api("DELETE", "/session", nil, nil); status != 204 {
		t.Fatalf("sign-out: %d", status)
	}
	wants403("link after the sign-out", boss, link)

	good := w.goes(victim, "/session/provider/new", "ann")
	if status := victim.api("POST", "/session/provider", good, nil); status != 200 || victim.email() != "ann@example.org" {
		t.Fatalf("sign-in: %d\n%s", status, w.log)
	}
	wants403("the same again", victim, good)

	// A sign-in gives a new session: what the browser had before isn't the one that is signed in.
	before := sessionOf(victim)
	if status, _ := w.signs(victim, "ann"); status != 200 || sessionOf(victim) == before {
		t.Errorf("second sign-in: %d, same session %v", status, sessionOf(victim) == before)
	}
	answer, _ := victim.send("POST", "https://localhost"+victim.port()+"/api/v1/session/provider/new", strings.NewReader(`{"provider":"real"}`),
		"Content-Type", "application/json", "Origin", "https://hostile.example", "Sec-Fetch-Site", "cross-site")
	if answer.StatusCode != 403 {
		t.Errorf("begun by another site: %s", answer.Status)
	}
	answer, _ = w.stranger().send("POST", "https://localhost"+victim.port()+"/api/v1/session/provider/new", strings.NewReader(`{"provider":"real"}`), "Content-Type", "application/json")
	if c := answer.Header.Get("Set-Cookie"); !regexp.MustCompile(`^__Host-tsunagi-trip=\S{43}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Strict$`).MatchString(c) {
		t.Errorf("cookie %q", c)
	}
}

func sessionOf(b *person) string {
	r, err := http.NewRequest("GET", "https://localhost"+b.port()+"/", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(r.URL) {
		if c.Name == "__Host-tsunagi" {
			return c.Value
		}
	}
	return ""
}

// TestProviderAndSecondFactor still wants the code of an account that has one.
func TestProviderAndSecondFactor(t *testing.T) {
	w := newProviderWorld(t, "invite", oidctest.Person{ID: "ann", Email: "ann@example.org"}, oidctest.Person{ID: "guest", Email: "guest@example.org"})
	boss := w.signIn("boss@example.org")
	var key struct{ Secret string }
	boss.api("POST", "/factors/new", nil, &key)
	code, err := totp.GenerateCode(key.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if status := boss.api("POST", "/factors", map[string]any{"secret": key.Secret, "name": "phone", "code": code, "password": anyPassword}, nil); status != 201 {
		t.Fatalf("factor: %d", status)
	}
	if status := boss.api("POST", "/session/provider", w.goes(boss, "/identities/new", "ann", "password", anyPassword), nil); status != 200 {
		t.Fatalf("link: %d", status)
	}
	ann := w.stranger()
	status, out := w.signs(ann, "ann")
	if status != 200 || out.Ticket == "" || ann.email() != "" {
		t.Fatalf("first step: %d %+v, signed in as %q", status, out, ann.email())
	}
	if status := ann.api("POST", "/session/second", map[string]any{"ticket": out.Ticket, "code": "000000"}, nil); status != 403 {
		t.Errorf("wrong code: %d", status)
	}
	next, err := totp.GenerateCode(key.Secret, time.Now().Add(30*time.Second)) // a code works once
	if err != nil {
		t.Fatal(err)
	}
	if status := ann.api("POST", "/session/second", map[string]any{"ticket": out.Ticket, "code": next}, nil); status != 204 || ann.email() != "boss@example.org" {
		t.Errorf("second step: %d, signed in as %q", status, ann.email())
	}

	// Here only who was invited gets an account.
	guest := w.stranger()
	if status, out := w.signs(guest, "guest"); status != 403 || !strings.Contains(out.Detail, "invitation") {
		t.Errorf("not invited: %d %+v", status, out)
	}
	if status := boss.api("POST", "/invitations", map[string]any{"email": "guest@example.org"}, nil); status != 201 {
		t.Fatalf("invite: %d", status)
	}
	if status, out := w.signs(guest, "guest"); status != 200 || guest.email() != "guest@example.org" {
		t.Errorf("invited: %d %+v as %q", status, out, guest.email())
	}
	var open struct{ Items []any }
	if boss.api("GET", "/invitations", nil, &open); len(open.Items) != 0 {
		t.Errorf("the invitation is still open: %v", open.Items)
	}
}
