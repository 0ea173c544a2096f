package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/hosted"
)

// hostedFlows is one hosted flow server of the real program, in all its walls, that serves what its flows answer.
type hostedFlows struct {
	*hosted.Manager
	t     *testing.T
	dir   string // its directory
	proxy *httptest.Server
	log   *buffer
	state chan string
}

// page is the flow of an HTTP page: http in, the given nodes one after the other, http response.
func page(path string, nodes ...map[string]any) (list []map[string]any) {
	id := func(i int) string { return strings.Trim(path, "/") + string(rune('a'+i)) }
	list = append(list, map[string]any{"id": id(0), "z": "tab", "type": "http in", "url": path, "method": "get", "wires": [][]string{{id(1)}}})
	for i, n := range nodes {
		n["id"], n["z"], n["wires"] = id(i+1), "tab", [][]string{{id(i + 2)}}
		list = append(list, n)
	}
	return append(list, map[string]any{"id": id(len(nodes) + 1), "z": "tab", "type": "http response", "wires": [][]string{}})
}

func function(code string) map[string]any {
	return map[string]any{"type": "function", "func": code, "outputs": 1}
}

// serveHosted runs flows in a hosted flow server. Errors of nodes are the answer of the page that met them.
func serveHosted(t *testing.T, reach []string, pages ...[]map[string]any) *hostedFlows {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "tsunagi")
	build := exec.Command("go", "build", "-tags", "no_ui", "-o", exe, "tsunagi/cmd/tsunagi")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	flows := []map[string]any{{"id": "tab", "type": "tab", "label": "all"},
		{"id": "catch", "z": "tab", "type": "catch", "wires": [][]string{{"say"}}},
		{"id": "say", "z": "tab", "type": "function", "func": "msg.payload = 'ERROR ' + msg.error.message; return msg", "outputs": 1, "wires": [][]string{{"answer"}}},
		{"id": "answer", "z": "tab", "type": "http response", "statusCode": "500", "wires": [][]string{}}}
	for _, p := range pages {
		flows = append(flows, p...)
	}
	text, err := json.Marshal(flows)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	h := &hostedFlows{t: t, dir: filepath.Join(data, "flows", "a"), log: &buffer{}, state: make(chan string, 100)}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, "flows.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	h.Manager, err = hosted.New(hosted.Options{Exe: exe, Dir: data, Panel: "https://localhost", Brokers: reach, Log: slog.New(slog.NewJSONHandler(h.log, nil)),
		Backoff: time.Millisecond, Changed: func(_ hosted.Server, state, cause string) { h.state <- state + " " + cause }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(h.log)
		}
	})
	h.proxy = httptest.NewServer(h.Manager)
	t.Cleanup(h.proxy.Close)
	if err := h.Start(hosted.Server{ID: "a", Name: "home", MemoryMB: 128}); err != nil {
		t.Fatal(err)
	}
	h.await("running")
	return h
}

// await waits for a change of state and returns it in full.
func (h *hostedFlows) await(state string) string {
	h.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case s := <-h.state:
			if strings.HasPrefix(s, state) {
				return s
			}
		case <-late:
			h.t.Fatalf("never %s\n%s", state, h.log)
		}
	}
}

// get asks a page of the flows.
func (h *hostedFlows) get(path string, query ...string) string {
	h.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	req, err := http.NewRequest("GET", h.proxy.URL+path+"?"+values.Encode(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Host = "home.flows.localhost"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(body)
}

// outer is a server that the flows may reach; it answers /bomb with 1 GB of zeros packed into 1 MB, and /to by sending
// elsewhere.
func outer(t *testing.T) string {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		z.Write(zeros)
	}
	z.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
			return
		}
		http.Redirect(w, r, r.FormValue("to"), http.StatusFound)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// TestFlowsUnderAttack is attack rows 22 to 26 on the program itself: one hosted flow server in all its walls, and flows
// that do what they must not. After each of them it still answers; nothing it did reached anything else.
func TestFlowsUnderAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("runs without the race detector: it takes long")
	}
	out := outer(t)
	read := map[string]any{"type": "file in", "filename": "req.query.name", "filenameType": "msg", "format": "utf8"}
	write := map[string]any{"type": "file", "filename": "req.query.name", "filenameType": "msg", "createDir": true, "overwriteFile": "true"}
	get := map[string]any{"type": "http request", "method": "GET", "ret": "txt", "url": ""}
	endless := function("for (;;) {}")
	endless["timeout"] = "1"
	regexp := function("msg.payload = String(/^(a+)+$/.test('a'.repeat(60) + 'b')); return msg")
	regexp["timeout"] = "1"
	h := serveHosted(t, []string{out},
		page("/hello", function("msg.payload = 'hello ' + msg.req.query.who; return msg")),
		page("/read", read), page("/write", write),
		page("/http", function("msg.url = msg.req.query.url; return msg"), get),
		page("/endless", endless), page("/regexp", regexp),
		page("/grow", function("const all = []; for (;;) all.push(new Array(100000).fill(1.5))")),
		page("/pollute", function("msg['__proto__']['stained'] = 'x'; msg.constructor.prototype.stained = 'x'; Object.prototype.stained = 'x'; return msg"),
			function("msg.payload = 'stain: ' + typeof ({}).stained; return msg")),
		page("/set", map[string]any{"type": "change", "rules": []any{map[string]any{"t": "set", "p": "__proto__.stained", "pt": "msg", "to": "x", "tot": "str"}}},
			function("msg.payload = 'stain: ' + typeof ({}).stained; return msg")),
		page("/host", function("msg.payload = [typeof require, typeof process, typeof std, typeof os, typeof fetch].join(); return msg")),
		page("/template", map[string]any{"type": "template", "field": "payload", "fieldType": "msg", "format": "handlebars", "syntax": "mustache", "template": "<p>{{req.query.text}}</p>"}),
		page("/jsonata", map[string]any{"type": "change", "rules": []any{map[string]any{"t": "set", "p": "payload", "pt": "msg", "to": "($f := function($n) { $f($n + 1) + 1 }; $f(0))", "tot": "jsonata"}}}),
		page("/log", function("node.warn(msg.req.query.text); msg.payload = 'logged'; return msg")),
	)
	alive := func(t *testing.T) {
		t.Helper()
		if got := h.get("/hello", "who", "you"); got != "hello you" {
			t.Fatalf("afterwards it answers %q", got)
		}
	}
	t.Run("24 inside", func(t *testing.T) {
		reached := false
		secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached = true; io.WriteString(w, "INSIDE") }))
		defer secret.Close()
		_, port, err := net.SplitHostPort(secret.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
			"[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1"} {
			for _, to := range []string{"http://" + host + ":" + port + "/", "http://" + out + "/?to=" + url.QueryEscape("http://"+host+":"+port+"/")} {
				got := h.get("/http", "url", to)
				if !strings.HasPrefix(got, "RequestError: dial") {
					t.Errorf("%s: %q", to, got)
				}
			}
		}
		if reached {
			t.Error("the server inside was reached")
		}
		alive(t)
	})
	t.Run("22 packed", func(t *testing.T) {
		if got := h.get("/http", "url", "http://"+out+"/bomb"); len(got) < 1<<20 || len(got) > 8<<20 {
			t.Errorf("%d bytes came out, want them packed as they came", len(got))
		}
		alive(t)
	})
	t.Run("25 paths", func(t *testing.T) {
		h.get("/write", "name", "notes/own.txt")
		if got := h.get("/read", "name", "notes/own.txt"); !strings.Contains(got, "own.txt") {
			t.Errorf("a file of its own: %.100q", got)
		}
		before, err := os.ReadFile(filepath.Join(h.dir, "flows.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"../flows.json", "/flows.json", "/etc/passwd", "a/../../flows.json", "..", "../../../../etc/passwd", "/proc/self/environ", "..\\flows.json", "x\x00/../../flows.json"} {
			if got := h.get("/read", "name", name); strings.Contains(got, "http in") || strings.Contains(got, "root:") || strings.Contains(got, "PATH=") {
				t.Errorf("read %q: %.100q", name, got)
			}
			h.get("/write", "name", name)
		}
		if after, err := os.ReadFile(filepath.Join(h.dir, "flows.json")); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the flows were written over: %v", err)
		}
		alive(t)
	})
	t.Run("26 scripts", func(t *testing.T) {
		for path, want := range map[string]string{"/endless": "ERROR", "/regexp": "ERROR", "/grow": "ERROR", "/jsonata": "ERROR", "/pollute": "stain: undefined", "/set": "stain: undefined",
			"/host": "undefined,undefined,undefined,undefined,undefined"} {
			if got := h.get(path); !strings.Contains(got, want) {
				t.Errorf("%s: %.200q", path, got)
			}
			alive(t)
		}
		if got := h.get("/template", "text", "{{global}}<script>{{{flow}}}"); got != "<p>{{global}}&lt;script&gt;{{{flow}}}</p>" {
			t.Errorf("template: %q", got)
		}
	})
	t.Run("23 log", func(t *testing.T) {
		if got := h.get("/log", "text", "canary-1\r\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\x1b[31m"+strings.Repeat("z", 6000)); got != "logged" {
			t.Fatal(got)
		}
		alive(t)
		for line := range strings.Lines(h.log.String()) {
			var record struct {
				Msg string `json:"msg"`
			}
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Msg == "forged" || strings.Contains(line, "\x1b") || len(line) > 8<<10 {
				t.Errorf("a line of the log: %.300q", line)
			}
		}
	})
	if s := h.Status("a"); s.Restarts != 0 {
		t.Errorf("it died %d times: %s", s.Restarts, h.log)
	}
}
