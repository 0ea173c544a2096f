// Package parsers has the node types of the palette's parser category.
package parsers

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// jsonNode turns JSON text into values and back.
type jsonNode struct {
	b      *flow.Base
	action string // "" (the other way round), obj, str
	indent int
	path   *value.Path
	err    error // the property is no path
}

// JSON converts between JSON text and values.
func JSON() flow.Type {
	return flow.Type{Name: "json", Fields: []string{"property", "action", "pretty"}, New: newJSON}
}

func newJSON(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &jsonNode{b: b, action: c.Str("action")}
	switch n.action {
	case "", "obj", "str":
	default:
		return nil, c.Refuse("Action", n.action)
	}
	if c.Get("pretty").Truthy() {
		n.indent = 4
	}
	n.path, n.err = value.ParseMessagePath(c.StrOr("property", "payload"))
	return n, nil
}

func (n *jsonNode) Receive(m *flow.Msg) {
	if m.Get("schema").Truthy() {
		n.b.Done(m, flow.Text("json: msg.schema is not supported yet: take it off the message to convert without a check"))
		return
	}
	v, err := value.Value{}, n.err
	if err == nil {
		v, err = m.GetPath(n.path)
	}
	if err != nil {
		n.b.Error(flow.AsError(err), m)
		return
	}
	switch v.Kind() {
	case value.Undefined:
	case value.String, value.Bytes:
		if n.action == "str" {
			break
		}
		parsed, err := value.ParseString(v.Text())
		if err != nil {
			n.b.Done(m, flow.Text(err.Error()))
			return
		}
		n.set(m, parsed)
	default:
		if n.action != "obj" {
			n.set(m, value.Str(string(value.AppendIndented(nil, v, n.indent))))
		}
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

// set writes the property; it was there, so this can't fail.
func (n *jsonNode) set(m *flow.Msg, v value.Value) { _, _ = m.SetPath(n.path, v, true) }
