package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// From makes a Value of a Go value: nil, bool, string, numbers, []byte, Value, *Map, *List,
// []Value, []string. It panics on others: those are a mistake in the program.
func From(x any) Value {
	switch x := x.(type) {
	case nil:
		return Nil()
	case Value:
		return x
	case bool:
		return Of(x)
	case string:
		return Str(x)
	case int:
		return Int(x)
	case uint32:
		return Num(float64(x))
	case int64:
		return Num(float64(x))
	case float64:
		return Num(x)
	case []byte:
		return Data(x)
	case *Map:
		return x.Value()
	case *List:
		return x.Value()
	case []Value:
		return NewList(x...).Value()
	case []string:
		l := NewList()
		for _, s := range x {
			l.Append(Str(s))
		}
		return l.Value()
	}
	panic(fmt.Sprintf("value: no Value for a %T", x))
}

// Truthy says whether JavaScript takes v for true.
func (v Value) Truthy() bool {
	switch v.Kind() {
	case Undefined, Null:
		return false
	case Bool:
		return v.Bool()
	case Number:
		f := v.Num()
		return f != 0 && !math.IsNaN(f)
	case String:
		return v.Str() != ""
	}
	return true
}

// TypeOf is JavaScript's typeof.
func (v Value) TypeOf() string {
	switch v.Kind() {
	case Undefined:
		return "undefined"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	}
	return "object"
}

// Text is String(v) of JavaScript.
func (v Value) Text() string {
	switch v.Kind() {
	case Undefined:
		return "undefined"
	case Null:
		return "null"
	case Bool:
		return strconv.FormatBool(v.Bool())
	case Number:
		return string(AppendNumber(nil, v.Num()))
	case String:
		return v.Str()
	case Bytes:
		return DecodeUTF8(v.Bytes())
	case Date:
		if _, ok := ISO(v); !ok {
			return "Invalid Date"
		}
		text := v.Time().Format("Mon Jan 02 2006 15:04:05 GMT-0700 (MST)")
		return strings.Replace(text, "(UTC)", "(Coordinated Universal Time)", 1)
	case Array:
		var parts []string
		for _, e := range v.List().All() {
			if e.Nullish() {
				parts = append(parts, "")
			} else {
				parts = append(parts, e.Text())
			}
		}
		return strings.Join(parts, ",")
	}
	return "[object Object]"
}

// ToText is Node-RED's ensureString: buffers as UTF-8, objects as JSON, the rest by String.
func (v Value) ToText() string {
	switch v.Kind() {
	case Object, Array, Date, Null, Handle:
		return JSON(v)
	}
	return v.Text()
}

// ToNumber is JavaScript's Number(v).
func (v Value) ToNumber() float64 {
	switch v.Kind() {
	case Null:
		return 0
	case Bool:
		if v.Bool() {
			return 1
		}
		return 0
	case Number, Date:
		return v.Num()
	case String:
		return ParseNumber(v.Str())
	case Array, Bytes:
		return ParseNumber(v.Text())
	}
	return math.NaN()
}

// spaces are what JavaScript trims.
const spaces = " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

// ParseNumber is Number(s): blank is 0, 0x, 0o and 0b prefixes count, the rest is NaN.
func ParseNumber(s string) float64 {
	s = strings.Trim(s, spaces)
	if s == "" {
		return 0
	}
	if len(s) > 2 && s[0] == '0' {
		if base, ok := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[s[1]]; ok {
			n, err := strconv.ParseUint(s[2:], base, 64)
			if err != nil {
				return math.NaN()
			}
			return float64(n)
		}
	}
	switch s {
	case "Infinity", "+Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	if strings.Trim(s, "0123456789+-.eE") != "" || strings.ContainsAny(s[len(s)-1:], "eE+-") {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// ParseInt is parseInt(s) in base ten: the leading whole number. It fails where JavaScript
// gives NaN.
func ParseInt(s string) (float64, bool) {
	s = strings.TrimLeft(s, spaces)
	end := 0
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	digits := end
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == digits {
		return 0, false
	}
	f, _ := strconv.ParseFloat(s[:end], 64)
	return f, true
}

// Equal compares deeply, as Node-RED's compareObjects does: undefined and null are equal to
// nothing but themselves, key order doesn't count.
func Equal(a, b Value) bool {
	kind := a.Kind()
	if kind != b.Kind() {
		return false
	}
	switch kind {
	case Bytes:
		return string(a.Bytes()) == string(b.Bytes())
	case Date:
		return true // two dates have no keys that could differ, in Node-RED as well
	case Array:
		return equalLists(a.List(), b.List())
	case Object:
		return equalMaps(a.Map(), b.Map())
	}
	return Same(a, b)
}

func equalLists(a, b *List) bool {
	if a == b {
		return true
	}
	if len(a.a) != len(b.a) {
		return false
	}
	for i := range a.a {
		if !Equal(a.a[i], b.a[i]) {
			return false
		}
	}
	return true
}

func equalMaps(a, b *Map) bool {
	if a == b {
		return true
	}
	if len(a.m) != len(b.m) {
		return false
	}
	for i := range a.m {
		j := b.find(a.m[i].key)
		if j < 0 || !Equal(a.m[i].val, b.m[j].val) {
			return false
		}
	}
	return true
}
