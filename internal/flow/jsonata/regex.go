package jsonata

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"tsunagi/internal/flow/value"
)

// maxSearch bounds the time of one search; regular expressions can take for ever.
const maxSearch = time.Second

// regex is a compiled regular expression of JavaScript's kind.
type regex struct {
	source string
	flags  string
	re     *regexp2.Regexp
}

func newRegex(source, flags string) (*regex, error) {
	options := regexp2.RegexOptions(regexp2.ECMAScript)
	if strings.Contains(flags, "i") {
		options |= regexp2.IgnoreCase
	}
	if strings.Contains(flags, "m") {
		options |= regexp2.Multiline
	}
	re, err := regexp2.Compile(unnamed(source), options)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = maxSearch
	return &regex{source, flags, re}, nil
}

var (
	groupStart = regexp.MustCompile(`\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?<([A-Za-z_$][\w$]*)>|(\?))?`)
	groupRef   = regexp.MustCompile(`\\k<([A-Za-z_$][\w$]*)>`)
)

// unnamed takes the names off groups, which regexp2 would number behind all others.
func unnamed(source string) string {
	if !strings.Contains(source, "(?<") {
		return source
	}
	names, n := map[string]int{}, 0
	source = groupStart.ReplaceAllStringFunc(source, func(s string) string {
		if s[0] != '(' || s == "(?" {
			return s
		}
		n++
		if name := strings.TrimSuffix(strings.TrimPrefix(s, "(?<"), ">"); name != s {
			names[name] = n
		}
		return "("
	})
	return groupRef.ReplaceAllStringFunc(source, func(s string) string {
		if i, ok := names[s[3:len(s)-1]]; ok {
			return "(?:\\" + strconv.Itoa(i) + ")"
		}
		return s
	})
}

// match is one finding; positions count runes for the search, UTF-16 units for the flow.
type match struct {
	text       string
	from, to   int // UTF-16 units
	groups     value.Value
	next       func() *match
	start, end int // bytes
}

// search looks at a text from a rune on.
type search struct {
	r     *run
	re    *regexp2.Regexp
	src   string
	text  string
	runes []rune

	seen, seenBytes, seenUnits int // runes counted so far, and what they take
}

func (x *regex) search(r *run, text string) *search {
	return &search{r: r, re: x.re, src: x.source, text: text, runes: []rune(text)}
}

// find returns the first match at or behind a rune, nil without one.
func (s *search) find(from int) *match {
	if s.r.err != nil || from > len(s.runes) {
		return nil
	}
	m, err := s.re.FindRunesMatchStartingAt(s.runes, from)
	if err != nil {
		s.r.fail(&Error{Code: "D1012", Text: "regular expression /" + s.src + "/", Cause: err})
		return nil
	}
	if m == nil {
		return nil
	}
	var groups []value.Value
	for _, g := range m.Groups()[1:] {
		if len(g.Captures) == 0 {
			groups = append(groups, value.Value{})
		} else {
			groups = append(groups, value.Str(g.String()))
		}
	}
	s.count(m.Index)
	out := &match{text: m.String(), groups: plainArray(groups), start: s.seenBytes, from: s.seenUnits}
	out.end = out.start + len(out.text)
	out.to = out.from + value.Units(out.text)
	end := m.Index + m.Length
	out.next = func() *match {
		if end >= len(s.runes) {
			return nil
		}
		next := s.find(end)
		if next != nil && next.text == "" {
			s.r.fail(&Error{Code: "D1004", Value: value.Str(s.src)})
			return nil
		}
		return next
	}
	return out
}

// count goes on to a rune, which the next match is never before.
func (s *search) count(to int) {
	if to < s.seen { // the same match asked for its next twice
		s.seen, s.seenBytes, s.seenUnits = 0, 0, 0
	}
	for _, c := range s.runes[s.seen:to] {
		s.seenBytes += utf8.RuneLen(c)
		if s.seenUnits++; c > 0xFFFF {
			s.seenUnits++
		}
	}
	s.r.spend((to - s.seen) / 16)
	s.seen = to
}

// function is the regular expression as a value: called with a string it returns the first
// match, with a function for the next.
func (x *regex) function() *function {
	return &function{arity: 2, re: x, native: func(c *call) value.Value {
		return x.search(c.r, c.arg(0).Text()).find(0).object()
	}}
}

func (m *match) object() value.Value {
	if m == nil {
		return value.Value{}
	}
	o := value.NewMap(5)
	o.Set("match", value.Str(m.text)).Set("start", value.Int(m.from)).Set("end", value.Int(m.to)).Set("groups", m.groups)
	next := &function{native: func(*call) value.Value { return m.next().object() }}
	return o.Set("next", next.value()).Value()
}

// matches begins the search of a pattern, which is a regular expression or a function of
// the expression that behaves like one.
func (r *run) matches(pattern *function, text string) *match {
	if pattern.re != nil {
		return pattern.re.search(r, text).find(0)
	}
	return r.matched(r.invoke(pattern, value.Str(text)), text)
}

// matched reads what a matcher function returned.
func (r *run) matched(v value.Value, text string) *match {
	if !v.Truthy() || r.err != nil {
		return nil
	}
	o := v.Map()
	if o == nil {
		r.fail(&Error{Code: "T1010"})
		return nil
	}
	next := fnOf(o.Get("next"))
	if !o.Get("start").Is(value.Number) && !o.Get("end").Is(value.Number) && !o.Get("groups").Is(value.Array) && next == nil {
		r.fail(&Error{Code: "T1010"})
		return nil
	}
	m := &match{text: o.Get("match").Str(), groups: o.Get("groups")}
	m.from, m.to = int(o.Get("start").Num()), int(o.Get("end").Num())
	m.start = len(value.Cut(text, m.from))
	m.end = max(m.start, len(value.Cut(text, m.to)))
	m.next = func() *match {
		if next == nil {
			return nil
		}
		return r.matched(r.invoke(next), text)
	}
	return m
}
