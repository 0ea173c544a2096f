package value

import (
	"fmt"
	"unicode/utf16"
)

// SyntaxError says where a text is no JSON, in V8's words, which flows show and compare.
type SyntaxError struct {
	Message string
	Offset  int // in bytes
}

func (e *SyntaxError) Error() string { return e.Message }

// fault makes an error that names the place.
func (p *parser) fault(what string) error { return p.at(what + " in JSON") }

// after is the error about text behind the value.
func (p *parser) after() error { return p.at("Unexpected non-whitespace character after JSON") }

func (p *parser) at(what string) error {
	line, column := 1, 1
	for _, c := range p.text[:p.pos] {
		if column++; c == '\n' {
			line, column = line+1, 1
		}
	}
	return &SyntaxError{fmt.Sprintf("%s at position %d (line %d column %d)",
		what, units(p.text[:p.pos]), line, column), p.pos}
}

// unexpected makes the error about a byte that can't begin a value, with ten characters of
// the text on each side.
func (p *parser) unexpected() error {
	if p.pos >= len(p.text) {
		return &SyntaxError{"Unexpected end of JSON input", p.pos}
	}
	switch p.text {
	case "NaN", "Infinity", "undefined", "[object Object]":
		return &SyntaxError{fmt.Sprintf("%q is not valid JSON", p.text), p.pos}
	}
	const around = 10
	all := []rune(p.text)
	at := len([]rune(p.text[:p.pos]))
	from, to, before, after := 0, len(all), "", ""
	if len(all) > 2*around {
		if at >= around {
			from, before = at-around, "..."
		}
		if at < len(all)-around {
			to, after = at+around, "..."
		}
	}
	return &SyntaxError{fmt.Sprintf("Unexpected token '%c', %s\"%s\"%s is not valid JSON",
		all[at], before, string(all[from:to]), after), p.pos}
}

// units is the length of s in UTF-16 units, which JavaScript counts in.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// Units is the length of a string as JavaScript counts it.
func Units(s string) int { return units(s) }

// Cut returns the first n UTF-16 units of s; a character is never cut in two.
func Cut(s string, n int) string {
	for i, r := range s {
		if n -= utf16.RuneLen(r); n < 0 {
			return s[:i]
		}
	}
	return s
}
