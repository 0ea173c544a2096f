package value

import (
	"strconv"
	"unicode/utf8"
)

// number reads a number; in canonical text only plain whole numbers up to 15 digits and
// short decimals pass for canonical.
func (p *parser) number() (Value, error) {
	start := p.pos
	whole := true
	if p.peek() == '-' {
		p.pos++
		if c := p.peek(); c < '0' || c > '9' {
			return Value{}, p.fault("No number after minus sign")
		}
	}
	if p.peek() == '0' {
		p.pos++
		if c := p.peek(); c >= '0' && c <= '9' {
			return Value{}, p.fault("Unexpected number")
		}
	} else {
		p.digits()
	}
	if p.peek() == '.' {
		p.pos++
		if whole = false; p.digits() == 0 {
			return Value{}, p.fault("Unterminated fractional number")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if whole = false; p.digits() == 0 {
			return Value{}, p.fault("Exponent part is missing a number")
		}
	}
	text := p.text[start:p.pos]
	if whole && len(text) <= 15 && text != "-0" {
		return Num(float64(smallInt(text))), nil
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range gives ±Inf, as in JavaScript
	if p.canonical {
		var room [32]byte
		p.canonical = string(AppendNumber(room[:0], f)) == text
	}
	return Num(f), nil
}

func (p *parser) digits() (n int) {
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
		n++
	}
	return n
}

func smallInt(s string) (n int64) {
	neg := s[0] == '-'
	if neg {
		s = s[1:]
	}
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	if neg {
		return -n
	}
	return n
}

// str reads a string token. Keys are shared through the cache.
func (p *parser) str(key bool) (string, error) {
	p.pos++
	start, ascii := p.pos, true
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			s := p.text[start:p.pos]
			p.pos++
			if !ascii && !utf8.ValidString(s) {
				p.canonical = false
				s = string(DecodeUTF8([]byte(s)))
			}
			return p.keep(s, key), nil
		case c == '\\':
			return p.escaped(start, key)
		case c < ' ':
			return "", p.fault("Bad control character in string literal")
		case c >= utf8.RuneSelf:
			ascii = false
		}
		p.pos++
	}
	return "", p.fault("Unterminated string")
}

// keep makes a token of the text a string of its own where that is wanted.
func (p *parser) keep(s string, key bool) string {
	switch {
	case !p.build:
		return s
	case key:
		return p.keys.get(s)
	case len(p.text) > keepText:
		return string([]byte(s))
	}
	return s
}
