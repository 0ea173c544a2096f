package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of Inspect, those of Node.js's util.inspect.
const (
	inspectWidth    = 80
	inspectElements = 100
	inspectBytes    = 50
	inspectText     = 10000
	inspectCompact  = 3 // so many inner levels may share one line
)

// Inspect returns v as Node.js's util.inspect prints it, two levels deep.
func Inspect(v Value) string { return InspectDepth(v, 2) }

// InspectDepth is Inspect with another depth.
func InspectDepth(v Value, depth int) string {
	i := inspector{depth: depth}
	return i.value(v, 0)
}

type inspector struct {
	depth   int
	indent  int
	deepest int // level of the container that was printed last
	open    []any
}

func (i *inspector) value(v Value, level int) string {
	switch v.Kind() {
	case String:
		return quote(v.Str())
	case Number:
		if f := v.Num(); f == 0 && math.Signbit(f) {
			return "-0"
		}
	case Date:
		if s, ok := ISO(v); ok {
			return s
		}
	case Bytes:
		return inspectBuffer(v.Bytes())
	case Array:
		l := v.List()
		if l.Len() == 0 {
			return "[]"
		}
		return i.nested(l, level, "[Array]", func() string { return i.array(l, level) })
	case Object:
		o := v.Map()
		if o.Len() == 0 {
			return "{}"
		}
		return i.nested(o, level, "[Object]", func() string { return i.object(o, level) })
	case Handle:
		return "[Object]"
	}
	return v.Text()
}

func (i *inspector) nested(x any, level int, short string, print func() string) string {
	for _, o := range i.open {
		if o == x {
			return "[Circular *1]"
		}
	}
	if level > i.depth {
		return short
	}
	i.deepest = level
	i.open = append(i.open, x)
	s := print()
	i.open = i.open[:len(i.open)-1]
	return s
}

func (i *inspector) array(l *List, level int) string {
	var out []string
	numbers := true
	i.indent += 2
	for k := range min(l.Len(), inspectElements) {
		e := l.At(k)
		numbers = numbers && e.Is(Number)
		out = append(out, i.value(e, level+1))
	}
	i.indent -= 2
	if more := l.Len() - inspectElements; more > 0 {
		out = append(out, fmt.Sprintf("... %d more item%s", more, plural(more)))
	}
	lines := out
	if len(out) > 6 {
		lines = i.columns(out, l.Len() > inspectElements, numbers)
	}
	return i.join("[", "]", lines, len(lines) == len(out), level)
}

func plural(n int) string {
	if n > 1 {
		return "s"
	}
	return ""
}

func (i *inspector) object(o *Map, level int) string {
	var out []string
	i.indent += 2
	for key, v := range o.All() {
		if !identifier(key) {
			key = quote(key)
		}
		out = append(out, key+": "+i.value(v, level+1))
	}
	i.indent -= 2
	return i.join("{", "}", out, true, level)
}

// join puts the entries on one line if they are short and not nested too deep.
func (i *inspector) join(open, end string, out []string, plain bool, level int) string {
	if plain && i.deepest-level < inspectCompact {
		total := 2*len(out) + i.indent + len(open) + 10
		for _, s := range out {
			total += units(s)
		}
		line := strings.Join(out, ", ")
		if total <= inspectWidth && !strings.Contains(line, "\n") {
			return open + " " + line + " " + end
		}
	}
	in := "\n" + strings.Repeat(" ", i.indent)
	return open + in + "  " + strings.Join(out, ","+in+"  ") + in + end
}

// columns puts the entries of a long array into rows of equal columns, when they are of
// like length.
func (i *inspector) columns(out []string, more, numbers bool) []string {
	n := len(out)
	if more {
		n--
	}
	total, longest := 0, 0
	for _, s := range out[:n] {
		total += columnsOf(s) + 2
		longest = max(longest, columnsOf(s))
	}
	width := longest + 2
	if width*3+i.indent >= inspectWidth || float64(total)/float64(width) <= 5 && longest > 6 {
		return out
	}
	bias := math.Sqrt(float64(width) - float64(total)/float64(len(out)))
	biased := max(float64(width)-3-bias, 1)
	columns := min(int(math.Floor(math.Sqrt(2.5*biased*float64(n))/biased+.5)), (inspectWidth-i.indent)/width, inspectCompact*4, 15)
	if columns <= 1 {
		return out
	}
	widths := make([]int, columns)
	for k, s := range out[:n] {
		widths[k%columns] = max(widths[k%columns], columnsOf(s)+2)
	}
	var rows []string
	for k := 0; k < n; k += columns {
		var row strings.Builder
		last := min(k+columns, n) - 1
		for j := k; j <= last; j++ {
			cell := out[j]
			if j < last {
				cell += ", "
			}
			pad := strings.Repeat(" ", max(0, widths[j-k]-columnsOf(cell)))
			switch {
			case numbers && j == last:
				pad = strings.Repeat(" ", max(0, widths[j-k]-2-columnsOf(cell)))
				row.WriteString(pad + cell)
			case numbers:
				row.WriteString(pad + cell)
			case j == last:
				row.WriteString(cell)
			default:
				row.WriteString(cell + pad)
			}
		}
		rows = append(rows, row.String())
	}
	return append(rows, out[n:]...)
}

// columnsOf is the width of s on a terminal: East Asian characters take two columns.
func columnsOf(s string) (n int) {
	for _, r := range s {
		n++
		for _, w := range wide {
			if r >= w[0] && r <= w[1] {
				n++
				break
			}
		}
	}
	return n
}

var wide = [][2]rune{{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60},
	{0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}}

func inspectBuffer(b []byte) string {
	var s strings.Builder
	s.WriteString("<Buffer")
	for _, c := range b[:min(len(b), inspectBytes)] {
		s.WriteString(" " + string(hexDigits[c>>4]) + string(hexDigits[c&15]))
	}
	if more := len(b) - inspectBytes; more > 0 {
		fmt.Fprintf(&s, " ... %d more byte%s", more, plural(more))
	}
	s.WriteString(">")
	return s.String()
}

func identifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}

// quote prints a string in the kind of quotes that needs no escape, if there is one.
func quote(s string) string {
	rest := ""
	if n := units(s); n > inspectText {
		s, rest = Cut(s, inspectText), fmt.Sprintf("... %d more character%s", n-inspectText, plural(n-inspectText))
	}
	q := byte('\'')
	if strings.Contains(s, "'") {
		if !strings.Contains(s, `"`) {
			q = '"'
		} else if !strings.Contains(s, "`") && !strings.Contains(s, "${") {
			q = '`'
		}
	}
	var b strings.Builder
	b.WriteByte(q)
	for i, r := range s {
		switch {
		case r == '\\' || r == rune(q) && q == '\'':
			b.WriteString("\\" + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || r >= 0x7f && r <= 0x9f:
			b.WriteString(`\x` + strings.ToUpper(string(hexDigits[r>>4])+string(hexDigits[r&15])))
		case r == utf8.RuneError && isSurrogate(s[i:]):
			u := int(s[i]&0xF)<<12 | int(s[i+1]&0x3F)<<6 | int(s[i+2]&0x3F)
			b.WriteString(`\u` + strings.ToUpper(strconv.FormatInt(int64(u), 16)))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(q)
	return b.String() + rest
}
