package function

import (
	"fmt"
	"strings"

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
	return &mustache{tokens: joined(p.out[0].inner)}, nil
}

// joined puts texts together that follow each other, and leaves out what was dropped of them.
func joined(tokens []*token) (out []*token) {
	for _, t := range tokens {
		last := len(out) - 1
		switch {
		case t.kind != 't':
			t.inner = joined(t.inner)
			out = append(out, t)
		case t.text == "":
		case last >= 0 && out[last].kind == 't':
			out[last] = &token{kind: 't', text: out[last].text + t.text}
		default:
			out = append(out, t)
		}
	}
	return out
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
