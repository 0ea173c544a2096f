package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// site is a device whose flows make pages, and its owner's browser.
type site struct {
	*person
	d     deviceView
	pages string // origin of the pages, with a slash at the end
	home  *pi
}

// siteFlows answers with what a page is asked with, and echoes a WebSocket.
const siteFlows = `{"id":"t1","type":"tab","label":"Pages"},
	{"id":"h1","type":"http in","z":"t1","url":"/hello","method":"get","wires":[["f1"]],"x":1,"y":1},
	{"id":"h2","type":"http in","z":"t1","url":"/act","method":"post","wires":[["f1"]],"x":1,"y":2},
	{"id":"f1","type":"function","z":"t1","func":"msg.payload='page of '+env.get('NR_FLOW_NAME')+' '+msg.req.protocol+' '+JSON.stringify(msg.req.query)+' '+JSON.stringify(msg.req.headers);return msg","outputs":1,"libs":[],"wires":[["r1"]],"x":2,"y":1},
	{"id":"r1","type":"http response","z":"t1","wires":[],"x":3,"y":1},
	{"id":"w1","type":"websocket-listener","path":"/ws","wholemsg":"false"},
	{"id":"w2","type":"websocket in","z":"t1","server":"w1","client":"","wires":[["w3"]],"x":1,"y":3},
	{"id":"w3","type":"websocket out","z":"t1","server":"w1","client":"","wires":[],"x":2,"y":3}`

// newSite pairs a device, deploys its pages and signs its owner in to the panel.
func newSite(t *testing.T, w *world, email, name string, more ...string) *site {
	t.Helper()
	p := w.signIn(email)
	var in struct{ ID string }
	if p.api("POST", "/instances", map[string]any{"name": "Home"}, &in); in.ID == "" {
		t.Fatal("no instance")
	}
	var code struct{ Code, Command string }
	p.api("POST", "/devices/codes", map[string]any{"name": name, "instance": in.ID}, &code)
	s := &site{person: p, home: startPi(t, t.TempDir(), code.Command, more...)}
	s.d = p.online()
	bearer := []string{"Authorization", "Bearer " + p.open(s.d), "Content-Type", "application/json"}
	_, flows := p.send("GET", s.d.URL+"flows", nil, bearer...)
	broker := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(flows), "["), "]")
	if answer, text := p.send("POST", s.d.URL+"flows", strings.NewReader("["+broker+","+siteFlows+"]"), bearer...); answer.StatusCode >= 300 {
		t.Fatalf("deploy: %s %s", answer.Status, text)
	}
	s.pages = strings.Replace(s.d.URL, "edit-", "", 1)
	return s
}

// entry is a single-use address of the pages.
func (s *site) entry(to string) string {
	s.t.Helper()
	var opened struct{ URL, Detail string }
	if status := s.api("POST", "/devices/"+s.d.ID+"/pages", map[string]any{"to": to}, &opened); status != 200 {
		s.t.Fatalf("open pages: %d %s", status, opened.Detail)
	}
	return opened.URL
}

// change sets what the panel may, and waits until the device has learnt it.
func (s *site) change(what map[string]any) {
	s.t.Helper()
	if status := s.api("PATCH", "/devices/"+s.d.ID, what, nil); status != 200 {
		s.t.Fatalf("%v: %d", what, status)
	}
	was := s.d.Since
	s.d = s.device("back", func(v deviceView) bool { return v.Online && v.Since.After(was) })
}

// get asks for an address and says what came.
func (p *person) get(url string, header ...string) (int, string) {
	p.t.Helper()
	answer, text := p.send("GET", url, nil, header...)
	return answer.StatusCode, text
}

func (w *world) stranger() *person {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{t: w.t, w: w, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	p.at(w)
	return p
}

// echo has the flows' WebSocket answer.
func (p *person) echo(pages, origin string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	p.t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(pages, "https")+"ws", &websocket.DialOptions{HTTPClient: p.client,
		HTTPHeader: http.Header{"Origin": {origin}, "User-Agent": {"Browser/1"}}})
	if err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { _ = ws.CloseNow() })
	if err := ws.Write(ctx, websocket.MessageText, []byte("across")); err != nil {
		return nil, err
	}
	if _, text, err := ws.Read(ctx); err != nil || string(text) != "across" {
		return nil, fmt.Errorf("echo %q: %w", text, err)
	}
	return ws, nil
}

// TestDevicePages has the pages of a device's flows be seen through the tunnel: by people who may edit it, by everybody
// once both sides say so, and by nobody when one side says that, whatever holds for the editor.
func TestDevicePages(t *testing.T) {
	w := serveWorld(t)
	s := newSite(t, w, "owner@example.org", "pi")
	stranger := w.stranger()

	answer, _ := stranger.send("GET", s.pages+"hello?a=b", nil, "Accept", "text/html")
	if to, err := answer.Location(); err != nil || to.Path != "/devices/"+s.d.ID+"/pages" || to.Query().Get("to") != "/hello?a=b" || to.Hostname() != "localhost" {
		t.Errorf("a browser that isn't signed in is sent to %v, %v", to, err)
	}
	if status, text := stranger.get(s.pages + "hello"); status != 401 || strings.Contains(text, "page of") {
		t.Errorf("a stranger: %d %s", status, text)
	}

	entry := s.entry("/hello?a=b")
	s.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		r.Header.Del("Referer") // browsers obey the policy of the entry, which says so
		return nil
	}
	status, page := s.get(entry, "Accept", "text/html", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if status != 200 || !strings.Contains(page, `page of Pages https {"a":"b"}`) {
		t.Fatalf("the owner: %d %s\n%s", status, page, s.home.log)
	}
	for _, secret := range []string{"tsunagi-door", "x-tsunagi-session", "__Host-", "code="} {
		if strings.Contains(strings.ToLower(page), strings.ToLower(secret)) {
			t.Errorf("the flow sees %s: %s", secret, page)
		}
	}
	answer, _ = s.send("GET", s.pages+"hello", nil)
	if policy := answer.Header.Get("Content-Security-Policy"); answer.StatusCode != 200 || policy != "" {
		t.Errorf("pages on their own origin: %s, policy %q", answer.Status, policy)
	}
	if status, _ := stranger.get(entry); status != 401 {
		t.Errorf("the code works twice: %d", status)
	}
	ws, err := s.echo(s.pages, strings.TrimSuffix(s.pages, "/"))
	if err != nil {
		t.Fatal(err)
	}

	s.change(map[string]any{"remote_editing": false})
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("the change of the device left a socket open")
	}
	if status, _ := s.get(s.pages + "hello"); status != 200 {
		t.Errorf("without remote editing: %d", status)
	}
	s.change(map[string]any{"pages": "public"})
	if status, text := stranger.get(s.pages+"hello", "X-Tsunagi-Session", strings.Repeat("0", 64)); status != 200 || strings.Contains(strings.ToLower(text), "x-tsunagi") {
		t.Errorf("public pages: %d %s", status, text)
	}
	if _, err := stranger.echo(s.pages, strings.TrimSuffix(s.pages, "/")); err != nil {
		t.Error(err)
	}
	s.change(map[string]any{"pages": "none", "remote_editing": true})
	if status, _ := s.get(s.pages + "hello"); status != 403 {
		t.Errorf("with pages switched off: %d", status)
	}
	if status := s.api("POST", "/devices/"+s.d.ID+"/pages", map[string]any{}, nil); status != 403 {
		t.Errorf("a code for pages that are switched off: %d", status)
	}
	s.open(s.d) // the editor is another matter
	s.change(map[string]any{"pages": "people"})
	if ws, err = s.echo(s.pages, strings.TrimSuffix(s.pages, "/")); err != nil {
		t.Fatal(err)
	}
	s.api("DELETE", "/session", nil, nil)
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("signing out left a socket open")
	}
	if status, _ := s.get(s.pages + "hello"); status != 401 {
		t.Errorf("after signing out: %d", status)
	}
}

// TestDevicePagesAtHome has the device's own settings win over the panel's.
func TestDevicePagesAtHome(t *testing.T) {
	for _, tt := range []struct {
		more             []string
		owner, elsewhere int
	}{
		{[]string{"--remote-pages", "people"}, 200, 401},
		{[]string{"--remote-pages", "none"}, 403, 401},
	} {
		t.Run(strings.Join(tt.more, " "), func(t *testing.T) {
			w := serveWorld(t)
			s := newSite(t, w, "owner@example.org", "pi", tt.more...)
			entry := s.entryOrNone()
			s.change(map[string]any{"pages": "public"})
			if entry != "" {
				s.get(s.entry("/"))
			}
			if status, text := s.get(s.pages + "hello"); entry != "" && status != tt.owner {
				t.Errorf("the owner: %d %s", status, text)
			}
			if status, _ := w.stranger().get(s.pages + "hello"); status != tt.elsewhere {
				t.Errorf("a stranger: %d", status)
			}
			if tt.owner == 403 && entry != "" {
				t.Error("there is a code for pages that the device doesn't show")
			}
		})
	}
}

// entryOrNone is entry, or "" when the panel gives none.
func (s *site) entryOrNone() string {
	var opened struct{ URL string }
	s.api("POST", "/devices/"+s.d.ID+"/pages", map[string]any{}, &opened)
	return opened.URL
}

// TestPagesReachNoEditor is attack rows 16, 28 and 34 for the pages of devices: pages that a flow made, of this device or
// of another tenant's, try the editor and other pages in their visitor's name; cookies, codes, hosts and headers are used
// where they don't belong.
func TestPagesReachNoEditor(t *testing.T) {
	w := serveWorld(t, "--sign-up", "invite")
	s := newSite(t, w, "owner@example.org", "pi")
	if status, _ := s.get(s.entry("/hello")); status != 200 {
		t.Fatalf("the owner: %d", status)
	}
	s.open(s.d) // the same browser has both doors' cookies
	origin := strings.TrimSuffix(s.pages, "/")

	t.Run("a page at the editor", func(t *testing.T) {
		for _, tt := range [][2]string{{"GET", "flows"}, {"POST", "flows"}, {"POST", "auth/token"}, {"POST", "auth/revoke"}, {"POST", "inject/h1"}, {"DELETE", "context/global/x"}} {
			answer, text := s.send(tt[0], s.d.URL+tt[1], strings.NewReader("{}"), "Origin", origin, "Sec-Fetch-Site", "same-site", "Content-Type", "text/plain")
			if answer.StatusCode < 400 || answer.Header.Get("Access-Control-Allow-Origin") != "" || strings.Contains(text, "mqtt-broker") {
				t.Errorf("%s %s: %s, read by %q", tt[0], tt[1], answer.Status, answer.Header.Get("Access-Control-Allow-Origin"))
			}
		}
		if _, _, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(s.d.URL, "https")+"comms", &websocket.DialOptions{HTTPClient: s.client,
			HTTPHeader: http.Header{"Origin": {origin}, "User-Agent": {"Browser/1"}}}); err == nil {
			t.Error("the editor's socket opens for a page of the flows")
		}
	})
	t.Run("the editor at the origin of pages", func(t *testing.T) {
		for _, path := range []string{"", "flows", "settings", "auth/login", "comms", "red/red.min.js", "tsunagi/about", "welcome", ".tsunagi/", ".tsunagi/enter/../flows"} {
			if status, text := s.get(s.pages + path); status != 404 || strings.Contains(text, "RED") {
				t.Errorf("%q: %d %.100s", path, status, text)
			}
		}
	})
	t.Run("another page in the visitor's name", func(t *testing.T) {
		for name, header := range map[string][]string{
			"fetch by a neighbour":        {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Origin", "https://other.flows.localhost" + s.port()},
			"image by a neighbour":        {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
			"frame by a neighbour":        {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"},
			"fetch without metadata":      {"Origin", "https://other.flows.localhost" + s.port()},
			"fetch by a page of nowhere":  {"Origin", "null"},
			"fetch by the editor":         {"Sec-Fetch-Site", "same-site", "Origin", strings.TrimSuffix(s.d.URL, "/")},
			"fetch of another site":       {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"},
			"own site, somebody's origin": {"Sec-Fetch-Site", "same-origin", "Origin", "https://evil.example"},
		} {
			if status, text := s.get(s.pages+"hello", header...); status != 403 || strings.Contains(text, "page of") {
				t.Errorf("%s: %d %.100s", name, status, text)
			}
		}
		form := []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Origin", "https://other.flows.localhost" + s.port()}
		if answer, _ := s.send("POST", s.pages+"act", strings.NewReader("x"), form...); answer.StatusCode != 403 {
			t.Errorf("a form of a neighbour: %s", answer.Status)
		}
		if _, err := s.echo(s.pages, "https://other.flows.localhost"+s.port()); err == nil {
			t.Error("a neighbour's page opens the socket")
		}
		if answer, _ := s.send("POST", s.pages+"act", strings.NewReader("x"), "Origin", origin, "Sec-Fetch-Site", "same-origin"); answer.StatusCode != 200 {
			t.Errorf("the page itself: %s", answer.Status)
		}
	})
	t.Run("hosts", func(t *testing.T) {
		for _, host := range []string{"other.flows.localhost", "pi.flows.localhost.evil.example", "evil.example", "x.pi.flows.localhost", "edit-edit-pi.flows.localhost"} {
			if status, text := s.get(s.pages+"hello", "Host", host); status < 400 || strings.Contains(text, "page of") {
				t.Errorf("%s: %d %.100s", host, status, text)
			}
		}
		if status, _ := s.get(s.pages+"hello", "Host", "PI.flows.localhost"+s.port()); status != 200 {
			t.Errorf("the same name in other letters: %d", status)
		}
	})
	t.Run("cookies and headers of elsewhere", func(t *testing.T) {
		at, err := url.Parse(s.d.URL)
		if err != nil {
			t.Fatal(err)
		}
		var door string
		for _, c := range s.client.Jar.Cookies(at) {
			if c.Name == "__Host-tsunagi-door" {
				door = c.Value
			}
		}
		if door == "" {
			t.Fatal("the editor's door has no cookie")
		}
		session, _, _ := strings.Cut(door, ".")
		for name, header := range map[string][]string{
			"the editor's cookie": {"Cookie", "__Host-tsunagi-door=" + door},
			"a session":           {"X-Tsunagi-Session", session},
			"a session in hop":    {"X-Tsunagi-Session", session, "Connection", "X-Tsunagi-Session"},
			"an unsigned cookie":  {"Cookie", "__Host-tsunagi-door=" + session + "."},
		} {
			if status, text := w.stranger().get(s.pages+"hello", header...); status != 401 || strings.Contains(text, "page of") {
				t.Errorf("%s: %d %.100s", name, status, text)
			}
		}
	})
	t.Run("where the code leads", func(t *testing.T) {
		for _, to := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "javascript:alert(1)", "/.tsunagi/enter?code=x"} {
			entry := s.entry("/")
			u, err := url.Parse(entry)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set("to", to)
			u.RawQuery = q.Encode()
			answer, _ := w.stranger().send("GET", u.String(), nil)
			if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != "/" {
				t.Errorf("%s leads to %q, %s", to, got, answer.Status)
			}
		}
		var opened struct{ URL string }
		s.api("POST", "/devices/"+s.d.ID+"/open", nil, &opened)
		code := opened.URL[strings.Index(opened.URL, "code=")+len("code="):]
		if status, _ := w.stranger().get(s.pages + ".tsunagi/enter?code=" + code); status != 401 {
			t.Errorf("a code for the editor opens the pages: %d", status)
		}
	})
	t.Run("another tenant", func(t *testing.T) {
		other := newSite(t, w, "other@example.org", "other")
		if status := other.api("POST", "/devices/"+s.d.ID+"/pages", map[string]any{}, nil); status != 404 {
			t.Errorf("a code for another's device: %d", status)
		}
		stolen := other.entry("/hello")
		u, err := url.Parse(stolen)
		if err != nil {
			t.Fatal(err)
		}
		u.Host = strings.Replace(u.Host, "other.", "pi.", 1)
		if status, _ := w.stranger().get(u.String()); status != 401 {
			t.Errorf("a code for another device: %d", status)
		}
		other.get(other.entry("/hello"))
		at, err := url.Parse(other.pages)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range other.client.Jar.Cookies(at) {
			if status, _ := w.stranger().get(s.pages+"hello", "Cookie", c.Name+"="+c.Value); status != 401 {
				t.Errorf("the cookie of another device: %d", status)
			}
		}
	})
}
