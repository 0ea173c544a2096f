// Package function has the node types of the palette's function category that need no
// JavaScript.
package function

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// matchLimit bounds the time of one search: a pattern can be made to look for hours.
const matchLimit = time.Second

// compileRegex compiles a JavaScript regular expression.
func compileRegex(pattern string, ignoreCase bool) (*regexp2.Regexp, error) {
	o := regexp2.RegexOptions(regexp2.ECMAScript)
	if ignoreCase {
		o |= regexp2.IgnoreCase
	}
	re, err := regexp2.Compile(pattern, o)
	if err != nil {
		flags := ""
		if ignoreCase {
			flags = "i"
		}
		return nil, &flow.Error{Name: "SyntaxError", Message: "Invalid regular expression: /" + pattern + "/" + flags + ": " + syntaxFault(err)}
	}
	re.MatchTimeout = matchLimit
	return re, nil
}

// syntaxFault says what is wrong with a pattern, in V8's words where there are some.
func syntaxFault(err error) string {
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	for mine, v8 := range map[string]string{
		"missing closing )": "Unterminated group", "unexpected )": "Unmatched ')'", "unterminated [] set": "Unterminated character class",
		"missing argument to repetition": "Nothing to repeat", "nested quantifier": "Nothing to repeat", "illegal \\ at end": "\\ at end of pattern",
		"range in reverse order": "Range out of order in character class",
	} {
		if strings.Contains(text, mine) {
			return v8
		}
	}
	return text
}

// replaceAll is text.replace(re, to) of a global expression: $1, $&, $<name> and so on in
// the replacement stand for parts of the match.
func replaceAll(re *regexp2.Regexp, text, to string) (string, error) {
	out, err := re.ReplaceFunc(text, func(m regexp2.Match) string { return expand(&m, text, to) }, -1, -1)
	if err != nil {
		return "", flow.NewError("the search took too long: %v", err)
	}
	return out, nil
}

// expand fills in a replacement pattern.
func expand(m *regexp2.Match, text, to string) string {
	if !strings.Contains(to, "$") {
		return to
	}
	runes := []rune(text)
	var b strings.Builder
	for i := 0; i < len(to); i++ {
		if to[i] != '$' || i+1 == len(to) {
			b.WriteByte(to[i])
			continue
		}
		switch c := to[i+1]; {
		case c == '$':
			b.WriteByte('$')
			i++
		case c == '&':
			b.WriteString(m.String())
			i++
		case c == '`':
			b.WriteString(string(runes[:m.Index]))
			i++
		case c == '\'':
			b.WriteString(string(runes[m.Index+m.Length:]))
			i++
		case c >= '0' && c <= '9':
			i += expandNumber(&b, m, to[i+1:])
		case c == '<':
			i += expandName(&b, m, to[i+1:])
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// expandNumber writes group number n of "12…", of two digits if there is such a group, and
// returns how many digits it took.
func expandNumber(b *strings.Builder, m *regexp2.Match, digits string) int {
	n, used := int(digits[0]-'0'), 1
	if len(digits) > 1 && digits[1] >= '0' && digits[1] <= '9' {
		if two := n*10 + int(digits[1]-'0'); two > 0 && two < m.GroupCount() {
			n, used = two, 2
		}
	}
	if n == 0 || n >= m.GroupCount() {
		b.WriteByte('$')
		return 0
	}
	b.WriteString(m.GroupByNumber(n).String())
	return used
}

func expandName(b *strings.Builder, m *regexp2.Match, text string) int {
	name, _, ok := strings.Cut(text[1:], ">")
	named := false
	for _, g := range m.Groups() {
		named = named || g.Name != "" && (g.Name[0] < '0' || g.Name[0] > '9')
	}
	if !ok || !named {
		b.WriteByte('$')
		return 0
	}
	if g := m.GroupByName(name); g != nil {
		b.WriteString(g.String())
	}
	return len(name) + 2
}

// hasParts says whether the message is one of a sequence.
func hasParts(m *flow.Msg) (*value.Map, bool) {
	p := m.Get("parts").Map()
	return p, p != nil && p.Has("id") && p.Has("index")
}
