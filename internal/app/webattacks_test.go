package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestSigningOutEndsWhatIsOpen is attack row 20: a sign-in has a new secret whatever the browser brought along, and
// signing out ends the session's log stream and the web client's MQTT at once, wherever its cookie is by then.
func TestSigningOutEndsWhatIsOpen(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	c := readContract(t, w)
	first := sessionCookie(p)
	given := http.Header{"Cookie": {"__Host-tsunagi=" + strings.Repeat("A", 43)}} // fixation
	answer, _ := c.send(nil, "POST", "/api/v1/session", `{"email":"owner@example.org","password":"a long enough pass phrase"}`, given)
	if set := answer.Cookies(); len(set) != 1 || set[0].Value == strings.Repeat("A", 43) || set[0].Value == first || len(set[0].Value) < 40 {
		t.Errorf("cookies %v", set)
	}
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	var minted struct {
		Token    string
		ClientID string `json:"client_id"`
	}
	if status := p.api("POST", "/instances/"+in.ID+"/web-token", nil, &minted); status != 200 {
		t.Fatal(status)
	}
	socket := w.socket("localhost", "/mqtt/"+in.ID, nil)
	if a, err := connect(socket, mqtt.Connect{ClientID: []byte(minted.ClientID), User: []byte("web-client"), Password: []byte(minted.Token)}); err != nil || a.Reason != mqtt.Success {
		t.Fatalf("%+v, %v", a, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "https://localhost"+p.port()+"/api/v1/instances/"+in.ID+"/log/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Browser/1")
	stream, err := p.client.Do(r)
	if err != nil || stream.StatusCode != 200 {
		t.Fatal(stream, err)
	}
	defer stream.Body.Close()
	stolen := sessionCookie(p)
	if status := p.api("DELETE", "/session", nil, nil); status != 204 {
		t.Fatal(status)
	}
	if _, err := io.Copy(io.Discard, stream.Body); ctx.Err() != nil {
		t.Errorf("the log stream goes on: %v", err)
	}
	for { // DISCONNECT, or the end
		if f, err := readFrame(socket); err != nil || f.Type() == mqtt.DISCONNECT {
			break
		}
	}
	answer, _ = c.send(nil, "GET", "/api/v1/session", "", http.Header{"Cookie": {"__Host-tsunagi=" + stolen}})
	if answer.StatusCode != 401 {
		t.Errorf("the old cookie opens: %s", answer.Status)
	}
	again := w.socket("localhost", "/mqtt/"+in.ID, nil)
	if a, err := connect(again, mqtt.Connect{ClientID: []byte(minted.ClientID), User: []byte("web-client"), Password: []byte(minted.Token)}); err == nil && a.Reason == mqtt.Success {
		t.Error("the old token of the web client opens")
	}
}

func sessionCookie(p *person) string {
	r, _ := http.NewRequest("GET", "https://localhost"+p.port()+"/", http.NoBody) // a constant
	for _, c := range p.client.Jar.Cookies(r.URL) {
		if strings.HasPrefix(c.Name, "__Host-") {
			return c.Value
		}
	}
	return ""
}

// TestHTTPUnderAttack is attack row 35: requests that two servers could read in two ways, headers without end, methods
// in disguise and half requests get an answer that is no success, and the server goes on.
func TestHTTPUnderAttack(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	raw := func(request string) string {
		t.Helper()
		c := w.dial(w.https, w.tls("localhost", "http/1.1"))
		defer c.Close()
		_, err := io.WriteString(c, request) // the server may hang up in the middle
		line, readErr := bufio.NewReader(c).ReadString('\n')
		if line == "" {
			return fmt.Sprintf("closed: %v %v", err, readErr)
		}
		return strings.TrimSpace(line)
	}
	head := "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	smuggled := "0\r\n\r\nGET /api/v1/instances HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, request := range map[string]string{
		"two lengths":                head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"a list of lengths":          head + "Content-Length: 2, 3\r\n\r\n{}",
		"a signed length":            head + "Content-Length: +2\r\n\r\n{}",
		"unknown transfer coding":    head + "Transfer-Encoding: xchunked\r\n\r\n" + smuggled,
		"two transfer codings":       head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + smuggled,
		"a space before the colon":   head + "Content-Length : 2\r\n\r\n{}",
		"a folded header":            head + "X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
		"no host":                    "GET /api/v1/status HTTP/1.1\r\n\r\n",
		"two hosts":                  "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"a bare line feed in a name": "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX\n: y\r\n\r\n",
		"a huge header":              "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"many headers":               "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 60_000) + "\r\n",
		"a chunk size without end":   head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("f", 40) + "\r\n",
	} {
		if got := raw(request); strings.Contains(got, " 200") || strings.Contains(got, " 204") {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Both at once is read by the chunks alone, and what follows is no second request of the connection.
	both := head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + smuggled
	c := w.dial(w.https, w.tls("localhost", "http/1.1"))
	_, _ = io.WriteString(c, both)
	text, _ := io.ReadAll(c)
	if n := strings.Count(string(text), "HTTP/1.1 "); n > 1 || strings.Contains(string(text), " 200 ") {
		t.Errorf("two framings at once: %d answers: %.300s", n, text)
	}
	// A method in disguise is none.
	at := "https://localhost" + p.port() + "/api/v1/instances/" + in.ID
	for _, disguise := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		for _, method := range []string{"GET", "POST", "PATCH"} {
			body := io.Reader(http.NoBody)
			if method == "PATCH" {
				body = strings.NewReader(`{"name":"y"}`)
			}
			p.send(method, at+"?_method=DELETE", body, disguise, "DELETE", "Content-Type", "application/json")
		}
	}
	if status := p.api("GET", "/instances/"+in.ID, nil, nil); status != 200 {
		t.Errorf("the instance after methods in disguise: %d", status)
	}
	var got net.Conn = w.dial(w.https, w.tls("localhost", "http/1.1"))
	if _, err := io.WriteString(got, "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(got); !strings.HasPrefix(string(text), "HTTP/1.1 200") {
		t.Errorf("after all of it: %.200s", text)
	}
}

// TestStoredScriptsStayText is attack row 27: markup in every name that the panel keeps comes back as data, under a type
// that no browser runs, with a policy that runs nothing of it.
func TestStoredScriptsStayText(t *testing.T) {
	const evil = `<img src=x onerror=alert(1)><script>alert(1)</script>`
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	c := readContract(t, w)
	var in struct{ ID string }
	if status := p.api("POST", "/instances", map[string]any{"name": evil}, &in); status != 201 {
		t.Fatal(status)
	}
	at := "/instances/" + in.ID
	var user struct{ Password string }
	for path, body := range map[string]map[string]any{
		"/users": {"name": evil, "note": evil}, "/publish": {"topic": evil, "payload": evil, "retain": true, "qos": 1},
		"/rules":            {"effect": "deny", "access": "both", "filter": evil, "note": evil},
		"/publishable-keys": {"name": evil, "subscribe": []string{"a"}, "origins": []string{"https://a.example"}},
	} {
		if status := p.api("POST", at+path, body, &user); status >= 300 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if a, err := connect(w.dial(w.mqtts, w.tls("localhost")), mqtt.Connect{ClientID: []byte(evil), User: []byte(in.ID + ":" + evil), Password: []byte(evil)}); err != nil || a.Reason == mqtt.Success {
		t.Errorf("%+v, %v", a, err)
	}
	seen := 0
	for path, methods := range c.doc.Paths {
		if _, ok := methods["get"]; !ok || !strings.HasPrefix(path, "/api/v1/") || strings.Contains(path, "stream") || strings.HasSuffix(path, "/subscribe") {
			continue
		}
		path = strings.ReplaceAll(path, "{name}", "%3Cimg%20src=x%20onerror=alert(1)%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
		answer, raw := c.send(p, "GET", fill(path, map[string]string{"id": in.ID})+"?topic="+strings.ReplaceAll(strings.ReplaceAll("<img src=x onerror=alert(1)><script>alert(1)</script>", " ", "%20"), "/", "%2F"), "", nil)
		kind := answer.Header.Get("Content-Type")
		if !strings.Contains(kind, "json") && !strings.HasPrefix(kind, "text/plain") && !strings.HasPrefix(kind, "text/csv") && !strings.HasPrefix(kind, "application/octet-stream") {
			t.Errorf("%s is %q", path, kind)
		}
		policy := answer.Header.Get("Content-Security-Policy")
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "script-src 'unsafe") {
			t.Errorf("%s: %v", path, answer.Header)
		}
		if strings.Contains(string(raw), "onerror") {
			seen++
		}
	}
	if seen < 6 {
		t.Errorf("the markup came back in %d answers only", seen)
	}
	answer, page := c.send(p, "GET", "/api/reference?x="+"%3Cscript%3E", "", nil)
	if strings.Contains(string(page), "<script") || answer.StatusCode != 200 {
		t.Errorf("the reference: %s", answer.Status)
	}
}
