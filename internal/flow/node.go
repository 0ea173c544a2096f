package flow

import (
	"context"
	"fmt"

	"tsunagi/internal/flow/value"
)

// Node is one running node. Its methods are called on the event loop, so it needs no lock
// for its own state and must not block: what waits (sockets, files, children) waits in a
// goroutine of the node, which comes back with Base.Do or Base.Emit and ends when
// Base.Life does. A panic is reported as an error of the node.
type Node interface {
	// Receive handles one message. For each, the node calls Base.Done once, now or later.
	Receive(m *Msg)
}

// Closer is implemented by nodes that have something to end. Close is called on the loop
// when the node is stopped, removed telling whether it is gone from the flow for good. It
// calls done, from any goroutine, when all has ended; the runtime waits 15 seconds at most.
type Closer interface {
	Close(removed bool, done func())
}

// Sharer is implemented by config nodes that report errors and status in the place of those
// who use them, as mqtt-broker does.
type Sharer interface {
	Users() []*Base
}

// Type is the registration of a node type.
type Type struct {
	Name string // as in the flow file: "mqtt in"

	// New makes a node of the type. It runs on the loop. An error means that the node does not
	// start; the editor shows it at the node. Unsupported is the error for an option of the
	// dialog that can't be run.
	New func(b *Base, c Config) (Node, error)

	Credentials map[string]string // what the node keeps as credentials: key → "text" or "password"
	Fields      []string          // fields of the dialog that New looks at; others are logged once
	Container   bool              // the type never runs by itself: tab, subflow, group
}

// Unsupported says that a node can't run because of one option of its dialog.
type Unsupported struct{ Type, Option, Value string }

func (u *Unsupported) Error() string {
	if u.Value == "" {
		return fmt.Sprintf("%s: the option %q is not supported yet", u.Type, u.Option)
	}
	return fmt.Sprintf("%s: the option %q can't be %q yet", u.Type, u.Option, u.Value)
}

// Base is what every node has: who it is, and what the runtime does for it. Methods are to
// be called on the loop unless they say otherwise.
type Base struct {
	rt   *Runtime
	in   *container
	node Node
	def  *def
	path string

	wires  [][]string // per output the ids of the receivers
	out    [][]*Base  // the same, resolved; nil where nobody runs
	single *Base      // the receiver, if there is one wire in all
	wired  int

	kept int // bytes noted by Keep
	meter
	timed   bool // it has used a timer
	deaf    bool // closing or closed: deliveries vanish
	gone    bool // closed: posted functions vanish
	ctx     context.Context
	cancel  context.CancelFunc
	listens scope   // catch, status, complete
	hearers []*Base // complete nodes that hear of this node
}

// ID is the id of the node, within a subflow that of the instance's copy.
func (b *Base) ID() string { return b.def.id }

// Alias is the id of the node in the subflow it is a copy of, "" outside of subflows.
func (b *Base) Alias() string { return b.def.alias }

// Type is the type of the node.
func (b *Base) Type() string { return b.def.typ }

// Name is the name the user gave, "" for none.
func (b *Base) Name() string { return b.def.name }

// Z is the id of the tab or subflow instance.
func (b *Base) Z() string { return b.def.z }

// Path is the way to the node: tab/instance/…/node.
func (b *Base) Path() string { return b.path }

// FlowPath is the way to what holds the node.
func (b *Base) FlowPath() string { return b.in.path }

// Life ends when the node is stopped. It may be used from any goroutine.
func (b *Base) Life() context.Context { return b.ctx }

// Options are those of the runtime. They may be read from any goroutine.
func (b *Base) Options() *Options { return &b.rt.o }

// Lookup returns the running node with the id as this node sees it, nil if there is none:
// config nodes are found this way.
func (b *Base) Lookup(id string) Node {
	if n := b.in.node(id); n != nil {
		return n.node
	}
	return nil
}

// Credential returns a text out of the node's credentials.
func (b *Base) Credential(key string) (string, bool) {
	v := b.rt.credential(b.def.shownID(), key)
	if !v.Defined() {
		return "", false
	}
	return b.substitute(v.Clone(), b.def.fields).ToText(), true
}

// Done ends the work on a message. With an error the message goes to catch nodes, else to
// complete nodes.
func (b *Base) Done(m *Msg, err error) {
	if err != nil {
		b.Error(err, m)
		return
	}
	if b.hearers != nil {
		b.complete(m)
	}
}

// At reads the property of a message that a node works on. fault is why its path couldn't be read, or nil. Where there is
// no such property the error is reported, and ok is false.
func (b *Base) At(m *Msg, path *value.Path, fault error) (v value.Value, ok bool) {
	if fault == nil {
		v, fault = m.GetPath(path)
	}
	if fault != nil {
		b.Error(AsError(fault), m)
		return value.Value{}, false
	}
	return v, true
}

// Error reports an error. With a message, catch nodes get it; what nobody catches is logged
// and shown in the debug sidebar.
func (b *Base) Error(err error, m *Msg) {
	if m != nil && b.in.caught(b, err, m, b) {
		return
	}
	b.log(levelError, err)
}

// Warn logs a text and shows it in the debug sidebar.
func (b *Base) Warn(text string) { b.log(levelWarn, Text(text)) }

// WarnError is Warn for an error that flows would see with its stack.
func (b *Base) WarnError(err error) { b.log(levelWarn, err) }

// Log logs a text.
func (b *Base) Log(text string) { b.log(levelInfo, Text(text)) }

// Debug logs a text at debug level.
func (b *Base) Debug(text string) { b.log(levelDebug, Text(text)) }

// Status is what the editor shows below a node. Text may be a key of the editor's catalogue
// with its name space, such as node-red:common.status.connected.
type Status struct{ Fill, Shape, Text string }

// Status shows the status of the node; the zero Status removes it.
func (b *Base) Status(s Status) { b.StatusValue(s.object()) }

func (s Status) object() *value.Map {
	o := value.NewMap(3)
	if s != (Status{}) {
		o.Set("fill", value.Str(s.Fill)).Set("shape", value.Str(s.Shape)).Set("text", value.Str(s.Text))
	}
	return o
}

// StatusValue shows a status that a flow made itself.
func (b *Base) StatusValue(s *value.Map) { b.in.status(b, s, b, false) }

// Do runs f on the loop, unless the node is closed by then. It may be called from any
// goroutine and waits while the loop's inbox is full; it says whether f was taken.
func (b *Base) Do(f func()) bool { return b.rt.in.post(b.ctx, event{to: b, run: f}) }

// DoSized is Do for who brings messages of so many bytes, which the inbox counts.
func (b *Base) DoSized(bytes int, f func()) bool {
	return b.rt.in.post(b.ctx, event{to: b, run: f, bytes: bytes})
}

// Soon is Do that never waits, for answers to what the node itself asked for: it bounds how
// many of those there can be. It still runs while the node is being closed.
func (b *Base) Soon(f func()) bool { return b.rt.in.urgent(event{to: b, run: f}) }

// Emit sends m from the node's first output. Like Do it is for goroutines of the node; m is
// the loop's from then on.
func (b *Base) Emit(m *Msg) bool {
	return b.rt.in.post(b.ctx, event{to: b, msg: m, bytes: m.o.Weight(weighDepth)})
}

// TryEmit is Emit that doesn't wait: it says no when the inbox is full.
func (b *Base) TryEmit(m *Msg) bool {
	return b.rt.in.try(event{to: b, msg: m, bytes: m.o.Weight(weighDepth)})
}

// Inject gives m to the node as if it had been delivered.
func (b *Base) Inject(m *Msg) { b.receive(m) }

// Node is the node itself.
func (b *Base) Node() Node { return b.node }

// InSubflow says whether the node belongs to an instance of a subflow.
func (b *Base) InSubflow() bool { return b.in.sub != nil }

// Find returns a running node: on this flow, around it, or elsewhere.
func (b *Base) Find(id string) *Base {
	if n := b.in.node(id); n != nil {
		return n
	}
	return b.rt.find(id)
}

// Anywhere returns a running node of any flow, nil if there is none.
func (b *Base) Anywhere(id string) Node {
	if n := b.Find(id); n != nil {
		return n.node
	}
	return nil
}

// All returns the running nodes of a type, those in subflows as well.
func (b *Base) All(typ string) (found []*Base) {
	var walk func(c *container)
	walk = func(c *container) {
		for _, n := range c.active {
			if n.def.typ == typ {
				found = append(found, n)
			}
			if s, ok := n.node.(*instance); ok {
				walk(s.inner)
			}
		}
	}
	for _, id := range b.rt.order {
		walk(b.rt.flows[id])
	}
	return found
}

// Show shows a value in the debug sidebar: the whole message when property is "".
func (b *Base) Show(topic value.Value, property string, v value.Value) {
	o := value.NewMap(9)
	o.Set("id", value.Str(b.def.id)).Set("z", value.Str(b.def.z))
	if b.def.alias != "" {
		o.Set("_alias", value.Str(b.def.alias))
	}
	o.Set("path", value.Str(b.in.path))
	if b.def.name != "" || b.def.fields.Has("name") {
		o.Set("name", value.Str(b.def.name))
	}
	if topic.Defined() {
		o.Set("topic", topic)
	}
	if property != "" {
		o.Set("property", value.Str(property))
	}
	b.rt.pub.show(b.def.id, o, v)
}
