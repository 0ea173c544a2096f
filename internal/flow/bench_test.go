package flow

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/flow/value"
)

// sink counts what arrives; pass sends on; write changes the message first.
type sink struct{ n int }

func (s *sink) Receive(*Msg) { s.n++ }

type passOn struct{ b *Base }

func (p passOn) Receive(m *Msg) {
	p.b.Send(m)
	p.b.Done(m, nil)
}

type writeOn struct{ b *Base }

func (w writeOn) Receive(m *Msg) {
	m.Set("payload", value.Str("changed"))
	w.b.Send(m)
	w.b.Done(m, nil)
}

func benchRuntime(b testing.TB, file string) (*Runtime, *sink) {
	s := &sink{}
	r := New(Options{Nodes: []Type{
		{Name: "sink", New: func(*Base, Config) (Node, error) { return s, nil }},
		{Name: "pass", New: func(b *Base, _ Config) (Node, error) { return passOn{b}, nil }},
		{Name: "write", New: func(b *Base, _ Config) (Node, error) { return writeOn{b}, nil }},
	}})
	f, err := ParseFile([]byte(file))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx)
	}()
	b.Cleanup(func() { cancel(); <-done })
	if err := r.Deploy(context.Background(), f, nil, DeployFull); err != nil {
		b.Fatal(err)
	}
	return r, s
}

func node(id, typ string, wires ...string) string {
	quoted := make([]string, len(wires))
	for i, w := range wires {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return fmt.Sprintf(`{"id":%q,"type":%q,"z":"t","x":1,"y":1,"wires":[[%s]]}`, id, typ, strings.Join(quoted, ","))
}

// runOnLoop measures n deliveries to the first node, made on the loop itself as nodes make
// them.
func runOnLoop(b *testing.B, r *Runtime, first string, m func() *Msg) {
	b.ReportAllocs()
	_ = r.on(context.Background(), func() {
		start := r.find(first)
		for b.Loop() {
			r.deliver(start, start, m())
			for r.queue.n > 0 {
				r.turn(r.queue.n)
			}
		}
	})
}

// BenchmarkChain is one message through five nodes, the last of which keeps it.
func BenchmarkChain(b *testing.B) {
	r, _ := benchRuntime(b, `[{"id":"t","type":"tab"},`+strings.Join([]string{
		node("a", "pass", "b"), node("b", "pass", "c"), node("c", "pass", "d"), node("d", "pass", "e"), node("e", "sink")}, ",")+`]`)
	m := NewMsg("payload", "x", "topic", "t")
	m.identify()
	runOnLoop(b, r, "a", func() *Msg { return m })
}

// BenchmarkFan is one message to four nodes that each write to their clone.
func BenchmarkFan(b *testing.B) {
	r, _ := benchRuntime(b, `[{"id":"t","type":"tab"},`+strings.Join([]string{
		node("a", "pass", "b", "c", "d", "e"), node("b", "write", "s"), node("c", "write", "s"), node("d", "write", "s"), node("e", "write", "s"),
		node("s", "sink")}, ",")+`]`)
	runOnLoop(b, r, "a", func() *Msg {
		m := NewMsg("payload", "x", "topic", "t", "qos", 0)
		m.identify()
		return m
	})
}

// BenchmarkInbox is one message from a goroutine of a node to the next node.
func BenchmarkInbox(b *testing.B) {
	r, s := benchRuntime(b, `[{"id":"t","type":"tab"},`+node("a", "pass", "s")+","+node("s", "sink")+`]`)
	var from *Base
	_ = r.on(context.Background(), func() { from = r.find("a") })
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		from.Emit(NewMsg("payload", "x"))
	}
	_ = r.on(context.Background(), func() {}) // traffic waits its turn behind
	for got := 0; got < n; {
		_ = r.on(context.Background(), func() { got = s.n })
	}
}

func TestChainAllocatesNothing(t *testing.T) {
	r, _ := benchRuntime(t, `[{"id":"t","type":"tab"},`+node("a", "pass", "b")+","+node("b", "pass", "c")+","+node("c", "sink")+`]`)
	m := NewMsg("payload", "x")
	m.identify()
	_ = r.on(t.Context(), func() {
		a := r.find("a")
		n := testing.AllocsPerRun(100, func() {
			r.deliver(a, a, m)
			for r.queue.n > 0 {
				r.turn(r.queue.n)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations a message, want none", n)
		}
	})
}
