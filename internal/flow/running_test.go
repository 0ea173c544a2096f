package flow_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

// stuck is a node that takes long to close, or never does.
type stuck struct {
	b    *flow.Base
	time time.Duration // 0: never
}

func (stuck) Receive(*flow.Msg) {}

func (n stuck) Close(_ bool, done func()) {
	if n.time > 0 {
		time.AfterFunc(n.time, done)
	}
}

func stuckType() flow.Type {
	return flow.Type{Name: "stuck", New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		return stuck{b, time.Duration(c.Num("seconds", 0)) * time.Second}, nil
	}}
}

// Node-RED Flow_spec: "times out a node that fails to close properly", after 15 seconds.
func TestCloseHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := flowtest.Start(t, append(nodes.All(), stuckType()))
		s.Load(flow.DeployFull, file(n("a", "stuck", "t", "", "'seconds':10"), n("b", "stuck", "t", "")))
		began := time.Now()
		s.Load(flow.DeployFull, file(in("d"), debugNode("d")))
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("the deploy took %v, want 15s", took)
		}
		if m := s.Debug(); m["id"] != "b" || m["msg"] != "Error stopping node: Close timed out" {
			t.Error(m)
		}
		s.Press("i", "")
		want(t, s.Shown(1), "d hi")
		s.Stop()
	})
}

func TestDeploysWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := flowtest.Start(t, append(nodes.All(), stuckType()))
		s.Load(flow.DeployFull, file(n("a", "stuck", "t", "", "'seconds':10")))
		done := make(chan string, 2)
		go func() {
			s.Load(flow.DeployFull, file(n("x", "stuck", "t", "", "'seconds':1")))
			done <- "first"
		}()
		synctest.Wait()
		go func() {
			s.Load(flow.DeployNodes, file(in("d"), debugNode("d")))
			done <- "second"
		}()
		synctest.Wait()
		if s.Inject(t.Context(), "x", nil) == nil {
			t.Error("new nodes run before the old are closed")
		}
		if got := <-done + " " + <-done; got != "first second" {
			t.Error(got)
		}
		s.Press("i", "")
		want(t, s.Shown(1), "d hi")
		s.Stop()
	})
}

// What a full queue loses is reported with its number, and the flows can be stopped. It runs
// in real time: that of a test stands still while a flow runs in circles.
func TestFullQueue(t *testing.T) {
	s := flowtest.Start(t, append(nodes.All(), probeType()), func(o *flow.Options) { o.MaxQueue = 100 })
	s.Load(flow.DeployFull, file(in("j"), n("j", "junction", "t", "j k"), n("k", "junction", "t", "j")))
	s.Press("i", "")
	if m := s.Debug(); !strings.HasPrefix(m["msg"].(string), "the queue of this flow server is full: ") {
		t.Error(m)
	}
	if err := s.SetState(t.Context(), "stop"); err != nil {
		t.Error(err)
	}
}

// Of many statuses a browser gets few, the last among them.
func TestStatusFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := flowtest.Start(t, append(nodes.All(), probeType()))
		s.Load(flow.DeployFull, file(n("i", "inject", "t", "a", "'props':[{'p':'payload','v':'','vt':'date'}],'repeat':'0.001'"),
			n("a", "probe", "t", "", "'mode':'status'")))
		time.Sleep(time.Second)
		if err := s.SetState(t.Context(), "stop"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := s.Count("status/a"); n < 15 || n > 25 {
			t.Errorf("%d statuses in a second, want about 20", n)
		}
		s.Stop()
	})
}
