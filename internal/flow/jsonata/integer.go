package jsonata

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow/value"
)

// integerPicture is a read picture of XPath's format-integer.
type integerPicture struct {
	form     byte // 1 digits, a letters, i Roman, w words, 0 none of these
	letters  byte // u upper, l lower, t title case
	ordinal  bool
	zero     rune // of the script of the digits
	required int
	optional int
	regular  int         // distance of equal separators
	seps     []separator // from the right
	token    string      // what form 0 could not read
	width    int         // digits to parse, 0 any
}

type separator struct {
	at   int // digits to its right
	char string
}

// scripts are the zeros of the decimal digits.
var scripts = []rune{0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
	0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
	0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10}

// maxPicture bounds the pictures of numbers and dates, in bytes.
const maxPicture = 1000

func readIntegerPicture(picture string) (*integerPicture, *Error) {
	if len(picture) > maxPicture {
		return nil, &Error{Code: "D3130", Value: value.Str(picture)}
	}
	p := &integerPicture{form: '1', letters: 'l', zero: '0'}
	primary := picture
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		primary = picture[:i]
		p.ordinal = strings.HasPrefix(picture[i+1:], "o")
	}
	switch primary {
	case "A", "a", "I", "i", "W", "w":
		p.form = primary[0] | 0x20
		if primary[0] < 'a' {
			p.letters = 'u'
		}
		return p, nil
	case "Ww":
		p.form, p.letters = 'w', 't'
		return p, nil
	}
	return p, p.digits(primary)
}

// digits reads a picture of digits, such as #,##0.
func (p *integerPicture) digits(primary string) *Error {
	runes := []rune(primary)
	slices.Reverse(runes)
	zero, at := rune(0), 0
	for _, c := range runes {
		i := slices.IndexFunc(scripts, func(z rune) bool { return c >= z && c <= z+9 })
		switch {
		case i >= 0:
			if zero != 0 && zero != scripts[i] {
				return &Error{Code: "D3131"}
			}
			zero = scripts[i]
			p.required++
			at++
		case c == '#':
			p.optional++
			at++
		default:
			p.seps = append(p.seps, separator{at, string(c)})
		}
	}
	if p.required == 0 {
		p.form, p.token = 0, primary
		return nil
	}
	p.zero = zero
	p.regular = regularDistance(p.seps)
	return nil
}

// regularDistance is the distance of separators that are equal and evenly set, else 0.
func regularDistance(seps []separator) int {
	if len(seps) == 0 {
		return 0
	}
	factor := 0
	for _, s := range seps {
		if s.char != seps[0].char {
			return 0
		}
		factor = gcd(factor, s.at)
	}
	for i := 1; i <= len(seps); i++ {
		if !slices.ContainsFunc(seps, func(s separator) bool { return s.at == i*factor }) {
			return 0
		}
	}
	return factor
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// formatInt writes a whole number.
func (r *run) formatInt(f float64, p *integerPicture) value.Value {
	text, err := p.format(f)
	if err != nil {
		return r.fail(err)
	}
	return r.str(text)
}

func (p *integerPicture) format(f float64) (string, *Error) {
	abs := math.Abs(f)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "", &Error{Code: "D1001", Value: value.Num(f)}
	}
	var s string
	switch p.form {
	case 'a':
		s = letterNumber(abs, p.letters == 'u')
	case 'i':
		if abs >= 1e6 { // a line of Ms as long as the number is large
			return "", &Error{Code: "D1001", Value: value.Num(f)}
		}
		s = roman(int(abs))
		if p.letters == 'u' {
			s = strings.ToUpper(s)
		}
	case 'w':
		s = wordsOf(abs, p.ordinal)
		switch p.letters {
		case 'u':
			s = strings.ToUpper(s)
		case 'l':
			s = strings.ToLower(s)
		}
	case '1':
		s = p.decimal(abs)
	default:
		return "", &Error{Code: "D3130", Value: value.Str(p.token)}
	}
	if f < 0 {
		s = "-" + s
	}
	return s, nil
}

func (p *integerPicture) decimal(abs float64) string {
	digits := []rune(value.Num(abs).Text())
	for len(digits) < min(p.required, 4096) {
		digits = slices.Insert(digits, 0, '0')
	}
	for i := range digits {
		if digits[i] >= '0' && digits[i] <= '9' {
			digits[i] += p.zero - '0'
		}
	}
	suffix := ""
	if p.ordinal {
		suffix = ordinalSuffix(digits)
	}
	insert := func(at int, sep string) {
		if at >= 0 && at <= len(digits) {
			digits = slices.Insert(digits, at, []rune(sep)...)
		}
	}
	if p.regular > 0 {
		for at := len(digits) - p.regular; at > 0; at -= p.regular {
			insert(at, p.seps[0].char)
		}
		return string(digits) + suffix
	}
	added := 0 // separators count from the right, those to the right of them included
	for _, s := range p.seps {
		if at := len(digits) - s.at - added; at >= 0 {
			insert(at, s.char)
			added += utf8.RuneCountInString(s.char)
		}
	}
	return string(digits) + suffix
}

func ordinalSuffix(digits []rune) string {
	n := len(digits)
	if n > 1 && digits[n-2] == '1' {
		return "th"
	}
	switch digits[n-1] {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

// letterNumber counts a, b, …, z, aa.
func letterNumber(n float64, upper bool) string {
	base := byte('a')
	if upper {
		base = 'A'
	}
	var b []byte
	for n > 0 {
		b = append(b, base+byte(math.Mod(n-1, 26)))
		n = math.Floor((n - 1) / 26)
	}
	slices.Reverse(b)
	return string(b)
}

var romanDigits = []struct {
	n    int
	text string
}{{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}}

func roman(n int) string {
	var b strings.Builder
	for _, d := range romanDigits {
		for n >= d.n {
			b.WriteString(d.text)
			n -= d.n
		}
	}
	return b.String()
}

func fromRoman(s string) float64 {
	digits := map[byte]float64{'M': 1000, 'D': 500, 'C': 100, 'L': 50, 'X': 10, 'V': 5, 'I': 1}
	total, most := 0.0, 1.0
	for i := len(s) - 1; i >= 0; i-- {
		n := digits[s[i]&^0x20]
		if n < most {
			total -= n
		} else {
			most = n
			total += n
		}
	}
	return total
}

func libParseInteger(c *call, v value.Value) value.Value {
	p, err := readIntegerPicture(c.arg(1).Str())
	if err == nil && p.form == 0 {
		err = &Error{Code: "D3130", Value: value.Str(p.token)}
	}
	if err != nil {
		return c.r.fail(err)
	}
	return value.Num(p.parse(v.Str()))
}

// parse reads what format writes; NaN when it is none of that.
func (p *integerPicture) parse(s string) float64 {
	switch p.form {
	case 'a':
		n, base := 0.0, byte('a')
		if p.letters == 'u' {
			base = 'A'
		}
		for i := range len(s) {
			n = n*26 + float64(int(s[i])-int(base)+1)
		}
		return n
	case 'i':
		return fromRoman(s)
	case 'w':
		return numberOf(s)
	}
	if p.ordinal && len(s) >= 2 {
		s = s[:len(s)-2]
	}
	if p.regular > 0 {
		s = strings.ReplaceAll(s, ",", "")
	}
	for _, sep := range p.seps {
		if p.regular == 0 {
			s = strings.ReplaceAll(s, sep.char, "")
		}
	}
	s = strings.Map(func(c rune) rune {
		if c >= p.zero && c <= p.zero+9 {
			return c - p.zero + '0'
		}
		return c
	}, s)
	if n, ok := value.ParseInt(s); ok {
		return n
	}
	return math.NaN()
}
