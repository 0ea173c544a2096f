package parsers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

// lineWidth is the width js-yaml folds long texts to.
const lineWidth = 80

// dumpYAML writes a value as js-yaml's dump does.
func dumpYAML(v value.Value) (string, error) {
	var b strings.Builder
	if err := writeYAML(&b, v, 0, false, false); err != nil {
		return "", err
	}
	return b.String() + "\n", nil
}

// writeYAML writes a value at a level of indentation; compact says that it stands behind a
// dash, key that it stands behind a key.
func writeYAML(b *strings.Builder, v value.Value, level int, compact, key bool) error {
	if level > maxNesting {
		return fmt.Errorf("nested more than %d deep", maxNesting)
	}
	switch v.Kind() {
	case value.Array:
		return writeList(b, v.List(), level, compact, key)
	case value.Object:
		return writeMap(b, v.Map(), level, compact)
	case value.Bytes:
		b.WriteString("!!binary |\n" + indentLines(base64Lines(v.Bytes()), level))
	case value.Undefined, value.Handle:
		return errors.New("unacceptable kind of an object to dump")
	case value.String:
		b.WriteString(yamlText(v.Str(), level, false))
	case value.Date:
		text, ok := value.ISO(v)
		if !ok {
			return errors.New("Invalid time value") //nolint:staticcheck // JavaScript's words
		}
		b.WriteString(text)
	case value.Number:
		b.WriteString(yamlNum(v.Num()))
	default:
		b.WriteString(v.Text())
	}
	return nil
}

func yamlNum(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	case f == 0 && math.Signbit(f):
		return "-0.0"
	}
	s := value.Num(f).Text()
	if at := strings.IndexByte(s, 'e'); at > 0 && f != math.Trunc(f) && !strings.Contains(s, ".") {
		return s[:at] + ".e" + s[at+1:]
	}
	return s
}

func base64Lines(data []byte) string {
	return base64.StdEncoding.EncodeToString(data)
}

func newLine(b *strings.Builder, level int) {
	b.WriteByte('\n')
	for range level {
		b.WriteString("  ")
	}
}

func container(v value.Value) bool {
	return v.List() != nil && v.List().Len() > 0 || v.Map() != nil && v.Map().Len() > 0
}

func writeList(b *strings.Builder, l *value.List, level int, compact, key bool) error {
	if l.Len() == 0 {
		b.WriteString("[]")
		return nil
	}
	for i, v := range l.All() {
		if !v.Defined() {
			v = value.Nil()
		}
		if (i > 0 || !compact) && (i > 0 || key || b.Len() > 0) {
			newLine(b, level)
		}
		b.WriteString("- ")
		if err := writeYAML(b, v, level+1, true, false); err != nil {
			return err
		}
	}
	return nil
}

func writeMap(b *strings.Builder, o *value.Map, level int, compact bool) error {
	first := true
	for name, v := range o.All() {
		if !v.Defined() { // left out, as in JSON
			return errors.New("unacceptable kind of an object to dump [object Undefined]")
		}
		if (!first || !compact) && b.Len() > 0 {
			newLine(b, level)
		}
		first = false
		k := yamlText(name, level, true)
		if utf8.RuneCountInString(k) > 1024 {
			b.WriteString("? " + k)
			newLine(b, level)
			b.WriteString(":")
		} else {
			b.WriteString(k + ":")
		}
		if !container(v) {
			b.WriteByte(' ')
		}
		if err := writeYAML(b, v, level+1, false, true); err != nil {
			return err
		}
	}
	if first {
		b.WriteString("{}")
	}
	return nil
}

var yamlWord = regexp.MustCompile(`^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$`)

// yamlText writes a text in the simplest style that gives it back.
func yamlText(s string, level int, key bool) string {
	if s == "" {
		return "''"
	}
	if yamlWord.MatchString(s) || oldNumber.MatchString(s) {
		return "'" + s + "'"
	}
	indent := max(level, 1) * 2
	width := max(min(lineWidth, 40), lineWidth-indent)
	plainly, lines, foldable := survey(s, width, key)
	switch {
	case plainly == unprintable:
		return doubleQuoted(s)
	case !lines && !(foldable && !key):
		if plainly == plainStyle && s != "<<" && plain(s).Is(value.String) {
			return s
		}
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	case key:
		return doubleQuoted(s)
	case foldable:
		return ">" + blockHeader(s) + indentLines(fold(strings.TrimSuffix(s, "\n"), width), max(level, 1))
	}
	return "|" + blockHeader(s) + indentLines(strings.TrimSuffix(s, "\n"), max(level, 1))
}

var oldNumber = regexp.MustCompile(`^[-+]?[0-9_]+(?::[0-9_]+)+(?:\.[0-9_]*)?$`)

const (
	plainStyle = iota
	quotedStyle
	unprintable
)

// survey says how a text can be written, whether it has line ends, and whether folding it
// would make long lines shorter.
func survey(s string, width int, single bool) (style int, lines, foldable bool) {
	first, size := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if !plainFirst(first) || last == ' ' || last == '\t' || last == ':' {
		style = quotedStyle
	}
	start := -1 // of the line, minus one
	prev := rune(0)
	for i, r := range s {
		switch {
		case r == '\n' && !single:
			lines = true
			foldable = foldable || len16(s[start+1:i]) > width && start+1 < len(s) && s[start+1] != ' '
			start = i
		case !printable(r):
			return unprintable, lines, foldable
		case i >= size && !plainNext(r, prev, s[i:]):
			style = quotedStyle
		}
		prev = r
	}
	foldable = foldable || lines && len16(s[start+1:]) > width && start+1 < len(s) && s[start+1] != ' '
	if !lines && !single && len16(s) > width && strings.Contains(s, " ") && s[0] != ' ' {
		foldable = true
	}
	return style, lines, foldable
}

func len16(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

func printable(r rune) bool {
	return r >= 0x20 && r <= 0x7e || r >= 0xa1 && r <= 0xd7ff && r != 0x2028 && r != 0x2029 || r >= 0xe000 && r <= 0xfffd && r != 0xfeff || r >= 0x10000
}

func plainFirst(r rune) bool {
	return printable(r) && !strings.ContainsRune(" \t-?:,[]{}#&*!|=>'\"%@`", r)
}

// plainNext says whether a character may stand in a text without quotes.
func plainNext(r, prev rune, rest string) bool {
	switch {
	case r == '#':
		return prev != ' ' && prev != '\t'
	case r == ':':
		return len(rest) > 1 && rest[1] != ' ' && rest[1] != '\t'
	}
	return true
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		short := map[rune]string{0: `\0`, 7: `\a`, 8: `\b`, 9: `\t`, 10: `\n`, 11: `\v`, 12: `\f`, 13: `\r`, 27: `\e`, '"': `\"`, '\\': `\\`,
			0x85: `\N`, 0xa0: `\_`, 0x2028: `\L`, 0x2029: `\P`}
		switch e, ok := short[r]; {
		case ok:
			b.WriteString(e)
		case printable(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// blockHeader is what stands behind | or >: how the text ends.
func blockHeader(s string) string {
	header := ""
	if strings.HasPrefix(strings.TrimLeft(s, "\n"), " ") {
		header = "2"
	}
	switch {
	case !strings.HasSuffix(s, "\n"):
		header += "-"
	case s == "\n" || strings.HasSuffix(s, "\n\n"):
		header += "+"
	}
	return header + "\n"
}

func indentLines(s string, level int) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = strings.Repeat("  ", level) + l
		}
	}
	return strings.Join(lines, "\n")
}

// fold breaks long lines at spaces; between lines that were there before an empty one says so.
func fold(s string, width int) string {
	var out strings.Builder
	more := true // the line before was indented, or there was none
	for i, line := range strings.Split(s, "\n") {
		indented := strings.HasPrefix(line, " ")
		if i > 0 {
			out.WriteByte('\n')
			if !more && !indented && line != "" {
				out.WriteByte('\n')
			}
		}
		more = indented
		out.WriteString(foldLine(line, width))
	}
	return out.String()
}

func foldLine(line string, width int) string {
	if line == "" || line[0] == ' ' {
		return line
	}
	var out strings.Builder
	start, current := 0, 0
	for i := 0; i+1 < len(line); i++ {
		if line[i] != ' ' || line[i+1] == ' ' {
			continue
		}
		if i-start > width {
			end := i
			if current > start {
				end = current
			}
			out.WriteString("\n" + line[start:end])
			start = end + 1
		}
		current = i
	}
	out.WriteByte('\n')
	if len(line)-start > width && current > start {
		out.WriteString(line[start:current] + "\n" + line[current+1:])
	} else {
		out.WriteString(line[start:])
	}
	return out.String()[1:]
}
