package function

import (
	"math"
	"strings"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// trigger sends one message when it is triggered and another one some time later, or one
// again and again.
type trigger struct {
	b        *flow.Base
	first    content
	then     content
	byTopic  bool
	topic    *value.Path
	second   bool // the later message has an output of its own
	extend   bool
	override bool // messages may say how long
	loop     bool
	duration float64 // milliseconds
	reset    string
	topics   map[string]*triggered
	latest   map[string]*flow.Msg // payl: the last message of each topic
}

// content is what one of the two messages carries.
type content struct {
	typ      string // pay, payl, nul or one of flow.Property
	prop     *flow.Property
	template *mustache
	fault    error
}

// triggered is a topic that waits for its second message.
type triggered struct {
	timer   *flow.Timer
	ticker  *flow.Ticker
	blocked bool // until a reset
	value   value.Value
	size    int // noted with Keep
}

// Trigger sends a message, and another one later.
func Trigger() flow.Type {
	return flow.Type{Name: "trigger", New: newTrigger, Fields: []string{"op1", "op2", "op1type", "op2type", "duration", "extend",
		"overrideDelay", "units", "reset", "bytopic", "topic", "outputs"}}
}

func newTrigger(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &trigger{b: b, byTopic: c.StrOr("bytopic", "all") != "all", second: c.Get("outputs").ToNumber() == 2, extend: c.Bool("extend"),
		override: c.Get("overrideDelay").Truthy(), topics: map[string]*triggered{}, latest: map[string]*flow.Msg{}}
	if r := c.Get("reset"); r.Truthy() {
		n.reset = r.Text()
	}
	n.topic, _ = value.ParseMessagePath(c.StrOr("topic", "topic"))
	if n.duration = value.ParseFloat(c.Get("duration").Text()); math.IsNaN(n.duration) {
		n.duration = 250
	}
	if n.duration < 0 {
		n.loop, n.extend, n.duration = true, false, -n.duration
	}
	switch c.Str("units") {
	case "s":
		n.duration *= 1000
	case "min":
		n.duration *= 60_000
	case "hr":
		n.duration *= 3_600_000
	}
	var err error
	if n.first, err = newContent(b, c, "op1", "1"); err == nil {
		n.then, err = newContent(b, c, "op2", "0")
	}
	return n, err
}

// newContent compiles what a message carries; usual is what an empty field stands for.
func newContent(b *flow.Base, c flow.Config, key, usual string) (o content, err error) {
	v := c.Get(key)
	if !v.Truthy() {
		v = value.Str(usual)
	}
	o.typ = c.StrOr(key+"type", "str")
	switch {
	case o.typ == "date" && v.Str() == usual:
		v = value.Str("")
	case o.typ == "val" && (v.Str() == "true" || v.Str() == "false"):
		o.typ = "bool"
	case o.typ == "val" && v.Str() == "null":
		o.typ, v = "null", value.Nil()
	case o.typ == "val":
		o.typ = "str"
	}
	switch {
	case o.typ == "str" && strings.Contains(v.Str(), "{{"):
		o.template, o.fault = compileMustache(v.Str())
	case o.typ != "pay" && o.typ != "payl" && o.typ != "nul":
		o.prop, err = b.Property(v, o.typ)
	}
	return o, err
}

// eval is the value for a message.
func (o *content) eval(m *flow.Msg) (value.Value, error) {
	switch {
	case o.fault != nil:
		return value.Value{}, flow.NewError("%s", o.fault.Error())
	case o.template != nil:
		text, err := renderMustache(o.template, m)
		if err != nil {
			return value.Value{}, flow.AsError(err)
		}
		return value.Str(text), nil
	}
	v, err := o.prop.Eval(m)
	if err != nil && o.prop.Expression() {
		return v, Thrown(err)
	}
	return v, err
}

// later says that the value is taken when the message is sent.
func (o *content) later() bool { return o.typ == "flow" || o.typ == "global" }

func (n *trigger) Receive(m *flow.Msg) {
	topic := "_none"
	if n.topic == nil {
		n.b.Done(m, nil)
		return
	}
	v, err := m.GetPath(n.topic)
	if err != nil {
		n.b.Error(flow.AsError(err), m)
		return
	}
	if n.byTopic && v.Truthy() {
		topic = v.Text()
	}
	wait := n.duration
	if n.override && m.Has("delay") {
		if f := value.ParseFloat(m.Get("delay").Text()); !math.IsNaN(f) {
			wait = f
		}
	}
	if n.isReset(m) {
		n.stop(topic)
		n.show()
		n.b.Done(m, nil)
		return
	}
	t := n.topics[topic]
	if t == nil {
		if len(n.topics) >= maxTopics {
			n.b.Done(m, flow.Text("more topics than the node can remember: send a message with a reset property"))
			return
		}
		t = &triggered{}
		n.topics[topic] = t
	}
	if n.then.typ == "payl" {
		n.latest[topic] = m.Clone()
	}
	if err := n.keep(t, m); err != nil {
		n.b.Done(m, err)
		return
	}
	switch {
	case t.timer == nil && !t.blocked || n.loop:
		if err := n.begin(m, t, topic, wait); err != nil {
			n.b.Done(m, err)
		}
		return
	case n.extend && wait > 0:
		n.prolong(m, t, topic, wait)
	}
	n.b.Done(m, nil)
}

// keep notes what a topic holds: its last message, at most twice.
func (n *trigger) keep(t *triggered, m *flow.Msg) error {
	size := 2 * m.Size()
	n.b.Release(t.size)
	t.size = 0
	if err := n.b.Keep(size); err != nil {
		return err
	}
	t.size = size
	return nil
}

// isReset says whether a message ends the waiting of its topic.
func (n *trigger) isReset(m *flow.Msg) bool {
	if m.Has("reset") {
		return true
	}
	p := m.Get("payload")
	return n.reset != "" && !p.Nullish() && p.Text() == n.reset
}

// begin sends the first message and has the second one sent later.
func (n *trigger) begin(m *flow.Msg, t *triggered, topic string, wait float64) (err error) {
	switch n.then.typ {
	case "pay":
		t.value = m.Get("payload").Clone()
	case "nul", "payl":
	default:
		if t.value, err = n.then.eval(m); err != nil {
			return err
		}
	}
	if typ := n.first.typ; typ != "pay" && typ != "nul" && typ != "payl" {
		v, err := n.first.eval(m)
		if err != nil {
			return err
		}
		m.Set("payload", v)
	}
	switch {
	case wait == 0:
		t.blocked = true
	case n.loop:
		n.repeat(m, t, wait)
	case t.timer == nil:
		after := m.Clone()
		t.timer = n.b.After(flow.Milliseconds(wait), func() { n.fire(after, t, topic, false) })
	}
	n.b.Done(m, nil)
	n.show()
	if n.first.typ != "nul" {
		n.b.Send(m.Clone())
	}
	return nil
}

// repeat sends the first message again and again.
func (n *trigger) repeat(m *flow.Msg, t *triggered, wait float64) {
	t.ticker.Stop()
	if n.first.typ == "nul" {
		return
	}
	again := m.Clone()
	t.ticker = n.b.Every(flow.Milliseconds(wait), func() {
		c := again.Clone()
		if n.first.typ == "date" {
			c.Set("payload", value.Num(float64(time.Now().UnixMilli())))
		}
		n.b.Send(c)
	})
}

// prolong begins the time anew.
func (n *trigger) prolong(m *flow.Msg, t *triggered, topic string, wait float64) {
	if n.then.typ == "payl" {
		t.value = m.Get("payload").Clone()
	}
	t.timer.Stop()
	after := m.Clone()
	t.timer = n.b.After(flow.Milliseconds(wait), func() { n.fire(after, t, topic, true) })
	t.blocked = false
}

// fire sends the second message.
func (n *trigger) fire(m *flow.Msg, t *triggered, topic string, prolonged bool) {
	if n.then.later() || n.then.typ == "date" && !prolonged {
		v, err := n.then.eval(m)
		if err != nil {
			n.b.Error(err, nil)
			return
		}
		t.value = v
	}
	n.drop(topic, t)
	switch {
	case n.then.typ == "nul":
		m = nil
	case n.then.typ == "payl" && !prolonged:
		m = n.latest[topic]
		delete(n.latest, topic)
	default:
		m.Set("payload", t.value)
	}
	if m != nil && n.second {
		n.b.SendTo(1, m)
	} else {
		n.b.Send(m)
	}
	n.show()
}

// stop ends the waiting of a topic.
func (n *trigger) stop(topic string) {
	if t := n.topics[topic]; t != nil {
		t.timer.Stop()
		t.ticker.Stop()
		n.drop(topic, t)
		delete(n.latest, topic)
	}
}

func (n *trigger) drop(topic string, t *triggered) {
	n.b.Release(t.size)
	delete(n.topics, topic)
}

// show tells how many topics wait.
func (n *trigger) show() {
	o := value.NewMap(3)
	if len(n.topics) > 0 {
		o.Set("fill", value.Str("blue")).Set("shape", value.Str("dot"))
	}
	if len(n.topics) > 1 {
		o.Set("text", value.Int(len(n.topics)))
	}
	n.b.StatusValue(o)
}

// Close ends all waiting.
func (n *trigger) Close(_ bool, done func()) {
	for topic := range n.topics {
		n.stop(topic)
	}
	n.show()
	done()
}
