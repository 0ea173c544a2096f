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

	last   *schema // of the message before
	schema *schema // that of the current message, nil for none
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
	if err := n.prepare(m.Get("schema")); err != nil {
		n.b.Done(m, flow.Text("JSON Schema error: failed to compile schema"))
		return
	}
	v, ok := n.b.At(m, n.path, n.err)
	if !ok {
		return
	}
	if err := n.convert(m, v); err != nil {
		n.b.Done(m, flow.Text(err.Error()))
		return
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

// prepare compiles the schema of a message, unless it is that of the message before.
func (n *jsonNode) prepare(v value.Value) (err error) {
	n.schema = nil
	if !v.Truthy() {
		return nil
	}
	if n.last == nil || !value.Equal(n.last.source, v) {
		if n.last, err = compileSchema(v); err != nil {
			return err
		}
	}
	n.schema = n.last
	return nil
}

// convert converts the property, and checks what it says.
func (n *jsonNode) convert(m *flow.Msg, v value.Value) error {
	switch v.Kind() {
	case value.Undefined:
		return nil
	case value.String, value.Bytes:
		if n.action == "str" && n.schema == nil {
			return nil
		}
		parsed, err := value.ParseString(v.Text())
		if err != nil {
			return err
		}
		if n.action != "str" {
			n.set(m, parsed)
		}
		return n.check(m, parsed)
	}
	if err := n.check(m, v); err != nil {
		return err
	}
	if n.action != "obj" {
		n.set(m, value.Str(string(value.AppendIndented(nil, v, n.indent))))
	}
	return nil
}

// set writes the property; it was there, so this can't fail.
func (n *jsonNode) set(m *flow.Msg, v value.Value) { _, _ = m.SetPath(n.path, v, true) }
