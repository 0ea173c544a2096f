package hook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/outside"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

// site is one broker on a real store, with its hooks.
type site struct {
	t      testing.TB
	dir    string
	change func(*Options) // nil: nothing

	store  *sqlite.Store
	broker *broker.Broker
	hooks  *Manager
	end    context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex // guards what follows
	letters []account.DeadLetter
	full    bool
	mails   [][]*filling.Message
	more    []int
	log     []broker.Event
}

func newSite(t testing.TB, change func(*Options)) *site {
	t.Helper()
	s := &site{t: t, dir: sqlitetest.Dir(t), change: change}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) start() {
	t := s.t
	t.Helper()
	var err error
	if s.store, err = sqlite.Open(context.Background(), sqlite.Options{Dir: s.dir, BallastBytes: -1}); err != nil {
		t.Fatal(err)
	}
	committer := broker.NewCommitter(s.store.Messages, func(t *broker.Turn) { t.Flush() }, nil)
	ctx, cancel := context.WithCancel(context.Background())
	s.end, s.ended = cancel, make(chan struct{})
	go func() { defer close(s.ended); _ = committer.Run(ctx) }() // ends with ctx
	var hooks *Manager
	s.broker, err = broker.New(broker.Options{ID: "instance", Committer: committer, Limits: broker.Limits{Connections: 2}, Events: func(e broker.Event) {
		if hooks != nil {
			hooks.Tell("instance", e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	dialer := outside.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	o := Options{
		Broker: func(context.Context, string) (*broker.Broker, error) { return s.broker, nil },
		Find:   func(string) *broker.Broker { return s.broker },
		Rights: func(context.Context, string) (broker.Rights, error) { return broker.AllowAll{}, nil },
		Dial:   dialer.DialContext, DialPlain: dialer.DialContext, Mail: s.mail, Keep: s.keep,
		Events:   func(_ string, e broker.Event) { s.mu.Lock(); defer s.mu.Unlock(); s.log = append(s.log, e) },
		RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond, Gather: time.Millisecond, MailEvery: time.Millisecond,
	}
	if s.change != nil {
		s.change(&o)
	}
	hooks = New(o)
	s.hooks = hooks
}

func (s *site) mail(_ context.Context, _ account.Hook, list []*filling.Message, more int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails, s.more = append(s.mails, list), append(s.more, more)
	return nil
}

func (s *site) keep(_ context.Context, d account.DeadLetter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return account.ErrDeadLettersFull
	}
	s.letters = append(s.letters, d)
	return nil
}

func (s *site) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := errors.Join(s.hooks.Stop(ctx), s.broker.Stop(ctx))
	s.end()
	<-s.ended
	if err := errors.Join(err, s.store.Close()); err != nil {
		s.t.Errorf("stop: %v", err)
	}
}

func (s *site) restart() { s.stop(); s.start() }

// set makes the hooks and waits until they listen.
func (s *site) set(list ...Config) {
	s.t.Helper()
	if err := s.hooks.Set("instance", list, func(string) bool { return false }); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range list {
		s.until("hook "+c.ID+" listens", func() bool { st, _ := s.hooks.State("instance", c.ID); return st.Connected })
	}
}

func (s *site) until(what string, good func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !good(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func (s *site) publish(topic, payload string) {
	s.t.Helper()
	if err := s.broker.Publish(context.Background(), topic, []byte(payload), 1, false); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) state(id string) State { st, _ := s.hooks.State("instance", id); return st }

// receiver is an HTTP server that hooks post to.
type receiver struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, n int) // nil: 204

	mu  sync.Mutex // guards got
	got []call
}

type call struct {
	header http.Header
	body   []byte
	event  Event
}

func newReceiver(t testing.TB, answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	c := call{header: req.Header, body: body}
	_ = json.Unmarshal(body, &c.event) // a template may make what is no JSON
	r.mu.Lock()
	r.got = append(r.got, c)
	n := len(r.got)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(w, req, n)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) calls() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.got...)
}

// ids are the events that came, each once.
func (r *receiver) ids() map[string]int {
	out := map[string]int{}
	for _, c := range r.calls() {
		out[c.header.Get("Webhook-Id")]++
	}
	return out
}

func postTo(url, filter string) Config {
	return Config{Hook: account.Hook{Instance: "instance", ID: "h", Name: "post", Enabled: true, Events: []account.HookEvent{account.HookMessage},
		Filter: filter, Action: account.HookPost, URL: url}, Secrets: account.HookSecrets{Signing: "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="}}
}

func forward(id, filter, topic, template string) Config {
	return Config{Hook: account.Hook{Instance: "instance", ID: id, Name: "rule " + id, Enabled: true, Events: []account.HookEvent{account.HookMessage},
		Filter: filter, Action: account.HookPublish, Topic: topic, Template: template, QoS: 1}}
}

// connect is a client that comes and goes.
func (s *site) connect(id string) *broker.Client {
	s.t.Helper()
	c, err := s.broker.Connect(context.Background(), &broker.ConnectRequest{Packet: &mqtt.Connect{Version: mqtt.V5, Clean: true, ClientID: []byte(id)},
		Identity: broker.Identity{User: "u", Rights: broker.AllowAll{}}, Remote: "192.0.2.1", Via: "mqtts", Link: nobody{}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

type nobody struct{}

func (nobody) Flush()      {}
func (nobody) Close(error) {}
