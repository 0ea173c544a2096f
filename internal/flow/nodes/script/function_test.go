package script_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes/common"
	"tsunagi/internal/flow/nodes/script"
	engine "tsunagi/internal/flow/script"
)

func types(l engine.Limits) []flow.Type {
	return []flow.Type{common.Inject(), common.Debug(), common.Catch(), common.Status(), common.Complete(), script.FunctionWith(l)}
}

type fields map[string]any

// load deploys one function node "f" between inject "i" and debug nodes "out" and "out2",
// with catch, status and complete nodes around it.
func load(t *testing.T, l engine.Limits, function fields) *flowtest.Server {
	t.Helper()
	s := flowtest.Start(t, types(l))
	f := fields{"id": "f", "type": "function", "z": "t", "name": "fn", "outputs": 2, "wires": [][]string{{"out"}, {"out2"}}}
	for k, v := range function {
		f[k] = v
	}
	debug := func(id string) fields {
		return fields{"id": id, "type": "debug", "z": "t", "name": id, "active": true, "complete": "true", "targetType": "full", "tosidebar": true}
	}
	inject := func(id, to string) fields {
		return fields{"id": id, "type": "inject", "z": "t", "props": []fields{{"p": "payload", "v": "5", "vt": "num"}, {"p": "topic", "v": "t", "vt": "str"}}, "wires": [][]string{{to}}}
	}
	listen := func(typ, to string) fields {
		return fields{"id": typ, "type": typ, "z": "t", "scope": []string{"f"}, "wires": [][]string{{to}}}
	}
	all := []fields{{"id": "t", "type": "tab", "label": "T"}, f, inject("i", "f"), inject("end", "ended"), debug("ended"), debug("out"), debug("out2"),
		listen("catch", "caught"), debug("caught"), listen("status", "shown"), debug("shown"), listen("complete", "completed"), debug("completed")}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	file, err := flow.ParseFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context(), file, nil, flow.DeployFull); err != nil {
		t.Fatal(err)
	}
	return s
}

// sink waits for a debug node to show a message and returns the message.
func sink(t *testing.T, s *flowtest.Server, name string) map[string]any {
	t.Helper()
	var shown struct{ Msg string }
	if err := json.Unmarshal([]byte(s.Until("debug", `"name":"`+name+`"`)), &shown); err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(shown.Msg), &m); err != nil {
		t.Fatalf("%s: %v", shown.Msg, err)
	}
	return m
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The payload that comes out of the first output.
func TestBodies(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"should do something with the message", `msg.payload = msg.payload * 2; return msg;`, `10`},
		{"should send one returned message", `return { payload: "foo" };`, `"foo"`},
		{"should send with node.send", `node.send({ payload: "sent" });`, `"sent"`},
		{"should send to the first of many outputs", `return [{ payload: 1 }, null];`, `1`},
		{"should send many messages to one output", `return [[{ payload: 1 }, { payload: 2 }]];`, `1`},
		{"should allow an async function", `await null; msg.payload = "later"; return msg;`, `"later"`},
		{"should send what a promise gives", `return Promise.resolve({ payload: "promised" });`, `"promised"`},
		{"should allow setTimeout", `setTimeout((a) => { msg.payload = a; node.send(msg) }, 1, "timer");`, `"timer"`},
		{"should allow a promise of a timer", `await util.promisify(setTimeout)(1); return msg;`, `5`},
		{"should allow setInterval and clearInterval", `let n = 0; const i = setInterval(() => { if (++n === 3) { clearInterval(i); node.send({ payload: n }) } }, 1);`, `3`},
		{"should have node.id, name and outputCount", `msg.payload = [node.id, node.name, node.outputCount, node.path]; return msg;`, `["f","fn",2,"t/f"]`},
		{"should set and get context", `context.set("count", "0"); msg.payload = [context.get("count"), context.keys()]; return msg;`, `["0",["count"]]`},
		{"should set and get deep keys", `flow.set("a.b[0]", 1); msg.payload = [flow.get("a"), flow.get("a.b[0]"), flow.get("none.x")]; return msg;`, `[{"b":[1]},1,{"__enc__":true,"type":"undefined"}]`},
		{"should get many keys", `global.set(["x", "y"], [1, 2]); msg.payload = global.get(["x", "y", "z"]); return msg;`, `[1,2,{"__enc__":true,"type":"undefined"}]`},
		{"should call back from context", `context.set("k", 7, (e) => context.get("k", (e, v) => context.keys((e, k) => node.send({ payload: [v, k] }))));`, `[7,["k"]]`},
		{"context.flow and context.global", `context.flow.set("k", 1); context.global.set("k", 2); msg.payload = [flow.get("k"), global.get("k")]; return msg;`, `[1,2]`},
		{"should remove from context", `context.set("a", 1); context.set("a", undefined); msg.payload = context.keys(); return msg;`, `[]`},
		{"should access env", `msg.payload = env.get("NR_FLOW_NAME"); return msg;`, `"T"`},
		{"RED.util.cloneMessage", `const c = RED.util.cloneMessage(msg); c.payload = { a: 1 }; const d = RED.util.cloneMessage(c); d.payload.a = 2; msg.payload = [c.payload.a, /^[0-9a-f]{16}$/.test(RED.util.generateId())]; return msg;`, `[1,true]`},
		{"RED.util properties", `RED.util.setMessageProperty(msg, "msg.a.b[1]['c d']", 3, true); msg.payload = [RED.util.getMessageProperty(msg, "a.b[1]['c d']"), RED.util.getObjectProperty(msg, "a.b").length]; return msg;`, `[3,2]`},
		{"Buffer", `msg.payload = Buffer.from("hi").toString("hex"); return msg;`, `"6869"`},
		{"URL", `msg.payload = new URL("http://h/p?q=1").searchParams.get("q"); return msg;`, `"1"`},
		{"structuredClone and TextEncoder", `msg.payload = [structuredClone({ a: 1 }), new TextEncoder().encode("é").length]; return msg;`, `[{"a":1},2]`},
		{"queueMicrotask", `queueMicrotask(() => node.send({ payload: "micro" }));`, `"micro"`},
		{"nothing of the host", `msg.payload = [typeof process, typeof require, typeof std, typeof host, typeof support, typeof load]; return msg;`, `["undefined","undefined","undefined","undefined","undefined","undefined"]`},
		{"key order is kept", `return { payload: JSON.stringify({ z: 1, a: { c: 1, b: 2 } }) };`, `"{\"z\":1,\"a\":{\"c\":1,\"b\":2}}"`},
		{"__proto__ is a key like others", `msg.payload = JSON.parse('{"__proto__":{"evil":1}}'); return [{ payload: [({}).evil === undefined, Object.keys(msg.payload)] }];`, `[true,["__proto__"]]`},
		{"the id of the message stays", `const id = msg._msgid; return { _msgid: "other", payload: typeof id };`, `"string"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, engine.Limits{}, fields{"func": tt.body})
			s.Press("i", "")
			m := sink(t, s, "out")
			if got := text(t, m["payload"]); got != tt.want {
				t.Errorf("payload %s, want %s", got, tt.want)
			}
			if id, _ := m["_msgid"].(string); len(id) != 16 {
				t.Errorf("_msgid %q", id)
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `return [[{ payload: 1 }, null, { payload: 2 }], { payload: 3 }];`})
	s.Press("i", "")
	for _, want := range []float64{1, 2} {
		if m := sink(t, s, "out"); m["payload"] != want {
			t.Errorf("payload %v, want %v", m["payload"], want)
		}
	}
	if m := sink(t, s, "out2"); m["payload"] != 3.0 {
		t.Errorf("payload %v", m["payload"])
	}
}

// node.send clones unless it is told not to; what the script does later isn't seen by others
// either way, since messages are copied on their way out.
func TestSentMessagesDontChange(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `node.send(msg); msg.payload = "changed"; node.send([null, msg], false); return null;`})
	s.Press("i", "")
	if m := sink(t, s, "out"); m["payload"] != 5.0 {
		t.Errorf("payload %v", m["payload"])
	}
	if m := sink(t, s, "out2"); m["payload"] != "changed" {
		t.Errorf("payload %v", m["payload"])
	}
}

func TestOnlyMessagesAreSent(t *testing.T) {
	for body, typ := range map[string]string{`return 5`: "number", `return "x"`: "string", `return Buffer.from("x")`: "Buffer", `return [[[1]]]`: "Array", `return true`: "boolean", `return () => 1`: "function"} {
		s := load(t, engine.Limits{}, fields{"func": body})
		s.Press("i", "")
		if got := s.Until("debug", "Function tried"); !strings.Contains(got, "Function tried to send a message of type "+typ+`"`) {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestErrorsGoToCatchNodes(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"reference error with its place", "\n\n    nothere();", "ReferenceError: ReferenceError: nothere is not defined (line 3, col 5)"},
		{"the same in an async function", "await null;\nnothere();", "ReferenceError: ReferenceError: nothere is not defined (line 2, col 1)"},
		{"type error", `let o; o.a.b`, "TypeError: Cannot read properties of undefined (reading 'a')"},
		{"thrown text", `throw "text"`, "text"},
		{"thrown object", `throw { a: 1 }`, `{"a":1}`},
		{"node.error", `node.error("mine", msg)`, "mine"},
		{"node.error of an Error", `node.error(new RangeError("far"), msg)`, "RangeError: far"},
		{"node.done with an error", `node.done("wrong")`, "wrong"},
		{"rejected promise", `return Promise.reject(new Error("no"))`, "Error: no"},
		{"error in a timer", `setTimeout(() => { throw new Error("late") }, 1)`, "Error: late"},
		{"BigInt", `return { payload: 1n }`, "BigInt"},
		{"circular message", `msg.me = msg; return msg`, "contains itself"},
		{"input listener", `node.on("input", () => {})`, "Error: Cannot add listener to 'input' event within Function"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, engine.Limits{}, fields{"func": tt.body})
			s.Press("i", "")
			e, _ := sink(t, s, "caught")["error"].(map[string]any)
			if got, _ := e["message"].(string); !strings.Contains(got, tt.want) {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"returned", `msg.payload = "end"; return msg`, 1},
		{"returned nothing", `msg.payload = "end"`, 1},
		{"returned another", `msg.payload = "end"; return { payload: 1 }`, 1},
		{"when the promise is settled", `await null; msg.payload = "end"; return msg`, 1},
		{"by node.done", `msg.payload = "end"; setTimeout(() => node.done(), 1)`, 1},
		{"never without node.done", `if (0) node.done()`, 0},
		{"node.done in a comment", `msg.payload = "end"; // node.done()`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, engine.Limits{}, fields{"func": tt.body})
			s.Press("i", "")
			if tt.want == 0 {
				s.Settle("end", "ended")
				for _, e := range []string{"completed"} {
					if strings.Contains(s.All(), `"name":"`+e+`"`) {
						t.Error("a complete node heard of it")
					}
				}
				return
			}
			if m := sink(t, s, "completed"); m["payload"] != "end" {
				t.Errorf("payload %v", m["payload"])
			}
		})
	}
}

func TestStatus(t *testing.T) {
	for body, want := range map[string]string{
		`node.status({ fill: "red", shape: "dot", text: "hi" })`: `{"fill":"red","shape":"dot","text":"hi"}`,
		`node.status("text")`: `{"text":"text"}`,
	} {
		s := load(t, engine.Limits{}, fields{"func": body})
		s.Press("i", "")
		m, _ := sink(t, s, "shown")["status"].(map[string]any)
		delete(m, "source")
		if got := text(t, m); got != want {
			t.Errorf("%s shows %s", body, got)
		}
	}
}

func TestOnStart(t *testing.T) {
	s := load(t, engine.Limits{}, fields{
		"initialize": `await util.promisify(setTimeout)(5); context.set("ready", 1); globalThis.made = "here"; node.send({ payload: "started" });`,
		"func":       `msg.payload = [context.get("ready"), made]; return msg;`})
	s.Press("i", "")
	if m := sink(t, s, "out"); m["payload"] != "started" || len(m["_msgid"].(string)) != 16 {
		t.Errorf("%v", m)
	}
	if m := sink(t, s, "out"); text(t, m["payload"]) != `[1,"here"]` {
		t.Errorf("payload %v", m["payload"])
	}
}

func TestOnStartFails(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"initialize": `throw new Error("not today")`, "func": `return msg`})
	s.Until("debug", "not today")
	s.Press("i", "")
	s.Settle("end", "ended")
	if strings.Contains(s.All(), `"name":"out"`) {
		t.Error("it handles messages")
	}
}

func TestOnStop(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `node.status("busy"); flow.set("x", 1)`, "finalize": `node.warn("stopped " + flow.get("x")); node.send({})`})
	s.Press("i", "")
	s.Until("status/f", "busy")
	s.Load(flow.DeployFull, `[{'id':'t','type':'tab'}]`)
	s.Until("debug", "stopped 1")
	s.Until("debug", "Cannot send from close function")
}

func TestLogging(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `node.log("l"); node.warn("w"); node.error("e"); node.debug("d"); node.trace("t"); console.log("c %d", 1)`})
	s.Press("i", "")
	s.Until("debug", `"msg":"w"`)
	s.Until("debug", `"msg":"e"`)
	s.Settle("end", "ended")
	if l := s.Logged(); !strings.Contains(l, "text=l") || !strings.Contains(l, `text="c 1"`) {
		t.Error(l)
	}
}

func TestMistakesAreToldAtDeploy(t *testing.T) {
	for f, want := range map[string]string{"func": "(body:line 2)", "initialize": "(setup:line 2)", "finalize": "(cleanup:line 2)"} {
		s := load(t, engine.Limits{}, fields{f: "let a = 1;\nlet 5 = a;"})
		if got := s.Until("debug", "SyntaxError"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", f, got)
		}
	}
}

func TestModulesAreRefused(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `return msg`, "libs": []fields{{"var": "_", "module": "lodash"}}})
	s.Until("debug", "not allowed to load external modules: lodash")
}

// A function that never ends is stopped, shows it, and neither the flow nor the runtime is
// held up for longer than the limit.
func TestEndlessFunctionIsStopped(t *testing.T) {
	s := load(t, engine.Limits{Time: 100 * time.Millisecond}, fields{"func": `if (msg.payload === 5) for (;;) {} return msg`})
	s.Press("i", "")
	e, _ := sink(t, s, "caught")["error"].(map[string]any)
	if e["message"] != "Error: Script execution timed out after 100ms" || e["code"] != "ERR_SCRIPT_EXECUTION_TIMEOUT" {
		t.Errorf("%v", e)
	}
	s.Until("status/f", "stopped after 100ms")
	s.Press("i", `[{'p':'payload','v':'6','vt':'num'}]`)
	if m := sink(t, s, "out"); m["payload"] != 6.0 {
		t.Errorf("payload %v", m["payload"])
	}
	s.Until("status/f", "{}")
}

func TestTimeoutOption(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `/^(a+)+$/.test("a".repeat(40) + "b"); return msg`, "timeout": 0.05})
	s.Press("i", "")
	s.Until("debug", "timed out after 50ms")
}

// A function that eats memory gets a new engine, in which the code on start runs again.
func TestGreedyFunctionStartsAnew(t *testing.T) {
	s := load(t, engine.Limits{Memory: 8 << 20}, fields{"initialize": `globalThis.n = 0`,
		"func": `if (msg.payload === 5) { globalThis.hoard = []; for (;;) hoard.push(new Array(1000).fill(0)) } msg.payload = [++n, typeof hoard]; return msg`})
	s.Press("i", "")
	e, _ := sink(t, s, "caught")["error"].(map[string]any)
	if got, _ := e["message"].(string); !strings.Contains(got, "8 MB") {
		t.Errorf("%v", e)
	}
	s.Until("status/f", "used more than 8 MB")
	s.Press("i", `[{'p':'payload','v':'6','vt':'num'}]`)
	if m := sink(t, s, "out"); text(t, m["payload"]) != `[1,"undefined"]` {
		t.Errorf("payload %v", m["payload"])
	}
}

func TestUnhandledRejectionIsAnError(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `setTimeout(async () => { throw new Error("nobody") }, 1); Promise.reject(1).catch(() => {}); return null`})
	s.Press("i", "")
	s.Until("debug", "nobody")
	if strings.Contains(s.All(), `"msg":"1"`) {
		t.Error("a rejection that was handled is reported")
	}
}

// "use strict" in the first line of a body means nothing in Node-RED.
func TestBodyIsNotStrict(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `"use strict"; undeclared = 1; msg.payload = undeclared; return msg`})
	s.Press("i", "")
	if m := sink(t, s, "out"); m["payload"] != 1.0 {
		t.Errorf("payload %v", m["payload"])
	}
}

// What one function does to its prototypes doesn't reach another, nor its own messages.
func TestFunctionsAreApart(t *testing.T) {
	s := flowtest.Start(t, types(engine.Limits{}))
	s.Load(flow.DeployFull, `[{'id':'t','type':'tab'},{'id':'i','type':'inject','z':'t','props':[{'p':'payload','v':'5','vt':'num'}],'wires':[['f']]},
		{'id':'f','type':'function','z':'t','func':'Object.prototype.evil = 1; Array.prototype.map = null; globalThis.Buffer = 1; msg.__proto__.bad = 2; return msg','wires':[['g']]},
		{'id':'g','type':'function','z':'t','func':'msg.payload = [typeof msg.evil, typeof msg.bad, typeof [].map, typeof Buffer]; return msg','wires':[['out']]},
		{'id':'out','type':'debug','z':'t','name':'out','active':true,'complete':'true','targetType':'full','tosidebar':true}]`)
	s.Press("i", "")
	if m := sink(t, s, "out"); text(t, m["payload"]) != `["undefined","undefined","function","function"]` {
		t.Errorf("payload %v", m["payload"])
	}
}

func TestSendOnStartReachesNodesMadeLater(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"initialize": `node.send({ payload: "at once" })`, "func": `return msg`})
	if m := sink(t, s, "out"); m["payload"] != "at once" {
		t.Errorf("payload %v", m["payload"])
	}
}

// A context callback, a timer and a promise see the node of their own message.
func TestLateSendsKeepTheirMessage(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `const id = msg._msgid; setTimeout(() => node.send({ payload: id }), 5); return null`})
	s.Press("i", "")
	s.Press("i", "")
	for range 2 {
		if m := sink(t, s, "out"); m["payload"] != m["_msgid"] {
			t.Errorf("%v", m)
		}
	}
}

func TestTimersEndWithTheNode(t *testing.T) {
	s := load(t, engine.Limits{}, fields{"func": `setInterval(() => node.warn("tick"), 1); return msg`})
	s.Press("i", "")
	s.Until("debug", "tick")
	s.Load(flow.DeployFull, `[{'id':'t','type':'tab'},{'id':'i','type':'inject','z':'t','props':[],'wires':[['o']]},{'id':'o','type':'debug','z':'t','name':'o2','active':true,'complete':'true','targetType':'full','tosidebar':true}]`)
	s.Settle("i", "o2")
	before := strings.Count(s.All(), "tick")
	s.Settle("i", "o2")
	if after := strings.Count(s.All(), "tick"); after != before {
		t.Errorf("%d ticks after the end", after-before)
	}
}
