package filling

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrMissing is wrapped where a message lacks what a place names.
var ErrMissing = errors.New("the message lacks it")

// LackError is ErrMissing with the place that has no value.
type LackError struct{ Place string } // with its braces

func (e *LackError) Error() string { return e.Place + ": " + ErrMissing.Error() }

// Unwrap makes it ErrMissing.
func (e *LackError) Unwrap() error { return ErrMissing }

// LongError says that a text would be longer than it may.
type LongError struct{ Most int } // bytes

func (e *LongError) Error() string {
	return fmt.Sprintf("the text that the template makes is longer than %d bytes", e.Most)
}

// Template is a text with places. Nobody changes it after Parse.
type Template struct {
	parts []part
}

type part struct {
	text string
	ref  *ref // nil: text as it is
	json bool // as JSON, with its quotes
}

// Parse reads a template. {name} is a place where name is one of those of roots, with a path behind payload
// ({payload.list[0].value}) and a level behind topic ({topic[1]}, from 0), and |json at the end for the value as JSON;
// all other braces are text. The error is in words.
func Parse(text string) (*Template, error) {
	t := &Template{}
	literal := 0
	for at := 0; at < len(text); {
		open := strings.IndexByte(text[at:], '{')
		if open < 0 {
			break
		}
		open += at
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			break
		}
		inside, asJSON := strings.CutSuffix(text[open+1:open+end], "|json")
		r, err := parseRef(inside)
		switch {
		case err != nil:
			return nil, err
		case r == nil:
			at = open + 1
			continue
		}
		if open > literal {
			t.parts = append(t.parts, part{text: text[literal:open]})
		}
		t.parts = append(t.parts, part{ref: r, json: asJSON})
		at = open + end + 1
		literal = at
	}
	if literal < len(text) {
		t.parts = append(t.parts, part{text: text[literal:]})
	}
	return t, nil
}

// Fill makes the text for a message, of at most limit bytes. The error wraps ErrMissing where a value isn't there.
func (t *Template) Fill(m *Message, limit int) (string, error) {
	var b strings.Builder
	for i := range t.parts {
		p := &t.parts[i]
		if p.ref == nil {
			b.WriteString(p.text)
		} else {
			v, ok := p.ref.value(m)
			switch {
			case !ok:
				return "", &LackError{"{" + p.ref.text + "}"}
			case p.json:
				b.WriteString(asJSON(v))
			default:
				b.WriteString(words(v))
			}
		}
		if b.Len() > limit {
			return "", &LongError{limit}
		}
	}
	return b.String(), nil
}

// parseRef reads what stands in a place; nil: it names nothing, and is no place.
func parseRef(text string) (*ref, error) {
	root := text
	if i := strings.IndexAny(text, ".["); i >= 0 {
		root = text[:i]
	}
	deep, known := roots[root]
	if !known {
		return nil, nil
	}
	r := &ref{root: root, text: text}
	wrong := func(why string) (*ref, error) { return nil, fmt.Errorf("%q: %s", text, why) }
	rest := text[len(root):]
	if rest != "" && !deep {
		return wrong("nothing can follow " + root)
	}
	for rest != "" {
		s := step{index: -1}
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if s.name = rest[1 : 1+end]; s.name == "" {
				return wrong("a name is missing behind the dot")
			}
			rest = rest[1+end:]
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return wrong("a ] is missing")
			}
			n, err := strconv.Atoi(rest[1:end])
			if err != nil || n < 0 || n > 1_000_000 {
				return wrong("want a number from 0 between [ and ]")
			}
			s.index, rest = n, rest[end+1:]
		default:
			return wrong("want . or [ behind ]")
		}
		r.path = append(r.path, s)
	}
	if root == "topic" && len(r.path) > 0 && (len(r.path) > 1 || r.path[0].index < 0) {
		return wrong("levels of the topic are numbers, as in {topic[0]}")
	}
	return r, nil
}
