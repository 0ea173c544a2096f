package jsonata

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokOperator
	tokName
	tokVariable
	tokString
	tokNumber
	tokValue
	tokRegex
)

// token is one word of an expression. Its position is where it ends, in UTF-16 units, as
// the original counts.
type token struct {
	kind tokenKind
	text string // operator, name, string; source of a regex
	lit  value.Value
	re   *regex
	pos  int
}

// bindingPower says how strongly an operator holds its left side; 0 holds nothing.
var bindingPower = map[string]int{
	".": 75, "[": 80, "]": 0, "{": 70, "}": 0, "(": 80, ")": 0, ",": 0, "@": 80, "#": 80,
	";": 0, ":": 0, "?": 20, "+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "|": 0, "=": 40,
	"<": 40, ">": 40, "^": 40, "**": 0, "..": 0, ":=": 10, "!=": 40, "<=": 40, ">=": 40,
	"~>": 40, "?:": 40, "??": 40, "and": 30, "or": 25, "in": 40, "&": 50,
}

const (
	blanks    = " \t\n\r\v"
	stopChars = ".[]{}(),@#;:?+-*/%|=<>^&!~"
)

// lexer cuts the source into tokens. It panics with *Error; parse recovers.
type lexer struct {
	src       string
	pos       int // byte offset
	doneBytes int // how far units were counted
	doneUnits int
}

// at converts the byte offset to UTF-16 units.
func (l *lexer) at(offset int) int {
	if offset < l.doneBytes {
		return value.Units(l.src[:offset])
	}
	l.doneUnits += value.Units(l.src[l.doneBytes:offset])
	l.doneBytes = offset
	return l.doneUnits
}

func (l *lexer) fail(code, tok string, offset int) {
	panic(&Error{Code: code, Token: tok, Position: l.at(offset)})
}

func (l *lexer) peek(ahead int) byte {
	if l.pos+ahead < len(l.src) {
		return l.src[l.pos+ahead]
	}
	return 0
}

func (l *lexer) make(kind tokenKind, text string) token {
	return token{kind: kind, text: text, pos: l.at(l.pos)}
}

// skip passes over white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.src) {
		switch {
		case strings.IndexByte(blanks, l.src[l.pos]) >= 0:
			l.pos++
		case l.peek(0) == '/' && l.peek(1) == '*':
			end := strings.Index(l.src[l.pos+2:], "*/")
			if end < 0 {
				l.fail("S0106", "", l.pos)
			}
			l.pos += end + 4
		default:
			return
		}
	}
}

// next returns the next token; behind an operand, a slash divides instead of beginning a
// regular expression.
func (l *lexer) next(operand bool) token {
	l.skip()
	if l.pos >= len(l.src) {
		return l.make(tokEnd, "(end)")
	}
	c := l.src[l.pos]
	if c == '/' && !operand {
		l.pos++
		return l.regex()
	}
	if l.pos+1 < len(l.src) {
		switch two := l.src[l.pos : l.pos+2]; two {
		case "..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??":
			l.pos += 2
			return l.make(tokOperator, two)
		}
	}
	if strings.IndexByte(stopChars, c) >= 0 {
		l.pos++
		return l.make(tokOperator, string(c))
	}
	switch {
	case c == '"' || c == '\'':
		return l.str(c)
	case c >= '0' && c <= '9':
		return l.number()
	case c == '`':
		end := strings.IndexByte(l.src[l.pos+1:], '`')
		if end < 0 {
			l.fail("S0105", "", len(l.src))
		}
		name := l.src[l.pos+1 : l.pos+1+end]
		l.pos += end + 2
		return l.make(tokName, name)
	}
	return l.word()
}

func (l *lexer) word() token {
	start := l.pos
	for l.pos < len(l.src) && strings.IndexByte(blanks, l.src[l.pos]) < 0 && strings.IndexByte(stopChars, l.src[l.pos]) < 0 {
		l.pos++
	}
	name := l.src[start:l.pos]
	if name[0] == '$' {
		return l.make(tokVariable, name[1:])
	}
	t := l.make(tokName, name)
	switch name {
	case "and", "or", "in":
		t.kind = tokOperator
	case "true", "false":
		t.kind, t.lit = tokValue, value.Of(name == "true")
	case "null":
		t.kind, t.lit = tokValue, value.Nil()
	}
	return t
}

func (l *lexer) number() token {
	start := l.pos
	digits := func() {
		for c := l.peek(0); c >= '0' && c <= '9'; c = l.peek(0) {
			l.pos++
		}
	}
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	if l.peek(0) == '0' {
		l.pos++
	} else {
		digits()
	}
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		l.pos++
		digits()
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		sign := 0
		if s := l.peek(1); s == '+' || s == '-' {
			sign = 1
		}
		if isDigit(l.peek(1 + sign)) {
			l.pos += 1 + sign
			digits()
		}
	}
	text := l.src[start:l.pos]
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && f > 1 { // a number too small to be told from 0 is 0
		l.fail("S0102", text, start)
	}
	t := l.make(tokNumber, text)
	t.lit = value.Num(f)
	return t
}

func (l *lexer) str(quote byte) token {
	l.pos++
	start := l.pos
	var b []byte
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; c {
		case quote:
			text := l.src[start:l.pos]
			if b != nil {
				text = string(append(b, text...))
			}
			l.pos++
			t := l.make(tokString, text)
			t.lit = value.Str(text)
			return t
		case '\\':
			b = append(b, l.src[start:l.pos]...)
			b = l.escape(b)
			start = l.pos
			if b == nil {
				b = []byte{}
			}
		default:
			l.pos++
		}
	}
	l.fail("S0101", "", len(l.src))
	return token{}
}

// escape reads an escape sequence, at its backslash, and appends what it means.
func (l *lexer) escape(b []byte) []byte {
	l.pos++
	c := l.peek(0)
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		l.pos++
		return append(b, "\"\\/\b\f\n\r\t"[i])
	}
	if c != 'u' {
		r, _ := utf8.DecodeRuneInString(l.src[min(l.pos, len(l.src)):])
		if l.pos >= len(l.src) {
			l.fail("S0103", "", l.pos)
		}
		l.fail("S0103", string(r), l.pos)
	}
	u := l.hex()
	if utf16.IsSurrogate(u) && l.peek(0) == '\\' && l.peek(1) == 'u' {
		mark := l.pos
		l.pos++
		if r := utf16.DecodeRune(u, l.hex()); r != utf8.RuneError {
			return utf8.AppendRune(b, r)
		}
		l.pos = mark
	}
	if utf16.IsSurrogate(u) { // half a pair, kept as the value package keeps it
		return append(b, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F|0x80, 0x80|byte(u)&0x3F)
	}
	return utf8.AppendRune(b, u)
}

// hex reads uXXXX.
func (l *lexer) hex() rune {
	if l.pos+5 > len(l.src) {
		l.fail("S0104", "", l.pos)
	}
	n, err := strconv.ParseUint(l.src[l.pos+1:l.pos+5], 16, 32)
	if err != nil {
		l.fail("S0104", "", l.pos)
	}
	l.pos += 5
	return rune(n)
}

// regex reads a regular expression behind its first slash.
func (l *lexer) regex() token {
	start, depth := l.pos, 0
	for ; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		escaped := false
		for i := l.pos - 1; i >= start && l.src[i] == '\\'; i-- {
			escaped = !escaped
		}
		switch {
		case c == '/' && depth == 0 && !escaped:
			return l.endRegex(l.src[start:l.pos])
		case (c == '(' || c == '[' || c == '{') && l.src[l.pos-1] != '\\':
			depth++
		case (c == ')' || c == ']' || c == '}') && l.src[l.pos-1] != '\\':
			depth--
		}
	}
	l.fail("S0302", "", len(l.src))
	return token{}
}

func (l *lexer) endRegex(pattern string) token {
	if pattern == "" {
		l.fail("S0301", "", l.pos)
	}
	l.pos++
	flags := l.pos
	for c := l.peek(0); c == 'i' || c == 'm'; c = l.peek(0) {
		l.pos++
	}
	t := l.make(tokRegex, pattern)
	re, err := newRegex(pattern, l.src[flags:l.pos])
	if err != nil {
		panic(&Error{Code: "S0303", Position: t.pos, Text: err.Error()})
	}
	t.re = re
	return t
}
