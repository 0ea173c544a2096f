package function

import (
	"math"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// maxTopics bounds how many topics a filter node remembers.
const maxTopics = 100_000

// filter sends on what changed: the filter node, whose type is rbe.
type filter struct {
	b          *flow.Base
	mode       string
	percent    bool
	gap        float64
	start      string
	in         bool // compare with the last input, not with the last output
	property   *value.Path
	topic      *value.Path
	separately bool
	previous   map[string]value.Value
}

// Filter blocks messages whose value didn't change, or didn't change enough.
func Filter() flow.Type {
	return flow.Type{Name: "rbe", Fields: []string{"func", "gap", "start", "inout", "septopics", "property", "topi"}, New: newFilter}
}

func newFilter(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &filter{b: b, mode: c.StrOr("func", "rbe"), start: c.Str("start"), in: c.Str("inout") == "in", previous: map[string]value.Value{}}
	switch n.mode {
	case "rbe", "rbei", "deadband", "deadbandEq", "narrowband", "narrowbandEq":
	default:
		return nil, c.Refuse("Mode", n.mode)
	}
	gap := c.StrOr("gap", "0")
	if n.percent = strings.HasSuffix(gap, "%"); n.percent {
		n.gap = value.ParseFloat(gap)
	} else {
		n.gap = value.ParseNumber(gap)
	}
	v := c.Get("septopics")
	n.separately = !v.Is(value.Bool) || v.Bool()
	n.property, _ = value.ParseMessagePath(c.StrOr("property", "payload")) // what is no path is never there, as in Node-RED
	n.topic, _ = value.ParseMessagePath(c.StrOr("topi", "topic"))
	return n, nil
}

func get(m *flow.Msg, p *value.Path) value.Value {
	if p == nil {
		return value.Value{}
	}
	v, _ := m.GetPath(p) // what can't be reached is undefined here
	return v
}

func (n *filter) Receive(m *flow.Msg) {
	topic := get(m, n.topic)
	if m.Has("reset") {
		if n.separately && topic.Is(value.String) && topic.Str() != "" {
			delete(n.previous, m.Get("topic").Text())
		} else {
			clear(n.previous)
		}
	}
	v := get(m, n.property)
	if !v.Defined() {
		return
	}
	key := "_no_topic"
	if n.separately && topic.Truthy() {
		key = topic.Text()
	}
	if _, known := n.previous[key]; !known && len(n.previous) >= maxTopics {
		n.b.Error(flow.Text("more topics than the node can remember: send a message with a reset property"), m)
		return
	}
	if n.mode == "rbe" || n.mode == "rbei" {
		n.changed(m, key, v)
		return
	}
	if x := value.ParseFloat(v.Text()); !math.IsNaN(x) {
		n.band(m, key, x)
		return
	}
	n.b.Warn("no number found in payload")
}

// changed sends the message when the value is another one than before.
func (n *filter) changed(m *flow.Msg, key string, v value.Value) {
	was, known := n.previous[key]
	same := value.Same(v, was)
	if v.TypeOf() == "object" {
		if was.TypeOf() != "object" {
			was = value.NewMap(0).Value()
			n.previous[key] = was
		}
		same = value.Equal(v, was)
	}
	if same {
		return
	}
	n.previous[key] = v.Clone()
	if n.mode != "rbei" || known {
		n.b.Send(m)
	}
}

// band sends the message when the number is outside (deadband) or inside (narrowband) of the
// gap around the one before.
func (n *filter) band(m *flow.Msg, key string, x float64) {
	narrow := strings.HasPrefix(n.mode, "narrowband")
	was, known := n.previous[key]
	last := was.ToNumber()
	if !known && narrow {
		last, known = x, true
		if n.start != "" {
			last = value.ParseNumber(n.start)
		}
	}
	gap := n.gap
	if n.percent {
		if gap = math.Abs(last * n.gap / 100); math.IsNaN(gap) {
			gap = 0
		}
	}
	if !known {
		last = x - gap - 1
	}
	n.previous[key] = value.Num(last)
	send := false
	switch d := math.Abs(x - last); {
	case d == gap:
		send = n.mode == "deadbandEq" || n.mode == "narrowband"
	case d > gap:
		send = !narrow
	case d < gap:
		send = narrow
	}
	if send && !n.in {
		n.previous[key] = value.Num(x)
	}
	if n.in {
		n.previous[key] = value.Num(x)
	}
	if send {
		n.b.Send(m)
	}
}
