package sequence

import (
	"math"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// join makes one message of a sequence: as its parts say (auto), as its dialog says (custom),
// or by a JSONata expression (reduce).
type join struct {
	b          *flow.Base
	mode       string
	full       bool // whole messages are joined
	property   string
	path       *value.Path
	err        error // the property is no path
	key        string
	keyPath    *value.Path
	build      string
	count      float64
	anyCount   bool // the count may come from the message
	useParts   bool
	accumulate bool
	joiner     value.Value // a text, or a Buffer
	timeout    time.Duration

	groups map[string]*group
	part   cachedPath
}

// group is a sequence that is not complete.
type group struct {
	msg      *value.Map // of the last message, over those before
	kind     string     // array, string, buffer, object
	list     []value.Value
	object   *value.Map
	count    int
	target   value.Value
	join     value.Value
	arrayLen value.Value
	bytes    int // of a buffer
	kept     int // noted with Keep
	property value.Value
	timer    *flow.Timer
	dones    []*flow.Msg
	sealed   bool // the list became a buffer, nothing can be added
	first    int  // the first byte of that buffer, -1 for none
}

// piece is what one message brings.
type piece struct {
	id     string
	kind   string
	target value.Value
	join   value.Value
	key    value.Value
	len    value.Value
	index  value.Value
	v      value.Value
}

// Join makes one message of a sequence.
func Join() flow.Type {
	return flow.Type{Name: "join", New: newJoin, Fields: []string{"mode", "build", "property", "propertyType", "key", "joiner", "joinerType",
		"useparts", "accumulate", "timeout", "count", "reduceRight", "reduceExp", "reduceInit", "reduceInitType", "reduceFixup"}}
}

func newJoin(b *flow.Base, c flow.Config) (flow.Node, error) {
	mode := c.StrOr("mode", "auto")
	switch mode {
	case "auto", "custom":
	case "reduce":
		return newReduce(b, c)
	default:
		return nil, c.Refuse("Mode", mode)
	}
	acc := c.Get("accumulate")
	n := &join{b: b, mode: mode, full: c.Str("propertyType") == "full", property: c.StrOr("property", "payload"),
		key: c.StrOr("key", "topic"), build: c.StrOr("build", "array"), accumulate: acc.Bool(), anyCount: c.Has("count") && c.Get("count").Is(value.String) && c.Str("count") == "",
		useParts: !c.Has("useparts") || c.Get("useparts").Truthy(), groups: map[string]*group{}}
	if n.full {
		n.property = "payload"
	}
	switch n.build {
	case "array", "string", "buffer", "object", "merged":
	default:
		return nil, c.Refuse("to create", n.build)
	}
	n.path, n.err = value.ParseMessagePath(n.property)
	n.keyPath, _ = value.ParseMessagePath(n.key) // what is no path is an error of each message
	if n.count = c.Get("count").ToNumber(); !c.Get("count").Truthy() {
		n.count = 0
	}
	if t := c.Get("timeout").ToNumber(); mode == "custom" && t > 0 {
		n.timeout = time.Duration(math.Min(t, 1e9) * float64(time.Second))
	}
	n.joiner = value.Str(unescape(c.Str("joiner")))
	switch typ := c.StrOr("joinerType", "str"); typ {
	case "str":
	case "bin":
		v, err := value.ParseString(c.StrOr("joiner", "[]"))
		if err != nil {
			return nil, flow.AsError(err)
		}
		if v.List() == nil {
			return nil, flow.NewError("not an array")
		}
		n.joiner = value.Data(bytesOf(v.List()))
	default:
		n.joiner = value.Str(c.Str("joiner"))
	}
	return n, nil
}

func (n *join) Receive(m *flow.Msg) {
	v := m.Root().Value()
	if !n.full {
		var err error
		if v, err = n.get(m); err != nil {
			n.b.Warn("Message property " + n.property + " not found")
			n.b.Done(m, nil)
			return
		}
	}
	p, ok := n.piece(m, v)
	if !ok {
		return
	}
	if m.Has("restartTimeout") {
		if g := n.groups[p.id]; g != nil {
			g.timer.Stop()
			n.wait(p.id, g)
		}
	}
	if m.Has("reset") {
		n.reset(p.id)
		n.b.Done(m, nil)
		return
	}
	if p.kind == "object" && (p.key.Nullish() || p.key.Is(value.String) && p.key.Str() == "") {
		n.keyless(m, p.id)
		return
	}
	g := n.group(m, p)
	if n.b.Heard() {
		g.dones = append(g.dones, m)
	}
	if err := n.add(g, m, p); err != nil {
		n.b.Done(m, err)
		return
	}
	n.after(g, m, p.id)
}

func (n *join) get(m *flow.Msg) (value.Value, error) {
	if n.err != nil {
		return value.Value{}, n.err
	}
	return m.GetPath(n.path)
}

// piece reads what a message brings; it says no when the message is done with.
func (n *join) piece(m *flow.Msg, v value.Value) (p piece, ok bool) {
	parts := m.Get("parts")
	if n.mode == "auto" {
		if !has(parts, "id") {
			if m.Has("reset") {
				n.forget()
			} else {
				n.b.Warn("Message missing msg.parts property - cannot join in 'auto' mode")
			}
			n.b.Done(m, nil)
			return p, false
		}
		p = piece{id: property(parts, "id").Text(), kind: property(parts, "type").Text(), target: property(parts, "count"),
			join: property(parts, "ch"), key: property(parts, "key"), len: property(parts, "len"), index: property(parts, "index")}
		var err error
		if p.v, err = n.part.get(m, property(parts, "property")); err != nil {
			n.b.Done(m, flow.AsError(err))
			return p, false
		}
		return p, true
	}
	if !n.useParts && m.Has("parts") {
		if has(parts, "parts") {
			parts = value.NewMap(1).Set("parts", property(parts, "parts")).Value()
			m.Set("parts", parts)
		} else {
			parts = value.Value{}
			m.Delete("parts")
		}
	}
	if n.full { // with the parts as they are now
		v = m.Root().Value()
	}
	p = piece{id: "_", kind: n.build, target: value.Num(n.count), join: n.joiner, v: v}
	if n.anyCount && m.Has("parts") {
		if p.target = property(parts, "count"); !p.target.Truthy() {
			p.target = value.Int(0)
		}
		if has(parts, "id") {
			p.id = property(parts, "id").Text()
		}
	}
	if n.build == "object" {
		if n.keyPath == nil {
			_, err := value.ParseMessagePath(n.key)
			n.b.Done(m, flow.AsError(err))
			return p, false
		}
		var err error
		if p.key, err = m.GetPath(n.keyPath); err != nil {
			n.b.Done(m, flow.AsError(err))
			return p, false
		}
	}
	return p, true
}

// reset drops one group.
func (n *join) reset(id string) {
	g := n.groups[id]
	if g == nil {
		return
	}
	n.drop(id, g)
	for _, m := range g.dones {
		n.b.Done(m, nil)
	}
}

func (n *join) drop(id string, g *group) {
	g.timer.Stop()
	n.b.Release(g.kept)
	delete(n.groups, id)
}

// forget drops all groups.
func (n *join) forget() {
	for id, g := range n.groups {
		n.drop(id, g)
	}
}

// keyless handles a message for an object that has no key: it may end the group.
func (n *join) keyless(m *flow.Msg, id string) {
	switch {
	case n.mode == "auto":
		n.b.Warn("Message missing 'msg.parts.key' property - cannot add to object")
	case m.Has("complete"):
		if g := n.groups[id]; g != nil {
			g.msg.Set("complete", m.Get("complete"))
			if err := n.complete(id); err != nil {
				n.b.Done(m, err)
				return
			}
		}
	default:
		n.b.Warn("Message missing key property 'msg." + n.key + "' - cannot add to object")
	}
	n.b.Done(m, nil)
}

// group returns the group of a message, a new one if it is the first.
func (n *join) group(m *flow.Msg, p piece) *group {
	if g := n.groups[p.id]; g != nil {
		return g
	}
	g := &group{kind: p.kind, target: p.target, msg: m.Root().Clone().Own(), property: value.Str(n.property)}
	switch p.kind {
	case "object", "merged":
		g.kind, g.object = "object", value.NewMap(4)
	case "string", "buffer":
		g.join = p.join
	case "array":
		g.arrayLen = p.len
	}
	if n.mode == "auto" {
		g.property = property(m.Get("parts"), "property")
	}
	n.groups[p.id] = g
	n.wait(p.id, g)
	return g
}

// wait begins the time after which the group is complete.
func (n *join) wait(id string, g *group) {
	if n.timeout <= 0 {
		return
	}
	g.timer = n.b.After(n.timeout, func() {
		if err := n.complete(id); err != nil {
			n.b.Error(err, nil)
		}
	})
}

// Close ends all groups.
func (n *join) Close(_ bool, done func()) {
	for id, g := range n.groups {
		n.drop(id, g)
		for _, m := range g.dones {
			n.b.Done(m, nil)
		}
	}
	done()
}

// cachedPath is a path that mostly is the same from message to message.
type cachedPath struct {
	text string
	path *value.Path
}

// get returns what parts.property says, the payload when it says nothing.
func (c *cachedPath) get(m *flow.Msg, name value.Value) (value.Value, error) {
	p, err := c.parse(name)
	if err != nil {
		return value.Value{}, err
	}
	return m.GetPath(p)
}

func (c *cachedPath) parse(name value.Value) (*value.Path, error) {
	text := "payload"
	if name.Truthy() {
		text = name.Text()
	}
	if c.path == nil || c.text != text {
		p, err := value.ParseMessagePath(text)
		if err != nil {
			return nil, err
		}
		c.text, c.path = text, p
	}
	return c.path, nil
}
