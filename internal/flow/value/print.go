package value

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Append writes v to b as JSON.stringify does: undefined members are left out, undefined
// elements and numbers without a JSON form become null, a Buffer is {"type":"Buffer",…}.
func Append(b []byte, v Value) []byte {
	switch r := v.ref.(type) {
	case chars:
		return AppendString(b, v.Str())
	case *Map:
		return appendMap(b, r)
	case *List:
		b = append(b, '[')
		for i := range r.a {
			if i > 0 {
				b = append(b, ',')
			}
			b = Append(b, r.a[i])
		}
		return append(b, ']')
	case *lazy:
		if r.raw != nil && r.canonical {
			return append(b, r.raw...)
		}
		return Append(b, r.resolve())
	case *Buffer:
		b = append(b, `{"type":"Buffer","data":[`...)
		for i, c := range r.B {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendUint(b, uint64(c), 10)
		}
		return append(b, "]}"...)
	case tag:
		return appendTagged(b, v)
	case nil:
		return append(b, "null"...)
	case interface{ AppendJSON([]byte) []byte }:
		return r.AppendJSON(b)
	}
	return append(b, "{}"...)
}

func appendMap(b []byte, o *Map) []byte {
	b = append(b, '{')
	first := true
	for i := range o.m {
		if !o.m[i].val.Defined() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(AppendString(b, o.m[i].key), ':')
		b = Append(b, o.m[i].val)
	}
	return append(b, '}')
}

func appendTagged(b []byte, v Value) []byte {
	switch v.Kind() {
	case Bool:
		return strconv.AppendBool(b, v.Bool())
	case Number:
		if f := v.Num(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return AppendNumber(b, f)
		}
	case Date:
		if s, ok := ISO(v); ok {
			return AppendString(b, s)
		}
	}
	return append(b, "null"...)
}

// JSON returns v as JSON text.
func JSON(v Value) string { return string(Append(nil, v)) }

// ISO is Date.toISOString. It fails for an invalid date.
func ISO(v Value) (string, bool) {
	ms := v.Num()
	if math.IsNaN(ms) || math.Abs(ms) > 8.64e15 {
		return "", false
	}
	t := time.UnixMilli(int64(ms)).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		sign := "+"
		if y < 0 {
			sign, y = "-", -y
		}
		year := strconv.Itoa(y)
		return sign + "000000"[len(year):] + year + t.Format("-01-02T15:04:05.000Z"), true
	}
	return t.Format("2006-01-02T15:04:05.000Z"), true
}

// AppendNumber writes f as JavaScript prints a number.
func AppendNumber(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case f == 0:
		return append(b, '0')
	}
	abs := math.Abs(f)
	if abs < 1e15 && f == math.Trunc(f) {
		return strconv.AppendInt(b, int64(f), 10)
	}
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); b[n-2] == '0' && (b[n-3] == '-' || b[n-3] == '+') { // Go writes e-07
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

const hexDigits = "0123456789abcdef"

// AppendString writes s as a JSON string, escaping no more than JSON.stringify does.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(b, s[from:i]...)
			if isSurrogate(s[i:]) {
				u := uint16(s[i]&0xF)<<12 | uint16(s[i+1]&0x3F)<<6 | uint16(s[i+2]&0x3F)
				b = append(b, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
				i += 3
			} else {
				b = append(b, "\uFFFD"...)
				i++
			}
			from = i
			continue
		}
		b = append(b, s[from:i]...)
		b = appendEscape(b, c)
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
