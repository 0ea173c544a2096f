package value

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// escaped reads the rest of a string token that holds a backslash. A surrogate without its
// other half is kept as its three bytes, which Append writes back as the same escape.
func (p *parser) escaped(start int, key bool) (string, error) {
	p.canonical = false
	b := append([]byte(nil), p.text[start:p.pos]...)
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '"':
			p.pos++
			return p.keep(repair(b), key), nil
		case c < ' ':
			return "", p.fault("Bad control character in string literal")
		case c != '\\':
			b = append(b, c)
			p.pos++
			continue
		}
		p.pos++
		var err error
		if b, err = p.escape(b); err != nil {
			return "", err
		}
	}
	return "", p.fault("Unterminated string")
}

// escape appends what the escape behind a backslash means.
func (p *parser) escape(b []byte) ([]byte, error) {
	c := p.peek()
	switch c {
	case '"', '\\', '/':
		b = append(b, c)
	case 'b':
		b = append(b, '\b')
	case 'f':
		b = append(b, '\f')
	case 'n':
		b = append(b, '\n')
	case 'r':
		b = append(b, '\r')
	case 't':
		b = append(b, '\t')
	case 'u':
		r, ok := p.hex4(p.pos + 1)
		if !ok {
			return nil, p.fault("Bad Unicode escape")
		}
		p.pos += 5
		if utf16.IsSurrogate(r) {
			if low, ok := p.hex4(p.pos + 2); ok && strings.HasPrefix(p.text[p.pos:], `\u`) {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					p.pos += 6
					return utf8.AppendRune(b, full), nil
				}
			}
			return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F), nil
		}
		return utf8.AppendRune(b, r), nil
	default:
		if p.pos >= len(p.text) {
			return nil, p.fault("Unterminated string")
		}
		return nil, p.fault("Bad escaped character")
	}
	p.pos++
	return b, nil
}

func (p *parser) hex4(at int) (rune, bool) {
	if at+4 > len(p.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[at:at+4], 16, 32)
	return rune(n), err == nil
}

// repair replaces what is neither UTF-8 nor a lone surrogate by U+FFFD.
func repair(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if isSurrogate(b) {
			out, b = append(out, b[:3]...), b[3:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		out, b = utf8.AppendRune(out, r), b[n:]
	}
	return string(out)
}

// isSurrogate says whether b begins with the three bytes of a lone surrogate.
func isSurrogate[T string | []byte](b T) bool {
	return len(b) >= 3 && b[0] == 0xED && b[1] >= 0xA0 && b[1] <= 0xBF && b[2] >= 0x80 && b[2] <= 0xBF
}

// DecodeUTF8 makes text of bytes as Buffer.toString() does: every maximal part that is not
// UTF-8 becomes one U+FFFD.
func DecodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			n = badPart(b)
		}
		out, b = utf8.AppendRune(out, r), b[n:]
	}
	return string(out)
}

// TakeUTF8 is DecodeUTF8 of bytes that nobody changes any more: the text is they themselves where it can be.
func TakeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // as told
	}
	return DecodeUTF8(b)
}

// badPart is the length of the longest beginning of b that could have become a character, at
// least 1.
func badPart(b []byte) int {
	for n := min(3, len(b)); n > 1; n-- {
		if part := b[:n:n]; !utf8.FullRune(part) {
			return n
		}
	}
	return 1
}

// keyCache shares the memory of keys between messages: flows see the same few again and
// again. For each first key of an object it notes how many keys the last such object had.
type keyCache struct {
	keys  [256]string
	sizes [256]uint8
}

var keyCaches = sync.Pool{New: func() any { return new(keyCache) }}

func (c *keyCache) get(s string) string {
	if len(s) > maxCachedKey {
		return string([]byte(s))
	}
	slot := &c.keys[keySlot(s)]
	if *slot != s {
		*slot = string([]byte(s))
	}
	return *slot
}

// size is how many keys an object may get whose first key is s, to be told with learn.
func (c *keyCache) size(s string) int {
	if len(s) > maxCachedKey {
		return 0
	}
	return int(c.sizes[keySlot(s)])
}

func (c *keyCache) learn(s string, n int) {
	if len(s) <= maxCachedKey {
		c.sizes[keySlot(s)] = uint8(min(n, maxLearnt))
	}
}

// maxCachedKey is the longest key that is cached, in bytes; maxLearnt the room that is made for an object's keys before
// they are there.
const (
	maxCachedKey = 32
	maxLearnt    = 24
)

func keySlot(s string) uint8 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return uint8(h)
}
