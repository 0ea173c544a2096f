package app

import (
	"net"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestClientIDPolicy has clients come with the client id of a connected one, behind a proxy that tells their addresses:
// by default they take over; once the instance refuses newcomers they are turned away, and log, metrics and Why? tell.
func TestClientIDPolicy(t *testing.T) {
	w, p, instance, password := behindProxy(t)
	at, user := "/instances/"+instance, instance+":pi"
	come := func(remote string, version mqtt.Version, id string) (net.Conn, *mqtt.Connack) {
		t.Helper()
		c := w.from(remote)
		packet := mqtt.Connect{Version: version, Clean: true, ClientID: []byte(id), User: []byte(user), HasUser: true, Password: []byte(password), HasPassword: true,
			RequestProblem: true, KeepAlive: 60, ReceiveMaximum: 0xFFFF}
		if _, err := c.Write(packet.Append(nil)); err != nil {
			t.Fatal(err)
		}
		f, err := readFrame(c)
		if err != nil {
			t.Fatal(err)
		}
		a, err := mqtt.DecodeConnack(f, version)
		if err != nil {
			t.Fatal(err)
		}
		return c, a
	}
	takenOver := func(c net.Conn) {
		t.Helper()
		f, err := readFrame(c)
		if err != nil || f.Type() != mqtt.DISCONNECT {
			t.Fatalf("read %v, %v", f.Type(), err)
		}
		if d, err := mqtt.DecodeDisconnect(f, mqtt.V5); err != nil || d.Reason != mqtt.SessionTakenOver {
			t.Errorf("%+v, %v", d, err)
		}
	}
	first, _ := come("198.51.100.7", mqtt.V5, "pump")
	if _, a := come("203.0.113.5", mqtt.V5, "pump"); a.Reason != mqtt.Success {
		t.Fatalf("by default: %v", a.Reason)
	}
	takenOver(first)

	if status := p.api("PATCH", at+"/client-ids", map[string]any{"policy": "both"}, nil); status != 422 {
		t.Errorf("no policy: %d", status)
	}
	var policy struct{ Policy string }
	if status := p.api("PATCH", at+"/client-ids", map[string]any{"policy": "refuse"}, &policy); status != 200 || policy.Policy != "refuse" {
		t.Fatalf("%d %+v", status, policy)
	}
	holder, _ := come("198.51.100.7", mqtt.V5, "valve")
	_, a := come("203.0.113.5", mqtt.V5, "valve")
	if a.Reason != mqtt.ClientIdentifierNotValid || !strings.Contains(a.ReasonString, "another client with this client identifier is connected") {
		t.Errorf("5.0: %v %q", a.Reason, a.ReasonString)
	}
	if _, a := come("203.0.113.5", mqtt.V311, "valve"); a.Reason != mqtt.ClientIdentifierNotValid { // return code 2
		t.Errorf("3.1.1: %v", a.Reason)
	}
	if _, err := holder.Write([]byte{byte(mqtt.PINGREQ) << 4, 0}); err != nil {
		t.Fatal(err)
	}
	if f, err := readFrame(holder); err != nil || f.Type() != mqtt.PINGRESP {
		t.Fatalf("the one that stays: %v, %v", f.Type(), err)
	}
	var log logLines
	p.until(func() bool {
		p.api("GET", at+"/log?kind=refused", nil, &log)
		return len(log.Items) > 0
	})
	if l := log.Items[0]; l.Gate != "session" || l.Rule != "client_id" || !strings.HasPrefix(l.Remote, "203.0.113.5:") || !strings.Contains(l.Cause, `user "pi" from 198.51.100.7`) {
		t.Errorf("log: %+v", l)
	}
	why := func(from string) (stop, text string) {
		t.Helper()
		var out struct {
			Works bool
			Steps []struct{ Gate, Text, Rule string }
		}
		ask := map[string]any{"client": "valve", "user": "pi", "action": "connect"}
		if from != "" {
			ask["from"] = from
		}
		if status := p.api("POST", at+"/why", ask, &out); status != 200 {
			t.Fatal(status)
		}
		last := out.Steps[len(out.Steps)-1]
		if out.Works {
			return "", last.Text
		}
		return last.Gate + " " + last.Rule, last.Text
	}
	for from, want := range map[string]string{"203.0.113.5": "session client_id", "198.51.100.7": "", "": "session client_id"} {
		if stop, text := why(from); stop != want {
			t.Errorf("why from %q: %q, want %q: %s", from, stop, want, text)
		}
	}
	answer, text := p.send("GET", "https://localhost"+p.port()+"/api/v1"+at+"/metrics", nil)
	if answer.StatusCode != 200 || !strings.Contains(text, "\ntsunagi_connects_refused_client_id_total 2\n") {
		t.Errorf("metrics: %s\n%s", answer.Status, text)
	}

	again, a := come("198.51.100.7", mqtt.V5, "valve") // it lost its network and comes back
	if a.Reason != mqtt.Success {
		t.Fatalf("the same address and user: %v", a.Reason)
	}
	takenOver(holder)
	again.Close()
	for end := time.Now().Add(30 * time.Second); ; { // until its end is noticed
		if _, a := come("203.0.113.5", mqtt.V5, "valve"); a.Reason == mqtt.Success {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody has the identifier, and it is refused")
		}
	}
}
