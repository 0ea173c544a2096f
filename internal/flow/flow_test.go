package flow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/flow/value"
)

// probe is a node type for tests: it marks messages with its name and sends them on, or
// fails, panics, closes late.
type probe struct {
	b     *flow.Base
	mode  string
	count int
}

func probeType() flow.Type {
	return flow.Type{Name: "probe", New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		switch c.Str("mode") {
		case "refuse":
			return nil, c.Refuse("mode", "refuse")
		case "panic in new":
			panic("not made")
		}
		return &probe{b: b, mode: c.Str("mode")}, nil
	}}
}

func (p *probe) Receive(m *flow.Msg) {
	switch p.mode {
	case "fail":
		p.b.Done(m, flow.Text("no luck"))
		return
	case "throw":
		p.b.Done(m, flow.NewError("thrown"))
		return
	case "panic":
		panic("out of order")
	case "count":
		p.count++
		m.Set("payload", value.Int(p.count))
	case "many":
		p.b.SendAll([]*flow.Msg{m, flow.NewMsg("payload", "m2")}, []*flow.Msg{nil, flow.NewMsg("payload", "second")})
		p.b.Done(m, nil)
		return
	case "status":
		p.b.Status(flow.Status{Fill: "green", Text: m.Get("payload").Text()})
	case "env":
		m.Set("payload", p.b.Env(m.Get("payload").Str()))
	case "name":
		m.Set("payload", value.Str(p.b.Name()))
	default:
		if t := m.Get("trail"); t.Defined() {
			m.Set("trail", value.Str(t.Str()+p.b.Name()))
		}
	}
	p.b.Send(m)
	p.b.Done(m, nil)
}

func start(t *testing.T) *flowtest.Server {
	return flowtest.Start(t, append(nodes.All(), probeType()), func(o *flow.Options) {
		o.Env = func(k string) (string, bool) { return "from outside", k == "OUTSIDE" }
	})
}

// n writes a node of a flow file: id, type, z, wires of the first output, further fields.
func n(id, typ, z, wires string, more ...string) string {
	w := "[]"
	if wires != "" {
		outputs := []string{}
		for _, o := range strings.Split(wires, "|") {
			if o == "" {
				outputs = append(outputs, "[]")
			} else {
				outputs = append(outputs, "['"+strings.ReplaceAll(o, " ", "','")+"']")
			}
		}
		w = "[" + strings.Join(outputs, ",") + "]"
	}
	extra := ""
	for _, m := range more {
		extra += "," + m
	}
	return fmt.Sprintf("{'id':'%s','type':'%s','z':'%s','x':1,'y':1,'wires':%s%s}", id, typ, z, w, extra)
}

func file(nodes ...string) string {
	return "[{'id':'t','type':'tab','label':'Flow 1'}," + strings.Join(nodes, ",") + "]"
}

func debugNode(id string) string {
	return n(id, "debug", "t", "", "'name':'"+id+"','complete':'payload'")
}

func wholeDebug(id string) string {
	return n(id, "debug", "t", "", "'name':'"+id+"','complete':'true'")
}

// in is an inject node "i" that sends a text.
func in(wires string) string {
	return n("i", "inject", "t", wires, "'props':[{'p':'payload','v':'hi','vt':'str'}]")
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestInjectToDebug(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(n("i", "inject", "t", "d", "'props':[{'p':'payload'},{'p':'topic','vt':'str'}],'topic':'t1','payload':'hi','payloadType':'str'"),
		debugNode("d")))
	if got, want := s.Next("notification/runtime-state"), `{"deploy":true,"state":"start"}`; got != want {
		t.Errorf("state %s, want %s", got, want)
	}
	s.Next("notification/runtime-deploy")
	s.Press("i", "")
	want := map[string]any{"id": "d", "z": "t", "path": "t", "name": "d", "topic": "t1", "property": "payload", "msg": "hi", "format": "string[2]"}
	if got := s.Debug(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("debug %v, want %v", got, want)
	}
	if err := s.Inject(t.Context(), "nobody", nil); err != flow.ErrUnknownNode { //nolint:errorlint // returned as it is
		t.Errorf("inject into nobody: %v", err)
	}
}

// Node-RED: "Delivery is breadth first: all receivers of one send run before what they send."
func TestOrderOfDelivery(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("a b"), n("a", "probe", "t", "d1 d2"), n("b", "probe", "t", "d3"),
		debugNode("d1"), debugNode("d2"), debugNode("d3")))
	s.Press("i", "")
	want(t, s.Shown(3), "d1 hi", "d2 hi", "d3 hi")
}

// Node-RED node_spec: "should send multiple messages", "nulls are left out", one id for all.
func TestSendOfSeveralMessages(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("m"), n("m", "probe", "t", "d1 d2|d3|d1", "'mode':'many'"), debugNode("d1"), debugNode("d2"), wholeDebug("d3")))
	s.Press("i", "")
	got := s.Shown(5)
	want(t, got[:4], "d1 hi", "d1 m2", "d2 hi", "d2 m2")
	if !strings.Contains(got[4], `"payload":"second","_msgid":"`) {
		t.Error(got[4])
	}
}

// Node-RED node_spec: "should send the original message to the first, clones to the others".
func TestClonesAreApart(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(n("i", "inject", "t", "a b c", "'props':[{'p':'trail','v':'','vt':'str'}]"),
		n("a", "probe", "t", "d", "'name':'a'"), n("b", "probe", "t", "d", "'name':'b'"), n("c", "probe", "t", "d", "'name':'c'"),
		n("d", "debug", "t", "", "'complete':'trail'")))
	s.Press("i", "")
	want(t, s.Shown(3), " a", " b", " c")
}

func TestDisabledNodesAndFlowsDoNotRun(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("a b"), n("a", "probe", "t", "d", "'d':true"), n("b", "probe", "t", "d"), debugNode("d"),
		"{'id':'off','type':'tab','disabled':true}", n("x", "inject", "off", "")))
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
	if err := s.Inject(t.Context(), "x", nil); err == nil {
		t.Error("a node of a disabled flow runs")
	}
	s.Settle("i", "d")
	s.Quiet("debug")
}

func TestMissingTypesStopTheFlows(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("x"), n("x", "no-such-node", "t", ""), n("y", "subflow:gone", "t", ""), n("z", "no-such-node", "t", "")))
	got := s.Next("notification/runtime-state")
	if want := `{"error":"missing-types","state":"stop","text":"notification.warnings.missing-types","type":"warning","types":["no-such-node","subflow:gone"]}`; got != want {
		t.Errorf("state %s, want %s", got, want)
	}
	if err := s.Inject(t.Context(), "i", nil); err != flow.ErrUnknownNode { //nolint:errorlint // returned as it is
		t.Errorf("a node runs: %v", err)
	}
	s.Load(flow.DeployNodes, file(in("d"), debugNode("d")))
	s.Until("notification/runtime-state", `"start"`)
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
}

func TestRefusedOptionIsShownAtTheNode(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(n("r", "probe", "t", "", "'mode':'refuse','name':'mine'"), n("p", "probe", "t", "", "'mode':'panic in new'"), in("d"), debugNode("d")))
	if got := s.Next("status/r"); got != `{"text":"probe: the option \"mode\" can't be \"refuse\" yet","fill":"red","shape":"ring"}` {
		t.Error(got)
	}
	m := s.Debug()
	if m["level"] != 20.0 || m["msg"] != `probe: the option "mode" can't be "refuse" yet` || m["name"] != "mine" || m["path"] != "t" {
		t.Error(m)
	}
	if m := s.Debug(); m["id"] != "p" || !strings.Contains(m["msg"].(string), "not made") {
		t.Error(m)
	}
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
}

func TestPanicIsAnErrorOfTheNode(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("p d"), n("p", "probe", "t", "", "'mode':'panic'"), debugNode("d"),
		n("c", "catch", "t", "e"), n("e", "debug", "t", "", "'name':'e','complete':'error.message'")))
	s.Press("i", "")
	want(t, s.Shown(2), "d hi", "e Error: internal error: out of order")
}

func TestStopAndStart(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("d"), debugNode("d")))
	if s.State() != "start" {
		t.Error(s.State())
	}
	if err := s.SetState(t.Context(), "stop"); err != nil || s.State() != "stop" {
		t.Error(err, s.State())
	}
	s.Until("notification/runtime-state", `{"state":"stop"}`)
	s.Load(flow.DeployFull, file(in("d"), debugNode("d"))) // stays stopped
	if err := s.Inject(t.Context(), "i", nil); err == nil || s.State() != "stop" {
		t.Error("stopped flows run after a deploy")
	}
	if err := s.SetState(t.Context(), "start"); err != nil {
		t.Error(err)
	}
	s.Until("notification/runtime-state", `{"state":"start"}`)
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
	if err := s.SetState(t.Context(), "sideways"); err == nil {
		t.Error("an unknown state was taken")
	}
}
