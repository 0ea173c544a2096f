package panel_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tsunagi/internal/passkey/softkey"
)

const origin = "https://localhost:8443"

type ceremony struct {
	Ticket  string
	Options json.RawMessage
}

// register adds a passkey to the browser's account.
func (b *browser) register(name string) *softkey.Key {
	b.w.t.Helper()
	k := softkey.New("localhost", origin)
	var c ceremony
	b.want("POST", "/api/v1/passkeys/new", map[string]any{"password": password}, 200, &c)
	answer, err := k.Create(c.Options)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.want("POST", "/api/v1/passkeys", map[string]any{"ticket": c.Ticket, "name": name, "answer": answer}, 201, nil)
	return k
}

// sign begins a sign-in and returns what the passkey says to it.
func (b *browser) sign(k *softkey.Key, ticket string) map[string]any {
	b.w.t.Helper()
	var c ceremony
	b.want("POST", "/api/v1/session/passkey/new", map[string]any{"ticket": ticket}, 200, &c)
	answer, err := k.Get(c.Options)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return map[string]any{"ticket": c.Ticket, "answer": answer}
}

func TestPasskeys(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	boss.refused("POST", "/api/v1/passkeys/new", map[string]any{"password": "wrong"}, 403, "forbidden")
	k := boss.register("phone")
	other := boss.register("token")

	guest := w.browser()
	in := guest.sign(k, "")
	guest.want("POST", "/api/v1/session/passkey", in, 204, nil)
	var s struct{ Account struct{ Email string } }
	if guest.want("GET", "/api/v1/session", nil, 200, &s); s.Account.Email != "owner@example.org" {
		t.Errorf("signed in as %+v", s)
	}
	w.browser().refused("POST", "/api/v1/session/passkey", in, 401, "unauthorized") // once

	var list struct {
		Items []struct {
			ID, Name string
			UsedAt   *time.Time `json:"used_at"`
		}
	}
	boss.want("GET", "/api/v1/passkeys", nil, 200, &list)
	if len(list.Items) != 2 || list.Items[0].UsedAt == nil || list.Items[1].UsedAt != nil {
		t.Fatalf("passkeys %+v", list)
	}
	boss.want("PATCH", "/api/v1/passkeys/"+list.Items[0].ID, map[string]any{"name": "old phone"}, 200, nil)
	ken := w.member(boss, "ken@example.org")
	ken.refused("POST", "/api/v1/passkeys/"+list.Items[0].ID+"/remove", map[string]any{"password": password}, 404, "not_found")
	boss.want("POST", "/api/v1/passkeys/"+list.Items[0].ID+"/remove", map[string]any{"password": password}, 204, nil)
	gone := w.browser()
	gone.refused("POST", "/api/v1/session/passkey", gone.sign(k, ""), 401, "unauthorized")
	still := w.browser()
	still.want("POST", "/api/v1/session/passkey", still.sign(other, ""), 204, nil)
}

// TestWrongPasskeys are answers that must open nothing.
func TestWrongPasskeys(t *testing.T) {
	for name, spoil := range map[string]func(k *softkey.Key, in map[string]any){
		"another site":           func(k *softkey.Key, _ map[string]any) { k.Origin = "https://evil.example" },
		"a flow's origin":        func(k *softkey.Key, _ map[string]any) { k.Origin = "https://edit-x.flows.localhost:8443" },
		"nobody verified":        func(k *softkey.Key, _ map[string]any) { k.Verified = false },
		"a copy, counter behind": func(k *softkey.Key, _ map[string]any) { k.Count = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			boss := w.owner()
			k := boss.register("phone")
			for range 2 {
				b := w.browser()
				b.want("POST", "/api/v1/session/passkey", b.sign(k, ""), 204, nil)
			}
			spoil(k, nil)
			b := w.browser()
			b.refused("POST", "/api/v1/session/passkey", b.sign(k, ""), 401, "unauthorized")
		})
	}
	w := newWorld(t)
	boss := w.owner()
	k := boss.register("phone")
	b := w.browser()
	in, next := b.sign(k, ""), b.sign(k, "")
	in["ticket"] = next["ticket"]
	b.refused("POST", "/api/v1/session/passkey", in, 401, "unauthorized") // an answer to another challenge
	stolen := w.browser()
	stolen.header.Set("User-Agent", "another browser")
	stolen.refused("POST", "/api/v1/session/passkey", b.sign(k, ""), 401, "unauthorized")
	var c ceremony
	boss.want("POST", "/api/v1/passkeys/new", map[string]any{"password": password}, 200, &c)
	answer, err := softkey.New("localhost", "https://evil.example").Create(c.Options)
	if err != nil {
		t.Fatal(err)
	}
	boss.refused("POST", "/api/v1/passkeys", map[string]any{"ticket": c.Ticket, "name": "x", "answer": answer}, 403, "forbidden")
	boss.refused("POST", "/api/v1/session/passkey", map[string]any{"ticket": c.Ticket, "answer": map[string]any{}}, 401, "unauthorized")
}

// TestPasskeyAsSecondStep takes a passkey where a code of the app would be asked for.
func TestPasskeyAsSecondStep(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	k := boss.register("phone")
	var begun struct{ Secret string }
	boss.want("POST", "/api/v1/factors/new", map[string]any{}, 200, &begun)
	code, err := totp.GenerateCode(begun.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	boss.want("POST", "/api/v1/factors", map[string]any{"password": password, "name": "app", "secret": begun.Secret, "code": code}, 201, nil)
	b := w.browser()
	var first struct {
		Ticket  string
		Passkey bool
	}
	if b.want("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": password}, 200, &first); first.Ticket == "" || !first.Passkey {
		t.Fatalf("first step %+v", first)
	}
	b.refused("GET", "/api/v1/session", nil, 401, "unauthorized")
	b.want("POST", "/api/v1/session/passkey", b.sign(k, first.Ticket), 204, nil)
	b.want("GET", "/api/v1/session", nil, 200, nil)

	// Somebody else's passkey is no second step, and a ticket that was used is none either.
	ken := w.member(boss, "ken@example.org")
	theirs := ken.register("ken's")
	again := w.browser()
	again.want("POST", "/api/v1/session", map[string]any{"email": "owner@example.org", "password": password}, 200, &first)
	again.refused("POST", "/api/v1/session/passkey", again.sign(theirs, first.Ticket), 401, "unauthorized")
	again.refused("POST", "/api/v1/session/passkey/new", map[string]any{"ticket": first.Ticket}, 401, "unauthorized")
	if strings.Contains(w.log.String(), first.Ticket) {
		t.Error("a ticket is in the log")
	}
}
