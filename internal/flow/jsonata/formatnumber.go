package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"tsunagi/internal/flow/value"
)

// symbols are the characters of a decimal format of XPath.
type symbols struct {
	decimal, group, exponent, minus, percent, perMille, zero, digit, pattern string
	family                                                                   []string // the ten digits
}

func readSymbols(o value.Value) *symbols {
	s := &symbols{".", ",", "e", "-", "%", "‰", "0", "#", ";", nil}
	fields := map[string]*string{"decimal-separator": &s.decimal, "grouping-separator": &s.group, "exponent-separator": &s.exponent,
		"minus-sign": &s.minus, "percent": &s.percent, "per-mille": &s.perMille, "zero-digit": &s.zero, "digit": &s.digit,
		"pattern-separator": &s.pattern}
	if m := o.Map(); m != nil {
		for k, v := range m.All() {
			if f := fields[k]; f != nil && v.Is(value.String) && v.Str() != "" {
				*f = v.Str()
			}
		}
	}
	zero := []rune(s.zero)[0]
	for i := range rune(10) {
		s.family = append(s.family, string(zero+i))
	}
	return s
}

func (s *symbols) isDigit(c string) bool { return slices.Contains(s.family, c) }

// active says whether a character belongs to the number itself.
func (s *symbols) active(c string) bool {
	return s.isDigit(c) || c == s.decimal || c == s.exponent || c == s.group || c == s.digit || c == s.pattern
}

// count counts the digits of a text, with the optional ones if wanted.
func (s *symbols) count(text string, optional bool) (n int) {
	for _, c := range text {
		if s.isDigit(string(c)) || optional && string(c) == s.digit {
			n++
		}
	}
	return n
}

// picture is one part of a picture: how positive or negative numbers look.
type picture struct {
	source, prefix, suffix, active string
	integer, fraction, exponent    string
	hasExponent                    bool

	groups, fractionGroups []int
	regular                int
	minInteger, scaling    int
	minFraction            int
	maxFraction            int
	minExponent            int
}

func (s *symbols) read(source string) (*picture, *Error) {
	p := &picture{source: source}
	chars := strings.Split(source, "")
	first := slices.IndexFunc(chars, func(c string) bool { return s.active(c) && c != s.exponent })
	last := len(chars) - 1
	for last >= 0 && (!s.active(chars[last]) || chars[last] == s.exponent) {
		last--
	}
	if first >= 0 {
		p.prefix = strings.Join(chars[:first], "")
		p.suffix = strings.Join(chars[last+1:], "")
	}
	p.active = source[len(p.prefix) : len(source)-len(p.suffix)]
	mantissa := p.active
	if m, e, ok := strings.Cut(p.active, s.exponent); ok {
		mantissa, p.exponent, p.hasExponent = m, e, true
	}
	var point bool
	p.integer, p.fraction, point = strings.Cut(mantissa, s.decimal)
	fraction := p.fraction
	if !point {
		fraction = p.suffix
	}
	if code := s.fault(p, mantissa, fraction); code != "" {
		return nil, &Error{Code: code}
	}
	s.measure(p)
	return p, nil
}

// fault returns the code of what is wrong with a picture; of several, the last rule counts.
func (s *symbols) fault(p *picture, mantissa, fraction string) (code string) {
	check := func(bad bool, c string) {
		if bad {
			code = c
		}
	}
	src := p.source
	scaled := strings.Contains(src, s.percent) || strings.Contains(src, s.perMille)
	check(strings.Count(src, s.decimal) > 1, "D3081")
	check(strings.Count(src, s.percent) > 1, "D3082")
	check(strings.Count(src, s.perMille) > 1, "D3083")
	check(strings.Contains(src, s.percent) && strings.Contains(src, s.perMille), "D3084")
	check(s.count(mantissa, true) == 0, "D3085")
	check(slices.ContainsFunc(strings.Split(p.active, ""), func(c string) bool { return c != "" && !s.active(c) }), "D3086")
	if strings.Contains(src, s.decimal) {
		check(strings.Contains(src, s.group+s.decimal) || strings.Contains(src, s.decimal+s.group), "D3087")
	} else {
		check(strings.HasSuffix(p.integer, s.group), "D3088")
	}
	check(strings.Contains(src, s.group+s.group), "D3089")
	if i := strings.Index(p.integer, s.digit); i >= 0 {
		check(s.count(p.integer[:i], false) > 0, "D3090")
	}
	if i := strings.LastIndex(fraction, s.digit); i >= 0 {
		check(s.count(fraction[i:], false) > 0, "D3091")
	}
	check(p.hasExponent && p.exponent != "" && scaled, "D3092")
	check(p.hasExponent && (p.exponent == "" || s.count(p.exponent, false) != len(strings.Split(p.exponent, ""))), "D3093")
	return code
}

func (s *symbols) measure(p *picture) {
	var seps []separator
	for rest := p.integer; ; {
		_, after, ok := strings.Cut(rest, s.group)
		if !ok {
			break
		}
		n := s.count(after, true)
		p.groups = append(p.groups, n)
		seps = append(seps, separator{at: n})
		rest = after
	}
	p.regular = regularDistance(seps)
	at := 0
	for _, c := range strings.Split(p.fraction, "") {
		if c == s.group {
			p.fractionGroups = append(p.fractionGroups, at)
		} else if s.count(c, true) > 0 {
			at++
		}
	}
	p.minInteger = s.count(p.integer, false)
	p.scaling = p.minInteger
	p.minFraction = s.count(p.fraction, false)
	p.maxFraction = s.count(p.fraction, true)
	if p.minInteger == 0 && p.maxFraction == 0 {
		if p.hasExponent {
			p.minFraction, p.maxFraction = 1, 1
		} else {
			p.minInteger = 1
		}
	}
	if p.hasExponent && p.minInteger == 0 && strings.Contains(p.integer, s.digit) {
		p.minInteger = 1
	}
	if p.minInteger == 0 && p.minFraction == 0 {
		p.minFraction = 1
	}
	if p.hasExponent {
		p.minExponent = s.count(p.exponent, false)
	}
}

func libFormatNumber(c *call, v value.Value) value.Value {
	s := readSymbols(c.arg(2))
	text := c.arg(1).Str()
	parts := strings.Split(text, s.pattern)
	if len(text) > maxPicture || len(parts) > 2 {
		return c.r.fail(&Error{Code: "D3080"})
	}
	var pictures []*picture
	for _, part := range parts {
		p, err := s.read(part)
		if err != nil {
			return c.r.fail(err)
		}
		pictures = append(pictures, p)
	}
	p := pictures[0]
	if f := v.Num(); !(f >= 0) {
		if len(pictures) == 2 {
			p = pictures[1]
		} else {
			negative := *p
			negative.prefix = s.minus + p.prefix
			p = &negative
		}
	}
	if f := v.Num(); math.IsInf(f, 0) || math.IsNaN(f) {
		return c.r.fail(&Error{Code: "D3001", Value: v})
	}
	return value.Str(s.format(p, v.Num()))
}

func (s *symbols) format(p *picture, f float64) string {
	switch {
	case strings.Contains(p.source, s.percent):
		f *= 100
	case strings.Contains(p.source, s.perMille):
		f *= 1000
	}
	exponent := 0
	if p.minExponent > 0 && f != 0 {
		most, least := math.Pow(10, float64(p.scaling)), math.Pow(10, float64(p.scaling-1))
		for ; math.Abs(f) < least; exponent-- {
			f *= 10
		}
		for ; math.Abs(f) > most; exponent++ {
			f /= 10
		}
	}
	f = roundHalfEven(f, float64(p.maxFraction))
	integer, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(f), 'f', p.maxFraction, 64), ".")
	integer = strings.TrimLeft(integer, "0")
	fraction = strings.TrimRight(fraction, "0")
	integer = strings.Repeat("0", max(0, p.minInteger-len(integer))) + integer
	fraction += strings.Repeat("0", max(0, p.minFraction-len(fraction)))
	out := p.prefix + s.grouped(p, integer)
	if fraction != "" && strings.Contains(p.source, s.decimal) {
		out += s.decimal + s.fractionGrouped(p, fraction)
	} else if fraction != "" {
		out += s.decimal + s.digits(fraction[:len(fraction)-1]) // the original drops the last character
	}
	if p.minExponent > 0 {
		e := strconv.Itoa(max(exponent, -exponent))
		out += s.exponent
		if exponent < 0 {
			out += s.minus
		}
		out += s.digits(strings.Repeat("0", max(0, p.minExponent-len(e))) + e)
	}
	return out + p.suffix
}

// digits writes ASCII digits in the picture's script.
func (s *symbols) digits(text string) string {
	if s.zero == "0" {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		b.WriteString(s.family[text[i]-'0'])
	}
	return b.String()
}

// grouped sets the separators of the integer part.
func (s *symbols) grouped(p *picture, text string) string {
	var b strings.Builder
	for i := range len(text) {
		right := len(text) - i
		if i > 0 && p.regular > 0 && right%p.regular == 0 ||
			p.regular == 0 && slices.Contains(p.groups, right) {
			b.WriteString(s.group)
		}
		b.WriteString(s.digits(text[i : i+1]))
	}
	return b.String()
}

func (s *symbols) fractionGrouped(p *picture, text string) string {
	var b strings.Builder
	for i := range len(text) {
		if slices.Contains(p.fractionGroups, i) {
			b.WriteString(s.group)
		}
		b.WriteString(s.digits(text[i : i+1]))
	}
	return b.String()
}
