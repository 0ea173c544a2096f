package broker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// rig is a broker with a committer on a store, and clients without sockets.
type rig struct {
	t     testing.TB
	store *memStore
	now   func() time.Time
	k     *Committer
	b     *Broker
	stop  func()
	from  string // address of clients

	mu     sync.Mutex
	events []Event
}

func newRig(t testing.TB, limits Limits) *rig {
	return rigOn(t, newMemStore(), Options{Limits: limits})
}

func rigOn(t testing.TB, store *memStore, o Options) *rig {
	t.Helper()
	r := &rig{t: t, store: store, now: o.Now}
	r.k = NewCommitter(store, nil, nil)
	if store.bodies != 0 {
		r.k.bodies.limit = store.bodies
	}
	if store.carryLag != 0 {
		r.k.carryLag = store.carryLag
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.k.Run(ctx) }()
	o.ID, o.Committer = "i1", r.k
	o.Events = func(e Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.b = b
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(r.stop)
	return r
}

// restart is the rig after a crash: memory is lost, the store stays.
func (r *rig) restart() *rig {
	r.t.Helper()
	r.stop()
	return rigOn(r.t, r.store, Options{Limits: *r.b.limits.Load(), Now: r.now})
}

func (r *rig) event(kind string) (Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			return e, true
		}
	}
	return Event{}, false
}

// peer is a client with a link that collects what is written to it.
type peer struct {
	t testing.TB
	c *Client
	v mqtt.Version

	mu     sync.Mutex
	cond   *sync.Cond
	in     bytes.Buffer // guarded by mu
	stuck  bool         // guarded by mu: takes nothing
	closed error        // guarded by mu
}

func (p *peer) Flush() {
	_ = p.c.Outbox().Flush(p.write)
}

func (p *peer) write(parts [][]byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck {
		return 0, nil
	}
	n := 0
	for _, b := range parts {
		p.in.Write(b)
		n += len(b)
	}
	p.cond.Broadcast()
	return n, nil
}

func (p *peer) Close(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed == nil {
		p.closed = cause
	}
	p.cond.Broadcast()
}

func connectPacket(id string, v mqtt.Version) *mqtt.Connect {
	return &mqtt.Connect{Version: v, Clean: true, ClientID: []byte(id), ReceiveMaximum: 0xFFFF, RequestProblem: true}
}

func persistentPacket(id string, v mqtt.Version) *mqtt.Connect {
	p := connectPacket(id, v)
	p.Clean, p.SessionExpiry, p.HasSessionExpiry = false, mqtt.SessionForever, true
	return p
}

func (r *rig) try(p *mqtt.Connect, id Identity) (*peer, error) {
	q := &peer{t: r.t, v: p.Version}
	q.cond = sync.NewCond(&q.mu)
	if id.Rights == nil {
		id.Rights = AllowAll{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := r.b.Connect(ctx, &ConnectRequest{Packet: p, Identity: id, Remote: cmp.Or(r.from, "test"), Via: "test", Link: q})
	if err != nil {
		return nil, err
	}
	q.c = c
	q.Flush()
	return q, nil
}

// connect connects and takes the CONNACK.
func (r *rig) connect(p *mqtt.Connect) (*peer, *mqtt.Connack) {
	r.t.Helper()
	return r.connectAs(p, Identity{User: "u"})
}

func (r *rig) connectAs(p *mqtt.Connect, id Identity) (*peer, *mqtt.Connack) {
	r.t.Helper()
	q, err := r.try(p, id)
	if err != nil {
		r.t.Fatalf("connect %s: %v", p.ClientID, err)
	}
	ack, err := mqtt.DecodeConnack(q.frame(), p.Version)
	if err != nil {
		r.t.Fatal(err)
	}
	return q, ack
}

func (r *rig) simple(id string) *peer {
	r.t.Helper()
	q, _ := r.connect(connectPacket(id, mqtt.V5))
	return q
}

// send hands packets to the broker and flushes.
func (p *peer) send(packets ...[]byte) error {
	var t Turn
	buf := bytes.Join(packets, nil)
	n, err := p.c.Handle(buf, &t)
	t.Flush()
	if err == nil && n != len(buf) {
		err = fmt.Errorf("used %d of %d bytes", n, len(buf))
	}
	return err
}

func (p *peer) must(packets ...[]byte) {
	p.t.Helper()
	if err := p.send(packets...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) pub(q mqtt.Publish) {
	p.t.Helper()
	p.must(q.Append(nil, p.v))
}

func (p *peer) ack(kind mqtt.Type, id uint16) {
	p.t.Helper()
	p.must((&mqtt.Ack{Type: kind, PacketID: id}).Append(nil, p.v))
}

func (p *peer) subscribe(subs ...mqtt.Subscription) []mqtt.Reason {
	p.t.Helper()
	p.must((&mqtt.Subscribe{PacketID: 99, Filters: subs}).Append(nil, p.v))
	return p.suback()
}

func (p *peer) suback() []mqtt.Reason {
	p.t.Helper()
	f := p.frame()
	if f.Type() != mqtt.SUBACK {
		p.t.Fatalf("got packet type %d, want SUBACK", f.Type())
	}
	a, err := mqtt.DecodeSuback(f, p.v)
	if err != nil {
		p.t.Fatal(err)
	}
	return a.Reasons
}

func (p *peer) sub(filter string, qos byte) {
	p.t.Helper()
	if r := p.subscribe(mqtt.Subscription{Filter: []byte(filter), QoS: qos}); r[0] != mqtt.Reason(qos) {
		p.t.Fatalf("subscribe %s: %v", filter, r[0])
	}
}

// next is the next packet, or false when none has come in time.
func (p *peer) next(wait time.Duration) (mqtt.Frame, bool) {
	end := time.Now().Add(wait) // before the timer's, which wakes but once
	timer := time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cond.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		f, err := mqtt.Cut(p.in.Bytes(), 0)
		if err == nil {
			f.Body = bytes.Clone(f.Body)
			p.in.Next(f.Size)
			return f, true
		}
		if !errors.Is(err, mqtt.ErrShort) {
			p.t.Fatal(err)
		}
		if !time.Now().Before(end) {
			return f, false
		}
		p.cond.Wait()
	}
}

func (p *peer) frame() mqtt.Frame {
	p.t.Helper()
	f, ok := p.next(time.Minute)
	if !ok {
		p.t.Fatal("no packet has come")
	}
	return f
}

func (p *peer) wantPublish() mqtt.Publish {
	p.t.Helper()
	f := p.frame()
	if f.Type() != mqtt.PUBLISH {
		p.t.Fatalf("got packet type %d, want PUBLISH", f.Type())
	}
	var q mqtt.Publish
	if err := mqtt.DecodePublish(&q, f, p.v); err != nil {
		p.t.Fatal(err)
	}
	return q
}

func (p *peer) want(topic, payload string) mqtt.Publish {
	p.t.Helper()
	q := p.wantPublish()
	if string(q.Topic) != topic || string(q.Payload) != payload {
		p.t.Fatalf("got %s %q, want %s %q", q.Topic, q.Payload, topic, payload)
	}
	return q
}

func (p *peer) wantAck(kind mqtt.Type, id uint16) mqtt.Ack {
	p.t.Helper()
	f := p.frame()
	var a mqtt.Ack
	if f.Type() != kind {
		p.t.Fatalf("got packet type %d, want %d", f.Type(), kind)
	}
	if err := mqtt.DecodeAck(&a, f, p.v); err != nil {
		p.t.Fatal(err)
	}
	if a.PacketID != id {
		p.t.Fatalf("got id %d, want %d", a.PacketID, id)
	}
	return a
}

// nothing fails if a packet waits: a PING shows that all before it has been written.
func (p *peer) nothing() {
	p.t.Helper()
	p.must([]byte{byte(mqtt.PINGREQ) << 4, 0})
	if f := p.frame(); f.Type() != mqtt.PINGRESP {
		p.t.Fatalf("got packet type %d with %q, want nothing", f.Type(), f.Body)
	}
}

func (p *peer) gone() { p.c.Gone(errors.New("connection reset")) }

func (p *peer) disconnect() {
	p.t.Helper()
	if err := p.send((&mqtt.Disconnect{}).Append(nil, p.v)); !errors.Is(err, ErrDisconnected) {
		p.t.Fatal(err)
	}
	p.c.Gone(ErrDisconnected)
}

func msg(topic, payload string, qos byte, id uint16) mqtt.Publish {
	return mqtt.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: qos, PacketID: id}
}
