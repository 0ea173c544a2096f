package app

import (
	"testing"

	"tsunagi/internal/oidc/oidctest"
)

// TestConfirmWithProvider has somebody who has no password confirm that it is them by signing in anew with the provider.
func TestConfirmWithProvider(t *testing.T) {
	w := newProviderWorld(t, "open", oidctest.Person{ID: "ann", Email: "ann@example.org"}, oidctest.Person{ID: "eve", Email: "eve@example.org"})
	boss := w.signIn("boss@example.org")
	ann := w.stranger()
	if status, _ := w.signs(ann, "ann"); status != 200 {
		t.Fatalf("sign-in: %d\n%s", status, w.log)
	}
	var ways struct {
		Password, Passkey bool
		Providers         []struct{ ID, Name string }
	}
	if ann.api("GET", "/session/confirm", nil, &ways); ways.Password || ways.Passkey || len(ways.Providers) != 1 || ways.Providers[0].ID != "real" {
		t.Errorf("ways %+v", ways)
	}
	const begin = "/session/confirm/provider"
	confirms := func(b *person, who string) (int, cameConfirmed) {
		t.Helper()
		var out cameConfirmed
		status := b.api("POST", "/session/provider", w.goes(b, begin, who, "purpose", "begin-passkey"), &out)
		return status, out
	}
	wants := func(name string, b *person, token string, status int) {
		t.Helper()
		if got := b.api("POST", "/passkeys/new", map[string]any{"confirmation": token}, nil); got != status {
			t.Errorf("%s: %d, want %d\n%s", name, got, status, w.log)
		}
	}
	status, out := confirms(ann, "ann")
	if status != 200 || out.Confirmation == "" || out.Purpose != "begin-passkey" || out.Linked || out.Ticket != "" {
		t.Fatalf("confirmed: %d %+v\n%s", status, out, w.log)
	}
	before := sessionOf(ann)
	wants("confirmed", ann, out.Confirmation, 200)
	wants("the same again", ann, out.Confirmation, 403)
	if sessionOf(ann) != before {
		t.Error("a confirmation made another session")
	}

	if status, out := confirms(ann, "eve"); status != 403 || out.Confirmation != "" {
		t.Errorf("somebody else at the provider: %d %+v", status, out)
	}
	// Another browser of the same person has no use for it, neither for what came back nor for the confirmation.
	also := w.stranger()
	if status, _ := w.signs(also, "ann"); status != 200 {
		t.Fatalf("second browser: %d", status)
	}
	if status := also.api("POST", "/session/provider", w.goes(ann, begin, "ann", "purpose", "begin-passkey"), nil); status != 403 {
		t.Errorf("what came back, in another browser: %d", status)
	}
	_, out = confirms(ann, "ann")
	wants("another session", also, out.Confirmation, 403)
	// A visit for a sign-in, or for a link, confirms nothing; and a confirmation signs nobody in.
	var none cameConfirmed
	if status := ann.api("POST", "/session/provider", w.goes(ann, "/session/provider/new", "ann"), &none); status != 200 || none.Confirmation != "" {
		t.Errorf("a sign-in: %d %+v", status, none)
	}
	eve := w.stranger()
	w.signs(eve, "eve")
	if status := eve.api("POST", begin, map[string]any{"provider": "real", "purpose": "nothing"}, nil); status != 422 {
		t.Errorf("for nothing: %d", status)
	}
	if status := w.stranger().api("POST", begin, map[string]any{"provider": "real", "purpose": "begin-passkey"}, nil); status != 401 {
		t.Errorf("without a session: %d", status)
	}
	if status := boss.api("POST", begin, map[string]any{"provider": "real", "purpose": "begin-passkey"}, nil); status != 403 {
		t.Errorf("with nothing linked: %d", status)
	}
}

type cameConfirmed struct {
	cameBack
	Confirmation, Purpose, Object string
}
