package app

import (
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestPasswordInPage wants one line about a password that opens everything and comes from somebody's page, and none about
// narrow users, programs, and pages with a publishable key.
func TestPasswordInPage(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	id, password := w.instance()
	var narrow struct{ Password string }
	if status := p.api("POST", "/instances/"+id+"/users", map[string]any{"name": "narrow"}, &narrow); status != 201 {
		t.Fatal(status)
	}
	enter := func(origin, user, password string) {
		t.Helper()
		c, err := w.page("/mqtt/"+id, origin)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := connect(c, mqtt.Connect{ClientID: []byte("c " + origin + user), User: []byte(user), Password: []byte(password)}); err != nil || a.Reason != mqtt.Success {
			t.Fatalf("%s: %v, %v", origin, a.Reason, err)
		}
	}
	enter("", id, password)
	enter("https://localhost:8443", id, password) // some libraries name the server
	enter("https://shop.example", "narrow", narrow.Password)
	enter("https://shop.example", id, password)
	enter("https://shop.example", id, password)
	enter("https://other.example", "narrow", narrow.Password)
	var log struct {
		Items []struct{ Cause, User string }
	}
	p.until(func() bool {
		p.api("GET", "/instances/"+id+"/log?kind=page", nil, &log)
		return len(log.Items) > 0
	})
	if len(log.Items) != 1 || log.Items[0].User != id || !strings.Contains(log.Items[0].Cause, "https://shop.example") {
		t.Errorf("%+v", log)
	}
}
