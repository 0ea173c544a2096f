package function_test

import (
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes/function"
	"tsunagi/internal/flow/value"
)

// end is where messages of a fuzzed flow arrive.
type end struct{ got chan *flow.Msg }

func (e end) Receive(m *flow.Msg) { e.got <- m }

// FuzzTemplate renders any template with any message: nothing may panic or hang.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{payload}}", "{{#list}}{{.}}{{/list}}", "{{^a}}{{{b.c}}}{{/a}}", "{{=<% %>=}}<% x %>", "{{#a}}", "{{!x}}\n {{#t}}\n y\n {{/t}}\n", "{{env.X}}{{flow.a[0]}}{{>p}}"} {
		f.Add(s, `{"payload":"x","list":[1,null,{"a":2}],"a":{"b":{"c":1}},"t":true}`)
	}
	got := make(chan *flow.Msg, 10)
	types := []flow.Type{function.Template(), function.Switch(), {Name: "end", New: func(*flow.Base, flow.Config) (flow.Node, error) { return end{got}, nil }}}
	f.Fuzz(func(t *testing.T, template, message string) {
		v, err := value.ParseString(message)
		if err != nil || v.Map() == nil {
			return
		}
		s := flowtest.Start(t, append(types, flow.Type{Name: "start", New: func(b *flow.Base, _ flow.Config) (flow.Node, error) {
			b.After(0, func() { b.Send(flow.MsgOf(v.Map())) })
			return end{}, nil
		}}))
		o := value.MapOf("id", "x", "type", "template", "z", "t", "x", 1, "y", 1, "template", template, "wires", value.NewList(value.NewList(value.Str("e")).Value()))
		file := `[{"id":"t","type":"tab"},{"id":"s","type":"start","z":"t","x":1,"y":1,"wires":[["x","e"]]},{"id":"e","type":"end","z":"t","x":1,"y":1},` + value.JSON(o.Value()) + "]"
		parsed, err := flow.ParseFile([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Deploy(t.Context(), parsed, nil, flow.DeployFull); err != nil {
			t.Fatal(err)
		}
		select {
		case <-got: // the message itself, behind its template
		case <-time.After(time.Minute):
			t.Fatal("nothing arrives")
		}
		s.Stop()
		for len(got) > 0 {
			<-got
		}
	})
}
