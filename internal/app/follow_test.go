package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// caller asks the panel's API with a cookie or a token.
type caller struct {
	w              *world
	cookie, bearer string
	password       string
}

func (c *caller) do(method, path string, in any) *http.Response {
	c.w.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			c.w.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(c.w.t.Context(), method, "https://"+strings.Replace(c.w.https, "127.0.0.1", "localhost", 1)+"/api/v1"+path, body)
	if err != nil {
		c.w.t.Fatal(err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	} else if c.cookie != "" {
		r.Header.Set("Cookie", c.cookie)
	}
	answer, err := c.w.client().Do(r)
	if err != nil {
		c.w.t.Fatal(err)
	}
	for _, k := range answer.Cookies() {
		c.cookie = k.Name + "=" + k.Value
	}
	c.w.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (c *caller) want(method, path string, in any, status int, out any) {
	c.w.t.Helper()
	answer := c.do(method, path, in)
	raw, err := io.ReadAll(answer.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil || answer.StatusCode != status {
		c.w.t.Fatalf("%s %s: %s %s, %v", method, path, answer.Status, raw, err)
	}
}

// caller signs the owner in.
func (w *world) caller() *caller {
	w.t.Helper()
	var a struct{ Password string }
	w.admin(&a, "account", "create", "--email", "owner@example.org")
	c := &caller{w: w, password: a.Password}
	c.want("POST", "/session", map[string]string{"email": "owner@example.org", "password": a.Password}, 200, nil)
	return c
}

// TestSubscribeByHTTP is a listener without MQTT: what is retained comes first, then what is published, until its token
// is deleted.
func TestSubscribeByHTTP(t *testing.T) {
	w := serveWorld(t)
	owner := w.caller()
	id, password := w.instance()
	other, otherPassword := w.instance()
	sender := w.device(id, password, "sender", false)
	sender.publish("home/kept", "21 °C", true)
	sender.publish("away/kept", "no", true)
	w.device(other, otherPassword, "sender", false).publish("home/other", "no", true)
	var token struct{ ID, Token string }
	owner.want("POST", "/tokens", map[string]string{"name": "screen", "scope": "read", "instance": id, "password": owner.password}, 201, &token)

	screen := &caller{w: w, bearer: token.Token}
	if a := screen.do("GET", "/instances/"+other+"/subscribe?filter=%23", nil); a.StatusCode != 404 {
		t.Errorf("another instance: %s", a.Status)
	}
	if a := screen.do("GET", "/instances/"+id+"/subscribe?filter=a/%23/b", nil); a.StatusCode != 422 {
		t.Errorf("a filter that is none: %s", a.Status)
	}
	a := screen.do("GET", "/instances/"+id+"/retained/value?topic=home/kept", nil)
	if raw, err := io.ReadAll(a.Body); string(raw) != "21 °C" || err != nil || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("retained: %q %s, %v", raw, a.Header, err)
	}
	for topic, status := range map[string]int{"home/none": 404, "home/%23": 422, "": 422} {
		if a := screen.do("GET", "/instances/"+id+"/retained/value?topic="+topic, nil); a.StatusCode != status {
			t.Errorf("retained %q: %s", topic, a.Status)
		}
	}

	stream := screen.do("GET", "/instances/"+id+"/subscribe?filter=home/%23", nil)
	if stream.StatusCode != 200 || stream.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %s", stream.Status, stream.Header)
	}
	lines := bufio.NewScanner(stream.Body)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if data != want {
					t.Errorf("got %s, want %s", data, want)
				}
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", want, lines.Err())
	}
	next(`{"topic":"home/kept","payload":"21 °C","encoding":"text","qos":0,"retain":true}`)
	sender.publish("home/door", "open\n", false)
	next(`{"topic":"home/door","payload":"open\n","encoding":"text","qos":0,"retain":false}`)
	sender.publish("home/raw", "\xff\x00", false)
	next(`{"topic":"home/raw","payload":"/wA=","encoding":"base64","qos":0,"retain":false}`)
	large := strings.Repeat("x", 40_000)
	sender.publish("home/large", large, false)
	next(`{"topic":"home/large","payload":"` + large + `","encoding":"text","qos":0,"retain":false}`)

	var stats struct{ Connections, WebConnections int }
	var list struct {
		Items []struct{ ClientID, Via string }
	}
	owner.want("GET", "/instances/"+id+"/connections", nil, 200, &list)
	owner.want("GET", "/instances/"+id+"/stats", nil, 200, &stats)
	if len(list.Items) != 2 || stats.Connections != 1 {
		t.Errorf("connections %+v, %+v", list, stats)
	}
	owner.want("DELETE", "/tokens/"+token.ID, nil, 204, nil)
	if rest, err := io.ReadAll(stream.Body); err != nil && !strings.Contains(err.Error(), "EOF") || strings.Contains(string(rest), "data:") {
		t.Errorf("after the token was deleted: %q, %v", rest, err)
	}
	if a := screen.do("GET", "/instances/"+id+"/subscribe?filter=%23", nil); a.StatusCode != 401 {
		t.Errorf("with a deleted token: %s", a.Status)
	}
}

// TestStreamsAreBounded opens streams until the bound, and ends them by a restart of the instance.
func TestStreamsAreBounded(t *testing.T) {
	w := serveWorld(t)
	owner := w.caller()
	id, _ := w.instance()
	var open []*http.Response
	for len(open) < 100 {
		a := owner.do("GET", "/instances/"+id+"/subscribe?filter=%23", nil)
		if a.StatusCode != 200 {
			raw, _ := io.ReadAll(a.Body)
			if !strings.Contains(string(raw), `"detail"`) || len(open) < 2 {
				t.Errorf("refused at %d: %s %s", len(open), a.Status, raw)
			}
			break
		}
		open = append(open, a)
	}
	if len(open) > 10 {
		t.Errorf("%d streams are open", len(open))
	}
	owner.want("POST", "/instances/"+id+"/restart", nil, 204, nil)
	for _, a := range open {
		_, _ = io.ReadAll(a.Body) // returns: all have ended
	}
	if a := owner.do("GET", "/instances/"+id+"/subscribe?filter=%23", nil); a.StatusCode != 200 {
		t.Errorf("after the restart: %s", a.Status)
	}
}

// TestThingWithATokenForMessages is a thing that speaks HTTP alone: it publishes and listens with a token that can do
// nothing else, until the token is deleted.
func TestThingWithATokenForMessages(t *testing.T) {
	w := serveWorld(t)
	owner := w.caller()
	id, _ := w.instance()
	var token struct{ Token string }
	w.admin(&token, "token", "create", "thing", "--scope", "publish-subscribe", "--instance", id, "--topic", "door/+", "--topic", "bell", "--account", "owner@example.org")
	thing := &caller{w: w, bearer: token.Token}
	thing.want("POST", "/instances/"+id+"/publish", map[string]any{"topic": "door/front", "payload": "open", "retain": true}, 200, nil)
	if a := thing.do("POST", "/instances/"+id+"/publish", map[string]any{"topic": "door", "payload": "x"}); a.StatusCode != 403 {
		t.Errorf("another topic: %s", a.Status)
	}
	for path, status := range map[string]int{"/subscribe?filter=%23": 403, "/retained/value?topic=door": 403, "/retained/value?topic=door/front": 200, "/retained": 403, "": 403} {
		if a := thing.do("GET", "/instances/"+id+path, nil); a.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, a.Status, status)
		}
	}
	stream := thing.do("GET", "/instances/"+id+"/subscribe?filter=door/front", nil)
	if stream.StatusCode != 200 {
		t.Fatal(stream.Status)
	}
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"payload":"open"`) {
	}
	if lines.Err() != nil || !strings.Contains(lines.Text(), `"topic":"door/front"`) {
		t.Errorf("%q, %v", lines.Text(), lines.Err())
	}
	var list struct{ Items []struct{ ID string } }
	owner.want("GET", "/tokens", nil, 200, &list)
	owner.want("DELETE", "/tokens/"+list.Items[0].ID, nil, 204, nil)
	if rest, err := io.ReadAll(stream.Body); err != nil && !strings.Contains(err.Error(), "EOF") || strings.Contains(string(rest), "data:") {
		t.Errorf("after the token was deleted: %q, %v", rest, err)
	}
}
