package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// TestRestoreTellsEveryFault wants each entry that can't be made named with its place and why, and nothing made.
func TestRestoreTellsEveryFault(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rule := account.PortableRule{Effect: account.Allow, Access: account.Publish, Filter: "a/#"}
	from := account.Portable{
		Instance: "elsewhere",
		Logins:   account.PortableLogins{Certificate: "maybe"},
		Rules: []account.PortableRule{rule, rule, {User: "nobody", Effect: account.Allow, Access: account.Publish, Filter: "b"},
			{Effect: account.Allow, Access: account.Publish, Filter: "#/a"}, {User: "elsewhere", Effect: account.Deny, Access: account.Publish, Filter: "mine"}},
		Hooks: []account.PortableHook{
			{Name: "good", Enabled: true, Events: []account.HookEvent{account.HookMessage}, Filter: "a/#", Action: account.HookPost, URL: "https://h.example/x"},
			{Name: "mail", Action: account.HookMail, MailTo: []string{"stranger@example.org"}},
			{Name: "bad", Action: "sing"}},
		Bridges:     []account.PortableBridge{{Name: "bad", Address: "nowhere"}},
		History:     []account.HistoryFilter{{Filter: "#/a"}},
		Authorities: []account.PortableAuthority{{Certificate: "none"}},
		TokenKeys:   []account.PortableTokenKey{{URL: "https://k.example/keys"}, {URL: "http://k.example"}},
		PageKeys: []account.PortablePageKey{{Name: "page", Subscribe: []string{"news/#"}, Origins: []string{"https://www.example.net"}, ExpiresAt: &now},
			{Name: "nothing"}},
		Guard:     &account.PortableGuard{Others: "perhaps"},
		Addresses: []account.PortableAddressRule{{Prefix: "192.0.2.0/24", Effect: account.Deny}, {Prefix: "192.0.2.7/24", Effect: account.Allow}, {Prefix: "x", Effect: account.Deny}},
	}
	users := []account.PortableUser{{Name: "a", Connect: true}, {Name: "a"}, {Name: "b", Hash: "md5"}, {Name: "c"}, {Name: "d"}}
	for _, dry := range []bool{true, false} {
		r, err := w.Restore(w.ctx, w.owner, in.ID, from, users, dry)
		if err != nil || r.Applied {
			t.Fatalf("restored: %+v, %v", r, err)
		}
		var got []string
		for _, f := range r.Faults.List {
			got = append(got, fmt.Sprintf("%s:%d %s", f.Source, f.Line, f.Key))
		}
		want := []string{
			"users.ndjson:2 api.import.twice", "users.ndjson:3 api.import.hash", "users.ndjson:5 api.user.limit",
			"instance.json:2 api.rule.twice", "instance.json:3 api.rule.user", "instance.json:4 api.rule.filter",
			"instance.json:3 api.hook.events",
			"instance.json:1 api.bridge.client_id",
			"instance.json:0 api.history.filter",
			"instance.json:0 api.login.certificate",
			"instance.json:1 api.login.authority",
			"instance.json:2 api.login.url",
			"instance.json:2 api.page_key.origins",
			"instance.json:0 api.address.effect",
			"instance.json:2 api.address.twice", "instance.json:3 api.address.prefix",
		}
		if !slices.Equal(got, want) {
			t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		var notes []string
		for _, n := range r.Notes.List {
			notes = append(notes, n.Key)
		}
		if want := []string{"api.restore.generated", "api.restore.signing", "api.restore.readers", "api.restore.page_key"}; !slices.Equal(notes, want) {
			t.Errorf("notes %v, want %v", notes, want)
		}
		if r.Users != 2 || r.Rules != 2 || r.Hooks != 1 || r.Bridges != 0 || r.TokenKeys != 1 || r.PageKeys != 1 || r.Addresses != 1 {
			t.Errorf("what could be made: %+v", r)
		}
	}
}

// TestRestoreSettles wants an instance's logins and guard as the file has them, whether or not it had chosen any before.
func TestRestoreSettles(t *testing.T) {
	w := newWorld(t)
	for _, chosen := range []bool{false, true} {
		in, _ := w.instance(w.owner)
		if chosen {
			yes, five := true, 5
			if _, err := w.ChangeLogins(w.ctx, w.owner, in.ID, account.LoginsChange{Token: &yes}); err != nil {
				t.Fatal(err)
			}
			if _, _, err := w.ChangeGuard(w.ctx, w.owner, in.ID, account.GuardChange{BanTries: &five}, true); err != nil {
				t.Fatal(err)
			}
		}
		r, err := w.Restore(w.ctx, w.owner, in.ID, account.Portable{
			Logins: account.PortableLogins{Password: true, Certificate: account.CertificateAccepted, CertificateUser: account.DefaultLogins("").CertificateUser},
			Guard:  &account.PortableGuard{Others: account.Allow, Ban: true, BanTries: 7, BanWindow: 60, BanLength: 600, ConnectRate: 30},
		}, nil, false)
		if err != nil || !r.Applied {
			t.Fatalf("restored: %+v, %v", r, err)
		}
		l, err := w.Logins(w.ctx, w.owner, in.ID)
		if err != nil || l.Token || l.Certificate != account.CertificateAccepted {
			t.Errorf("chosen before %v: %+v, %v", chosen, l, err)
		}
		if g, _, err := w.Guard(w.ctx, w.owner, in.ID); err != nil || g.BanTries != 7 || g.ConnectRate != 30 {
			t.Errorf("chosen before %v: %+v, %v", chosen, g, err)
		}
	}
}
