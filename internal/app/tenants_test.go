package app

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestTenantsDontMeet is attack rows 7 and 28: what one instance names, sends, keeps or counts shows nowhere in another,
// and the same client identifier, group or topic there is another thing. The API's routes are asked by TestOthersThings
// of package panel.
func TestTenantsDontMeet(t *testing.T) {
	w := serveWorld(t)
	mine, myPassword := w.instance()
	theirs, theirPassword := w.instance()
	victim := w.device(mine, myPassword, "canary", true)
	if got := subscribe(t, victim, "canary/#", "$share/canary/work/#"); got != "00 00" {
		t.Fatal(got)
	}
	sender := w.device(mine, myPassword, "sender", false)
	sender.publish("canary/kept", "canary", true)
	victim.want("canary/kept", "canary")

	spy := w.device(theirs, theirPassword, "canary", true) // the same identifier takes nothing over and resumes nothing
	filters := []string{"#", "+/+", "$share/canary/#", "$share/canary/work/#", mine + "/#", "+/" + mine + "/#", "/" + mine + "/#", "canary/#"}
	subscribe(t, spy, filters...)
	sender.publish("work/1", "canary", false)
	sender.publish("canary/live", "canary", false)
	for range 2 {
		if f := victim.frame(); f.Type() != mqtt.PUBLISH {
			t.Errorf("the victim reads type %d", f.Type())
		}
	}
	spy.quiet()
	numbers := w.device(theirs, theirPassword, "numbers", false)
	if r := numbers.publish("canary/kept", "", true); r.Failed() { // deletes nothing of the other's
		t.Error(r)
	}
	if r := numbers.publish("canary/live", "from another", false); r.Failed() {
		t.Error(r)
	}
	victim.quiet()
	late := w.device(mine, myPassword, "late", false)
	subscribe(t, late, "canary/kept")
	late.want("canary/kept", "canary")

	if got := subscribe(t, numbers, "$SYS/#"); got != "00" {
		t.Fatal(got)
	}
	if _, err := numbers.Write([]byte{0xC0, 0}); err != nil {
		t.Fatal(err)
	}
	for {
		f := numbers.frame()
		if f.Type() == mqtt.PINGRESP {
			break
		}
		var p mqtt.Publish
		if err := mqtt.DecodePublish(&p, f, mqtt.V5); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(f.Body, []byte("canary")) || bytes.Contains(f.Body, []byte(mine)) {
			t.Errorf("$SYS names another: %q", f.Body)
		}
		if string(p.Topic) == "$SYS/broker/clients/connected" && string(p.Payload) != "2" {
			t.Errorf("$SYS counts %s clients, want its own two", p.Payload)
		}
	}
	for _, args := range [][]string{{"user", "list", theirs}, {"rule", "list", theirs}} {
		if _, text := w.tryAdmin(args...); strings.Contains(text, "canary") || strings.Contains(text, mine) {
			t.Errorf("%v: %s", args, text)
		}
	}
	for _, words := range []string{"/debug/pprof/", "/metrics", "/debug/vars", "/mqtt/" + mine, "/api/v1/instances/" + mine} { // none of them tells a stranger
		a, err := w.client().Get("https://" + strings.Replace(w.https, "127.0.0.1", "localhost", 1) + words)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(a.Body)
		a.Body.Close()
		if strings.Contains(string(b), "canary") || strings.Contains(string(b), "goroutine") || strings.Contains(string(b), "tsunagi_") || a.StatusCode == http.StatusOK && strings.HasPrefix(words, "/api") {
			t.Errorf("%s: %s %.200s", words, a.Status, b)
		}
	}
}

// TestSameAnswerToEveryWrongLogin is attack row 18: the answer doesn't tell whether instance or user exist, at no door
// and in no version. That the work is the same is TestLogin of package account.
func TestSameAnswerToEveryWrongLogin(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()
	w.admin(nil, "user", "create", id, "dev")
	w.admin(nil, "user", "create", id, "shut")
	w.admin(nil, "user", "set", id, "shut", "--connect=false")
	n := 1
	from := func(host string) net.Conn { // an address of its own for each: too many tries from one are put off
		n++
		d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n))}}
		c, err := tls.DialWithDialer(d, "tcp", w.mqtts, w.tls(host))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	for door, open := range map[string]func() net.Conn{
		"by name": func() net.Conn { return from(id + ".localhost") }, "without name": func() net.Conn { return from("localhost") },
	} {
		for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
			var answers []string
			for _, who := range []struct{ user, password string }{
				{id + ":dev", "wrong"}, {id + ":nobody", "wrong"}, {id + ":nobody", password}, {id, "wrong"}, {id + ":shut", "wrong"}, {"zzzzzzzz:dev", "wrong"},
			} {
				c := open()
				p := mqtt.Connect{Version: v, Clean: true, ClientID: []byte("c"), User: []byte(who.user), HasUser: true, Password: []byte(who.password), HasPassword: true, RequestProblem: true}
				if _, err := c.Write(p.Append(nil)); err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(c)
				answers = append(answers, fmt.Sprintf("%x", b))
				c.Close()
			}
			for _, a := range answers {
				if a != answers[0] || a == "" {
					t.Errorf("%s, version %d: answers %q", door, v, answers)
					break
				}
			}
		}
	}
}
