package sequence_test

import (
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

const start = `[{'id':'t','type':'tab'},{'id':'i','type':'inject','z':'t','x':1,'y':1,'props':[],'wires':[['n']]},
	{'id':'d','type':'debug','z':'t','x':1,'y':1,'name':'d','active':true,'tosidebar':true,'complete':'payload','targetType':'msg','wires':[]},`

// numbers is a JSON array of n numbers.
func numbers(n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat("7,", n), ",") + "]"
}

func TestLongSequences(t *testing.T) {
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.JSONata = nodes.JSONata })
	s.Load(flow.DeployFull, start+`
		{'id':'n','type':'split','z':'t','x':1,'y':1,'splt':',','spltType':'str','arraySplt':1,'wires':[['c']]},
		{'id':'c','type':'change','z':'t','x':1,'y':1,'rules':[{'t':'set','p':'x','pt':'msg','to':'1','tot':'num'}],'wires':[['j']]},
		{'id':'j','type':'join','z':'t','x':1,'y':1,'mode':'auto','wires':[['k']]},
		{'id':'k','type':'change','z':'t','x':1,'y':1,'rules':[{'t':'set','p':'payload','pt':'msg','to':'$count(payload)','tot':'jsonata'}],'wires':[['d']]}]`)
	const n = 250_000 // more messages than may wait in the flow at once
	for range 2 {
		s.Press("i", `[{'p':'payload','v':'`+numbers(n)+`','vt':'json'}]`)
	}
	s.Press("i", `[{'p':'payload','v':'[1,2]','vt':'json'}]`)
	for _, want := range []string{fmt.Sprint("d ", n), fmt.Sprint("d ", n), "d 2"} {
		if got := s.Shown(1)[0]; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestKeptBytes(t *testing.T) {
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.KeptBytes = 10_000 })
	s.Load(flow.DeployFull, start+`
		{'id':'n','type':'join','z':'t','x':1,'y':1,'mode':'custom','build':'array','count':'3','wires':[['d']]},
		{'id':'c','type':'catch','z':'t','x':1,'y':1,'wires':[['e']]},
		{'id':'e','type':'debug','z':'t','x':1,'y':1,'name':'e','active':true,'tosidebar':true,'complete':'error.message','targetType':'msg','wires':[]}]`)
	long := `[{'p':'payload','v':'` + strings.Repeat("x", 6000) + `','vt':'str'}]`
	s.Press("i", long)
	s.Press("i", long)
	if got := s.Shown(1)[0]; !strings.Contains(got, "e Error: the messages that wait in nodes would take more than") {
		t.Error(got)
	}
	s.Press("i", `[{'p':'reset','v':'true','vt':'bool'}]`)
	for range 3 { // what was kept has been given back
		s.Press("i", `[{'p':'payload','v':'`+strings.Repeat("y", 3000)+`','vt':'str'}]`)
	}
	if got := s.Debug(); got["name"] != "d" || got["format"] != "array[3]" {
		t.Error(got)
	}
}

func TestMaxBuffered(t *testing.T) {
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) {
		o.MaxBuffered = 2
		o.JSONata = nodes.JSONata
	})
	s.Load(flow.DeployFull, start+`
		{'id':'n','type':'join','z':'t','x':1,'y':1,'mode':'reduce','reduceExp':'$A+payload','reduceInit':'0','reduceInitType':'num','wires':[['d']]},
		{'id':'c','type':'catch','z':'t','x':1,'y':1,'wires':[['e']]},
		{'id':'e','type':'debug','z':'t','x':1,'y':1,'name':'e','active':true,'tosidebar':true,'complete':'error.message','targetType':'msg','wires':[]}]`)
	for i := range 3 {
		s.Press("i", fmt.Sprintf(`[{'p':'payload','v':'1','vt':'num'},{'p':'parts','v':'{\"id\":\"g\",\"index\":%d,\"count\":4}','vt':'json'}]`, i))
	}
	if got := s.Shown(1)[0]; got != "e too many pending messages in join node" {
		t.Error(got)
	}
}
