package network

import (
	"strings"

	"tsunagi/internal/flow/value"
)

// maxCookies bounds the cookies that are read from one request.
const maxCookies = 300

// parseCookies reads Cookie headers as the cookie-parser module does: the first of a name
// counts, and j: begins JSON.
func parseCookies(lines []string) *value.Map {
	o := value.NewMap(4)
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, text, ok := strings.Cut(pair, "=")
			name = strings.TrimSpace(name)
			if !ok || o.Has(name) || o.Len() >= maxCookies {
				continue
			}
			text = strings.TrimSpace(text)
			if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
				text = text[1 : len(text)-1]
			}
			if plain, ok := decodeComponent(text); ok {
				text = plain
			}
			v := value.Str(text)
			if json, ok := strings.CutPrefix(text, "j:"); ok {
				if parsed, err := value.ParseString(json); err == nil {
					v = parsed
				}
			}
			o.Set(name, v)
		}
	}
	return o
}

// encodeComponent is JavaScript's encodeURIComponent.
func encodeComponent(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}
