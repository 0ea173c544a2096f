package editor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/web/editor/packfile"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("EDITOR_TEST_SAVER"); dir != "" {
		saveForever(dir)
	}
	if dir := os.Getenv("EDITOR_TEST_DEPLOYER"); dir != "" {
		deployForever(dir)
	}
	os.Exit(m.Run())
}

// fixture is an archive of a few files in the shape of the real one.
var fixture = sync.OnceValue(func() *packfile.Pack {
	help := func(name, text string) string {
		return `<script type="text/html" data-help-name="` + name + `">` + text + "</script>"
	}
	dialog := func(names ...string) string {
		var b strings.Builder
		for _, name := range names {
			b.WriteString(`<script type="text/html" data-template-name="` + name + `"><p></p></script>` + "\n")
		}
		return b.String()
	}
	files := map[string]string{
		"THIRD_PARTY_NOTICES.txt":                              "licences",
		"editor-client/templates/index.mst":                    "<title>{{ page.title }}</title>{{{ asset.red }}}?v={{ cacheBuster }}\n{{#page.css}}\n<link href=\"{{.}}\">\n{{/page.css}}\n{{# page.scripts }}\n<script src=\"{{.}}\"></script>\n{{/ page.scripts }}\n{{#asset.vendorAce}}\nace\n{{/asset.vendorAce}}\n{{#sessionMessages}}\n<script>x = {{{sessionMessages}}};</script>\n{{/sessionMessages}}\nend",
		"editor-client/public/red/red.min.js":                  strings.Repeat("code();\n", 500),
		"editor-client/public/red/images/icons/arrow-in.svg":   "<svg>default</svg>",
		"editor-client/public/types/node/fs.d.ts":              strings.Repeat("declare x;\n", 200),
		"editor-client/public/vendor/font.woff2":               "font",
		"editor-client/locales/en-US/editor.json":              `{"a":"A","b":{"x":"X","n_plural":"many"},"only":"en"}`,
		"editor-client/locales/ja/editor.json":                 "\ufeff" + `{"a":"あ","b":{"n_plural":"多"},"only":""}`,
		"editor-client/locales/en-US/jsonata.json":             `{}`,
		"editor-client/locales/en-US/infotips.json":            `{}`,
		"nodes/locales/en-US/messages.json":                    `{"m":"M"}`,
		"nodes/locales/ja/messages.json":                       `{"m":"メ"}`,
		"nodes/core/common/05-junction.html":                   "<!-- junction -->\n",
		"nodes/core/common/20-inject.html":                     dialog("inject"),
		"nodes/core/common/21-debug.html":                      dialog("debug"),
		"nodes/core/common/98-unknown.html":                    dialog("unknown"),
		"nodes/core/common/lib/debug/view.html":                "<html>debug</html>",
		"nodes/core/common/lib/debug/debug-utils.js":           "utils()",
		"nodes/core/network/10-mqtt.html":                      dialog("mqtt in", "mqtt-broker"),
		"nodes/core/parsers/70-own.html":                       dialog("own") + help("own", "inside") + "\nrest\n" + strings.Replace(help("own", "内"), "<script", `<script data-lang="ja"`, 1),
		"nodes/core/storage/10-file.html":                      dialog("file", "file in"),
		"nodes/locales/en-US/common/20-inject.html":            help("inject", "press"),
		"nodes/locales/ja/common/20-inject.html":               help("inject", "押す"),
		"nodes/icons/inject.svg":                               "<svg>inject</svg>",
		"nodes/icons/both.svg":                                 "<svg>both</svg>",
		"nodes/icons/both.png":                                 "png",
		"nodes/examples/common/inject/01 - Run.json":           `[{"id":"1","type":"inject"}]`,
		"nodes/examples/storage/file/01 - Write a file.json":   `[{"id":"1","type":"file"}]`,
		"nodes/examples/common/inject/02 - Run and write.json": `[{"id":"1","type":"inject"},{"id":"2","type":"file"}]`,
	}
	var sources []packfile.Source
	for path, text := range files {
		sources = append(sources, packfile.Source{Path: path, Content: []byte(text)})
	}
	var b bytes.Buffer
	if _, err := packfile.Write(&b, Version, sources); err != nil {
		panic(err)
	}
	p, err := packfile.Open(b.String())
	if err != nil {
		panic(err)
	}
	return p
})

// fakeRuntime notes what the editor asks of it.
type fakeRuntime struct {
	mu       sync.Mutex
	state    string
	deploys  []flow.DeployType
	file     *flow.File
	creds    flow.Credentials
	injected string
	debugOff []string
	hold     chan struct{} // deploys wait for it when set
	fail     error
}

func (f *fakeRuntime) Deploy(ctx context.Context, file *flow.File, c flow.Credentials, t flow.DeployType) error {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.file, f.creds = "start", file, c
	f.deploys = append(f.deploys, t)
	return f.fail
}

func (f *fakeRuntime) SetState(_ context.Context, s string) error { f.state = s; return f.fail }
func (f *fakeRuntime) State() string                              { return f.state }

func (f *fakeRuntime) Inject(_ context.Context, id string, props json.RawMessage) error {
	if id != "known" {
		return flow.ErrUnknownNode
	}
	f.injected = string(props)
	return f.fail
}

func (f *fakeRuntime) SetDebug(ids []string, active bool) bool {
	if !active {
		f.debugOff = ids
	}
	return slices.Contains(ids, "known")
}

func (f *fakeRuntime) Types() []string {
	return []string{"debug", "inject", "junction", "mqtt in", "mqtt-broker", "own", "unknown"}
}

func (f *fakeRuntime) CredentialKinds(t string) map[string]string {
	if t == "mqtt-broker" {
		return map[string]string{"user": "text", "password": "password"}
	}
	return nil
}

func (f *fakeRuntime) Meter(context.Context, time.Duration) ([]flow.NodeMeter, error) {
	return []flow.NodeMeter{{ID: "cheap", Type: "debug", CPU: 0.01}, {ID: "dear", Type: "function", CPU: 0.5, Received: 10}}, nil
}

// world is a Server behind a real listener, and a browser.
type world struct {
	*Server
	t       *testing.T
	runtime *fakeRuntime
	http    *httptest.Server
	client  *http.Client
	token   string
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{t: t, runtime: &fakeRuntime{state: "stop"}}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Runtime == nil {
		o.Runtime = w.runtime
	}
	if o.Assets == nil {
		o.Assets = fixture()
	}
	o.Comms = NewComms(nil)
	o.Log = slog.New(slog.DiscardHandler)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = s
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewServer(s)
	jar, _ := cookiejar.New(nil)
	w.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableCompression: true}}
	t.Cleanup(func() {
		w.http.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

// do sends a request; headers are pairs.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, string(text), resp.Header}
}

func (w *world) get(path string, headers ...string) answer { return w.do("GET", path, "", headers...) }

// form posts a form.
func (w *world) form(path string, pairs ...string) answer {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return w.do("POST", path, v.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// deploy posts flows as the editor does.
func (w *world) deploy(body string, headers ...string) answer {
	return w.do("POST", "/flows", body, append([]string{"Node-RED-API-Version", "v2"}, headers...)...)
}

// want checks status and, unless it is empty, body.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || body != "" && strings.TrimSpace(a.body) != body {
		t.Errorf("answer %d %q, want %d %q", a.status, a.body, status, body)
	}
}

// wantPart checks status and a part of the body.
func (a answer) wantPart(t *testing.T, status int, part string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, part) {
		t.Errorf("answer %d %q, want %d with %q", a.status, a.body, status, part)
	}
}
