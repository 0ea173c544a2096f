package jsonata

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

// datePicture is a read picture of XPath's format-dateTime: literals and components.
type datePicture []datePart

type datePart struct {
	literal   string
	component byte // 0 for a literal
	names     byte // u N, t Nn, l n; 0 numbers
	format    *integerPicture
	second    byte // second presentation modifier
	minWidth  int  // 0 none
	maxWidth  int  // 0 none
	digits    int  // of a year, 0 all
}

var defaultPresentation = map[byte]string{'Y': "1", 'M': "1", 'D': "1", 'd': "1", 'F': "n", 'W': "1", 'w': "1", 'X': "1",
	'x': "1", 'H': "1", 'h': "1", 'P': "n", 'm': "01", 's': "01", 'f': "1", 'Z': "01:01", 'z': "01:01", 'C': "n", 'E': "n"}

// isoPicture is what $fromMillis uses without a picture.
const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

func readDatePicture(text string) (datePicture, *Error) {
	if len(text) > maxPicture {
		return nil, &Error{Code: "D3132", Value: value.Str(text)}
	}
	var out datePicture
	literal := func(s string) {
		if s != "" {
			out = append(out, datePart{literal: strings.ReplaceAll(s, "]]", "]")})
		}
	}
	for {
		before, after, ok := strings.Cut(text, "[")
		literal(before)
		if !ok {
			return out, nil
		}
		if strings.HasPrefix(after, "[") {
			out = append(out, datePart{literal: "["})
			text = after[1:]
			continue
		}
		marker, rest, ok := strings.Cut(after, "]")
		if !ok {
			return nil, &Error{Code: "D3135"}
		}
		p, err := readDatePart(strings.Join(strings.Fields(marker), ""))
		if err != nil {
			return nil, err
		}
		if n := len(out); n > 0 && p.format != nil && p.component != 'Z' && p.component != 'z' && out[n-1].format != nil {
			out[n-1].format.width = out[n-1].format.required
		}
		out = append(out, p)
		text = rest
	}
}

func readDatePart(marker string) (datePart, *Error) {
	var p datePart
	if marker == "" {
		return p, &Error{Code: "D3132", Value: value.Str("")}
	}
	p.component = marker[0]
	modifier := marker[1:]
	if i := strings.LastIndexByte(modifier, ','); i >= 0 {
		low, high, _ := strings.Cut(modifier[i+1:], "-")
		p.minWidth, p.maxWidth = width(low), width(high)
		modifier = modifier[:i]
	}
	if n := len(modifier); n > 1 && strings.IndexByte("atco", modifier[n-1]) >= 0 {
		p.second = modifier[n-1]
		modifier = modifier[:n-1]
	}
	if modifier == "" {
		if modifier = defaultPresentation[p.component]; modifier == "" {
			return p, &Error{Code: "D3132", Value: value.Str(string(p.component))}
		}
	}
	switch {
	case modifier[0] == 'n':
		p.names = 'l'
	case strings.HasPrefix(modifier, "Nn"):
		p.names = 't'
	case modifier[0] == 'N':
		p.names = 'u'
	}
	return p, p.readFormat(modifier)
}

func width(s string) int {
	n, ok := value.ParseInt(s)
	if !ok || n < 0 || n > 1000 {
		return 0
	}
	return int(n)
}

func (p *datePart) readFormat(modifier string) (err *Error) {
	if p.component == 'Z' || p.component == 'z' {
		p.format, err = readIntegerPicture(modifier)
		return err
	}
	if p.names != 0 || strings.IndexByte("YMDdFWwXxHhmsf", p.component) < 0 {
		return nil
	}
	if p.second != 0 {
		modifier += ";" + string(p.second)
	}
	if p.format, err = readIntegerPicture(modifier); err != nil {
		return err
	}
	p.format.required = max(p.format.required, p.minWidth)
	if p.component == 'Y' {
		if p.maxWidth > 0 {
			p.digits = p.maxWidth
			p.format.required = p.maxWidth
		} else if n := p.format.required + p.format.optional; n >= 2 {
			p.digits = n
		}
	}
	return nil
}

var (
	monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
)

func times() []definition {
	return []definition{
		{"toMillis", "<s-s?:n>", 2, lift(libToMillis)},
		{"fromMillis", "<n-s?s?:s>", 3, lift(func(c *call, v value.Value) value.Value {
			return formatMoment(c.r, v.Num(), c.arg(1), c.arg(2))
		})},
	}
}

// formatMoment writes milliseconds since 1970 by a picture, in a zone such as +0900.
func formatMoment(r *run, millis float64, picture, zone value.Value) value.Value {
	text := isoPicture
	if picture.Defined() {
		text = picture.Str()
	}
	parts, err := readDatePicture(text)
	if err != nil {
		return r.fail(err)
	}
	hours, minutes := 0, 0
	if zone.Defined() {
		offset, _ := value.ParseInt(zone.Str())
		hours, minutes = int(math.Floor(offset/100)), int(math.Mod(offset, 100))
	}
	if math.IsNaN(millis) || math.Abs(millis) > 8.64e15 {
		return r.fail(&Error{Code: "D1001", Value: value.Num(millis)})
	}
	t := time.UnixMilli(int64(millis)).UTC().Add(time.Duration(60*hours+minutes) * time.Minute)
	var b strings.Builder
	for _, p := range parts {
		if p.component == 0 {
			b.WriteString(p.literal)
			continue
		}
		s, err := p.write(t, hours, minutes)
		if err != nil {
			return r.fail(err)
		}
		b.WriteString(s)
	}
	return r.str(b.String())
}

func (p *datePart) write(t time.Time, hours, minutes int) (string, *Error) {
	switch p.component {
	case 'Z', 'z':
		return p.writeZone(hours, minutes)
	case 'P':
		s := "am"
		if t.Hour() >= 12 {
			s = "pm"
		}
		if p.names == 'u' {
			s = strings.ToUpper(s)
		}
		return s, nil
	case 'C', 'E':
		return "ISO", nil
	}
	n := fragment(t, p.component)
	if p.names != 0 {
		return p.writeName(n)
	}
	if p.format == nil {
		return "", &Error{Code: "D3132", Value: value.Str(string(p.component))}
	}
	if p.component == 'Y' && p.digits > 0 {
		n = int(math.Mod(float64(n), math.Pow(10, float64(p.digits))))
	}
	return p.format.format(float64(n))
}

func (p *datePart) writeName(n int) (string, *Error) {
	var s string
	switch p.component {
	case 'M', 'x':
		s = monthNames[n-1]
	case 'F':
		s = dayNames[n-1]
	default:
		return "", &Error{Code: "D3133", Value: value.Str(string(p.component))}
	}
	switch p.names {
	case 'u':
		s = strings.ToUpper(s)
	case 'l':
		s = strings.ToLower(s)
	}
	if p.maxWidth > 0 && len(s) > p.maxWidth {
		s = s[:p.maxWidth]
	}
	return s, nil
}

func (p *datePart) writeZone(hours, minutes int) (string, *Error) {
	offset := float64(hours*100 + minutes)
	if offset == 0 && p.second == 't' {
		return "Z", nil
	}
	var s string
	var err *Error
	switch n := p.format.required; {
	case p.format.regular > 0 || n == 3 || n == 4:
		s, err = p.format.format(offset)
	case n == 1 || n == 2:
		if s, err = p.format.format(float64(hours)); minutes != 0 {
			s += ":" + pad2(minutes)
		}
	default:
		return "", &Error{Code: "D3134", Value: value.Int(n)}
	}
	if offset >= 0 {
		s = "+" + s
	}
	if p.component == 'z' {
		s = "GMT" + s
	}
	return s, err
}

func pad2(n int) string {
	s := strconv.Itoa(n)
	if len(s) < 2 {
		s = "0" + s
	}
	return s
}

// fragment is one component of a moment as a number.
func fragment(t time.Time, component byte) int {
	switch component {
	case 'Y':
		return t.Year()
	case 'M':
		return int(t.Month())
	case 'D':
		return t.Day()
	case 'd':
		return t.YearDay()
	case 'F':
		return weekday(t)
	case 'W':
		_, w := t.ISOWeek()
		return w
	case 'X':
		y, _ := t.ISOWeek()
		return y
	case 'w':
		_, w := monthWeek(t)
		return w
	case 'x':
		m, _ := monthWeek(t)
		return m
	case 'H':
		return t.Hour()
	case 'h':
		return (t.Hour()+11)%12 + 1
	case 'm':
		return t.Minute()
	case 's':
		return t.Second()
	case 'f':
		return t.Nanosecond() / 1e6
	}
	return 0
}

func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// monthWeek is the month that a day's week belongs to, that of its Thursday, and which of
// its weeks it is.
func monthWeek(t time.Time) (month, week int) {
	thursday := t.AddDate(0, 0, 4-weekday(t))
	return int(thursday.Month()), (thursday.Day()-1)/7 + 1
}
