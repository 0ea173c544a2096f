package nodes_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dlclark/regexp2"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/nodes/network"
)

// parity is a flow with what Node-RED 5.0.7 showed when these steps were done to it;
// testdata/parity/record.mjs makes such files.
type parity struct {
	dir   string   // where relative file names begin
	Skip  []string // nodes whose messages at start Node-RED shows before a browser listens
	Any   bool     `json:"any_order"` // what a program of the system answers comes in between the others, sooner or later
	Flows json.RawMessage
	Steps []struct {
		Inject  string          // presses the node's button
		Props   json.RawMessage // with these properties
		Deploy  json.RawMessage // deploys other flows
		Type    flow.DeployType
		State   string // starts or stops the flows
		HTTP    string // asks an http in node: method and path
		Headers map[string]string
		Body    string
		Wait    int // milliseconds
	}
	Debug   []map[string]any          // what the sidebar showed, in order
	Status  map[string]map[string]any // the last status of each node
	Answers []answer                  // to the HTTP requests, in order
	Rev     string                    // of the flows in the end
}

// answer is what an http response node sent.
type answer struct {
	Status  int            `json:"status"`
	Headers map[string]any `json:"headers"`
	Body    string         `json:"body"`
}

// TestMain puts the tests where the recordings were made: in UTC.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// ask sends a request to the flows.
func ask(web http.Handler, what string, headers map[string]string, body string) answer {
	method, path, _ := strings.Cut(what, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "node.example:1880", "127.0.0.1:12345"
	for key, v := range headers {
		r.Header.Set(key, v)
	}
	if body == "" && headers["content-length"] == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	w := httptest.NewRecorder()
	web.ServeHTTP(w, r)
	a := answer{Status: w.Code, Headers: map[string]any{}, Body: w.Body.String()}
	if method == "HEAD" {
		a.Body = "" // net/http's server sends none
	}
	for key, list := range w.Header() {
		key = strings.ToLower(key)
		switch {
		case list == nil || key == "connection":
		case key == "set-cookie":
			all := []any{}
			for _, s := range list {
				all = append(all, s)
			}
			a.Headers[key] = all
		default:
			a.Headers[key] = strings.Join(list, ", ")
		}
	}
	if strings.Contains(a.Body, "<pre>") {
		delete(a.Headers, "content-length")
	}
	return a
}

// TestParity does the steps of every recording and expects the same to be seen. Time is that
// of the test, so nothing waits.
func TestParity(t *testing.T) {
	files, err := filepath.Glob("testdata/parity/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p := parity{dir: t.TempDir()}
			if err := json.Unmarshal(raw, &p); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				defer regexp2.StopTimeoutClock() // or its goroutine would stay in the bubble
				p.replay(t)
			})
		})
	}
}

// screen is what a browser would show.
type screen struct {
	mu     sync.Mutex
	debug  []map[string]any
	status map[string]map[string]any
}

func (s *screen) event(e flow.Event) {
	raw, _ := json.Marshal(e.Data)
	var data map[string]any
	_ = json.Unmarshal(raw, &data)
	if text, ok := data["msg"].(string); ok {
		data["msg"] = normal(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Topic == "debug" {
		delete(data, "timestamp")
		s.debug = append(s.debug, data)
	} else if id, ok := strings.CutPrefix(e.Topic, "status/"); ok && e.Data != nil {
		s.status[id] = data
	}
}

var randomParts = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`"_msgid":"[0-9a-f]+",?`), ""},
	{regexp.MustCompile(`,}`), "}"},
	{regexp.MustCompile(`"stack":"(?:[^"\\]|\\.)*"`), `"stack":"S"`},
	{regexp.MustCompile(`\b(1[78]\d{11}|946684\d{6,7})\b`), "TS"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT[\d:.]+Z`), "ISO"},
	{regexp.MustCompile(`\w\w\w \w\w\w \d\d 20\d\d [\d:]+`), "DATE"},
	{regexp.MustCompile(`\b[0-9a-f]{28}\b`), "ID28"},
	{regexp.MustCompile(`"id":"[0-9a-f]{16}"`), `"id":"ID16"`},
}

// normal takes out what differs from run to run.
func normal(text string) string {
	for _, p := range randomParts {
		text = p.re.ReplaceAllString(text, p.to)
	}
	return text
}

func (p *parity) replay(t *testing.T) {
	s := &screen{status: map[string]map[string]any{}}
	web := network.NewWeb(network.WebOptions{})
	r := flow.New(flow.Options{Nodes: nodes.AllOn(web), JSONata: nodes.JSONata, Events: s.event, Dir: p.dir, Env: func(name string) (string, bool) {
		return "from outside", name == "OUTSIDE"
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	rev := p.deploy(t, r, p.Flows, flow.DeployFull)
	time.Sleep(300 * time.Millisecond)
	answered := 0
	for _, step := range p.Steps {
		switch {
		case step.Inject != "":
			var body json.RawMessage
			if step.Props != nil {
				body = json.RawMessage(`{"__user_inject_props__":` + string(step.Props) + `}`)
			}
			if err := r.Inject(ctx, step.Inject, body); err != nil {
				t.Error(step.Inject, err)
			}
		case step.Deploy != nil:
			rev = p.deploy(t, r, step.Deploy, step.Type)
		case step.HTTP != "":
			got := ask(web, step.HTTP, step.Headers, step.Body)
			if want := p.Answers[answered]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s %q:\n got %s\nwant %s", step.HTTP, step.Body, asJSON(got), asJSON(want))
			}
			answered++
		case step.State != "":
			if err := r.SetState(ctx, step.State); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Duration(max(step.Wait, 120)) * time.Millisecond)
	}
	synctest.Wait()
	p.compare(t, s, rev)
}

func (p *parity) deploy(t *testing.T, r *flow.Runtime, flows json.RawMessage, typ flow.DeployType) string {
	t.Helper()
	f, err := flow.ParseFile(flows)
	if err != nil {
		t.Fatal(err)
	}
	if typ == "" {
		typ = flow.DeployFull
	}
	if err := r.Deploy(t.Context(), f, nil, typ); err != nil {
		t.Fatal(err)
	}
	return f.Rev()
}

func (p *parity) compare(t *testing.T, s *screen, rev string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []map[string]any
	for _, d := range s.debug {
		if id, _ := d["id"].(string); !contains(p.Skip, id) {
			got = append(got, d)
		}
	}
	if p.Any {
		byText := func(a, b map[string]any) int { return strings.Compare(asJSON(a), asJSON(b)) }
		slices.SortFunc(got, byText)
		slices.SortFunc(p.Debug, byText)
	}
	for i := range max(len(got), len(p.Debug)) {
		var have, want map[string]any
		if i < len(got) {
			have = got[i]
		}
		if i < len(p.Debug) {
			want = p.Debug[i]
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("message %d:\n got %s\nwant %s", i, asJSON(have), asJSON(want))
		}
	}
	for id, want := range p.Status {
		if !reflect.DeepEqual(s.status[id], want) {
			t.Errorf("status of %s: %s, want %s", id, asJSON(s.status[id]), asJSON(want))
		}
	}
	if rev != p.Rev {
		t.Errorf("rev %s, want %s", rev, p.Rev)
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func asJSON(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}
