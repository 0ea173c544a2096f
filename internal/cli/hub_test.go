package cli

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// hub is a broker just large enough for these tests: every message goes to every subscriber, topics that begin with
// "denied" and the user "nobody" are refused.
type hub struct {
	t         *testing.T
	ln        net.Listener
	only311   bool // refuses 5.0
	mu        sync.Mutex
	clients   map[*hubConn]bool
	retained  []mqtt.Publish
	connects  []mqtt.Connect
	published []mqtt.Publish
	acks      []uint16
	subscribe chan string   // filters as they come
	arrived   chan struct{} // a message has come
	polite    chan bool     // a connection ended: with DISCONNECT?
}

type hubConn struct {
	net.Conn
	v          mqtt.Version
	subscribed bool
}

func newHub(t *testing.T) *hub {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, ln: ln, clients: map[*hubConn]bool{}, subscribe: make(chan string, 100), polite: make(chan bool, 100),
		arrived: make(chan struct{}, 1)}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go h.serve(&hubConn{Conn: conn})
		}
	}()
	return h
}

// where are the options that lead to h.
func (h *hub) where(args ...string) []string {
	host, port, _ := net.SplitHostPort(h.ln.Addr().String())
	return append([]string{"-h", host, "-p", port}, args...)
}

func (h *hub) serve(c *hubConn) {
	polite := false
	defer func() {
		h.mu.Lock()
		delete(h.clients, c)
		h.mu.Unlock()
		c.Close()
		h.polite <- polite
	}()
	var buf []byte
	chunk := make([]byte, 4096)
	for {
		f, err := mqtt.Cut(buf, 0)
		if err == nil {
			polite = f.Type() == mqtt.DISCONNECT
			if !h.handle(c, f) {
				return
			}
			buf = buf[f.Size:]
			continue
		}
		n, err := c.Read(chunk)
		buf = append(buf, chunk[:n]...)
		if err != nil {
			return
		}
	}
}

func (h *hub) handle(c *hubConn, f mqtt.Frame) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.Body = bytes.Clone(f.Body)
	switch f.Type() {
	case mqtt.CONNECT:
		return h.connect(c, f)
	case mqtt.PUBLISH:
		var m mqtt.Publish
		if err := mqtt.DecodePublish(&m, f, c.v); err != nil {
			h.t.Error(err)
		}
		h.publish(c, m)
	case mqtt.PUBACK:
		var a mqtt.Ack
		mqtt.DecodeAck(&a, f, c.v)
		h.acks = append(h.acks, a.PacketID)
	case mqtt.SUBSCRIBE:
		s, err := mqtt.DecodeSubscribe(f, c.v)
		if err != nil {
			h.t.Error(err)
			return false
		}
		answer := mqtt.Suback{Type: mqtt.SUBACK, PacketID: s.PacketID}
		for _, x := range s.Filters {
			r := mqtt.Reason(x.QoS)
			if strings.HasPrefix(string(x.Filter), "denied") {
				r = mqtt.NotAuthorized
			} else {
				c.subscribed = true
			}
			answer.Reasons = append(answer.Reasons, r)
			h.subscribe <- string(x.Filter)
		}
		c.Write(answer.Append(nil, c.v))
		for _, m := range h.retained {
			c.Write(m.Append(nil, c.v))
		}
	case mqtt.DISCONNECT:
		return false
	}
	return true
}

func (h *hub) connect(c *hubConn, f mqtt.Frame) bool {
	p, err := mqtt.DecodeConnect(f)
	if err != nil {
		return false
	}
	h.connects = append(h.connects, *p)
	c.v = p.Version
	a := mqtt.Connack{MaxQoS: 2}
	switch {
	case h.only311 && c.v == mqtt.V5:
		c.v, a.Reason = mqtt.V311, mqtt.UnsupportedProtocolVersion
	case string(p.User) == "nobody":
		a.Reason = mqtt.BadUserNameOrPassword
	}
	c.Write(a.Append(nil, c.v))
	h.clients[c] = true
	return a.Reason == mqtt.Success
}

func (h *hub) publish(c *hubConn, m mqtt.Publish) {
	h.published = append(h.published, m)
	select {
	case h.arrived <- struct{}{}:
	default:
	}
	if m.QoS > 0 {
		a := mqtt.Ack{Type: mqtt.PUBACK, PacketID: m.PacketID}
		if strings.HasPrefix(string(m.Topic), "denied") {
			a.Reason, a.ReasonString = mqtt.NotAuthorized, "no rule"
		}
		c.Write(a.Append(nil, c.v))
	}
	h.send(m)
}

// send gives m to all subscribers, at QoS 1 with the identifier it has.
func (h *hub) send(m mqtt.Publish) {
	for other := range h.clients {
		if other.subscribed {
			other.Write(m.Append(nil, other.v))
		}
	}
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

func runPub(h *hub, in string, args ...string) result {
	var out, errOut bytes.Buffer
	n := Pub(context.Background(), h.where(args...), strings.NewReader(in), &out, &errOut)
	return result{n, out.String(), errOut.String()}
}

// startSub runs sub aside; the result comes when it ends.
func startSub(ctx context.Context, h *hub, args ...string) <-chan result {
	done := make(chan result, 1)
	go func() {
		var out, errOut bytes.Buffer
		w := bufio.NewWriter(&out)
		n := Sub(ctx, h.where(args...), nil, w, &errOut)
		w.Flush()
		done <- result{n, out.String(), errOut.String()}
	}()
	return done
}

func await[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("not reached")
	}
}

// seen is what came so far.
func (h *hub) seen() (connects []mqtt.Connect, published []mqtt.Publish, acks []uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.connects), slices.Clone(h.published), slices.Clone(h.acks)
}
