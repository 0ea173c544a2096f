// Package script is the function node: JavaScript that people write into their flows.
//
// A function runs on the flow's event loop, as in Node-RED, so it sees and changes things in
// Node-RED's order. It can't hold the loop for longer than its time limit: then it is
// interrupted, its node shows that, and the rest of the flow goes on. What is asked of the
// runtime meanwhile waits at most that long.
//
// Each node has an engine of its own, made when the first message comes, or at once if the
// node has code that runs on start.
//
// What differs from Node-RED on purpose: there is always a time and a memory limit; messages
// and context values are copied on their way in and out, so that a change to an object from
// context needs a set to be kept, and functions, Maps and Sets are left out; timers are
// numbers; a promise that nobody handles is an error of the node; structuredClone,
// TextEncoder, TextDecoder, queueMicrotask, atob and btoa are there; npm modules and Intl are
// not.
package script

import (
	"regexp"
	"strings"
	"time"

	"tsunagi/internal/flow"
	engine "tsunagi/internal/flow/script"
	"tsunagi/internal/flow/value"
)

// function is one function node.
type function struct {
	b       *flow.Base
	limits  engine.Limits
	code    code
	outputs value.Value

	state    state
	waiting  []*flow.Msg // while the code that runs on start has not ended
	vm       *engine.VM  // nil until it is needed
	parts    parts
	timers   map[int]*flow.Timer
	keys     map[string]flow.ContextKey
	calls    map[string]*linked
	exprs    map[string]flow.Expression
	showed   bool // the flow has set a status
	troubled bool // we have set one
}

// state says what becomes of messages.
type state int

const (
	resting  state = iota // no engine yet
	starting              // the code that runs on start has not ended: they wait
	running               // they are handled
	broken                // the code is wrong, or failed on start: they are dropped, as in Node-RED
)

// code is what the dialog holds, and what is known about it from its text.
type code struct {
	body, onStart, onStop string

	async  bool // the body may wait
	node   bool // the body may use node
	manual bool // the body calls node.done itself
}

// Function runs JavaScript that people write, with the limits of the runtime's options, unless
// the node has a time limit of its own.
func Function() flow.Type { return FunctionWith(engine.Limits{}) }

// FunctionWith is Function with other limits.
func FunctionWith(l engine.Limits) flow.Type {
	return flow.Type{
		Name:   "function",
		Fields: []string{"func", "outputs", "timeout", "noerr", "initialize", "finalize", "libs"},
		New:    func(b *flow.Base, c flow.Config) (flow.Node, error) { return newFunction(b, c, l) },
	}
}

func newFunction(b *flow.Base, c flow.Config, l engine.Limits) (flow.Node, error) {
	if err := refuseModules(c.Get("libs").List()); err != nil {
		return nil, err
	}
	if l == (engine.Limits{}) {
		l = engine.Limits{Time: b.Options().FunctionTime, Memory: b.Options().FunctionBytes}
	}
	n := &function{b: b, limits: l, outputs: c.Get("outputs"), timers: map[int]*flow.Timer{}, keys: map[string]flow.ContextKey{},
		calls: map[string]*linked{}, exprs: map[string]flow.Expression{},
		code: inspect(c.Str("func"), strings.TrimSpace(c.Str("initialize")), strings.TrimSpace(c.Str("finalize")))}
	if seconds := c.Num("timeout", 0); seconds > 0 {
		n.limits.Time = time.Duration(seconds * float64(time.Second))
	}
	if err := n.check(); err != nil {
		n.state = broken
		b.Error(n.explain(err), nil)
		return n, nil
	}
	if n.code.onStart != "" {
		n.state = starting
		b.After(0, n.start) // when all nodes are there, to which it may send
	}
	return n, nil
}

// refuseModules names the first module of the dialog: there is no npm here.
func refuseModules(libs *value.List) error {
	if libs == nil {
		return nil
	}
	for _, e := range libs.All() {
		if o := e.Map(); o != nil && o.Get("module").Truthy() {
			return flow.NewError("Function node not allowed to load external modules: %s can't be loaded here, since there is no npm. "+
				"Remove it on the Setup tab and use what is built in (Buffer, URL, util, …).", o.Get("module").Text())
		}
	}
	return nil
}

var (
	waits    = regexp.MustCompile(`\bawait\b`)
	usesNode = regexp.MustCompile(`\bnode\b|\beval\b|\bFunction\b|\barguments\b`)
	doneCall = regexp.MustCompile(`\bnode\s*\??\.\s*done\s*(\?\.\s*)?\(`)
	doneEnds = regexp.MustCompile(`node\.done\s*\(\s*\)`)
)

// inspect reads off the text what spares work for each message. Where it is not sure, it
// takes the way that is always right.
func inspect(body, onStart, onStop string) code {
	return code{body: body, onStart: onStart, onStop: onStop, async: waits.MatchString(body), node: usesNode.MatchString(body) || strings.Contains(body, `\u`),
		manual: doneEnds.MatchString(body) && doneCall.MatchString(withoutTexts(body))}
}

var texts = regexp.MustCompile("(?s)//[^\n]*|/\\*.*?\\*/|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\\n])*'")

// withoutTexts leaves out comments and plain strings.
func withoutTexts(body string) string { return texts.ReplaceAllString(body, " ") }

// Script names, which errors carry.
const (
	bodyName  = "body"
	startName = "setup"
	stopName  = "cleanup"
)

// The code is wrapped in functions. It begins on line 2, behind a semicolon, so that "use
// strict" in its first line means nothing, as in Node-RED.
func (c *code) bodySource() string {
	if c.async {
		return "(async function(msg,node){;\n" + c.body + "\n})"
	}
	return "(function(msg,node){;\n" + c.body + "\n})"
}

func (c *code) startSource() string { return "(async function(node){;\n" + c.onStart + "\n})" }
func (c *code) stopSource() string  { return "(function(node){;\n" + c.onStop + "\n})" }

// check compiles the code, so that its mistakes are known when it is deployed.
func (n *function) check() error {
	sources := [][2]string{{bodyName, n.code.bodySource()}}
	if n.code.onStart != "" {
		sources = append(sources, [2]string{startName, n.code.startSource()})
	}
	if n.code.onStop != "" {
		sources = append(sources, [2]string{stopName, n.code.stopSource()})
	}
	return engine.Check(sources...)
}
