package function

import (
	"fmt"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// view is what names are looked up in: a value, then what is around it.
type view struct {
	v      value.Value
	parent *view
}

// lookup finds a name as mustache.js does; undefined when nothing has it. It fails for a
// name in a view that is null.
func (c *view) lookup(t *token) (value.Value, error) {
	if t.text == "." {
		return c.v, nil
	}
	for ; c != nil; c = c.parent {
		if t.names == nil {
			if c.v.Nullish() {
				return value.Value{}, fmt.Errorf("Cannot read properties of %s (reading '%s')", c.v.Text(), t.text) //nolint:staticcheck // V8's words
			}
			if c.v.TypeOf() == "object" {
				if v, ok := property(c.v, t.text); ok {
					return v, nil
				}
			}
			continue
		}
		v, hit := c.v, false
		for _, name := range t.names {
			if v.Nullish() {
				hit = false
				break
			}
			v, hit = property(v, name)
		}
		if hit {
			return v, nil
		}
	}
	return value.Value{}, nil
}

// property returns a property and whether the value has it.
func property(v value.Value, name string) (value.Value, bool) {
	switch v.Kind() {
	case value.Object:
		o := v.Map()
		return o.Get(name), o.Has(name)
	case value.Array, value.String, value.Bytes:
		p, err := value.ParsePath("v." + name)
		if err != nil {
			return value.Value{}, false
		}
		got, err := p.Get(value.NewMap(1).Set("v", v).Value(), nil)
		return got, err == nil && got.Defined()
	case value.Handle:
		if h, ok := v.Handle().(value.Properties); ok {
			got := h.Property(name)
			return got, got.Defined()
		}
	}
	return value.Value{}, false
}

// renderer writes a template for one message.
type renderer struct {
	out     []byte
	outside func(name string, m *flow.Msg) value.Value // names that no view has; nil: nothing
	m       *flow.Msg
	json    bool // strings of the message itself are escaped for JSON
	steps   int
}

// Bounds of one rendering: bytes of text, and tokens that are looked at.
const (
	maxOutput = 16 << 20
	maxSteps  = 5_000_000
)

func (r *renderer) render(tokens []*token, c *view, top bool) error {
	for _, t := range tokens {
		if r.steps++; r.steps > maxSteps {
			return fmt.Errorf("the template repeats itself more than %d times", maxSteps)
		}
		if t.kind == 't' {
			r.out = append(r.out, t.text...)
			continue
		}
		if len(r.out) > maxOutput {
			return fmt.Errorf("the template makes more than %d bytes", maxOutput)
		}
		v, err := r.get(t, c, top)
		if err != nil {
			return err
		}
		switch t.kind {
		case 'v', '&':
			r.variable(t, v)
		case '^':
			if !v.Truthy() || v.Is(value.Array) && v.List().Len() == 0 {
				err = r.render(t.inner, c, top)
			}
		case '#':
			err = r.section(t, v, c, top)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) get(t *token, c *view, top bool) (value.Value, error) {
	v, err := c.lookup(t)
	if err != nil {
		return v, err
	}
	if !v.Defined() {
		if r.outside == nil {
			return value.Str(""), nil
		}
		return r.outside(t.text, r.m), nil
	}
	if r.json && top && v.Is(value.String) {
		v = value.Str(jsonEscapes.Replace(v.Str()))
	}
	return v, nil
}

var (
	jsonEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\f", `\f`, "\b", `\b`)
	htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "/", "&#x2F;", "`", "&#x60;", "=", "&#x3D;")
)

func (r *renderer) variable(t *token, v value.Value) {
	switch {
	case v.Nullish():
	case v.Is(value.Number): // has nothing to escape
		r.out = value.AppendNumber(r.out, v.Num())
	case t.kind == '&':
		r.out = append(r.out, v.Text()...)
	default:
		r.out = append(r.out, htmlEscapes.Replace(v.Text())...)
	}
}

func (r *renderer) section(t *token, v value.Value, c *view, top bool) error {
	switch {
	case !v.Truthy():
		return nil
	case v.Is(value.Array):
		for _, e := range v.List().All() {
			if err := r.render(t.inner, &view{e, c}, false); err != nil {
				return err
			}
		}
		return nil
	case v.Is(value.Bool):
		return r.render(t.inner, c, top)
	}
	return r.render(t.inner, &view{v, c}, false)
}

// maxRendered is how many bytes a renderer keeps for the next message.
const maxRendered = 16 << 10

// message renders a template with the properties of a message. The renderer can be used again.
func (r *renderer) message(t *mustache, m *flow.Msg) (string, error) {
	r.out, r.steps, r.m = r.out[:0], 0, m
	err := r.render(t.tokens, &view{v: m.Root().Value()}, true)
	text := string(r.out)
	if r.m = nil; cap(r.out) > maxRendered {
		r.out = nil
	}
	if err != nil {
		return "", err
	}
	return text, nil
}

// renderMustache renders a template with nothing but the properties of a message.
func renderMustache(t *mustache, m *flow.Msg) (string, error) { return new(renderer).message(t, m) }
