package value

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Path is a compiled property path such as a.b[0]["c"][msg.x], relative to some object.
type Path struct {
	source string
	parts  []part
	refs   bool // some part is taken from the message
}

// part is one step: a key, an index, or a path whose value in the message is the key.
type part struct {
	key   string
	index int // -1: key counts
	ref   *Path
}

// maxPath bounds the text of a path in bytes, maxRefs how deep references are nested in it.
const (
	maxPath = 10_000
	maxRefs = 20
)

// PathError says why a text is no property path, in Node-RED's words.
type PathError struct{ Message string }

func (e *PathError) Error() string { return e.Message }

func pathFault(format string, a ...any) error {
	return &PathError{"Invalid property expression: " + fmt.Sprintf(format, a...)}
}

// String returns the text that was compiled.
func (p *Path) String() string { return p.source }

// Key returns the path's key when it is one plain key of the object.
func (p *Path) Key() (string, bool) {
	if len(p.parts) == 1 && p.parts[0].index < 0 && p.parts[0].ref == nil {
		return p.parts[0].key, true
	}
	return "", false
}

// ParseMessagePath compiles a path that may begin with "msg.".
func ParseMessagePath(s string) (*Path, error) {
	return ParsePath(strings.TrimPrefix(s, "msg."))
}

// ParsePath compiles a path by the rules of Node-RED's normalisePropertyExpression: what the
// editor takes for right is right here, with the same errors for the rest.
func ParsePath(s string) (*Path, error) { return parsePath(s, 0) }

func parsePath(s string, depth int) (*Path, error) {
	switch {
	case s == "":
		return nil, pathFault("zero-length")
	case len(s) > maxPath:
		return nil, pathFault("longer than %d bytes", maxPath)
	case depth > maxRefs:
		return nil, pathFault("more than %d nested references", maxRefs)
	}
	c := pathCompiler{s: s, depth: depth, p: &Path{source: s}}
	for c.i < len(s) {
		if err := c.step(); err != nil {
			return nil, err
		}
		c.i++
	}
	if c.box || c.quote != 0 {
		return nil, pathFault("unterminated expression")
	}
	if c.start < len(s) {
		c.key(s[c.start:])
	}
	return c.p, nil
}

// pathCompiler walks over the text byte by byte; every byte that means something is ASCII.
type pathCompiler struct {
	p     *Path
	s     string
	depth int
	i     int
	start int  // of the current name
	quote byte // in a quoted name, its quote
	box   bool // in brackets
}

func (c *pathCompiler) key(k string) {
	c.p.parts = append(c.p.parts, part{key: k, index: -1})
}

// name adds a name that stands between dots: digits alone are an index.
func (c *pathCompiler) name(n string) bool {
	i, ok := index(n)
	if ok {
		c.p.parts = append(c.p.parts, part{key: n, index: i})
	}
	return ok
}

// index reads digits as an index; one too large for an array is a key.
func index(n string) (int, bool) {
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' {
			return 0, false
		}
	}
	i, err := strconv.ParseInt(n, 10, 32)
	return int(i), err == nil
}

// next returns the character at byte i for an error message.
func (c *pathCompiler) next(i int) string {
	if i >= len(c.s) {
		return "undefined"
	}
	_, n := utf8.DecodeRuneInString(c.s[i:])
	return c.s[i : i+n]
}

func (c *pathCompiler) step() error {
	b := c.s[c.i]
	if c.quote != 0 {
		if b == c.quote {
			return c.endQuote()
		}
		return nil
	}
	switch b {
	case '\'', '"':
		if c.i != c.start {
			return pathFault("unexpected %c at position %d", b, c.i)
		}
		c.quote, c.start = b, c.i+1
	case '.':
		return c.dot()
	case '[':
		return c.open()
	case ']':
		return c.close()
	case ' ':
		return pathFault("unexpected ' ' at position %d", c.i)
	}
	return nil
}

func (c *pathCompiler) endQuote() error {
	if c.i == c.start {
		return pathFault("zero-length string at position %d", c.start)
	}
	c.key(c.s[c.start:c.i])
	last := c.i+1 == len(c.s)
	switch {
	case c.box && (last || c.s[c.i+1] != ']'):
		return pathFault("unexpected array expression at position %d", c.start)
	case !c.box && !last && c.s[c.i+1] != '[' && c.s[c.i+1] != '.':
		return pathFault("unexpected %s expression at position %d", c.next(c.i+1), c.i+1)
	}
	c.start, c.quote = c.i+1, 0
	return nil
}

func (c *pathCompiler) dot() error {
	if c.i == 0 {
		return pathFault("unexpected . at position 0")
	}
	if n := c.s[c.start:c.i]; n != "" && !c.name(n) {
		c.key(n)
	}
	if c.i == len(c.s)-1 {
		return pathFault("unterminated expression")
	}
	if b := c.s[c.i+1]; !letter(b) && b != '$' && b != '_' {
		return pathFault("unexpected %s at position %d", c.next(c.i+1), c.i+1)
	}
	c.start = c.i + 1
	return nil
}

func letter(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

func (c *pathCompiler) open() error {
	if c.i == 0 {
		return pathFault("unexpected [ at position 0")
	}
	if c.start != c.i {
		c.key(c.s[c.start:c.i])
	}
	if c.i == len(c.s)-1 {
		return pathFault("unterminated expression")
	}
	rest := c.s[c.i+1:]
	if strings.HasPrefix(rest, "msg.") || strings.HasPrefix(rest, "msg[") {
		return c.reference(rest)
	}
	if b := rest[0]; b != '"' && b != '\'' && (b < '0' || b > '9') {
		return pathFault("unexpected %s at position %d", c.next(c.i+1), c.i+1)
	}
	c.start, c.box = c.i+1, true
	return nil
}

// reference compiles [msg.…]: the value there is the key.
func (c *pathCompiler) reference(rest string) error {
	depth, quote := 1, byte(0)
	for j := range len(rest) {
		switch b := rest[j]; {
		case b == '"' || b == '\'':
			if quote == 0 {
				quote = b
			} else if b == quote {
				quote = 0
			}
		case b == '[':
			depth++
		case b == ']':
			depth--
		}
		if depth > 0 {
			continue
		}
		ref, err := parsePath(strings.TrimPrefix(rest[:j], "msg."), c.depth+1)
		if err != nil {
			return &PathError{fmt.Sprintf("Invalid expression started at position %d", c.i+1)}
		}
		c.p.parts = append(c.p.parts, part{index: -1, ref: ref})
		c.p.refs = true
		c.i += j + 1
		c.start, c.box = c.i+1, false
		return nil
	}
	return pathFault("unmatched '[' at position %d", c.i)
}

func (c *pathCompiler) close() error {
	if !c.box {
		return pathFault("unexpected ] at position %d", c.i)
	}
	if n := c.s[c.start:c.i]; n != "" && !c.name(n) {
		return pathFault("unexpected array expression at position %d", c.start)
	}
	c.start, c.box = c.i+1, false
	return nil
}
