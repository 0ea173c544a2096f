package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/cert"
	"tsunagi/internal/mqtt"
)

// echo is a session that sends every packet back. It keeps its outbox as the broker does: under a lock, in parts.
type echo struct {
	link  *conn
	quiet bool // doesn't echo
	alive time.Duration
	end   chan error // told the cause of gone
	panic atomic.Bool

	mu     sync.Mutex
	marked bool
	parts  [][]byte
	n      int
	bound  int // bytes that may wait; 0: no bound
	drops  int
	got    int // packets handled
	most   int // bytes handed over at once
}

type echoTurn struct{ e *echo }

func (t echoTurn) Flush() { t.e.link.Flush() }

func (e *echo) handle(buf []byte, f flushers) (used int, err error) {
	if e.panic.Load() {
		panic("a bug for the test")
	}
	e.mu.Lock()
	e.most = max(e.most, len(buf))
	e.mu.Unlock()
	for {
		frame, err := mqtt.Cut(buf[used:], 16<<20)
		if errors.Is(err, mqtt.ErrShort) {
			return used, nil
		}
		if err != nil {
			return used, err
		}
		packet := buf[used : used+frame.Size]
		used += frame.Size
		if frame.Type() == mqtt.DISCONNECT {
			return used, broker.ErrDisconnected
		}
		e.mu.Lock()
		e.got++
		e.mu.Unlock()
		if !e.quiet && e.put(append([]byte(nil), packet...)) {
			f.hand(echoTurn{e})
		}
	}
}

// put appends to the outbox and says whether a flush must be asked for.
func (e *echo) put(p []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bound > 0 && e.n+len(p) > e.bound {
		e.drops++
		return false
	}
	e.parts = append(e.parts, p)
	e.n += len(p)
	if e.marked {
		return false
	}
	e.marked = true
	return true
}

func (e *echo) flush(write writeFunc) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.marked = false
	for len(e.parts) > 0 {
		some := e.parts[:min(len(e.parts), 1024)]
		want := 0
		for _, p := range some {
			want += len(p)
		}
		n, err := write(some)
		e.n -= n
		full := n == want
		for n > 0 && n >= len(e.parts[0]) {
			n -= len(e.parts[0])
			e.parts = e.parts[1:]
		}
		if n > 0 {
			e.parts[0] = e.parts[0][n:]
		}
		if err != nil || !full {
			return err
		}
	}
	return nil
}

func (e *echo) waiting() int             { e.mu.Lock(); defer e.mu.Unlock(); return e.n }
func (e *echo) full() bool               { return e.waiting() > pauseFrom }
func (e *echo) keepAlive() time.Duration { return e.alive }
func (e *echo) gone(cause error)         { e.end <- cause }

func (e *echo) expel(r mqtt.Reason, words string) {
	e.link.Close(&broker.Refusal{Reason: r, Words: words})
}

// fakeDoor admits everybody but those with the password "wrong".
type fakeDoor struct {
	mu     sync.Mutex
	hellos []Hello
}

func (d *fakeDoor) Admit(_ context.Context, h Hello) (*broker.Broker, broker.Identity, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wrong := string(h.Password) == "wrong"
	h.Password = nil
	d.hellos = append(d.hellos, h)
	switch {
	case wrong:
		return nil, broker.Identity{}, &broker.Refusal{Reason: mqtt.BadUserNameOrPassword, Words: "user name or password is wrong"}
	case h.User == "broken":
		return nil, broker.Identity{}, errors.New("database is away")
	}
	return nil, broker.Identity{User: h.User}, nil
}

func (d *fakeDoor) last() Hello {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hellos[len(d.hellos)-1]
}

// rig is a gate on loopback with all its ports.
type rig struct {
	*Server
	t        testing.TB
	door     *fakeDoor
	ca       *cert.Authority
	mqtt     string // open plain port
	refusing string // plain port that refuses
	mqtts    string
	ws, wss  string // host:port
	events   chan broker.Event
	sessions chan *echo
	prepare  func(*echo)
}

func newRig(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, door: &fakeDoor{}, events: make(chan broker.Event, 100), sessions: make(chan *echo, 5000), prepare: func(*echo) {}}
	ca, err := cert.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r.ca = ca
	o := Options{Door: r.door, Reference: "localhost:8883", Refused: func(_ Hello, e broker.Event) { r.events <- e }}
	for _, f := range change {
		f(&o)
	}
	r.Server = New(o)
	r.attach = r.fakeAttach
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	r.mqtt = r.serve(func(l net.Listener) error { return r.ServePlain(l, true) })
	r.refusing = r.serve(func(l net.Listener) error { return r.ServePlain(l, false) })
	r.mqtts = r.serve(func(l net.Listener) error { return r.ServeTLS(l, ca.TLSConfig(nil, "mqtt")) })
	plain := &http.Server{Handler: r.WebSocket(WebSocketOptions{Plain: true})}
	r.ws = r.serve(func(l net.Listener) error { return plain.Serve(r.Listener(l)) })
	secure := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), Handler: r.WebSocket(WebSocketOptions{}),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){"mqtt": r.NextProto}}
	r.wss = r.serve(func(l net.Listener) error {
		return secure.Serve(tls.NewListener(r.Listener(l), ca.TLSConfig(nil, "http/1.1", "mqtt")))
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = r.Stop(ctx) // a test of Stop has its own
		plain.Close()
		secure.Close()
	})
	return r
}

func (r *rig) fakeAttach(_ context.Context, _ *broker.Broker, req *broker.ConnectRequest) (session, error) {
	e := &echo{link: req.Link.(*conn), end: make(chan error, 1), alive: time.Duration(req.Packet.KeepAlive) * time.Second}
	ack := mqtt.Connack{MaxQoS: 2}
	e.put(ack.Append(nil, req.Packet.Version))
	r.prepare(e)
	r.sessions <- e
	return e, nil
}

func (r *rig) serve(f func(net.Listener) error) string {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { l.Close() })
	go f(l) // ends with the listener
	return l.Addr().String()
}

// session waits for the next session that was made.
func (r *rig) session() *echo {
	r.t.Helper()
	select {
	case e := <-r.sessions:
		return e
	case <-time.After(time.Minute):
		r.t.Fatal("no session was made")
		return nil
	}
}

// event waits for the next event.
func (r *rig) event() broker.Event {
	r.t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(time.Minute):
		r.t.Fatal("no event came")
		return broker.Event{}
	}
}
