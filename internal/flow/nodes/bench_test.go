package nodes_test

import (
	"context"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/value"
)

// source makes a message as an mqtt in node does, and drain asks for the next.
type source struct{ b *flow.Base }

func (n *source) Receive(*flow.Msg) {
	m := flow.EmptyMsg()
	m.Root().Set("topic", value.Str("bench/in"))
	m.Root().Set("payload", value.Str(`{"n":7,"t":21.5,"h":40,"loc":{"room":"kitchen","floor":1},"ok":true}`))
	m.Root().Set("qos", value.Int(0))
	m.Root().Set("retain", value.Of(false))
	n.b.Send(m)
}

type drain struct {
	n, want int
	last    *flow.Msg
	from    *source
	done    chan struct{}
}

func (d *drain) Receive(m *flow.Msg) {
	if d.n++; d.n == d.want {
		d.last = m
		close(d.done)
		return
	}
	d.from.Receive(nil)
}

// benchmarkFlow measures messages from a source through nodes to a drain, without sockets. In nodes, ' stands for ";
// the source is wired to "a", and the nodes to "d".
func benchmarkFlow(b *testing.B, payload string, list ...string) {
	s := &source{}
	d := &drain{want: b.N, from: s, done: make(chan struct{})}
	types := append(nodes.All(),
		flow.Type{Name: "source", New: func(base *flow.Base, _ flow.Config) (flow.Node, error) { s.b = base; return s, nil }},
		flow.Type{Name: "drain", New: func(*flow.Base, flow.Config) (flow.Node, error) { return d, nil }})
	rt := flow.New(flow.Options{Nodes: types, JSONata: nodes.JSONata})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- rt.Run(ctx) }()
	f, err := flow.ParseFile([]byte(strings.ReplaceAll(`[{'id':'t','type':'tab'},{'id':'s','type':'source','z':'t','wires':[['a']]},`+
		strings.Join(list, ",")+`,{'id':'d','type':'drain','z':'t'}]`, "'", `"`)))
	if err != nil {
		b.Fatal(err)
	}
	if err := rt.Deploy(ctx, f, nil, flow.DeployFull); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	s.b.Do(func() { s.Receive(nil) })
	<-d.done
	b.StopTimer()
	if got := value.JSON(d.last.Get("payload")); got != payload {
		b.Errorf("the payload came out as %s, want %s", got, payload)
	}
	cancel()
	<-ended
}

func BenchmarkJSONSwitchChangeTemplate(b *testing.B) {
	benchmarkFlow(b, `"{\"n\":7,\"text\":\"kitchen: 21.5 C\"}"`,
		`{'id':'a','type':'json','z':'t','property':'payload','action':'','pretty':false,'wires':[['w']]}`,
		`{'id':'w','type':'switch','z':'t','property':'payload.t','propertyType':'msg','rules':[{'t':'gte','v':'0','vt':'num'}],'checkall':'true','repair':false,'outputs':1,'wires':[['c']]}`,
		`{'id':'c','type':'change','z':'t','rules':[{'t':'set','p':'payload.unit','pt':'msg','to':'C','tot':'str'},{'t':'move','p':'payload.loc.room','pt':'msg','to':'room','tot':'msg'}],'wires':[['m']]}`,
		`{'id':'m','type':'template','z':'t','field':'payload','fieldType':'msg','format':'handlebars','syntax':'mustache','template':'{\'n\':{{payload.n}},\'text\':\'{{room}}: {{payload.t}} {{payload.unit}}\'}','output':'str','wires':[['d']]}`)
}

func BenchmarkJSONataChange(b *testing.B) {
	benchmarkFlow(b, `{"n":7,"f":70.7,"room":"kitchen","hot":false}`,
		`{'id':'a','type':'json','z':'t','property':'payload','action':'','pretty':false,'wires':[['c']]}`,
		`{'id':'c','type':'change','z':'t','rules':[{'t':'set','p':'payload','pt':'msg','to':'{\'n\': payload.n, \'f\': payload.t * 1.8 + 32, \'room\': payload.loc.room, \'hot\': payload.t > 25}','tot':'jsonata'}],'wires':[['d']]}`)
}
