package jsonata

import (
	"math"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

func strs() []definition {
	plain := func(do func(string) string) func(*call) value.Value {
		return lift(func(c *call, v value.Value) value.Value { return c.r.str(do(v.Str())) })
	}
	return []definition{
		{"string", "<x-b?:s>", 1, lift(libString)},
		{"substring", "<s-nn?:s>", 3, lift(libSubstring)},
		{"substringBefore", "<s-s:s>", 2, lift(func(c *call, v value.Value) value.Value {
			before, _, _ := strings.Cut(v.Str(), c.arg(1).Str())
			return value.Str(before)
		})},
		{"substringAfter", "<s-s:s>", 2, lift(func(c *call, v value.Value) value.Value {
			if _, after, ok := strings.Cut(v.Str(), c.arg(1).Str()); ok {
				return value.Str(after)
			}
			return v
		})},
		{"lowercase", "<s-:s>", 1, plain(strings.ToLower)},
		{"uppercase", "<s-:s>", 1, plain(upper)},
		{"length", "<s-:n>", 1, lift(func(_ *call, v value.Value) value.Value {
			return value.Int(utf8.RuneCountInString(v.Str()))
		})},
		{"trim", "<s-:s>", 1, plain(trim)},
		{"pad", "<s-ns?:s>", 3, lift(libPad)},
		{"match", "<s-f<s:o>n?:a<o>>", 3, lift(libMatch)},
		{"contains", "<s-(sf):b>", 2, lift(libContains)},
		{"replace", "<s-(sf)(sf)n?:s>", 4, lift(libReplace)},
		{"split", "<s-(sf)n?:a<s>>", 3, lift(libSplit)},
		{"join", "<a<s>s?:s>", 2, lift(libJoin)},
	}
}

// upper is toUpperCase, for which ß has two letters.
func upper(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS")) }

// text is $string of what is defined and "" of what is not, as & uses it.
func (r *run) text(v value.Value) string {
	switch v.Kind() {
	case value.Undefined:
		return ""
	case value.String:
		return v.Str()
	case value.Number:
		if f := v.Num(); math.IsInf(f, 0) || math.IsNaN(f) {
			r.fail(&Error{Code: "D3001", Value: v})
			return ""
		}
		return string(value.AppendNumber(nil, rounded15(v.Num())))
	}
	if fnOf(v) != nil {
		return ""
	}
	if v = unwrapped(v); !r.fits(v) {
		return ""
	}
	return value.JSON(r.printable(v))
}

// printable is v as it goes into JSON: fractions with 15 digits; v itself where nothing
// changes.
func (r *run) printable(v value.Value) value.Value {
	switch v.Kind() {
	case value.Number:
		if f := v.Num(); f != math.Trunc(f) || math.IsInf(f, 0) {
			return r.deepCopy(v)
		}
	case value.Array:
		for _, e := range v.List().All() {
			if r.fraction(e) {
				return r.deepCopy(v)
			}
		}
	case value.Object:
		for _, e := range v.Map().All() {
			if r.fraction(e) {
				return r.deepCopy(v)
			}
		}
	}
	return v
}

// fraction says whether a value may hold numbers that are not whole.
func (r *run) fraction(v value.Value) bool {
	switch v.Kind() {
	case value.Number:
		return v.Num() != math.Trunc(v.Num()) || math.IsInf(v.Num(), 0)
	case value.Array, value.Object:
		return true
	}
	return false
}

func libString(c *call, v value.Value) value.Value {
	if !c.arg(1).Truthy() || v.Is(value.String) || fnOf(v) != nil || v.Is(value.Number) {
		return c.r.str(c.r.text(v))
	}
	if v = unwrapped(v); !c.r.fits(v) {
		return value.Value{}
	}
	return c.r.str(string(value.AppendIndented(nil, c.r.deepCopy(v), 2)))
}

func libSubstring(c *call, v value.Value) value.Value {
	runes := []rune(v.Str())
	n := float64(len(runes))
	start := c.arg(1).Num()
	if n+start < 0 {
		start = 0
	}
	end := n
	if l := c.arg(2); l.Defined() {
		if l.Num() <= 0 {
			return value.Str("")
		}
		end = start + l.Num()
		if start < 0 {
			end += n
		}
	}
	from, to := sliceIndex(start, n), sliceIndex(end, n)
	if from >= to {
		return value.Str("")
	}
	return value.Str(string(runes[from:to]))
}

// sliceIndex is what Array.slice makes of an index.
func sliceIndex(i, n float64) int {
	i = math.Trunc(i)
	if math.IsNaN(i) {
		return 0
	}
	if i < 0 {
		i += n
	}
	return int(max(0, min(i, n)))
}

func trim(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool {
		return c == ' ' || c == '\t' || c == '\n' || c == '\r'
	}), " ")
}

func libPad(c *call, v value.Value) value.Value {
	s, width, fill := v.Str(), math.Trunc(c.arg(1).Num()), c.arg(2).Str()
	if fill == "" {
		fill = " "
	}
	missing := math.Abs(width) - float64(utf8.RuneCountInString(s))
	if missing <= 0 {
		return v
	}
	if missing > float64(c.r.limits.String) {
		return c.r.tooLong()
	}
	runes := []rune(fill)
	var b strings.Builder
	for i := range int(missing) {
		b.WriteRune(runes[i%len(runes)])
	}
	if width > 0 {
		return c.r.str(s + b.String())
	}
	return c.r.str(b.String() + s)
}

// limit reads a count that may be missing; -1 is no limit.
func (c *call) limit(i int, code string) (float64, bool) {
	v := c.arg(i)
	if !v.Defined() {
		return -1, true
	}
	if v.Num() < 0 {
		c.r.fail(&Error{Code: code, Value: v, Index: i + 1})
		return 0, false
	}
	return v.Num(), true
}

func within(count int, limit float64) bool { return limit < 0 || float64(count) < limit }

func libMatch(c *call, v value.Value) value.Value {
	limit, ok := c.limit(2, "D3040")
	f := fnOf(c.arg(1))
	if !ok || f == nil {
		return value.Value{}
	}
	var out []value.Value
	if limit != 0 {
		for m := c.r.matches(f, v.Str()); m != nil && within(len(out), limit) && c.r.tick(); m = m.next() {
			o := value.NewMap(3)
			o.Set("match", value.Str(m.text)).Set("index", value.Int(m.from)).Set("groups", m.groups)
			out = c.r.push(out, o.Value())
		}
	}
	return sequence(out...)
}

func libContains(c *call, v value.Value) value.Value {
	t := c.arg(1)
	if f := fnOf(t); f != nil {
		return value.Of(c.r.matches(f, v.Str()) != nil)
	}
	if !t.Defined() {
		return t
	}
	return value.Of(strings.Contains(v.Str(), t.Str()))
}

func libSplit(c *call, v value.Value) value.Value {
	limit, ok := c.limit(2, "D3020")
	if !ok {
		return value.Value{}
	}
	var out []value.Value
	if limit == 0 {
		return plainArray(nil)
	}
	text := v.Str()
	f := fnOf(c.arg(1))
	if f == nil {
		for part := range strings.SplitSeq(text, c.arg(1).Str()) {
			if !within(len(out), math.Floor(limit)) || !c.r.tick() {
				break
			}
			out = c.r.push(out, value.Str(part))
		}
		return plainArray(out)
	}
	from, text := 0, wellFormed(text)
	for m := c.r.matches(f, text); m != nil && within(len(out), limit) && c.r.tick(); m = m.next() {
		out = c.r.push(out, value.Str(text[min(from, m.start):m.start]))
		from = m.end
	}
	if within(len(out), limit) {
		out = c.r.push(out, value.Str(text[from:]))
	}
	return plainArray(out)
}

func libJoin(c *call, v value.Value) value.Value {
	sep := c.arg(1).Str()
	size := 0
	for _, e := range v.List().All() {
		size += len(e.Str()) + len(sep)
	}
	if size > c.r.limits.String+len(sep) {
		return c.r.tooLong()
	}
	var b strings.Builder
	b.Grow(size)
	for i, e := range v.List().All() {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(e.Str())
	}
	return value.Str(b.String())
}
