package flow_test

import (
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

func TestMeter(t *testing.T) {
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, file(n("i", "inject", "t", "f", "'props':[{'p':'payload','v':'','vt':'date'}],'repeat':'0.01'"),
		n("f", "function", "t", "d", "'name':'busy','outputs':1,'func':'let n = 0; for (let i = 0; i < 20000; i++) n += i; return msg;'"), debugNode("d")))
	s.Shown(2)
	all, err := s.Meter(t.Context(), 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]flow.NodeMeter{}
	for _, m := range all {
		by[m.ID] = m
	}
	f, d := by["f"], by["d"]
	if f.Name != "busy" || f.Type != "function" || f.Z != "t" {
		t.Errorf("the function node is %+v", f)
	}
	if f.Received <= 0 || f.Sent <= 0 || d.Received <= 0 {
		t.Errorf("function %+v and debug %+v: no messages are counted", f, d)
	}
	if f.CPU <= d.CPU || f.CPU > 1.1 {
		t.Errorf("the function takes %v of the loop, the debug node %v", f.CPU, d.CPU)
	}
	if f.Bytes < 50_000 {
		t.Errorf("the function's engine holds %d bytes", f.Bytes)
	}
}

// What waits is bounded in bytes; the node in front of which it waits says so in its status, the log and the sidebar, and
// gets its own status back.
func TestFullQueueInBytes(t *testing.T) {
	s := flowtest.Start(t, append(nodes.All(), probeType()), func(o *flow.Options) { o.QueueBytes = 1 << 20 })
	text := strings.Repeat("x", 100<<10)
	s.Load(flow.DeployFull, file(n("i", "inject", "t", "f", "'props':[{'p':'payload','v':'"+text+"','vt':'str'}]"),
		n("f", "function", "t", "d", "'outputs':1,'func':'for (let i = 0; i < 20; i++) node.send({payload: msg.payload + i});'"),
		n("d", "function", "t", "e", "'name':'slow','outputs':1,'func':'msg.payload = msg.payload.slice(-1); return msg;'"), debugNode("e")))
	s.Press("i", "")
	if m := s.Debug(); m["id"] != "d" || !strings.Contains(m["msg"].(string), "wait in front of this node") {
		t.Errorf("the node says %v", m)
	}
	s.Until("status/d", `{"text":"queue full: 15 messages (1.5 MiB) dropped","fill":"red","shape":"dot"}`)
	want(t, s.Shown(5), "e 0", "e 1", "e 2", "e 3", "e 4")
	if m := s.Debug(); m["id"] != "d" || !strings.Contains(m["msg"].(string), "has room again: 15 messages") {
		t.Errorf("afterwards the node says %v", m)
	}
	s.Until("status/d", `{}`)
}

// A script that never ends does not hold up a deploy for as long as it may run.
func TestDeployInterruptsAScript(t *testing.T) {
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.FunctionTime = time.Hour })
	s.Load(flow.DeployFull, file(in("f"), n("f", "function", "t", "", "'outputs':1,'func':'node.status({text: String(1 + 1)}); for (;;) {}'")))
	go s.Press("i", "")
	s.Until("status/f", `{"text":"2"}`) // it runs
	s.Load(flow.DeployFull, file(in("d"), debugNode("d")))
	if m := s.Debug(); m["id"] != "f" || !strings.Contains(m["msg"].(string), "interrupted") {
		t.Errorf("the function says %v", m)
	}
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
}
