package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

// site is one broker on a real store with a real socket, and its bridges.
type site struct {
	t      *testing.T
	name   string
	dir    string
	addr   string
	limits broker.Limits
	tls    *tls.Config // nil: without

	store   *sqlite.Store
	broker  *broker.Broker
	gate    *gate.Server
	bridges *Manager
	end     context.CancelFunc
	ended   chan struct{}

	mu    sync.Mutex // guards conns
	conns []net.Conn
	away  bool // guarded by mu: dialling fails
}

func newSite(t *testing.T, name string, limits broker.Limits) *site {
	t.Helper()
	s := &site{t: t, name: name, dir: sqlitetest.Dir(t), addr: "127.0.0.1:0", limits: limits}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// Admit lets everybody in; the user "stranger" is refused.
func (s *site) Admit(_ context.Context, h gate.Hello) (*broker.Broker, broker.Identity, error) {
	if h.User == "stranger" {
		return nil, broker.Identity{}, &broker.Refusal{Reason: mqtt.BadUserNameOrPassword, Words: "who is that"}
	}
	return s.broker, broker.Identity{User: h.User, Rights: broker.AllowAll{}}, nil
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
	go func() { defer close(s.ended); _ = committer.Run(ctx) }()
	if s.broker, err = broker.New(broker.Options{ID: "instance", Limits: s.limits, Committer: committer, Origin: "origin-" + s.name}); err != nil {
		t.Fatal(err)
	}
	s.gate = gate.New(gate.Options{Door: s, Drain: s.broker.Stop})
	if err := s.gate.Start(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	go func() { // ends with the gate
		if s.tls != nil {
			_ = s.gate.ServeTLS(l, s.tls)
		} else {
			_ = s.gate.ServePlain(l, true)
		}
	}()
	s.bridges = New(Options{
		Broker: func(context.Context, string) (*broker.Broker, error) { return s.broker, nil },
		Find:   func(string) *broker.Broker { return s.broker },
		Rights: func(context.Context, string) (broker.Rights, error) { return broker.AllowAll{}, nil },
		Dial:   s.dial, DialPlain: s.dial, Origin: func(string) string { return "origin-" + s.name },
		RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond,
	})
}

// stop ends everything in the order of the program.
func (s *site) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := errors.Join(s.bridges.Stop(ctx), s.gate.Stop(ctx), s.broker.Stop(ctx))
	s.end()
	<-s.ended
	if err := errors.Join(err, s.store.Close()); err != nil {
		s.t.Errorf("stop %s: %v", s.name, err)
	}
}

func (s *site) restart() { s.stop(); s.start() }

// dial remembers connections, for cut.
func (s *site) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	out := errors.New("the cable is out")
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away {
		return nil, out
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away { // it was pulled meanwhile
		return nil, errors.Join(out, c.Close())
	}
	s.conns = append(s.conns, c)
	return c, nil
}

// cut closes the bridges' sockets under them; away keeps new ones from being made.
func (s *site) cut(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns, s.away = nil, away
}

// bridge is a bridge to an address with some lines.
func (s *site) bridge(to string, lines ...Topic) Config {
	return Config{Instance: "instance", ID: "b-" + s.name, Name: "to the other", Address: to, ClientID: "bridge-of-" + s.name,
		Version: mqtt.V5, KeepAlive: 30 * time.Second, Topics: lines}
}

// link sets the bridges and waits until each is connected.
func (s *site) link(list ...Config) {
	s.t.Helper()
	s.bridges.Set("instance", list, func(string) bool { return false })
	for _, c := range list {
		s.until(c.ID, func(st State) bool { return st.State == Connected })
	}
}

// until waits for a state of a bridge.
func (s *site) until(id string, good func(State) bool) State {
	s.t.Helper()
	var last State
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if last, _ = s.bridges.State("instance", id); good(last) {
			return last
		}
	}
	s.t.Fatalf("bridge %s: %+v", id, last)
	return last
}

// device is a client of a broker.
type device struct {
	t   *testing.T
	c   *mqttclient.Client
	got chan *mqttclient.Message
}

// newDevice connects to an address and subscribes; it ends with the test.
func newDevice(t *testing.T, addr, id string, v mqtt.Version, filters ...string) *device {
	t.Helper()
	d := &device{t: t, got: make(chan *mqttclient.Message, 100_000)}
	var err error
	d.c, err = mqttclient.New(mqttclient.Options{Addr: addr, Version: v, ClientID: id, SessionExpiry: mqtt.SessionForever, OutboxMessages: 100_000,
		OutboxBytes: 64 << 20, RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond, OnMessage: func(m *mqttclient.Message) { d.got <- m }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for _, f := range filters {
		if _, err := d.c.Subscribe(soon(t), mqttclient.Subscription{Filter: f, QoS: 2, RetainAsPublished: true}); err != nil {
			t.Fatalf("subscribe %q: %v", f, err)
		}
	}
	return d
}

// soon is a context of one step of a test.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func (d *device) publish(topic, payload string, qos byte, retain bool) {
	d.t.Helper()
	if err := d.c.Publish(soon(d.t), &mqttclient.Message{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: retain}); err != nil {
		d.t.Fatalf("publish %q: %v", topic, err)
	}
}

func (d *device) next() *mqttclient.Message {
	d.t.Helper()
	select {
	case m := <-d.got:
		return m
	case <-time.After(time.Minute):
		d.t.Fatal("no message came")
		return nil
	}
}

// want is the next message.
func (d *device) want(topic, payload string) *mqttclient.Message {
	d.t.Helper()
	m := d.next()
	if m.Topic != topic || string(m.Payload) != payload {
		d.t.Fatalf("got %q on %q, want %q on %q", m.Payload, m.Topic, payload, topic)
	}
	return m
}

// connected says whether a client is connected.
func (s *site) connected(id string) bool {
	info, ok := s.broker.Session(id)
	return ok && info.Connected
}
