package parsers_test

import (
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/value"
)

// ender is where the messages of a fuzzed flow arrive.
type ender struct{ got chan *flow.Msg }

func (e ender) Receive(m *flow.Msg) {
	select {
	case e.got <- m:
	default: // there may be many
	}
}

// bench runs one node after the other, each with a flow of its own.
type bench struct {
	s     *flowtest.Server
	first *flow.Base
	got   chan *flow.Msg
}

// newBench deploys nodes that a message runs through; behind them it is caught, whether it
// became something or an error.
func newBench(t *testing.T, wires string) *bench {
	b := &bench{got: make(chan *flow.Msg, 4)}
	b.s = flowtest.Start(t, append(nodes.All(),
		flow.Type{Name: "begin", New: func(base *flow.Base, _ flow.Config) (flow.Node, error) { b.first = base; return ender{b.got}, nil }},
		flow.Type{Name: "end", New: func(*flow.Base, flow.Config) (flow.Node, error) { return ender{b.got}, nil }}))
	b.s.Load(flow.DeployFull, `[{'id':'t','type':'tab'},{'id':'b','type':'begin','z':'t','x':1,'y':1,'wires':[['n']]},
		{'id':'e','type':'end','z':'t','x':1,'y':1},{'id':'c','type':'catch','z':'t','x':1,'y':1,'wires':[['e']]},
		{'id':'f','type':'complete','z':'t','x':1,'y':1,'scope':['n'],'wires':[['e']]},`+wires+`]`)
	return b
}

// run sends a payload through the nodes and waits until something comes out.
func (b *bench) run(t *testing.T, payload value.Value, kv ...any) {
	b.first.Do(func() { b.first.Send(flow.NewMsg(append(kv, "payload", payload)...)) })
	select {
	case <-b.got:
	case <-time.After(time.Minute):
		t.Fatal("nothing arrives")
	}
	b.s.Stop()
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{"a,b\n1,\"x\"\"y\"\n", ",\r\n\"", "\n\n;\"a\"b\"", "é,\x00\n𝒳"} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, rfc bool) {
		spec := ""
		if rfc {
			spec = "rfc"
		}
		b := newBench(t, `{'id':'n','type':'csv','z':'t','x':1,'y':1,'spec':'`+spec+`','hdrin':true,'multi':'mult','include_null_values':true,'wires':[['m']]},
			{'id':'m','type':'csv','z':'t','x':1,'y':1,'spec':'`+spec+`','hdrout':'all','wires':[[]]}`)
		b.run(t, value.Str(text))
	})
}

func FuzzXML(f *testing.F) {
	for _, text := range []string{"<a x='1'>t<b/><![CDATA[ ]]></a>", "<n:a xmlns:n='u'>&#1;</n:a>", "<a><b></a>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newBench(t, `{'id':'n','type':'xml','z':'t','x':1,'y':1,'wires':[['m']]},{'id':'m','type':'xml','z':'t','x':1,'y':1,'wires':[[]]}`)
		b.run(t, value.Str(text))
	})
}

func FuzzYAML(f *testing.F) {
	for _, text := range []string{"a: &x [1, *x]\n<<: {b: ~}\n", "- |2-\n   a\n- >+\n b\n\n", "!!binary x", "? {a: b}\n: - c", "2020-02-30T99:99:99Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newBench(t, `{'id':'n','type':'yaml','z':'t','x':1,'y':1,'wires':[['m']]},{'id':'m','type':'yaml','z':'t','x':1,'y':1,'wires':[[]]}`)
		b.run(t, value.Str(text))
	})
}

func FuzzHTML(f *testing.F) {
	for _, s := range [][2]string{{"<p>a<p class=b>c", "p.b"}, {"<table><a>", "* > :not(td)"}, {"<svg:x y", "[y]"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, text, selector string) {
		b := newBench(t, `{'id':'n','type':'html','z':'t','x':1,'y':1,'tag':'','ret':'compl','as':'single','wires':[[]]}`)
		b.run(t, value.Str(text), "select", selector)
	})
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"pattern":"^(a+)+$"}}}`, `{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}`)
	f.Add(`{"$ref":"#"}`, `1`)
	f.Fuzz(func(t *testing.T, schema, text string) {
		s, err := value.ParseString(schema)
		if err != nil {
			return
		}
		b := newBench(t, `{'id':'n','type':'json','z':'t','x':1,'y':1,'action':'obj','wires':[[]]}`)
		b.run(t, value.Str(text), "schema", s)
	})
}
