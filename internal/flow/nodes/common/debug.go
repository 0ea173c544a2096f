package common

import (
	"errors"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// statusLength bounds the text below a debug node, in UTF-16 units.
const statusLength = 32

// debug shows messages in the sidebar, on the console and as its status.
type debug struct {
	b        *flow.Base
	path     *value.Path // nil: the complete message, or expr
	expr     flow.Expression
	source   string // of expr
	pathErr  bool   // the property can't be: what is shown is undefined
	property string
	active   bool
	sidebar  bool
	console  bool
	status   *debugStatus // nil: none
}

// debugStatus is the status line of a debug node.
type debugStatus struct {
	typ   string      // auto, counter, msg or jsonata
	path  *value.Path // msg; nil when it is none
	expr  flow.Expression
	last  flow.Status
	shown bool
	count int
	at    time.Time // of the last message
	timer *flow.Timer
}

// Debug shows messages.
func Debug() flow.Type {
	return flow.Type{
		Name:   "debug",
		Fields: []string{"active", "tosidebar", "console", "tostatus", "complete", "targetType", "statusVal", "statusType"},
		New:    newDebug,
	}
}

func newDebug(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &debug{b: b, active: true, property: c.StrOr("complete", "payload")}
	if v := c.Get("active"); !v.Nullish() {
		n.active = v.Truthy()
	}
	if n.sidebar = true; c.Has("tosidebar") {
		n.sidebar = c.Get("tosidebar").Truthy()
	}
	n.console = c.Bool("console")
	if n.property == "false" {
		n.property = "payload"
	}
	if c.Str("targetType") == "jsonata" {
		n.source, n.property = c.Str("complete"), ""
		var err error
		if n.expr, err = n.compile(n.source); n.expr == nil {
			return ignore{}, err
		}
	} else if n.property != "true" {
		var err error
		n.path, err = value.ParseMessagePath(n.property)
		n.pathErr = err != nil
	}
	b.Status(flow.Status{})
	if c.Get("tostatus").Truthy() {
		s, err := n.newStatus(c)
		if s == nil {
			return ignore{}, err
		}
		n.status = s
		if s.typ == "counter" {
			b.Status(flow.Status{Fill: "blue", Shape: "ring", Text: "0"})
		}
	}
	return n, nil
}

// ignore is a debug node whose expression is wrong: messages to it vanish.
type ignore struct{}

func (ignore) Receive(*flow.Msg) {}

// compile compiles an expression. Where that can't be, the error is for the runtime; a fault
// of the text has been reported and gives neither.
func (n *debug) compile(text string) (flow.Expression, error) {
	e, err := n.b.Expression(text)
	if u := (*flow.Unsupported)(nil); errors.As(err, &u) {
		return nil, err
	}
	if err != nil {
		n.b.Error(flow.Text("Invalid JSONata expression: "+text), nil)
		return nil, nil
	}
	return e, nil
}

// newStatus makes the status line; without one and without an error the node is not to run.
func (n *debug) newStatus(c flow.Config) (*debugStatus, error) {
	s := &debugStatus{typ: c.StrOr("statusType", "auto"), at: time.Now()}
	switch s.typ {
	case "auto", "counter":
	case "msg":
		s.path, _ = value.ParseMessagePath(c.StrOr("statusVal", n.property)) // no path shows undefined, as Node-RED does
	case "jsonata":
		var err error
		if s.expr, err = n.compile(c.Str("statusVal")); s.expr == nil {
			return nil, err
		}
	default:
		return nil, c.Refuse("Status", s.typ)
	}
	return s, nil
}

// SetActive switches the output to the sidebar.
func (n *debug) SetActive(on bool) { n.active = on }

func (n *debug) Receive(m *flow.Msg) {
	if s := m.Get("status").Map(); s != nil {
		if src := s.Get("source").Map(); src != nil && src.Get("id").Str() == n.b.ID() {
			n.b.Done(m, nil) // its own status came back
			return
		}
	}
	if n.status != nil {
		n.showStatus(m)
	}
	if n.property == "true" {
		whole := m.Root().Value()
		if n.console {
			n.b.Log("\n" + value.InspectDepth(whole, 10))
		}
		if n.active && n.sidebar {
			n.show(m, "", whole)
		}
		n.b.Done(m, nil)
		return
	}
	v, ok := n.output(m)
	if !ok {
		return
	}
	if n.console {
		n.b.Log(consoleText(v))
	}
	if n.active && n.sidebar {
		n.show(m, n.property, v)
	}
	n.b.Done(m, nil)
}

// output is the value to show; a property that can't be reached is undefined. It says no
// when an expression failed, which it has reported.
func (n *debug) output(m *flow.Msg) (value.Value, bool) {
	if n.expr != nil {
		return n.eval(n.expr, m)
	}
	if n.pathErr {
		return value.Value{}, true
	}
	v, _ := m.GetPath(n.path) // an error leaves undefined, as Node-RED shows it
	return v, true
}

func (n *debug) eval(e flow.Expression, m *flow.Msg) (value.Value, bool) {
	v, err := e.Eval(m, nil)
	if err != nil {
		n.b.Error(flow.Text("Invalid JSONata expression: "+n.source), nil)
		return v, false
	}
	return v, true
}

func consoleText(v value.Value) string {
	switch v.Kind() {
	case value.String:
		if strings.Contains(v.Str(), "\n") {
			return "\n" + v.Str()
		}
		return v.Str()
	case value.Undefined, value.Bool, value.Number:
		return value.Inspect(v)
	}
	return "\n" + value.InspectDepth(v, 10)
}

// show sends a value to the sidebar.
func (n *debug) show(m *flow.Msg, property string, v value.Value) {
	n.b.Show(m.Get("topic"), property, v)
}

// showStatus updates the status line.
func (n *debug) showStatus(m *flow.Msg) {
	s := n.status
	switch s.typ {
	case "counter":
		n.count()
		return
	case "jsonata":
		if v, ok := n.eval(s.expr, m); ok {
			n.setStatus(statusOf(v))
		}
		return
	case "msg":
		var v value.Value
		if s.path != nil {
			v, _ = m.GetPath(s.path)
		}
		n.setStatus(statusOf(v))
		return
	}
	v := m.Get("payload")
	if n.property != "true" {
		var ok bool
		if v, ok = n.output(m); !ok {
			return
		}
	}
	st := statusOf(v)
	if e := m.Get("error"); m.Has("error") && e.Map() != nil {
		st.Fill, st.Text = "red", e.Map().Get("message").Text()
	}
	if ms := m.Get("status").Map(); ms != nil {
		st = flow.Status{Fill: "grey", Shape: "ring"}
		for key, field := range map[string]*string{"fill": &st.Fill, "shape": &st.Shape, "text": &st.Text} {
			if v := ms.Get(key); v.Truthy() {
				*field = v.Text()
			}
		}
	}
	n.setStatus(st)
}

// statusOf makes a status of a value; one that looks like a status is taken as it is.
func statusOf(v value.Value) flow.Status {
	if o := v.Map(); o != nil && o.Get("fill").Truthy() && o.Get("shape").Truthy() && o.Get("text").Truthy() {
		return flow.Status{Fill: o.Get("fill").Text(), Shape: o.Get("shape").Text(), Text: o.Get("text").Text()}
	}
	st := flow.Status{Fill: "grey", Shape: "dot"}
	if v.Is(value.String) {
		st.Text = v.Str()
	} else {
		st.Text = value.Inspect(v)
	}
	return st
}

func (n *debug) setStatus(st flow.Status) {
	if value.Units(st.Text) > statusLength {
		st.Text = value.Cut(st.Text, statusLength) + "..."
	}
	if s := n.status; !s.shown || st != s.last {
		s.last, s.shown = st, true
		n.b.Status(st)
	}
}

// count shows the number of messages, at a rate that the eye can follow.
func (n *debug) count() {
	s := n.status
	since := time.Since(s.at)
	s.at = time.Now()
	s.count++
	show := func() { n.b.Status(flow.Status{Fill: "blue", Shape: "ring", Text: value.Int(s.count).Text()}) }
	if since > 100*time.Millisecond {
		show()
		return
	}
	s.timer.Stop()
	s.timer = n.b.After(200*time.Millisecond, show)
}

// Close takes the status line away.
func (n *debug) Close(_ bool, done func()) {
	if n.status != nil {
		n.b.Status(flow.Status{})
	}
	done()
}
