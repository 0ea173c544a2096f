package script_test

import (
	"context"
	"encoding/json"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/script"
	"tsunagi/internal/flow/value"
)

// sender is a node that sends the message many times, one after the other, and collector one
// that asks for the next.
type sender struct {
	b       *flow.Base
	message value.Value
}

func (n *sender) Receive(*flow.Msg) { n.b.Send(flow.MsgOf(n.message.Clone().Map())) }

type collector struct {
	n, want int
	from    *sender
	done    chan struct{}
}

func (c *collector) Receive(*flow.Msg) {
	if c.n++; c.n == c.want {
		close(c.done)
		return
	}
	c.from.Receive(nil)
}

// benchmarkNode measures a function node in a running flow, delivery included.
func benchmarkNode(b *testing.B, body, message string) {
	v, err := value.ParseString(message)
	if err != nil {
		b.Fatal(err)
	}
	s := &sender{message: v}
	c := &collector{want: b.N, from: s, done: make(chan struct{})}
	rt := flow.New(flow.Options{Nodes: []flow.Type{script.Function(),
		{Name: "sender", New: func(base *flow.Base, _ flow.Config) (flow.Node, error) { s.b = base; return s, nil }},
		{Name: "collector", New: func(*flow.Base, flow.Config) (flow.Node, error) { return c, nil }}}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- rt.Run(ctx) }()
	text, err := json.Marshal([]fields{{"id": "t", "type": "tab"}, {"id": "s", "type": "sender", "z": "t", "wires": [][]string{{"f"}}},
		{"id": "f", "type": "function", "z": "t", "func": body, "outputs": 1, "wires": [][]string{{"c"}}}, {"id": "c", "type": "collector", "z": "t"}})
	if err != nil {
		b.Fatal(err)
	}
	file, err := flow.ParseFile(text)
	if err != nil {
		b.Fatal(err)
	}
	if err := rt.Deploy(ctx, file, nil, flow.DeployFull); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	s.b.Do(func() { s.Receive(nil) })
	<-c.done
	b.StopTimer()
	cancel()
	<-ended
}

const (
	object  = `{"_msgid":"a1b2c3d4e5f60718","topic":"home/1/temp","qos":0,"retain":false,"payload":{"t":21.5,"h":40,"loc":{"room":"kitchen","floor":1},"tags":["a","b"],"ok":true}}`
	text200 = `{"_msgid":"a1b2c3d4e5f60718","topic":"home/1/temp","qos":0,"retain":false,"payload":"{\"sensor\":\"s1\",\"t\":21.5,\"h\":40,\"seq\":12345,\"loc\":{\"room\":\"kitchen\"}}"}`
)

func BenchmarkNodeTypical(b *testing.B) {
	benchmarkNode(b, `const p = msg.payload; p.f = p.t * 1.8 + 32; p.alarm = p.f > 80; msg.topic = "out/" + p.loc.room; return msg;`, object)
}

func BenchmarkNodeJSON(b *testing.B) {
	benchmarkNode(b, `const d = JSON.parse(msg.payload); msg.payload = d.t * 1.8 + 32; return msg;`, text200)
}

func BenchmarkNodeSend(b *testing.B) {
	benchmarkNode(b, `msg.payload = 1; node.send(msg);`, text200)
}

func BenchmarkNodeAsync(b *testing.B) {
	benchmarkNode(b, `await null; msg.payload = 1; return msg;`, text200)
}
