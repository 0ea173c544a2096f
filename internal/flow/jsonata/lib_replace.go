package jsonata

import (
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

// wellFormed is the text as a search sees it, whose positions cut it.
func wellFormed(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func libReplace(c *call, v value.Value) value.Value {
	pattern, by := c.arg(1), c.arg(2)
	if pattern.Is(value.String) && pattern.Str() == "" {
		return c.r.fail(&Error{Code: "D3010", Value: pattern, Index: 2})
	}
	limit, ok := c.limit(3, "D3011")
	if !ok || limit == 0 {
		return v
	}
	if f := fnOf(pattern); f != nil {
		return c.replaceMatches(v.Str(), f, by, limit)
	}
	text, old, repl := v.Str(), pattern.Str(), by.Str()
	var b strings.Builder
	for n := 0; within(n, limit); n++ {
		before, after, ok := strings.Cut(text, old)
		if !ok || !c.r.tick() {
			break
		}
		b.WriteString(before)
		b.WriteString(repl)
		if b.Len() > c.r.limits.String {
			return c.r.tooLong()
		}
		text = after
	}
	return c.r.str(b.String() + text)
}

func (c *call) replaceMatches(text string, pattern *function, by value.Value, limit float64) value.Value {
	var b strings.Builder
	text = wellFormed(text)
	from, n := 0, 0
	for m := c.r.matches(pattern, text); m != nil && within(n, limit) && c.r.tick(); m = m.next() {
		b.WriteString(text[min(from, m.start):m.start])
		if f := fnOf(by); f != nil {
			v := c.r.invoke(f, m.object())
			if !v.Is(value.String) {
				return c.r.fail(&Error{Code: "D3012", Value: v})
			}
			b.WriteString(v.Str())
		} else {
			b.WriteString(m.expand(by.Str()))
		}
		if b.Len() > c.r.limits.String {
			return c.r.tooLong()
		}
		from = m.start + len(m.text)
		n++
	}
	return c.r.str(b.String() + text[min(from, len(text)):])
}

// expand puts the groups of a match where $1 and its like stand; $0 is all of it, $$ a $.
func (m *match) expand(by string) string {
	groups := 0
	if l := m.groups.List(); l != nil {
		groups = l.Len()
	}
	digits := 1
	for n := groups; n >= 10; n /= 10 {
		digits++
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(by, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		by = after
		switch {
		case strings.HasPrefix(by, "$"):
			b.WriteByte('$')
			by = by[1:]
		case strings.HasPrefix(by, "0"):
			b.WriteString(m.text)
			by = by[1:]
		default:
			by = m.group(&b, by, digits, groups)
		}
	}
}

// group writes the group whose number by begins with and returns what is behind it.
func (m *match) group(b *strings.Builder, by string, digits, groups int) string {
	read := func(most int) (n, used int) {
		for used < most && used < len(by) && by[used] >= '0' && by[used] <= '9' {
			n = n*10 + int(by[used]-'0')
			used++
		}
		return n, used
	}
	n, used := read(digits)
	if digits > 1 && n > groups {
		n, used = read(digits - 1)
	}
	if used == 0 {
		b.WriteByte('$')
		return by
	}
	if n >= 1 && n <= groups {
		if g := m.groups.List().At(n - 1); g.Defined() {
			b.WriteString(g.Text())
		}
	}
	return by[used:]
}
