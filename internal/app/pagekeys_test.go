package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/mqtt"
)

// page opens MQTT over WebSocket as the script of a page does; the error has the server's status.
func (w *world) page(path, origin string) (net.Conn, error) {
	conf := w.tls("localhost")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", w.https)
	}}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.t.Cleanup(cancel)
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	ws, answer, err := websocket.Dial(ctx, "wss://localhost"+path, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header, Subprotocols: []string{"mqtt"}})
	if err != nil {
		text := ""
		if answer != nil && answer.Body != nil {
			raw, _ := io.ReadAll(answer.Body)
			text = fmt.Sprintf("%d %s", answer.StatusCode, raw)
		}
		return nil, fmt.Errorf("%s", text)
	}
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return websocket.NetConn(ctx, ws, websocket.MessageBinary), nil
}

// TestPublishableKeys uses a key as pages do, and as pages shouldn't.
func TestPublishableKeys(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in, other struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	p.api("POST", "/instances", map[string]any{"name": "y"}, &other)
	at := "/instances/" + in.ID + "/publishable-keys"
	const shop = "https://shop.example"
	wish := map[string]any{"name": "shop", "subscribe": []string{"shop/#"}, "publish": []string{"shop/votes"}, "origins": []string{shop + ":443/"}, "connections": 2}
	var made struct {
		Key, URL string
		Origins  []string
	}
	if status := p.api("POST", at, wish, &made); status != 201 || len(made.Origins) != 1 || made.Origins[0] != shop || !strings.HasSuffix(made.URL, "/mqtt/"+in.ID+"?key="+made.Key) {
		t.Fatalf("%d %+v", status, made)
	}
	for field, bad := range map[string]any{"subscribe": []string{"#"}, "publish": []string{"+/x"}, "origins": []string{"*"}, "name": "", "connections": -1, "days": 4000} {
		worse := map[string]any{}
		for k, v := range wish {
			worse[k] = v
		}
		worse[field] = bad
		if status := p.api("POST", at, worse, nil); status != 422 {
			t.Errorf("%s %v: %d", field, bad, status)
		}
	}

	path := "/mqtt/" + in.ID + "?key="
	for name, wrong := range map[string][2]string{
		"another page": {path + made.Key, "https://evil.example"}, "no page": {path + made.Key, ""}, "another scheme": {path + made.Key, "http://shop.example"},
		"another key": {path + "pk_" + strings.Repeat("a", 26), shop}, "no key": {path, shop}, "another's instance": {"/mqtt/" + other.ID + "?key=" + made.Key, shop},
		"an instance that isn't": {"/mqtt/zzzzzzzz?key=" + made.Key, shop},
	} {
		if _, err := w.page(wrong[0], wrong[1]); err == nil || err.Error() != "403 This key does not let this page in: the instance's log says why.\n" {
			t.Errorf("%s: %v", name, err)
		}
	}
	enter := func(id string, p mqtt.Connect) (*device, mqtt.Connack) {
		t.Helper()
		c, err := w.page(path+made.Key, shop)
		if err != nil {
			t.Fatal(err)
		}
		p.ClientID = []byte(id)
		a, err := connect(c, p)
		if err != nil {
			t.Fatal(err)
		}
		return &device{w: w, Conn: c}, a
	}
	if _, a := enter("with a password", mqtt.Connect{User: []byte(in.ID), Password: []byte("x")}); a.Reason != mqtt.BadUserNameOrPassword {
		t.Errorf("with a user: %v", a.Reason)
	}
	one, a := enter("one", mqtt.Connect{})
	if a.Reason != mqtt.Success {
		t.Fatalf("%v %s", a.Reason, a.ReasonString)
	}
	for topic, want := range map[string]mqtt.Reason{"shop/votes": mqtt.Success, "shop/a": mqtt.NotAuthorized, "home": mqtt.NotAuthorized} {
		if got := one.publish(topic, "x", false); got.Failed() != (want != mqtt.Success) {
			t.Errorf("publish to %s: %v", topic, got)
		}
	}
	if got := subscribe(t, one, "shop/#", "shop/a", "#", "home/#", "$SYS/#", "$share/g/shop/#"); got != "00 00 87 87 87 00" {
		t.Errorf("subscribed: %s", got)
	}
	if _, a := enter("two", mqtt.Connect{}); a.Reason != mqtt.Success {
		t.Errorf("second: %v", a.Reason)
	}
	if _, a := enter("three", mqtt.Connect{}); a.Reason != mqtt.QuotaExceeded {
		t.Errorf("third of two: %v", a.Reason)
	}
	if _, a := enter("two", mqtt.Connect{}); a.Reason != mqtt.Success { // takes the second's place
		t.Errorf("the second again: %v", a.Reason)
	}
	if status := p.api("DELETE", at+"/"+made.Key, nil, nil); status != 204 {
		t.Error(status)
	}
	for { // what waits, then DISCONNECT or the end
		if f, err := readFrame(one); err != nil || f.Type() == mqtt.DISCONNECT {
			break
		}
	}
	if _, err := w.page(path+made.Key, shop); err == nil {
		t.Error("a deleted key opens")
	}
	var log struct {
		Items []struct{ Cause, User string }
	}
	p.api("GET", "/instances/"+in.ID+"/log?kind=refused", nil, &log)
	if told := fmt.Sprint(log); !strings.Contains(told, "evil.example") {
		t.Errorf("the log doesn't tell which page was refused: %s", told)
	}
}
