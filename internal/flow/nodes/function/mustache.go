package function

import (
	"fmt"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// mustache is a compiled template in the language of mustache.js 4, without partials: with
// those the template node fails in Node-RED, too.
type mustache struct{ tokens []*token }

// token is text, a variable or a section.
type token struct {
	kind  byte // t text, v variable, & variable without escapes, # section, ^ inverted section
	text  string
	names []string // the name cut at its dots
	inner []*token
}

// maxTemplate bounds a template in bytes, maxSections how deep sections are nested.
const (
	maxTemplate = 1 << 20
	maxSections = 200
)

// compileMustache compiles a template. Errors are in mustache.js's words.
func compileMustache(text string) (*mustache, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("template of %d bytes: at most %d are allowed", len(text), maxTemplate)
	}
	p := &scanner{text: text, open: "{{", end: "}}", out: []*token{{}}}
	if err := p.scan(); err != nil {
		return nil, err
	}
	return &mustache{tokens: p.out[0].inner}, nil
}

// scanner cuts a template into tokens. Lines that hold nothing but white space and tags
// without output of their own leave no trace.
type scanner struct {
	text      string
	pos       int
	open, end string
	out       []*token // the sections that are open, the whole template first

	line     []piece // what the current line has so far
	hasTag   bool
	nonSpace bool
}

// piece is text on the current line that may still be dropped.
type piece struct {
	to    *token
	blank bool
}

func (s *scanner) scan() error {
	for s.pos < len(s.text) {
		at := strings.Index(s.text[s.pos:], s.open)
		if at < 0 {
			s.plain(s.text[s.pos:])
			s.pos = len(s.text)
			break
		}
		s.plain(s.text[s.pos : s.pos+at])
		s.pos += at
		if err := s.tag(); err != nil {
			return err
		}
	}
	s.endLine()
	if n := len(s.out); n > 1 {
		return fmt.Errorf("Unclosed section \"%s\" at %d", s.out[n-1].text, value.Units(s.text)) //nolint:staticcheck // mustache.js's words
	}
	return nil
}

func (s *scanner) add(t *token) {
	top := s.out[len(s.out)-1]
	top.inner = append(top.inner, t)
}

// plain takes text between tags, in runs of blank and other characters.
func (s *scanner) plain(text string) {
	for text != "" {
		blank := isBlank(text[0])
		n := 1
		for n < len(text) && isBlank(text[n]) == blank && text[n-1] != '\n' {
			n++
		}
		t := &token{kind: 't', text: text[:n]}
		s.add(t)
		s.line = append(s.line, piece{t, blank})
		s.nonSpace = s.nonSpace || !blank
		if text[n-1] == '\n' {
			s.endLine()
		}
		text = text[n:]
	}
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

// endLine drops the white space of a line that holds only tags without output.
func (s *scanner) endLine() {
	if s.hasTag && !s.nonSpace {
		for _, p := range s.line {
			if p.blank {
				p.to.text = ""
			}
		}
	}
	s.line, s.hasTag, s.nonSpace = s.line[:0], false, false
}

// skip passes white space.
func (s *scanner) skip() {
	for s.pos < len(s.text) && isBlank(s.text[s.pos]) {
		s.pos++
	}
}

// until returns what stands before a mark, without the white space in front of it, and
// stops behind the mark.
func (s *scanner) until(mark string) (string, bool) {
	at := strings.Index(s.text[s.pos:], mark)
	if at < 0 {
		s.pos = len(s.text)
		return "", false
	}
	inner := s.text[s.pos : s.pos+at]
	s.pos += at + len(mark)
	return strings.TrimRight(inner, " \t\n\v\f\r"), true
}

func (s *scanner) tag() error {
	start := s.pos
	s.hasTag = true
	s.pos += len(s.open)
	s.skip()
	kind := byte('v')
	if s.pos < len(s.text) && strings.IndexByte("#^/>{&=!", s.text[s.pos]) >= 0 {
		kind = s.text[s.pos]
		s.pos++
	}
	s.skip()
	var name string
	ok := true
	switch kind {
	case '=':
		if name, ok = s.until("="); ok {
			_, ok = s.until(s.end)
		}
	case '{':
		if name, ok = s.until("}" + s.end); ok {
			kind = '&'
		}
	default:
		name, ok = s.until(s.end)
	}
	if !ok {
		return fmt.Errorf("Unclosed tag at %d", value.Units(s.text)) //nolint:staticcheck // mustache.js's words
	}
	return s.apply(kind, name, start)
}

func (s *scanner) apply(kind byte, name string, start int) error {
	switch kind {
	case '#', '^':
		t := newToken(kind, name)
		s.add(t)
		if s.out = append(s.out, t); len(s.out) > maxSections {
			return fmt.Errorf("sections are nested more than %d deep", maxSections)
		}
	case '/':
		n := len(s.out) - 1
		if n == 0 {
			return fmt.Errorf("Unopened section \"%s\" at %d", name, value.Units(s.text[:start])) //nolint:staticcheck // mustache.js's words
		}
		if s.out[n].text != name {
			return fmt.Errorf("Unclosed section \"%s\" at %d", s.out[n].text, value.Units(s.text[:start])) //nolint:staticcheck // as above
		}
		s.out = s.out[:n]
	case '=':
		tags := strings.Fields(name)
		if len(tags) != 2 {
			return fmt.Errorf("Invalid tags: %s", name) //nolint:staticcheck // mustache.js's words
		}
		s.open, s.end = tags[0], tags[1]
	case '>':
		return fmt.Errorf("partials such as {{>%s}} are not supported", name)
	case 'v', '&':
		s.nonSpace = true
		s.add(newToken(kind, name))
	}
	return nil
}

func newToken(kind byte, name string) *token {
	t := &token{kind: kind, text: name}
	if strings.Index(name, ".") > 0 {
		t.names = strings.Split(name, ".")
	}
	return t
}

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
	}
	return value.Value{}, false
}

// renderer writes a template for one message.
type renderer struct {
	out     strings.Builder
	outside func(name string) value.Value // names that no view has
	json    bool                          // strings of the message itself are escaped for JSON
}

// maxOutput bounds the text that a template makes, in bytes.
const maxOutput = 16 << 20

func (r *renderer) render(tokens []*token, c *view, top bool) error {
	for _, t := range tokens {
		if t.kind == 't' {
			r.out.WriteString(t.text)
			continue
		}
		if r.out.Len() > maxOutput {
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
		return r.outside(t.text), nil
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
	case t.kind == '&':
		r.out.WriteString(v.Text())
	default:
		_, _ = htmlEscapes.WriteString(&r.out, v.Text()) // a Builder never fails
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

// renderMustache renders a template with the properties of a message.
func renderMustache(t *mustache, m *flow.Msg, outside func(string) value.Value, json bool) (string, error) {
	r := renderer{outside: outside, json: json}
	if err := r.render(t.tokens, &view{v: m.Root().Value()}, true); err != nil {
		return "", err
	}
	return r.out.String(), nil
}
