package parsers

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// yamlNode turns YAML text into values and back.
type yamlNode struct {
	b    *flow.Base
	path *value.Path
	err  error // the property is no path
}

// YAML converts between YAML text and values.
func YAML() flow.Type {
	return flow.Type{Name: "yaml", Fields: []string{"property"}, New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		n := &yamlNode{b: b}
		n.path, n.err = value.ParseMessagePath(c.StrOr("property", "payload"))
		return n, nil
	}}
}

func (n *yamlNode) Receive(m *flow.Msg) {
	v, ok := n.b.At(m, n.path, n.err)
	if !ok {
		return
	}
	switch {
	case !v.Defined():
	case v.Is(value.String):
		v, err := ParseYAML(v.Str())
		if err != nil {
			n.b.Done(m, flow.Text(err.Error()))
			return
		}
		_, _ = m.SetPath(n.path, v, v.Defined()) // it was there
	case v.Is(value.Bytes):
		n.b.Warn("Ignored non-object payload")
		n.b.Done(m, nil)
		return
	case v.TypeOf() == "object":
		text, err := dumpYAML(v)
		if err != nil {
			n.b.Done(m, flow.Text("Failed to convert payload"))
			return
		}
		_, _ = m.SetPath(n.path, value.Str(text), true)
	default:
		n.b.Warn("Ignored unsupported payload type")
		n.b.Done(m, nil)
		return
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}
