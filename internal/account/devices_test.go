package account_test

import (
	"crypto/ed25519"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// newKey is a device's.
func newKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *world) code(by account.Actor, name, instance string) string {
	w.t.Helper()
	p, err := w.CreatePairing(w.ctx, by, account.NewDevice{Name: name, Instance: instance})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Code
}

var home = account.Actor{Via: "panel", Remote: "203.0.113.5"}

func TestPairing(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	code := w.code(w.owner, "pi", in.ID)
	key := newKey(t)
	_, err := w.Pair(w.ctx, home, code, key[:31], "1")
	wantCode(t, err, account.Invalid)
	made, err := w.Pair(w.ctx, home, strings.ToLower(strings.ReplaceAll(code, "-", " ")), key, "1.2")
	if err != nil {
		t.Fatal(err)
	}
	if d := made.Device; d.Owner != w.owner.Account.ID || d.Name != "pi" || string(d.Key) != string(key) || d.Version != "1.2" || d.Instance != in.ID {
		t.Errorf("device %+v", d)
	}
	_, err = w.Pair(w.ctx, home, code, newKey(t), "1") // replayed
	wantCode(t, err, account.NotFound)

	l := w.mustLogin(in.ID, "device-pi", made.Password)
	if r := l.Rights; !r.MayPublish("pi/a", "c", 0, false).Allowed || !r.MaySubscribe("pi/#", "c").Allowed || r.MayPublish("other/a", "c", 0, false).Allowed || r.MaySubscribe("#", "c").Allowed {
		t.Error("the device's MQTT user has other rights than its own topics")
	}
	password, err := w.RotateDevice(w.ctx, account.DeviceActor(made.Device, ""), made.Device.ID, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.login(in.ID, "device-pi", made.Password); err == nil {
		t.Error("the password before the rotation still works")
	}
	w.mustLogin(in.ID, "device-pi", password)
	if err := w.DeleteDevice(w.ctx, w.owner, made.Device.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.login(in.ID, "device-pi", password); err == nil {
		t.Error("an unpaired device still logs in")
	}
	if n := w.lastNews(); n.Instance != in.ID || len(n.Users) != 1 || n.Users[0] != "device-pi" {
		t.Errorf("its connections don't end: %+v", n)
	}
}

func TestPairingCodesEnd(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	pair := func(code string) error { _, err := w.Pair(w.ctx, home, code, newKey(t), ""); return err }
	late := w.code(w.owner, "late", in.ID)
	w.wait(10*time.Minute + time.Second)
	wantCode(t, pair(late), account.NotFound)
	taken := w.code(w.owner, "kitchen", in.ID)
	if _, err := w.CreateFlowServer(w.ctx, w.owner, "kitchen"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, pair(taken), account.Conflict) // the two share one zone of names
	_, err := w.CreatePairing(w.ctx, w.owner, account.NewDevice{Name: "kitchen", Instance: in.ID})
	wantCode(t, err, account.Conflict)
	for _, bad := range []account.NewDevice{{Name: "edit-x", Instance: in.ID}, {Name: "x", Instance: "zzzzzzzz"}, {Name: "x", Instance: in.ID, Filter: "a/#/b"},
		{Name: "x", Instance: in.ID, Filter: "$SYS/#"}} {
		_, err := w.CreatePairing(w.ctx, w.owner, bad)
		wantCode(t, err, account.Invalid)
	}
	m, _ := w.member("m@example.org")
	_, err = w.CreatePairing(w.ctx, m, account.NewDevice{Name: "x", Instance: in.ID})
	wantCode(t, err, account.Invalid) // another's instance is like none

	out := w.code(w.owner, "out", in.ID)
	if err := w.SignOut(w.ctx, w.owner); err != nil {
		t.Fatal(err)
	}
	wantCode(t, pair(out), account.NotFound)
}

// TestPairingBounds wants a bound of codes that wait, and of tries with wrong ones.
func TestPairingBounds(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	for i := range 10 {
		w.code(w.owner, "d"+string(rune('a'+i)), in.ID)
	}
	_, err := w.CreatePairing(w.ctx, w.owner, account.NewDevice{Name: "eleven", Instance: in.ID})
	wantCode(t, err, account.RateLimited)
	w.wait(11 * time.Minute)
	good := w.code(w.owner, "good", in.ID)
	for range 10 {
		_, err = w.Pair(w.ctx, home, "BBBB-BBBB-BBBB", newKey(t), "")
		wantCode(t, err, account.NotFound)
	}
	_, err = w.Pair(w.ctx, home, good, newKey(t), "")
	wantCode(t, err, account.RateLimited)
	if _, err = w.Pair(w.ctx, account.Actor{Remote: "203.0.113.77"}, good, newKey(t), ""); err != nil {
		t.Errorf("another address is kept out by the guesser: %v", err)
	}
}

func TestPairingRace(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	code := w.code(w.owner, "pi", in.ID)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		key := newKey(t)
		all.Go(func() {
			if _, err := w.Pair(w.ctx, home, code, key, ""); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if list, err := w.Devices(w.ctx, w.owner); won.Load() != 1 || len(list) != 1 || err != nil {
		t.Errorf("%d devices won, %d are paired, %v", won.Load(), len(list), err)
	}
}

func TestDevicesOfOthers(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	made, err := w.Pair(w.ctx, home, w.code(w.owner, "pi", in.ID), newKey(t), "")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := w.member("m@example.org")
	id := made.Device.ID
	for name, call := range map[string]func() error{
		"Device": func() error { _, err := w.Device(w.ctx, m, id); return err },
		"ChangeDevice": func() error {
			_, err := w.ChangeDevice(w.ctx, m, id, account.DeviceChange{Name: ptr("mine")})
			return err
		},
		"DeleteDevice": func() error { return w.DeleteDevice(w.ctx, m, id) },
		"RotateDevice": func() error { _, err := w.RotateDevice(w.ctx, m, id, newKey(t)); return err },
		"OpenDevice":   func() error { _, _, err := w.OpenDevice(w.ctx, m, id); return err },
		"OpenPages":    func() error { _, _, err := w.OpenDevicePages(w.ctx, m, id); return err },
		"AuditDevice":  func() error { _, err := w.AuditDevice(w.ctx, m, id, "x"); return err },
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, call(), account.NotFound) })
	}
	if list, err := w.Devices(w.ctx, m); len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}

	code, _, err := w.OpenDevice(w.ctx, w.owner, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CheckDeviceCode(w.ctx, "other", code, "Browser/1"); err == nil {
		t.Error("a code of another device is taken")
	}
	if _, err := w.CheckDeviceCode(w.ctx, id, code, "Browser/2"); err == nil {
		t.Error("a code of another browser is taken")
	}
	if hash, err := w.CheckDeviceCode(w.ctx, id, code, "Browser/1"); err != nil || hash != w.owner.Session {
		t.Error(err)
	}
	login, err := w.ExchangeDeviceCode(w.ctx, id, code, "Browser/1")
	if err != nil || login.Account.ID != w.owner.Account.ID {
		t.Fatalf("%+v, %v", login, err)
	}
	_, err = w.ExchangeDeviceCode(w.ctx, id, code, "Browser/1")
	wantCode(t, err, account.Forbidden)
	late, _, err := w.OpenDevice(w.ctx, w.owner, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ChangeDevice(w.ctx, w.owner, id, account.DeviceChange{NoEditing: ptr(true), Name: ptr("shed")}); err != nil {
		t.Fatal(err)
	}
	_, err = w.ExchangeDeviceCode(w.ctx, id, late, "Browser/1")
	wantCode(t, err, account.Forbidden)
	_, _, err = w.OpenDevice(w.ctx, w.owner, id)
	wantCode(t, err, account.Forbidden)
}

// TestPagesOfDevices wants codes for a device's pages to open nothing else, the two permissions to be apart, and the
// session to be that of somebody who may edit.
func TestPagesOfDevices(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	made, err := w.Pair(w.ctx, home, w.code(w.owner, "pi", in.ID), newKey(t), "")
	if err != nil {
		t.Fatal(err)
	}
	id := made.Device.ID
	code := func() string {
		t.Helper()
		code, _, err := w.OpenDevicePages(w.ctx, w.owner, id)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	if made.Device.Pages != account.PagesPeople {
		t.Errorf("a new device's pages are for %q", made.Device.Pages)
	}
	pages := code()
	if _, err := w.CheckDeviceCode(w.ctx, id, pages, "Browser/1"); err == nil {
		t.Error("a code for pages opens the editor's door")
	}
	_, err = w.ExchangeDeviceCode(w.ctx, id, pages, "Browser/1")
	wantCode(t, err, account.Forbidden)
	_, err = w.ExchangePagesCode(w.ctx, id, pages, "Browser/1")
	wantCode(t, err, account.Forbidden) // the wrong try has used it up
	editor, _, err := w.OpenDevice(w.ctx, w.owner, id)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.ExchangePagesCode(w.ctx, id, editor, "Browser/1")
	wantCode(t, err, account.Forbidden)
	_, err = w.ExchangePagesCode(w.ctx, id, code(), "Browser/2")
	wantCode(t, err, account.Forbidden)
	_, err = w.ExchangePagesCode(w.ctx, "other", code(), "Browser/1")
	wantCode(t, err, account.Forbidden)
	if login, err := w.ExchangePagesCode(w.ctx, id, code(), "Browser/1"); err != nil || login.Session != w.owner.Session {
		t.Errorf("%+v, %v", login, err)
	}

	change := func(c account.DeviceChange) {
		t.Helper()
		if _, err := w.ChangeDevice(w.ctx, w.owner, id, c); err != nil {
			t.Fatal(err)
		}
	}
	change(account.DeviceChange{NoEditing: ptr(true)})
	late := code() // remote editing is another matter
	change(account.DeviceChange{NoEditing: ptr(false), Pages: ptr(account.PagesNone)})
	_, err = w.ExchangePagesCode(w.ctx, id, late, "Browser/1")
	wantCode(t, err, account.Forbidden)
	_, _, err = w.OpenDevicePages(w.ctx, w.owner, id)
	wantCode(t, err, account.Forbidden)
	if _, _, err := w.OpenDevice(w.ctx, w.owner, id); err != nil {
		t.Errorf("the editor went with the pages: %v", err)
	}
	_, err = w.ChangeDevice(w.ctx, w.owner, id, account.DeviceChange{Pages: ptr(account.Pages("all"))})
	wantCode(t, err, account.Invalid)
}

func TestLeastPages(t *testing.T) {
	const none, people, public = account.PagesNone, account.PagesPeople, account.PagesPublic
	for _, tt := range [][3]account.Pages{{none, public, none}, {people, none, none}, {people, public, people}, {public, public, public}, {people, people, people}} {
		if a, b := tt[0].Least(tt[1]), tt[1].Least(tt[0]); a != tt[2] || b != tt[2] {
			t.Errorf("%q and %q: %q, %q", tt[0], tt[1], a, b)
		}
	}
}
