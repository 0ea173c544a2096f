package script

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

// supporting is what the prelude asks of Go: what would be slow or long in JavaScript.
func supporting(args []value.Value) (value.Value, error) {
	for len(args) < 4 {
		args = append(args, value.Value{})
	}
	switch what := args[0].Str(); what {
	case "decode":
		return value.Str(decode(args[1].Bytes(), args[2].Str())), nil
	case "encode":
		return value.Data(encode(args[1].Str(), args[2].Str())), nil
	case "inspect":
		return value.Str(value.InspectDepth(args[1], int(args[2].Num()))), nil
	case "url":
		return parseURL(args[1].Str(), args[2])
	default:
		return value.Value{}, fmt.Errorf("no support for %s", what)
	}
}

// decode makes a string of bytes, as Buffer.toString does.
func decode(b []byte, encoding string) string {
	switch encoding {
	case "hex":
		return hex.EncodeToString(b)
	case "base64":
		return base64.StdEncoding.EncodeToString(b)
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(b)
	case "latin1", "ascii":
		r := make([]rune, len(b))
		for i, c := range b {
			if encoding == "ascii" {
				c &= 0x7f
			}
			r[i] = rune(c)
		}
		return string(r)
	case "utf16le":
		u := make([]uint16, len(b)/2)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(u))
	}
	return lenient(b)
}

// lenient reads UTF-8 as the WHATWG decoder does: each longest beginning of a character that
// is broken off becomes one U+FFFD.
func lenient(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			n = brokenLength(b)
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// brokenLength is how many bytes of a character that is not whole belong together.
func brokenLength(b []byte) int {
	var want int
	low, high := byte(0x80), byte(0xbf)
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		want = 2
	case c >= 0xe0 && c <= 0xef:
		want = 3
		if c == 0xe0 {
			low = 0xa0
		} else if c == 0xed {
			high = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		want = 4
		if c == 0xf0 {
			low = 0x90
		} else if c == 0xf4 {
			high = 0x8f
		}
	}
	n := 1
	for n < want && n < len(b) && b[n] >= low && b[n] <= high {
		n++
		low, high = 0x80, 0xbf
	}
	return n
}

// encode makes bytes of a string, as Buffer.from does: what is no hex ends it, what is no
// base64 is passed over.
func encode(s, encoding string) []byte {
	switch encoding {
	case "hex":
		n := 0
		for n+1 < len(s) && isHex(s[n]) && isHex(s[n+1]) {
			n += 2
		}
		b, _ := hex.DecodeString(s[:n]) // checked above
		return b
	case "base64", "base64url":
		return fromBase64(s)
	case "latin1", "ascii":
		u := utf16.Encode([]rune(s))
		b := make([]byte, len(u))
		for i := range u {
			b[i] = byte(u[i])
		}
		return b
	case "utf16le":
		u := utf16.Encode([]rune(s))
		b := make([]byte, 0, 2*len(u))
		for _, c := range u {
			b = binary.LittleEndian.AppendUint16(b, c)
		}
		return b
	}
	return []byte(s)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func fromBase64(s string) []byte {
	digits := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '=':
			i = len(s)
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		}
		if i == len(s) {
			break
		}
		if c == '+' || c == '/' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			digits = append(digits, c)
		}
	}
	if len(digits)%4 == 1 { // six bits that make no byte
		digits = digits[:len(digits)-1]
	}
	b, _ := base64.RawStdEncoding.Strict().DecodeString(string(digits))
	if len(b) < len(digits)*3/4 {
		b, _ = base64.RawStdEncoding.DecodeString(string(digits)) // bits left over in the last digit
	}
	return b
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}

// parseURL reads a URL, relative to a base if there is one, into the parts of URL objects.
func parseURL(text string, base value.Value) (value.Value, error) {
	invalid := &Error{Name: "TypeError", Message: "Invalid URL"}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return value.Value{}, invalid
	}
	if base.Is(value.String) {
		b, err := url.Parse(strings.TrimSpace(base.Str()))
		if err != nil || b.Scheme == "" {
			return value.Value{}, invalid
		}
		u = b.ResolveReference(u)
	}
	if u.Scheme == "" {
		return value.Value{}, invalid
	}
	special := defaultPorts[u.Scheme] != ""
	if special && u.Host == "" {
		return value.Value{}, invalid
	}
	path := u.EscapedPath()
	if u.Opaque != "" {
		path = u.Opaque
	} else if special && path == "" {
		path = "/"
	}
	port := u.Port()
	if port == defaultPorts[u.Scheme] {
		port = ""
	}
	o := value.MapOf("protocol", u.Scheme+":", "username", "", "password", "", "hostname", hostname(u, special), "port", port,
		"pathname", path, "search", "", "hash", "", "slashes", u.Opaque == "" && (u.Host != "" || u.Scheme == "file"))
	if u.User != nil {
		o.Set("username", value.Str(url.PathEscape(u.User.Username())))
		if p, ok := u.User.Password(); ok {
			o.Set("password", value.Str(url.PathEscape(p)))
		}
	}
	if u.RawQuery != "" {
		o.Set("search", value.Str("?"+strings.ReplaceAll(u.RawQuery, " ", "%20")))
	}
	if u.Fragment != "" {
		o.Set("hash", value.Str("#"+u.EscapedFragment()))
	}
	return o.Value(), nil
}

func hostname(u *url.URL, special bool) string {
	h := u.Hostname()
	if strings.Contains(h, ":") {
		h = "[" + h + "]"
	}
	if special {
		h = strings.ToLower(h)
	}
	return h
}
