package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/gate"
	"tsunagi/internal/mqtt"
)

type exposures struct {
	Items []struct {
		User, Remote string
		ClientID     string `json:"client_id"`
		Times        int
		LastAt       time.Time `json:"last_at"`
	}
}

// TestPasswordsInClear sends logins over the port without TLS: a user's own password marks the user, with when and from
// where, and a new password takes the mark away. Nothing else does.
func TestPasswordsInClear(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	at := "/instances/" + in.ID
	var made struct{ Password string }
	if status := p.api("POST", at+"/users", map[string]any{"name": "pi"}, &made); status != 201 {
		t.Fatal(status)
	}
	if status := p.api("POST", at+"/users", map[string]any{"name": "chosen", "password": "a password of mine"}, nil); status != 201 {
		t.Fatal(status)
	}
	clear := func(user, password string, version mqtt.Version) {
		t.Helper()
		c := w.dial(w.mqtt, nil)
		connect := mqtt.Connect{Version: version, Clean: true, ClientID: []byte("porch\r\n<b>"), User: []byte(user), HasUser: true, Password: []byte(password), HasPassword: true}
		if _, err := c.Write(connect.Append(nil)); err != nil {
			t.Fatal(err)
		}
		f, err := readFrame(c)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := mqtt.DecodeConnack(f, version); err != nil || a.Reason == mqtt.Success {
			t.Fatalf("%+v, %v", a, err)
		}
		c.Close()
	}
	list := func() (e exposures) { p.api("GET", at+"/exposures", nil, &e); return e }
	clear(in.ID+":pi", "guessed", mqtt.V5)
	clear(in.ID+":nobody", made.Password, mqtt.V5)
	clear("zzzzzzzz:pi", made.Password, mqtt.V5)
	clear(in.ID+":chosen", "a password of mine", mqtt.V311)
	clear(in.ID+":pi", made.Password, mqtt.V31)
	got := until(t, list, func(e exposures) bool { return len(e.Items) == 2 })
	if e := got.Items[0]; e.User != "pi" || !strings.HasPrefix(e.Remote, "127.0.0.1") || e.Times != 1 || strings.ContainsAny(e.ClientID, "\r\n") || time.Since(e.LastAt) > time.Minute || got.Items[1].User != "chosen" {
		t.Errorf("exposures %+v", got)
	}
	clear(in.ID+":pi", made.Password, mqtt.V5) // at once again: the mark is there
	var user struct{ Password string }
	p.api("PATCH", at+"/users/pi", map[string]any{"rotate": true}, &user)
	clear(in.ID+":pi", made.Password, mqtt.V5) // the old one opens nothing any more
	clear(in.ID, "nothing", mqtt.V5)
	if e := list(); len(e.Items) != 1 || e.Items[0].User != "chosen" || user.Password == "" {
		t.Errorf("after a new password: %+v", e)
	}
	p.api("DELETE", at+"/users/chosen", nil, nil)
	if e := list(); len(e.Items) != 0 {
		t.Errorf("after the user is gone: %+v", e)
	}
	if code := w.stop(); code != ExitOK || strings.Contains(w.log.String(), made.Password) {
		t.Errorf("exit code %d, log with the password: %v", code, strings.Contains(w.log.String(), made.Password))
	}
}

// until asks again until what comes is right.
func until[T any](t *testing.T, ask func() T, right func(T) bool) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		got := ask()
		if right(got) {
			return got
		}
		select {
		case <-ctx.Done():
			t.Fatalf("still %+v", got)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestTripwireIsBounded offers far more than is judged: nobody waits.
func TestTripwireIsBounded(t *testing.T) {
	judged := 0
	w := &tripwire{waiting: make(chan account.Credentials, tripwireWaiting), expose: func(context.Context, account.Credentials) (bool, error) { judged++; return false, nil }}
	for range 10 * tripwireWaiting {
		w.offer("abcdefgh", "u", gate.Hello{HasPass: true, Password: []byte("x")})
	}
	w.offer("", "u", gate.Hello{HasPass: true, Password: []byte("x")})
	if len(w.waiting) != tripwireWaiting || judged != 0 {
		t.Errorf("%d wait, %d judged", len(w.waiting), judged)
	}
}
