package jsonata

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"tsunagi/internal/flow/value"
)

func aggregates() []definition {
	return []definition{
		{"sum", "<a<n>:n>", 1, lift(func(_ *call, v value.Value) value.Value { return value.Num(total(v)) })},
		{"count", "<a:n>", 1, func(c *call) value.Value {
			if l := c.arg(0).List(); l != nil {
				return value.Int(l.Len())
			}
			return value.Int(0)
		}},
		{"max", "<a<n>:n>", 1, extreme(math.Max)},
		{"min", "<a<n>:n>", 1, extreme(math.Min)},
		{"average", "<a<n>:n>", 1, lift(func(_ *call, v value.Value) value.Value {
			if n := v.List().Len(); n > 0 {
				return value.Num(total(v) / float64(n))
			}
			return value.Value{}
		})},
	}
}

func total(v value.Value) (sum float64) {
	for _, e := range v.List().All() {
		sum += e.Num()
	}
	return sum
}

func extreme(pick func(a, b float64) float64) func(*call) value.Value {
	return lift(func(_ *call, v value.Value) value.Value {
		l := v.List()
		if l.Len() == 0 {
			return value.Value{}
		}
		best := l.At(0).Num()
		for _, e := range l.All() {
			best = pick(best, e.Num())
		}
		return value.Num(best)
	})
}

func numbers() []definition {
	plain := func(do func(float64) float64) func(*call) value.Value {
		return lift(func(_ *call, v value.Value) value.Value { return value.Num(do(v.Num())) })
	}
	return []definition{
		{"number", "<(nsb)-:n>", 1, lift(libNumber)},
		{"floor", "<n-:n>", 1, plain(math.Floor)},
		{"ceil", "<n-:n>", 1, plain(math.Ceil)},
		{"abs", "<n-:n>", 1, plain(math.Abs)},
		{"round", "<n-n?:n>", 2, lift(func(c *call, v value.Value) value.Value {
			return value.Num(roundHalfEven(v.Num(), c.arg(1).Num()))
		})},
		{"sqrt", "<n-:n>", 1, lift(func(c *call, v value.Value) value.Value {
			if v.Num() < 0 {
				return c.r.fail(&Error{Code: "D3060", Index: 1, Value: v})
			}
			return value.Num(math.Sqrt(v.Num()))
		})},
		{"power", "<n-n:n>", 2, lift(libPower)},
		{"random", "<:n>", 0, func(*call) value.Value { return value.Num(rand.Float64()) }},
		{"formatNumber", "<n-so?:s>", 3, lift(libFormatNumber)},
		{"formatBase", "<n-n?:s>", 2, lift(libFormatBase)},
		{"formatInteger", "<n-s:s>", 2, lift(func(c *call, v value.Value) value.Value {
			p, err := readIntegerPicture(c.arg(1).Str())
			if err != nil {
				return c.r.fail(err)
			}
			return c.r.formatInt(math.Floor(v.Num()), p)
		})},
		{"parseInteger", "<s-s:n>", 2, lift(libParseInteger)},
		{"boolean", "<x-:b>", 1, lift(func(c *call, v value.Value) value.Value { return value.Of(c.r.truth(v)) })},
		{"not", "<x-:b>", 1, lift(func(c *call, v value.Value) value.Value { return value.Of(!c.r.truth(v)) })},
	}
}

var (
	decimalNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$`)
	prefixNumber  = regexp.MustCompile(`^(0[xX][0-9A-Fa-f]+)|(0[oO][0-7]+)|(0[bB][0-1]+)$`)
)

func libNumber(c *call, v value.Value) value.Value {
	switch v.Kind() {
	case value.Number:
		return v
	case value.Bool:
		return value.Num(v.ToNumber())
	case value.String:
		if s := v.Str(); decimalNumber.MatchString(s) {
			if f, err := strconv.ParseFloat(s, 64); err == nil || !math.IsInf(f, 0) {
				return value.Num(f)
			}
		} else if prefixNumber.MatchString(s) {
			return value.Num(value.ParseNumber(s))
		}
	}
	return c.r.fail(&Error{Code: "D3030", Value: v, Index: 1})
}

func libPower(c *call, v value.Value) value.Value {
	base, exp := v.Num(), c.arg(1).Num()
	f := math.Pow(base, exp)
	if math.Abs(base) == 1 && math.IsInf(exp, 0) {
		f = math.NaN()
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return c.r.fail(&Error{Code: "D3061", Index: 1, Value: v, Other: c.arg(1)})
	}
	return value.Num(f)
}

// shift moves the decimal point by n digits, by way of the number's text so that no digit
// is lost.
func shift(f, n float64) float64 {
	text := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exp, _ := strings.Cut(text, "e")
	e, err := strconv.Atoi(exp)
	if err != nil { // NaN or infinity
		return f
	}
	g, _ := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(e+int(max(-1000, min(1000, n)))), 64)
	return g
}

// roundHalfEven rounds to so many digits behind the point, or before it.
func roundHalfEven(f, digits float64) float64 {
	digits = math.Trunc(digits)
	if digits != 0 {
		f = shift(f, digits)
	}
	f = math.RoundToEven(f)
	if digits != 0 {
		f = shift(f, -digits)
	}
	if f == 0 {
		return 0
	}
	return f
}

func libFormatBase(c *call, v value.Value) value.Value {
	radix := 10.0
	if b := c.arg(1); b.Defined() {
		radix = roundHalfEven(b.Num(), 0)
	}
	if !(radix >= 2 && radix <= 36) {
		return c.r.fail(&Error{Code: "D3100", Value: value.Num(radix)})
	}
	f := roundHalfEven(v.Num(), 0)
	switch {
	case radix == 10 || math.IsInf(f, 0) || math.IsNaN(f):
		return value.Str(value.Num(f).Text())
	case math.Abs(f) < 1<<63:
		return value.Str(strconv.FormatInt(int64(f), int(radix)))
	}
	return value.Str(bigBase(f, int(radix)))
}
