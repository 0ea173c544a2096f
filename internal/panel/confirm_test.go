package panel_test

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tsunagi/internal/passkey/softkey"
)

// begins begins to confirm a purpose with a passkey, and returns what the passkey says to it.
func (b *browser) begins(k *softkey.Key, purpose, object string) map[string]any {
	b.w.t.Helper()
	var c ceremony
	b.want("POST", "/api/v1/session/confirm/passkey/new", map[string]any{"purpose": purpose, "object": object}, 200, &c)
	answer, err := k.Get(c.Options)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return map[string]any{"ticket": c.Ticket, "answer": answer}
}

// confirms is the confirmation of a purpose by a passkey.
func (b *browser) confirms(k *softkey.Key, purpose, object string) string {
	b.w.t.Helper()
	var out struct{ Confirmation string }
	b.want("POST", "/api/v1/session/confirm/passkey", b.begins(k, purpose, object), 200, &out)
	return out.Confirmation
}

// TestConfirmWithPasskey does everything that asks for the password again without ever giving it.
func TestConfirmWithPasskey(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	k := boss.register("phone")
	second := boss.register("second")
	id := boss.instance()
	var ways struct {
		Password, Passkey bool
		Providers         []struct{}
	}
	if boss.want("GET", "/api/v1/session/confirm", nil, 200, &ways); !ways.Password || !ways.Passkey || len(ways.Providers) != 0 {
		t.Errorf("ways %+v", ways)
	}
	code := func(secret string) string {
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	var app struct{ Secret string }
	boss.want("POST", "/api/v1/factors/new", map[string]any{}, 200, &app)
	fresh := "another quite long phrase"
	// Each call with what it needs besides the proof, and its status.
	do := func(method, path, purpose, object string, status int, more map[string]any, out any) {
		t.Helper()
		in := map[string]any{}
		maps.Copy(in, more)
		in["confirmation"] = boss.confirms(k, purpose, object)
		if purpose == "change-account" {
			in = map[string]any{"password": map[string]any{"new": fresh, "confirmation": in["confirmation"]}}
		}
		boss.want(method, path, in, status, out)
		if method != "DELETE" {
			boss.refused(method, path, in, 403, "forbidden") // once
		}
	}
	do("POST", "/api/v1/instances/"+id+"/password/reveal", "reveal-password", id, 200, nil, nil)
	do("POST", "/api/v1/instances/"+id+"/key/reveal", "reveal-key", id, 200, nil, nil)
	do("POST", "/api/v1/factors", "create-factor", "", 201, map[string]any{"name": "app", "secret": app.Secret, "code": code(app.Secret)}, nil)
	do("POST", "/api/v1/factors/recovery", "new-recovery-codes", "", 200, nil, nil)
	var factors struct{ Items []struct{ ID, Kind string } }
	boss.want("GET", "/api/v1/factors", nil, 200, &factors)
	for _, f := range factors.Items {
		if f.Kind == "totp" {
			do("POST", "/api/v1/factors/"+f.ID+"/remove", "remove-factor", f.ID, 204, nil, nil)
		}
	}
	do("POST", "/api/v1/tokens", "create-token", "", 201, map[string]any{"name": "t", "scope": "read"}, nil)
	do("POST", "/api/v1/passkeys/new", "begin-passkey", "", 200, nil, nil)
	other := base64.RawURLEncoding.EncodeToString(second.ID)
	do("POST", "/api/v1/passkeys/"+other+"/remove", "remove-passkey", other, 204, nil, nil)
	w.ahead.Add(int64(10 * time.Minute)) // the tries above are forgotten
	do("PATCH", "/api/v1/account", "change-account", "", 200, nil, nil)
	w.browser().want("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": fresh}, 200, nil)

	ken := w.member(boss, "ken@example.org")
	boss, k = ken, ken.register("ken's")
	do("DELETE", "/api/v1/account", "delete-own-account", "", 204, map[string]any{"email": "ken@example.org"}, nil)
	if w.browser().refused("POST", "/api/v1/session", map[string]any{"email": "ken@example.org", "password": password}, 401, "unauthorized"); strings.Contains(w.log.String(), fresh) {
		t.Error("a password is in the log")
	}
}

// TestWrongConfirmations are answers and confirmations that must open nothing.
func TestWrongConfirmations(t *testing.T) {
	type attempt struct {
		w         *world
		boss, ken *browser
		k, theirs *softkey.Key
		id        string
	}
	reveal := func(b *browser, id, confirmation string, status int) {
		b.w.t.Helper()
		in := map[string]any{"confirmation": confirmation}
		if status == 200 {
			b.want("POST", "/api/v1/instances/"+id+"/password/reveal", in, 200, nil)
			return
		}
		b.refused("POST", "/api/v1/instances/"+id+"/password/reveal", in, status, "forbidden")
	}
	// again is another browser of the same person.
	again := func(a attempt) *browser {
		a.w.t.Helper()
		b := a.w.browser()
		b.want("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": password}, 200, nil)
		return b
	}
	ends := func(b *browser, in map[string]any) {
		b.w.t.Helper()
		b.refused("POST", "/api/v1/session/confirm/passkey", in, 403, "forbidden")
	}
	for name, try := range map[string]func(a attempt){
		"nobody verified": func(a attempt) {
			a.k.Verified = false
			ends(a.boss, a.boss.begins(a.k, "reveal-password", a.id))
		},
		"another site": func(a attempt) {
			a.k.Origin = "https://evil.example"
			ends(a.boss, a.boss.begins(a.k, "reveal-password", a.id))
		},
		"a copy, counter behind": func(a attempt) {
			reveal(a.boss, a.id, a.boss.confirms(a.k, "reveal-password", a.id), 200)
			a.k.Count = 0
			ends(a.boss, a.boss.begins(a.k, "reveal-password", a.id))
		},
		"an answer twice": func(a attempt) {
			in := a.boss.begins(a.k, "reveal-password", a.id)
			a.boss.want("POST", "/api/v1/session/confirm/passkey", in, 200, nil)
			ends(a.boss, in)
		},
		"an answer to another challenge": func(a attempt) {
			in, next := a.boss.begins(a.k, "reveal-password", a.id), a.boss.begins(a.k, "reveal-password", a.id)
			in["ticket"] = next["ticket"]
			ends(a.boss, in)
		},
		"an answer for a sign-in": func(a attempt) {
			ends(a.boss, a.boss.sign(a.k, ""))
			in := a.boss.begins(a.k, "reveal-password", a.id)
			a.w.browser().refused("POST", "/api/v1/session/passkey", in, 401, "unauthorized")
		},
		"an answer for a new passkey": func(a attempt) {
			in := a.boss.begins(a.k, "begin-passkey", "")
			in["name"] = "x"
			a.boss.refused("POST", "/api/v1/passkeys", in, 403, "forbidden")
		},
		"an answer from another session": func(a attempt) { ends(again(a), a.boss.begins(a.k, "reveal-password", a.id)) },
		"an answer from another person":  func(a attempt) { ends(a.ken, a.boss.begins(a.k, "reveal-password", a.id)) },
		"another person's passkey":       func(a attempt) { ends(a.boss, a.boss.begins(a.theirs, "reveal-password", a.id)) },
		"an answer that is late": func(a attempt) {
			in := a.boss.begins(a.k, "reveal-password", a.id)
			a.w.ahead.Add(int64(2*time.Minute + time.Second))
			ends(a.boss, in)
		},
		"a confirmation that is late": func(a attempt) {
			c := a.boss.confirms(a.k, "reveal-password", a.id)
			a.w.ahead.Add(int64(time.Minute + time.Second))
			reveal(a.boss, a.id, c, 403)
		},
		"a confirmation in another session": func(a attempt) {
			c := a.boss.confirms(a.k, "reveal-password", a.id)
			reveal(again(a), a.id, c, 403)
			reveal(a.boss, a.id, c, 403) // and it is used up
		},
		"a confirmation for another purpose": func(a attempt) {
			c := a.boss.confirms(a.k, "reveal-key", a.id)
			reveal(a.boss, a.id, c, 403)
			a.boss.refused("POST", "/api/v1/instances/"+a.id+"/key/reveal", map[string]any{"confirmation": c}, 403, "forbidden")
		},
		"a confirmation for another thing": func(a attempt) {
			reveal(a.boss, a.id, a.boss.confirms(a.k, "reveal-password", a.boss.instance()), 403)
		},
		"a confirmation of a session that is over": func(a attempt) {
			b := again(a)
			c := b.confirms(a.k, "reveal-password", a.id)
			in := b.begins(a.k, "reveal-password", a.id)
			a.boss.want("DELETE", "/api/v1/sessions/others", nil, 204, nil)
			reveal(a.boss, a.id, c, 403)
			ends(a.boss, in)
		},
		"a confirmation with the right password beside it": func(a attempt) {
			a.boss.refused("POST", "/api/v1/instances/"+a.id+"/password/reveal", map[string]any{"confirmation": "x", "password": password}, 403, "forbidden")
		},
		"no proof at all": func(a attempt) {
			a.boss.refused("POST", "/api/v1/instances/"+a.id+"/password/reveal", map[string]any{}, 403, "forbidden")
		},
		"what there is not": func(a attempt) {
			path := "/api/v1/session/confirm/passkey/new"
			a.boss.refused("POST", path, map[string]any{"purpose": "list-users"}, 422, "invalid")
			a.boss.refused("POST", path, map[string]any{"purpose": "reveal-password"}, 422, "invalid")
			a.boss.refused("POST", path, map[string]any{"purpose": "begin-passkey", "object": "x"}, 422, "invalid")
			a.w.member(a.boss, "zoe@example.org").refused("POST", path, map[string]any{"purpose": "begin-passkey"}, 403, "forbidden") // she has none
			a.w.browser().refused("POST", path, map[string]any{"purpose": "begin-passkey"}, 401, "unauthorized")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := attempt{w: w, boss: w.owner()}
			a.ken, a.id = w.member(a.boss, "ken@example.org"), a.boss.instance()
			a.k, a.theirs = a.boss.register("phone"), a.ken.register("ken's")
			try(a)
			if strings.Contains(w.log.String(), "confirmation=") {
				t.Error("a confirmation is in the log")
			}
		})
	}
}
