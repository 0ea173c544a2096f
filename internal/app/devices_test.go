package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// person is somebody's browser in the panel and in editors.
type person struct {
	t      *testing.T
	w      *world
	client *http.Client
}

// signIn makes the owner's account, unless there is one, and signs a browser in.
func (w *world) signIn(email string) *person {
	w.t.Helper()
	const password = "a long enough pass phrase"
	var out, errOut strings.Builder
	Run(context.Background(), []string{"admin", "account", "create", "--email", email, "--password-stdin", "--data", w.data},
		Streams{In: strings.NewReader(password + "\n"), Out: &out, Err: &errOut}) // it may be there
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{t: w.t, w: w, client: &http.Client{Jar: jar}}
	p.at(w)
	if status := p.api("POST", "/session", map[string]any{"email": email, "password": password}, nil); status != 200 && status != 204 {
		w.t.Fatalf("sign-in: %d %s", status, errOut.String())
	}
	return p
}

// at has the browser reach every name at a server.
func (p *person) at(w *world) {
	p.w = w
	p.client.Transport = &http.Transport{TLSClientConfig: w.tls(""), DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", w.https)
		}}
}

func (p *person) port() string { return p.w.https[strings.LastIndex(p.w.https, ":"):] }

// send makes a request of this browser and reads the answer.
func (p *person) send(method, url string, body io.Reader, header ...string) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Browser/1")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer, string(text)
}

// api calls the panel's API.
func (p *person) api(method, path string, in, out any) int {
	p.t.Helper()
	body := io.Reader(http.NoBody)
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			p.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	answer, text := p.send(method, "https://localhost"+p.port()+"/api/v1"+path, body, "Content-Type", "application/json")
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			p.t.Fatalf("%s %s: %s %s", method, path, answer.Status, text)
		}
	}
	return answer.StatusCode
}

// pi is a `tsunagi flow` that was paired.
type pi struct {
	dir  string
	log  *buffer
	stop func() int
}

// startPi runs the command that the panel shows, on a directory, and waits until it is ready.
func startPi(t *testing.T, dir, command string, more ...string) *pi {
	t.Helper()
	d := &pi{dir: dir, log: &buffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	r, out := io.Pipe()
	args := append(strings.Fields(command)[1:], append([]string{"--data", dir, "--listen", "127.0.0.1:0", "--log-level", "debug"}, more...)...)
	go func() { // ends with ctx
		code := Run(ctx, args, Streams{In: strings.NewReader(""), Out: out, Err: d.log})
		_ = out.CloseWithError(fmt.Errorf("ended with %d", code))
		ended <- code
	}()
	d.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() { d.stop() })
	lines := bufio.NewScanner(r)
	for lines.Scan() && lines.Text() != "ready" {
	}
	if lines.Text() != "ready" {
		t.Fatalf("flow: %v\n%s", lines.Err(), d.log)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // ends with the pipe
	return d
}

type deviceView struct {
	ID     string
	Name   string
	Ended  string
	URL    string
	Online bool
	Since  time.Time
}

// device waits until the only device is as ok wants it.
func (p *person) device(what string, ok func(deviceView) bool) deviceView {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var list struct{ Items []deviceView }
		p.api("GET", "/devices", nil, &list)
		if len(list.Items) == 1 && ok(list.Items[0]) {
			return list.Items[0]
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain for the device to be %s: %+v\n%s", what, list, p.w.log)
		}
		time.Sleep(20 * time.Millisecond) // the panel's list has no events
	}
}

func (p *person) online() deviceView {
	p.t.Helper()
	return p.device("online", func(d deviceView) bool { return d.Online })
}

// open enters the device's editor as the panel's button does, and returns its token.
func (p *person) open(d deviceView) string {
	p.t.Helper()
	var opened struct{ URL, Detail string }
	if status := p.api("POST", "/devices/"+d.ID+"/open", nil, &opened); status != 200 {
		p.t.Fatalf("open: %d %s", status, opened.Detail)
	}
	u, err := url.Parse(opened.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	if answer, text := p.send("GET", opened.URL, nil, "Accept", "text/html"); answer.StatusCode >= 500 && !strings.Contains(text, "editor") {
		p.t.Fatalf("the editor's page: %s %.300s", answer.Status, text)
	}
	form := url.Values{"code": {u.Query().Get("code")}, "client_id": {"node-red-editor"}, "grant_type": {"authorization_code"}}
	answer, text := p.send("POST", d.URL+"auth/token", strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	var token struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.Unmarshal([]byte(text), &token); err != nil || token.AccessToken == "" {
		p.t.Fatalf("no token: %s %s", answer.Status, text)
	}
	return token.AccessToken
}

// comms opens the editor's socket and signs in to it.
func (p *person) comms(d deviceView, token string) (*websocket.Conn, context.Context) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p.t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(d.URL, "https")+"comms", &websocket.DialOptions{HTTPClient: p.client,
		HTTPHeader: http.Header{"Origin": {strings.TrimSuffix(d.URL, "/")}, "User-Agent": {"Browser/1"}}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = ws.CloseNow() })
	for _, text := range []string{`{"auth":"` + token + `"}`, `{"subscribe":"debug"}`} {
		if err := ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			p.t.Fatal(err)
		}
	}
	return ws, ctx
}

// await reads the socket until something has part in it.
func await(t *testing.T, ws *websocket.Conn, ctx context.Context, part string) {
	t.Helper()
	seen := ""
	for {
		_, text, err := ws.Read(ctx)
		if err != nil {
			t.Fatalf("waited for %q: %v; there was %.3000s", part, err, seen)
		}
		seen += string(text) + "\n"
		if strings.Contains(string(text), part) {
			return
		}
	}
}

// TestDevice goes the whole way: pairing by the command that the panel shows, the editor through the tunnel, a deploy,
// debug messages live, MQTT with the login that was filled in, the link cut and healed, the platform restarted, remote
// editing forbidden, keys changed, and the end of the pairing.
func TestDevice(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	if p.api("POST", "/instances", map[string]any{"name": "Home"}, &in); in.ID == "" {
		t.Fatal("no instance")
	}
	var code struct{ Code, Command string }
	p.api("POST", "/devices/codes", map[string]any{"name": "pi", "instance": in.ID}, &code)
	wire := newWire(t, w.https)
	home := startPi(t, t.TempDir(), strings.Replace(code.Command, w.https[strings.LastIndex(w.https, ":"):], wire.port(), 1))
	d := p.online()

	stranger := &person{t: t, w: w, client: &http.Client{}}
	stranger.at(w)
	if answer, _ := stranger.send("GET", d.URL+"flows", nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger at the device's editor: %s", answer.Status)
	}

	token := p.open(d)
	bearer := []string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}
	_, flows := p.send("GET", d.URL+"flows", nil, bearer...)
	if !strings.Contains(flows, `"type":"mqtt-broker"`) || !strings.Contains(flows, brokerNode) {
		t.Fatalf("the broker is not filled in: %s", flows)
	}
	broker := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(flows), "["), "]")
	deploy := `[` + broker + `,{"id":"t1","type":"tab","label":"Home"},
		{"id":"i1","type":"inject","z":"t1","props":[{"p":"payload"}],"payload":"across the tunnel","payloadType":"str","wires":[["o1"]],"x":1,"y":1},
		{"id":"o1","type":"mqtt out","z":"t1","topic":"pi/hello","qos":"1","broker":"` + brokerNode + `","wires":[],"x":2,"y":1},
		{"id":"n1","type":"mqtt in","z":"t1","topic":"pi/#","qos":"1","datatype":"utf8","broker":"` + brokerNode + `","wires":[["d1"]],"x":1,"y":2},
		{"id":"d1","type":"debug","z":"t1","active":true,"tosidebar":true,"complete":"payload","wires":[],"x":2,"y":2}]`
	if answer, text := p.send("POST", d.URL+"flows", strings.NewReader(deploy), bearer...); answer.StatusCode >= 300 {
		t.Fatalf("deploy: %s %s", answer.Status, text)
	}
	pressed := func(token string) {
		t.Helper()
		ws, ctx := p.comms(d, token)
		for len(p.connections(in.ID)) == 0 { // the flows' client has to be there before it is sent to
			if ctx.Err() != nil {
				t.Fatalf("the flows do not reach their broker\n%s", home.log)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err := ws.Write(ctx, websocket.MessageText, []byte(`{"subscribe":"status/#"}`)); err != nil {
			t.Fatal(err)
		}
		await(t, ws, ctx, `"topic":"status/n1","data":{"text":"node-red:common.status.connected"`)
		if answer, text := p.send("POST", d.URL+"inject/i1", strings.NewReader("{}"), "Authorization", "Bearer "+token, "Content-Type", "application/json"); answer.StatusCode != 200 {
			t.Fatalf("inject: %s %s", answer.Status, text)
		}
		await(t, ws, ctx, "across the tunnel")
	}
	pressed(token)

	// Host header games: the door of one name is not that of another, and the panel's name leads to no device.
	for _, host := range []string{"pi.flows.localhost", "edit-other.flows.localhost", "edit-pi.flows.localhost.evil.example", "evil.example"} {
		if answer, text := p.send("GET", d.URL+"flows", nil, append([]string{"Host", host}, bearer...)...); answer.StatusCode < 400 || strings.Contains(text, "mqtt-broker") {
			t.Errorf("host %s: %s %.100s", host, answer.Status, text)
		}
	}

	wire.cut()
	d = p.device("back after the cut", func(v deviceView) bool { return v.Online && v.Since.After(d.Since) })
	pressed(token)

	if code := w.stop(); code != ExitOK {
		t.Fatalf("platform stopped with %d\n%s", code, w.log)
	}
	w = serveWorld(t, "--data", w.data, "--https", w.https, "--mqtts", w.mqtts)
	p.at(w)
	d = p.online()
	pressed(token)

	before, err := os.ReadFile(filepath.Join(home.dir, "link.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(before), `"password"`) || strings.Contains(string(before), "owner@") {
		t.Errorf("the device keeps more than it needs: %s", before)
	}
	if status := p.api("POST", "/devices/"+d.ID+"/rotate", nil, nil); status != 204 {
		t.Fatalf("rotate: %d", status)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		after, err := os.ReadFile(filepath.Join(home.dir, "link.json"))
		if err == nil && !bytes.Equal(after, before) && !bytes.Contains(after, []byte(`"next"`)) && !bytes.Contains(after, []byte(`"password"`)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the key was not changed\n%s", home.log)
		}
	}
	wire.cut()
	d = p.device("back with its new key", func(v deviceView) bool { return v.Online && v.Since.After(d.Since) })
	pressed(token)

	ws, ctx := p.comms(d, token)
	p.api("PATCH", "/devices/"+d.ID, map[string]any{"remote_editing": false}, nil)
	for {
		if _, _, err := ws.Read(ctx); err != nil {
			break // what was open has ended
		}
	}
	d = p.online()
	if answer, _ := p.send("GET", d.URL+"flows", nil, bearer...); answer.StatusCode != http.StatusForbidden {
		t.Errorf("with remote editing forbidden: %s", answer.Status)
	}
	p.api("PATCH", "/devices/"+d.ID, map[string]any{"remote_editing": true}, nil)
	d = p.device("online again", func(v deviceView) bool { return v.Online && v.Since.After(d.Since) })
	p.api("DELETE", "/session", nil, nil)
	if answer, _ := p.send("GET", d.URL+"flows", nil, bearer...); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("after signing out of the panel: %s", answer.Status)
	}

	p = w.signIn("owner@example.org")
	if status := p.api("DELETE", "/devices/"+d.ID, nil, nil); status != 204 {
		t.Fatalf("unpair: %d", status)
	}
	if _, err := os.Stat(filepath.Join(home.dir, "link.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the device keeps its pairing: %v", err)
	}
	if answer, err := p.client.Get(d.URL); err == nil { // not even a certificate
		answer.Body.Close()
		t.Errorf("the address of an unpaired device: %s", answer.Status)
	}
	if code := home.stop(); code != ExitOK {
		t.Errorf("flow ended with %d\n%s", code, home.log)
	}
}

func (p *person) connections(instance string) []struct{} {
	var list struct{ Items []struct{} }
	p.api("GET", "/instances/"+instance+"/connections", nil, &list)
	return list.Items
}

// wire is the line between a device and its platform, which can be cut.
type wire struct {
	l  net.Listener
	mu sync.Mutex
	on map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &wire{l: l, on: map[net.Conn]bool{}}
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			x.mu.Lock()
			x.on[c] = true
			x.mu.Unlock()
			go func() { _, _ = io.Copy(far, c); far.Close() }()
			go func() { _, _ = io.Copy(c, far); c.Close() }()
		}
	}()
	t.Cleanup(func() { l.Close(); x.cut() })
	return x
}

func (x *wire) port() string {
	_, port, _ := net.SplitHostPort(x.l.Addr().String())
	return ":" + port
}

func (x *wire) cut() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.on {
		c.Close()
		delete(x.on, c)
	}
}
