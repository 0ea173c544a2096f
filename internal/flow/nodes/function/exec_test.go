package function_test

import (
	"strings"
	"testing"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

// withExec deploys an exec node "x" behind inject "i" (with msg.kill: "k"), with a debug node
// for each output.
func withExec(t *testing.T, off bool, fields string) *flowtest.Server {
	t.Helper()
	s := flowtest.Start(t, nodes.All(), func(o *flow.Options) { o.NoExec = off })
	debug := func(id string) string {
		return `{'id':'` + id + `','type':'debug','z':'t','name':'` + id + `','active':true,'complete':'true','targetType':'full','tosidebar':true},`
	}
	s.Load(flow.DeployFull, `[{'id':'t','type':'tab'},`+debug("d1")+debug("d2")+debug("d3")+debug("caught")+`
		{'id':'c','type':'catch','z':'t','scope':null,'wires':[['caught']]},
		{'id':'i','type':'inject','z':'t','props':[{'p':'payload','v':'x','vt':'str'}],'wires':[['x']]},
		{'id':'k','type':'inject','z':'t','props':[{'p':'kill','v':'SIGINT','vt':'str'}],'wires':[['x']]},
		{'id':'x','type':'exec','z':'t',`+fields+`,'wires':[['d1'],['d2'],['d3']]}]`)
	return s
}

func expect(t *testing.T, s *flowtest.Server, name, want string) {
	t.Helper()
	if raw := strings.ReplaceAll(s.Until("debug", `"name":"`+name+`"`), `\"`, `"`); !strings.Contains(raw, want) {
		t.Errorf("%s\nwant %s", raw, want)
	}
}

func TestExecTimeLimit(t *testing.T) {
	for _, spawn := range []string{"true", "false"} {
		s := withExec(t, false, `'command':'sleep 60','addpay':'','timer':'0.1','useSpawn':'`+spawn+`'`)
		s.Press("i", "")
		s.Until("status/x", "pid:")
		want := `"code":null,"message":"Command failed: sleep 60\\n","signal":"SIGTERM"`
		if spawn == "true" {
			want = `"payload":{"code":null,"signal":"SIGTERM"}`
		}
		expect(t, s, "d3", want)
		s.Until("status/x", "killed")
	}
}

func TestExecKill(t *testing.T) {
	for _, spawn := range []string{"true", "false"} {
		s := withExec(t, false, `'command':'sleep 60','addpay':'','useSpawn':'`+spawn+`'`)
		s.Press("i", "")
		s.Until("status/x", "pid:")
		s.Press("k", `[{'p':'kill','v':'SIGNONE','vt':'str'}]`)
		expect(t, s, "caught", "Unknown signal: SIGNONE")
		s.Press("k", `[{'p':'kill','v':'SIGTERM','vt':'str'},{'p':'pid','v':'1','vt':'num'}]`) // not ours
		s.Press("k", "")
		expect(t, s, "d3", `"signal":"SIGINT"`)
	}
}

// A deploy ends what runs and doesn't wait for it.
func TestExecCloseEnds(t *testing.T) {
	s := withExec(t, false, `'command':'sleep 60','addpay':'','useSpawn':'false'`)
	s.Press("i", "")
	s.Until("status/x", "pid:")
	s.Load(flow.DeployFull, `[{'id':'t','type':'tab'}]`)
}

// Output of a spawned command comes while it runs, and more of it than flows take at once.
func TestSpawnStreams(t *testing.T) {
	s := withExec(t, false, `'command':'bash -c \"echo first; sleep 60\"','addpay':'','useSpawn':'true'`)
	s.Press("i", "")
	expect(t, s, "d1", `"payload":"first`)
}

func TestExecTooMuchOutput(t *testing.T) {
	s := withExec(t, false, `'command':'head -c 11000000 /dev/zero; sleep 60','addpay':'','useSpawn':'false'`)
	s.Press("i", "")
	expect(t, s, "d3", "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
}

// In hosted flow servers no command runs, and the node says so.
func TestExecOff(t *testing.T) {
	s := withExec(t, true, `'command':'echo','addpay':'payload'`)
	s.Until("status/x", "exec is off here")
	s.Press("i", "")
	expect(t, s, "caught", "runs no commands")
}
