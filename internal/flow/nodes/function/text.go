package function

import (
	"tsunagi/internal/flow"
)

// Text is a compiled Mustache template, for fields of other nodes that take one.
type Text struct{ t *mustache }

// CompileText compiles a template. Errors are in mustache.js's words.
func CompileText(text string) (*Text, error) {
	t, err := compileMustache(text)
	return &Text{t}, err
}

// Render fills the template with the properties of a message; names it doesn't have are
// empty.
func (t *Text) Render(m *flow.Msg) (string, error) {
	return renderMustache(t.t, m)
}
