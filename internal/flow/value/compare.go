package value

import (
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Same is JavaScript's ===: containers are the same only if they are one.
func Same(a, b Value) bool {
	kind := a.Kind()
	if kind != b.Kind() {
		return false
	}
	switch kind {
	case Undefined, Null:
		return true
	case String:
		return a.Str() == b.Str()
	case Number:
		return a.Num() == b.Num()
	case Bool:
		return a.Bool() == b.Bool()
	case Date:
		return false // two objects, even of one moment
	}
	return a.plain().ref == b.plain().ref
}

// plain is v with its lazy JSON resolved.
func (v Value) plain() Value {
	if l, ok := v.ref.(*lazy); ok {
		return l.resolve()
	}
	return v
}

// LooseEqual is JavaScript's ==.
func LooseEqual(a, b Value) bool {
	if a.Nullish() || b.Nullish() {
		return a.Nullish() && b.Nullish()
	}
	oa, ob := a.isObject(), b.isObject()
	if oa && ob {
		return Same(a, b)
	}
	if oa {
		a = a.primitive(false)
	}
	if ob {
		b = b.primitive(false)
	}
	if a.Is(String) && b.Is(String) {
		return a.Str() == b.Str()
	}
	return a.ToNumber() == b.ToNumber()
}

// Less is JavaScript's a < b; ok is false when one of them is no number, and then neither
// a < b nor a >= b is true.
func Less(a, b Value) (less, ok bool) {
	a, b = a.primitive(true), b.primitive(true)
	if a.Is(String) && b.Is(String) {
		return lessText(a.Str(), b.Str()), true
	}
	x, y := a.ToNumber(), b.ToNumber()
	if math.IsNaN(x) || math.IsNaN(y) {
		return false, false
	}
	return x < y, true
}

func (v Value) isObject() bool {
	switch v.Kind() {
	case Object, Array, Bytes, Date, Handle:
		return true
	}
	return false
}

// primitive is what JavaScript makes of an object to compare it; a Date is a number only
// where numbers are wanted.
func (v Value) primitive(number bool) Value {
	if !v.isObject() || number && v.Is(Date) {
		return v
	}
	return Str(v.Text())
}

// lessText compares by UTF-16 units, as JavaScript does.
func lessText(a, b string) bool {
	for a != "" && b != "" {
		if a[0] < utf8.RuneSelf && b[0] < utf8.RuneSelf {
			if a[0] != b[0] {
				return a[0] < b[0]
			}
			a, b = a[1:], b[1:]
			continue
		}
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return firstUnit(ra) < firstUnit(rb) || firstUnit(ra) == firstUnit(rb) && ra < rb
		}
		a, b = a[na:], b[nb:]
	}
	return a == "" && b != ""
}

func firstUnit(r rune) rune {
	if hi, _ := utf16.EncodeRune(r); hi != utf8.RuneError {
		return hi
	}
	return r
}

// ParseFloat is parseFloat(s): the number at the beginning of a text, NaN when there is none.
func ParseFloat(s string) float64 {
	s = strings.TrimLeft(s, spaces)
	end := 0
	digits := func() (n int) {
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
			n++
		}
		return n
	}
	if end < len(s) && (s[end] == '+' || s[end] == '-') {
		end++
	}
	if strings.HasPrefix(s[end:], "Infinity") {
		return ParseNumber(s[:end+len("Infinity")])
	}
	n := digits()
	if end < len(s) && s[end] == '.' {
		end++
		n += digits()
	}
	if n == 0 {
		return math.NaN()
	}
	if at := end; end < len(s) && (s[end] == 'e' || s[end] == 'E') {
		end++
		if end < len(s) && (s[end] == '+' || s[end] == '-') {
			end++
		}
		if digits() == 0 {
			end = at
		}
	}
	return ParseNumber(s[:end])
}
