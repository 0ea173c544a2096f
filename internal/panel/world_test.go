package panel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
	"tsunagi/internal/passkey"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

const password = "a long enough pass phrase"

// world is a panel on the real store behind a real TLS server, and what it leans on.
type world struct {
	t        *testing.T
	server   *httptest.Server
	inside   http.Handler // of the admin socket
	accounts *account.Service
	journal  *account.Journal
	brokers  *fakeBrokers
	flows    *fakeFlows
	devices  *fakeDevices
	hooks    *fakeHooks
	log      *safeBuffer
	options  panel.Options
	panel    *panel.Panel
	ahead    atomic.Int64 // nanoseconds that the accounts' clock is ahead of time

	mu    sync.Mutex // guards mails
	mails map[string]string
}

func newWorld(t *testing.T) *world { return newWorldWith(t, func(*panel.Options) {}) }

// newWorldWith is newWorld with other options.
func newWorldWith(t *testing.T, change func(*panel.Options)) *world {
	t.Helper()
	return newWorldOf(t, change, func(*account.Options) {})
}

// newWorldOf is newWorld with other options of the panel and of the accounts.
func newWorldOf(t *testing.T, change func(*panel.Options), accounts func(*account.Options)) *world {
	t.Helper()
	w := &world{t: t, brokers: &fakeBrokers{}, flows: &fakeFlows{}, devices: &fakeDevices{}, hooks: &fakeHooks{}, log: &safeBuffer{}, mails: map[string]string{}}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: sqlitetest.Dir(t), BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := account.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	passkeys, err := passkey.New("localhost", origin)
	if err != nil {
		t.Fatal(err)
	}
	o := account.Options{
		Passkeys: passkeys, Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
		Store: store.Accounts, Keys: keys, Domain: "localhost", Log: log, HashMemory: 1024,
		Plans:   []account.Plan{{ID: "free", Name: "Free", Default: true, Instances: 3, Connections: 10, WebConnections: 5, FlowServers: 2, Users: 5}},
		Regions: []account.Region{{ID: "home", Name: "Home"}},
		Invite: func(_ context.Context, m account.InviteMail) (string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.mails[m.To] = m.Token
			return "file", nil
		},
		Post: func(_ context.Context, l account.Letter) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.mails[string(l.Kind)+" "+l.To] = l.Token
			return nil
		},
	}
	accounts(&o)
	if w.accounts, err = account.NewService(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w.journal = account.NewJournal(store.Accounts, 100, log, nil)
	w.options = panel.Options{
		Accounts: w.accounts, Journal: w.journal, Brokers: w.brokers, Flows: w.flows, Devices: w.devices, Hooks: w.hooks, Bridges: fakeBridges{}, Version: "1.2.3", Log: log,
		Authority: panel.Authority{PEM: []byte("PEM"), DER: []byte("DER"), Fingerprint: "AB:CD"},
		Endpoints: panel.Endpoints{Server: "localhost", Port: 1883, SSLPort: 8883, WebSocketPort: 8443, PanelURL: "https://localhost:8443"},
		Text:      texts(t),

		Statistics: fakeStatistics{},
		Reach:      func() string { return "https://mqtt.example.org" },
		Pages: fstest.MapFS{
			"index.html":                 {Data: []byte("<!doctype html><title>Tsunagi</title>")},
			"assets/main-abcd1234.js.gz": {Data: packed("console.log(1)")},
			"favicon.svg":                {Data: []byte("<svg/>")},
		},
	}
	change(&w.options)
	p, err := panel.New(w.options)
	if err != nil {
		t.Fatal(err)
	}
	w.inside = p.Inside()
	w.panel = p
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Test-From"); from != "" {
			r.RemoteAddr = from
		}
		p.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

// browser is one browser with its cookie.
type browser struct {
	w      *world
	waits  bool // as long as an answer asks for, where it makes too many requests
	cookie string
	header http.Header
}

func (w *world) browser() *browser { return &browser{w: w, header: http.Header{}} }

// owner makes the owner and returns their browser.
func (w *world) owner() *browser {
	w.t.Helper()
	token, err := w.accounts.OwnerToken(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	b := w.browser()
	b.want("POST", "/api/v1/owner", map[string]any{"token": token, "email": "owner@example.org", "password": password, "language": "en"}, 204, nil)
	return b
}

// member invites somebody and returns their browser.
func (w *world) member(owner *browser, email string) *browser {
	w.t.Helper()
	owner.want("POST", "/api/v1/invitations", map[string]any{"email": email}, 201, nil)
	w.mu.Lock()
	token := w.mails[email]
	w.mu.Unlock()
	b := w.browser()
	b.want("POST", "/api/v1/invitations/accept", map[string]any{"token": token, "password": password}, 204, nil)
	return b
}

// do sends one request. The answer's body has been read.
func (b *browser) do(method, path string, in any) (*http.Response, []byte) {
	b.w.t.Helper()
	for {
		answer, raw := b.once(method, path, in)
		if !b.waits || answer.StatusCode != http.StatusTooManyRequests {
			return answer, raw
		}
		time.Sleep(time.Second)
	}
}

func (b *browser) once(method, path string, in any) (*http.Response, []byte) {
	b.w.t.Helper()
	body := io.Reader(http.NoBody)
	if raw, ok := in.(string); ok {
		body = strings.NewReader(raw)
	} else if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			b.w.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.server.URL+path, body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range b.header {
		r.Header[k] = v
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", panel.CookieName+"="+b.cookie)
	}
	answer, err := b.w.server.Client().Transport.RoundTrip(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		if c.Name == panel.CookieName {
			b.cookie = c.Value
		}
	}
	return answer, raw
}

// want sends a request, wants a status, and decodes the answer into out.
func (b *browser) want(method, path string, in any, status int, out any) {
	b.w.t.Helper()
	answer, raw := b.do(method, path, in)
	if answer.StatusCode != status {
		b.w.t.Fatalf("%s %s: %s, want %d\n%s", method, path, answer.Status, status, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			b.w.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

type problem struct {
	Type, Title, Detail, Code string
	Status                    int
	Errors                    []struct{ Location, Message string }
}

// refused sends a request that must fail with a code, as a problem.
func (b *browser) refused(method, path string, in any, status int, code string) problem {
	b.w.t.Helper()
	answer, raw := b.do(method, path, in)
	var p problem
	err := json.Unmarshal(raw, &p)
	if answer.StatusCode != status || err != nil || p.Code != code || p.Status != status || p.Detail == "" || p.Title == "" ||
		answer.Header.Get("Content-Type") != "application/problem+json" {
		b.w.t.Errorf("%s %s: %s %s %s, want %d %s as a problem", method, path, answer.Status, answer.Header.Get("Content-Type"), raw, status, code)
	}
	return p
}

func (b *browser) instance() string {
	b.w.t.Helper()
	var in struct{ ID string }
	b.want("POST", "/api/v1/instances", map[string]any{"name": "Home"}, 201, &in)
	return in.ID
}

// fakeBridges are switched off; nobody listens at the other end.
type fakeBridges struct{}

func (fakeBridges) State(string, string) panel.BridgeState { return panel.BridgeState{} }

func (fakeBridges) Try(context.Context, account.Bridge) ([]panel.BridgeStep, error) {
	return []panel.BridgeStep{{Stage: "name"}, {Stage: "tcp", Problem: "closed", Cause: "refused"}}, nil
}

// fakeBrokers is one connected client in every instance.
type fakeBrokers struct {
	published []panel.Message
	mu        sync.Mutex
	kicked    []string
	asked     []panel.ClientQuery
}

func (f *fakeBrokers) Stats(string) panel.Stats { return panel.Stats{Connections: 1, MessagesIn: 7} }
func (f *fakeBrokers) Connected(string) int     { return 3 }
func (f *fakeBrokers) Connections(_ string, q panel.ClientQuery) panel.Clients[panel.Connection] {
	if q.Skip > 0 {
		return panel.Clients[panel.Connection]{Total: 1}
	}
	return panel.Clients[panel.Connection]{Total: 1, Items: []panel.Connection{{ClientID: "c/1", User: "u", Via: "mqtts", Version: "5.0", ConnectedAt: time.Now()}}}
}
func (f *fakeBrokers) Kick(instance, clientID string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if clientID != "c/1" {
		return false
	}
	f.kicked = append(f.kicked, instance)
	return true
}

var fakeSessions = []panel.Session{
	{ClientID: "c/1", User: "u", Connected: true, Expiry: 60, Subscriptions: []string{"a/#", "$share/g/s"}},
	{ClientID: "c/2", User: "away", Expiry: -1, Subscriptions: []string{"a/#"}, Queue: 7},
}

func (f *fakeBrokers) Sessions(_ string, q panel.ClientQuery) panel.Clients[panel.Session] {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, q)
	if q.Limit > 1 {
		return panel.Clients[panel.Session]{Items: fakeSessions, Total: 2}
	}
	return panel.Clients[panel.Session]{Items: fakeSessions[:1], Total: 2, Next: &panel.ClientMark{N: -5, ID: "c/1"}}
}

func (f *fakeBrokers) Session(_, clientID, user string) (panel.Session, bool) {
	for _, s := range fakeSessions {
		if s.ClientID == clientID || clientID == "" && s.User == user {
			return s, true
		}
	}
	return panel.Session{}, false
}
func (f *fakeBrokers) Forget(instance, clientID string) bool { return f.Kick(instance, clientID) }
func (f *fakeBrokers) Retained(_ string, q panel.RetainedQuery) (list []panel.Retained, _ error) {
	for _, m := range []panel.Retained{{Topic: "a", Payload: []byte("1")}, {Topic: "b", Payload: []byte{0xff}}, {Topic: "c"}} {
		if m.Topic > q.After && len(list) < q.Limit {
			list = append(list, m)
		}
	}
	return list, nil
}
func (f *fakeBrokers) CountRetained(string, string) (int, error) { return 3, nil }
func (f *fakeBrokers) ClearRetained(_ context.Context, instance, _ string) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kicked = append(f.kicked, instance)
	return 3, nil
}
func (f *fakeBrokers) Publish(_ context.Context, instance string, m panel.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.Topic == "full" {
		return &panel.Refused{Cause: "no room"}
	}
	f.kicked = append(f.kicked, instance)
	f.published = append(f.published, m)
	return nil
}
func (f *fakeBrokers) Follow(_ context.Context, instance, _, _ string) (panel.Following, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kicked = append(f.kicked, instance)
	return nil, &panel.Refused{Cause: "no room"}
}
func (f *fakeBrokers) Losses(string) []panel.Loss {
	return []panel.Loss{
		{ClientID: "c/1", User: "u", Causes: []panel.LossCause{{Cause: "away", Count: 3, Last: time.Unix(1, 0)}, {Cause: "denied", Count: 1, Last: time.Unix(2, 0)}}},
		{ClientID: "old", User: "v", Gone: true, Causes: []panel.LossCause{{Cause: "session_ended", Count: 2, Last: time.Unix(3, 0)}}},
	}
}
func (f *fakeBrokers) Fights(string) []panel.Fight {
	return []panel.Fight{{ClientID: "node-red", Users: []string{"u"}, Addresses: []string{"192.0.2.1", "192.0.2.2"}, Takeovers: 5}}
}
func (f *fakeBrokers) Watch(_ context.Context, instance, filter string) (panel.Watching, error) {
	if filter == "full" {
		return nil, panel.ErrWatched
	}
	return &fakeWatch{instance: instance}, nil
}
func (f *fakeBrokers) Restart(_ context.Context, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kicked = append(f.kicked, instance)
	return nil
}
func (f *fakeBrokers) Reset(ctx context.Context, instance string) error {
	return f.Restart(ctx, instance)
}

type fakeFlows struct {
	mu      sync.Mutex
	started []string
	removed []string
	state   string
}

func (f *fakeFlows) Start(_ context.Context, s account.FlowServer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started, f.state = append(f.started, s.Name), "running"
	return nil
}
func (f *fakeFlows) Restart(ctx context.Context, s account.FlowServer) error { return f.Start(ctx, s) }
func (f *fakeFlows) Remove(_ context.Context, s account.FlowServer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removed = append(f.removed, s.Name)
	return nil
}
func (f *fakeFlows) Ask(string, *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.WriteString(`{"seconds":2,"nodes":[{"id":"n1","type":"function","cpu":0.5,"queuedBytes":7}]}`)
	return w.Result(), nil
}
func (f *fakeFlows) State(account.FlowServer) panel.FlowState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return panel.FlowState{State: f.state, MemoryLimitMB: 256, Sandbox: map[string]bool{"seccomp": true}}
}
func (f *fakeFlows) EditorURL(s account.FlowServer) string {
	return "https://edit-" + s.Name + ".flows.localhost:8443/"
}
func (f *fakeFlows) PagesURL(s account.FlowServer) string {
	return "https://" + s.Name + ".flows.localhost:8443/"
}

// safeBuffer is a log that may be written and read at once.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// fakeDevices are all online.
type fakeDevices struct {
	door http.ServeMux // what all of them answer
	mu   sync.Mutex
	done []string
}

func (f *fakeDevices) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, what)
}

func (f *fakeDevices) State(account.Device) panel.DeviceState {
	return panel.DeviceState{Online: true, Remote: "203.0.113.5", DevicePages: "public"}
}
func (f *fakeDevices) PagesURL(d account.Device) string {
	return "https://" + d.Name + ".flows.localhost:8443/"
}
func (f *fakeDevices) PagesEntry(d account.Device, code, to string) string {
	return f.PagesURL(d) + "enter?code=" + code + "&to=" + to
}
func (f *fakeDevices) EditorURL(d account.Device) string {
	return "https://edit-" + d.Name + ".flows.localhost:8443/"
}

// Ask answers as the test says, by method and path.
func (f *fakeDevices) Ask(id string, r *http.Request) (*http.Response, error) {
	f.note(r.Method + " " + r.URL.Path + " by " + r.Header.Get("Tsunagi-Person"))
	w := httptest.NewRecorder()
	f.door.ServeHTTP(w, r)
	return w.Result(), nil
}
func (f *fakeDevices) Restart(string)                       { f.note("restart") }
func (f *fakeDevices) Forget(context.Context, string)       { f.note("forget") }
func (f *fakeDevices) Rotate(context.Context, string) error { f.note("rotate"); return nil }
func (f *fakeDevices) PlatformKey() []byte                  { return make([]byte, 32) }

// fakeWatch has one lot of topics, then nothing for ever.
type fakeWatch struct {
	instance string
	given    bool
}

func (f *fakeWatch) Take() ([]panel.Watched, uint64, bool, error) {
	if f.given {
		return nil, 0, false, nil
	}
	f.given = true
	return []panel.Watched{
		{Topic: "a/" + f.instance, Payload: []byte("1"), Size: 1, Messages: 2, At: time.Unix(5, 0), Kept: true, Publisher: "c/1", User: "u"},
		{Topic: "b", Payload: []byte{0xff}, Size: 1},
	}, 7, false, nil
}
func (f *fakeWatch) Close() {}
