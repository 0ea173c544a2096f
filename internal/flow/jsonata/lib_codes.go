package jsonata

import (
	"encoding/base64"
	"math/big"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

// codes are the functions for base64 and URLs.
func codes() []definition {
	const component = "-_.!~*'()"
	const whole = component + ";/?:@&=+$,#"
	encode := func(name, keep string) definition {
		return definition{name, "<s-:s>", 1, lift(func(c *call, v value.Value) value.Value {
			if !utf8.ValidString(v.Str()) { // half of a surrogate pair
				return c.r.fail(&Error{Code: "D3140", Token: name, Value: v})
			}
			return c.r.str(percentEncode(v.Str(), keep))
		})}
	}
	decode := func(name, keep string) definition {
		return definition{name, "<s-:s>", 1, lift(func(c *call, v value.Value) value.Value {
			s, ok := percentDecode(v.Str(), keep)
			if !ok {
				return c.r.fail(&Error{Code: "D3140", Token: name, Value: v})
			}
			return value.Str(s)
		})}
	}
	return []definition{
		{"base64encode", "<s-:s>", 1, lift(func(c *call, v value.Value) value.Value {
			return c.r.str(base64.StdEncoding.EncodeToString(latin1(v.Str())))
		})},
		{"base64decode", "<s-:s>", 1, lift(func(_ *call, v value.Value) value.Value {
			return value.Str(fromBase64(v.Str()))
		})},
		encode("encodeUrlComponent", component),
		encode("encodeUrl", whole),
		decode("decodeUrlComponent", ""),
		decode("decodeUrl", ";/?:@&=+$,#"),
	}
}

// latin1 is Node.js's binary encoding: the low byte of each UTF-16 unit.
func latin1(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, c := range s {
		if c > 0xFFFF {
			c -= 0x10000
			b = append(b, byte(c>>10), byte(c))
			continue
		}
		b = append(b, byte(c))
	}
	return b
}

// fromBase64 decodes as Node.js does: both alphabets, foreign characters skipped, an end
// that is cut off accepted.
func fromBase64(s string) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case c == '-':
			return '+'
		case c == '_':
			return '/'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
			return c
		}
		return -1
	}, before(s, '='))
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	raw, _ := base64.RawStdEncoding.DecodeString(clean)
	runes := make([]rune, len(raw))
	for i, c := range raw {
		runes[i] = rune(c)
	}
	return string(runes)
}

func before(s string, c byte) string {
	if i := strings.IndexByte(s, c); i >= 0 {
		return s[:i]
	}
	return s
}

const upperHex = "0123456789ABCDEF"

func percentEncode(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
	return b.String()
}

// percentDecode decodes %XX; what stands for a character of keep stays as it is.
func percentDecode(s, keep string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '%' {
			b.WriteByte(s[i])
			i++
			continue
		}
		from := i
		var char []byte
		for need := 1; len(char) < need; {
			if i+2 >= len(s) || s[i] != '%' {
				return "", false
			}
			hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			char = append(char, byte(hi<<4|lo))
			i += 3
			need = sequenceLength(char[0])
		}
		if !utf8.Valid(char) {
			return "", false
		}
		if len(char) == 1 && strings.IndexByte(keep, char[0]) >= 0 {
			b.WriteString(s[from:i])
		} else {
			b.Write(char)
		}
	}
	return b.String(), true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// sequenceLength is the number of bytes of a UTF-8 character that begins with c.
func sequenceLength(c byte) int {
	switch {
	case c >= 0xF0:
		return 4
	case c >= 0xE0:
		return 3
	case c >= 0xC0:
		return 2
	}
	return 1
}

// bigBase writes a whole number that is too large for an int64.
func bigBase(f float64, radix int) string {
	n, _ := big.NewFloat(f).Int(nil)
	return n.Text(radix)
}
