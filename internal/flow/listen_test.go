package flow_test

import (
	"strings"
	"testing"

	"tsunagi/internal/flow"
)

// errorDebug shows error.message.
func errorDebug(id string) string {
	return n(id, "debug", "t", "", "'complete':'error.message','name':'"+id+"'")
}

// Node-RED Flow_spec handleError: "passes error to catch node", "moves any existing error
// object sideways", "prevents an error looping more than 10 times".
func TestCatch(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("f"), n("f", "probe", "t", "", "'mode':'fail','name':'bad'"), n("c", "catch", "t", "w f"), wholeDebug("w")))
	s.Press("i", "")
	first, second := s.Shown(1)[0], s.Shown(1)[0]
	if !strings.HasPrefix(first, `w {"_msgid":"`) || !strings.HasSuffix(first,
		`"payload":"hi","error":{"message":"no luck","source":{"id":"f","type":"probe","name":"bad","count":1}}}`) {
		t.Error(first)
	}
	if !strings.Contains(second, `"_error":{"message":"no luck","source":{"id":"f","type":"probe","name":"bad","count":1}}`) ||
		!strings.Contains(second, `"count":2}}`) {
		t.Error(second)
	}
	rest := s.Shown(9)
	if !strings.Contains(rest[6], `"count":9}}`) {
		t.Error(rest)
	}
	want(t, rest[7:], "bad Message exceeded maximum number of catches", "bad no luck")
}

func TestErrorObjectHasStack(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("f"), n("f", "probe", "t", "", "'mode':'throw'"), n("c", "catch", "t", "w"), wholeDebug("w")))
	s.Press("i", "")
	if got := s.Shown(1)[0]; !strings.Contains(got, `"error":{"message":"Error: thrown","source":{"id":"f","type":"probe","name":{"__enc__":true,"type":"undefined"},"count":1},"stack":"Error: thrown"}`) {
		t.Error(got)
	}
}

func TestUnhandledErrorGoesToTheSidebar(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("f g"), n("f", "probe", "t", "", "'mode':'fail'"), n("g", "probe", "t", "", "'mode':'throw'")))
	s.Press("i", "")
	m := s.Debug()
	if m["id"] != "f" || m["type"] != "probe" || m["level"] != 20.0 || m["msg"] != "no luck" || m["format"] != "string[7]" || m["timestamp"] == nil {
		t.Error(m)
	}
	if m := s.Debug(); m["format"] != "error" || m["msg"] != `{"__enc__":true,"type":"error","data":{"name":"Error","message":"thrown","stack":"Error: thrown"}}` {
		t.Error(m)
	}
}

// Node-RED Flow_spec: scopes, and "uncaught" only when nobody else took the error.
func TestCatchScopes(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("f g"), n("f", "probe", "t", "", "'mode':'fail'"), n("g", "probe", "t", "", "'mode':'fail'"),
		n("u", "catch", "t", "eu", "'scope':null,'uncaught':true"), n("l", "catch", "t", "el", "'scope':['f']"),
		errorDebug("eu"), errorDebug("el")))
	s.Press("i", "")
	want(t, s.Shown(2), "el no luck", "eu no luck")
}

func TestCatchOfGroups(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("f g"),
		"{'id':'g1','type':'group','z':'t','nodes':['g2','c1','f']},{'id':'g2','type':'group','z':'t','g':'g1','nodes':['c2','g']}",
		n("f", "probe", "t", "", "'mode':'fail','g':'g1','name':'f'"), n("g", "probe", "t", "", "'mode':'fail','g':'g2'"),
		n("c1", "catch", "t", "e1", "'g':'g1','scope':'group'"), n("c2", "catch", "t", "e2", "'g':'g2','scope':'group'"),
		errorDebug("e1"), errorDebug("e2")))
	s.Press("i", "")
	want(t, s.Shown(3), "e1 no luck", "e2 no luck", "e1 no luck") // the nearest group first
}

func TestComplete(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("a"), n("a", "probe", "t", "", "'name':'A'"), n("c", "complete", "t", "d", "'scope':['a']"), wholeDebug("d")))
	s.Press("i", "")
	if got := s.Shown(1)[0]; !strings.HasSuffix(got, `"payload":"hi","complete":{"source":{"id":"a","type":"probe","name":"A"}}}`) {
		t.Error(got)
	}
}

// complete_spec: "should filter itself out of its scope to avoid simple loops".
func TestCompleteLeavesOutWhatItIsWiredTo(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("a"), n("a", "probe", "t", "d"), n("c", "complete", "t", "a", "'scope':['a']"), debugNode("d")))
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
	s.Settle("i", "d")
	s.Quiet("debug")
}

func TestStatusNode(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file(in("a"), n("a", "probe", "t", "", "'mode':'status','name':'A'"), n("s", "status", "t", "d"), wholeDebug("d")))
	s.Press("i", "")
	if got := s.Next("status/a"); got != `{"text":"hi","fill":"green","shape":""}` && got != `{"text":"hi","fill":"green"}` {
		t.Error(got)
	}
	if got := s.Shown(1)[0]; !strings.HasPrefix(got, `d {"status":{"fill":"green","shape":"","text":"hi","source":{"id":"a","type":"probe","name":"A"}},"_msgid":"`) {
		t.Error(got)
	}
}

func TestSubflowThatContainsItself(t *testing.T) {
	s := start(t)
	s.Load(flow.DeployFull, file("{'id':'sf','type':'subflow','in':[],'out':[]}", n("a", "subflow:sf", "sf", ""), n("b", "subflow:sf", "sf", ""),
		n("x", "subflow:sf", "t", ""), in("d"), debugNode("d")))
	want(t, s.Shown(2), " the subflow contains itself", " the subflow contains itself")
	s.Press("i", "")
	want(t, s.Shown(1), "d hi")
}
