package function

import (
	"regexp"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/parsers"
	"tsunagi/internal/flow/value"
)

// template writes text made of a template into a property.
type template struct {
	b      *flow.Base
	text   string
	plain  bool
	json   bool
	yaml   bool
	target place

	compiled *mustache
	renderer renderer
	last     string    // the text of a message that made was compiled from
	made     *mustache // the template of the message before, for the next with the same
	fault    error     // of the text in the dialog
}

// Template makes text of a Mustache template.
func Template() flow.Type {
	return flow.Type{Name: "template", Fields: []string{"field", "fieldType", "format", "syntax", "template", "output"}, New: newTemplate}
}

func newTemplate(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &template{b: b, text: c.Str("template"), target: newPlace(c.StrOr("fieldType", "msg"), c.StrOr("field", "payload"))}
	switch syntax := c.StrOr("syntax", "mustache"); syntax {
	case "mustache":
		n.compiled, n.fault = compileMustache(n.text)
	case "plain":
		n.plain = true
	default:
		return nil, c.Refuse("Format", syntax)
	}
	switch output := c.StrOr("output", "str"); output {
	case "str":
	case "json":
		n.json = true
	case "yaml":
		n.yaml = true
	default:
		return nil, c.Refuse("Output as", output)
	}
	n.renderer.outside, n.renderer.json = n.outside, n.json
	return n, nil
}

func (n *template) Receive(m *flow.Msg) {
	text, err := n.render(m)
	var v value.Value
	if err == nil {
		v = value.Str(text)
		if n.json {
			v, err = value.ParseString(text)
		}
		if n.yaml {
			v, err = parsers.ParseYAML(text)
		}
	}
	if err == nil {
		err = n.write(m, v)
	}
	if err != nil {
		n.b.Done(m, flow.Text(err.Error()))
		return
	}
	n.b.Send(m)
	n.b.Done(m, nil)
}

// render makes the text: of the dialog's template, or of the message's when that is empty.
func (n *template) render(m *flow.Msg) (string, error) {
	text, compiled, err := n.text, n.compiled, n.fault
	if n.text == "" && m.Has("template") {
		if text = m.Get("template").Text(); !n.plain {
			compiled, err = n.ofMessage(text)
		}
	}
	if n.plain {
		return text, nil
	}
	if err != nil {
		return "", err
	}
	return n.renderer.message(compiled, m)
}

func (n *template) ofMessage(text string) (*mustache, error) {
	if n.made == nil || n.last != text {
		made, err := compileMustache(text)
		if err != nil {
			return nil, err
		}
		n.made, n.last = made, text
	}
	return n.made, nil
}

var contextName = regexp.MustCompile(`^(flow|global)(?:\[(\w+)\])?\.(.+)`)

// outside is the value of a name that the message doesn't have: of the environment or of a
// context, else nothing.
func (n *template) outside(name string, m *flow.Msg) value.Value {
	if env, ok := strings.CutPrefix(name, "env."); ok && env != "" {
		return flow.ExpandEnv(n.b, env)
	}
	parts := contextName.FindStringSubmatch(name)
	if parts == nil {
		return value.Str("")
	}
	text := parts[3]
	if parts[2] != "" {
		text = "#:(" + parts[2] + ")::" + text
	}
	key, err := flow.ParseContextKey(text)
	if err != nil {
		return value.Str("")
	}
	v, err := n.b.Context(parts[1]).Get(key, m)
	if err != nil {
		return value.Str("")
	}
	return v
}

func (n *template) write(m *flow.Msg, v value.Value) error {
	t := &n.target
	if t.err != nil {
		return t.err
	}
	if t.typ == "flow" || t.typ == "global" {
		return n.b.Context(t.typ).Set(t.key, v, m)
	}
	_, err := m.SetPath(t.path, v, v.Defined())
	return err
}
