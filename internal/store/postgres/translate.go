package postgres

import (
	"regexp"
	"strconv"
	"strings"
)

// words are what SQLite and PostgreSQL call differently. They are never names of columns, other than user.
var words = map[string]string{
	"integer": "bigint",
	"text":    "bytea",
	"blob":    "bytea",
	"real":    "double precision",
	"user":    `"user"`, // bare, PostgreSQL takes it for the login
}

// tables is what follows a table in SQLite alone.
var tables = regexp.MustCompile(`(?i)\)(\s*,?\s*(strict|without\s+rowid))+`)

// translate makes PostgreSQL's text of SQLite's: parameters are numbered, types and user get their names, comments go.
func translate(text string) string {
	text = tables.ReplaceAllString(text, ")")
	var b strings.Builder
	parameters := 0
	for len(text) > 0 {
		n := token(text)
		switch t := text[:n]; {
		case t == "?":
			parameters++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(parameters))
		case strings.HasPrefix(t, "--"):
		case words[strings.ToLower(t)] != "":
			b.WriteString(words[strings.ToLower(t)])
		default:
			b.WriteString(t)
		}
		text = text[n:]
	}
	return b.String()
}

// token is the length of the first piece of a text: a comment without its line's end, something quoted, a word, or one
// byte.
func token(text string) int {
	switch c := text[0]; {
	case strings.HasPrefix(text, "--"):
		return end(text, '\n')
	case c == '\'' || c == '"':
		return min(1+end(text[1:], c)+1, len(text)) // a doubled quote is two pieces side by side
	case letter(c):
		n := 1
		for n < len(text) && letter(text[n]) {
			n++
		}
		return n
	}
	return 1
}

// end is where c stands, or the text's end.
func end(text string, c byte) int {
	if i := strings.IndexByte(text, c); i >= 0 {
		return i
	}
	return len(text)
}

func letter(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
