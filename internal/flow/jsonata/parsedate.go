package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

var isoMoment = regexp.MustCompile(`^(\d{4})(-[01]\d)?(-[0-3]\d)?(T[0-2]\d:[0-5]\d:[0-5]\d)?(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?$`)

func libToMillis(c *call, v value.Value) value.Value {
	if p := c.arg(1); p.Defined() {
		return parseMoment(c.r, v.Str(), p.Str())
	}
	m := isoMoment.FindStringSubmatch(v.Str())
	if m == nil {
		return c.r.fail(&Error{Code: "D3110", Value: v})
	}
	return value.Num(parseISO(m))
}

// parseISO is Date.parse of what matched; NaN when it is no moment.
func parseISO(m []string) float64 {
	num := func(s string, missing int) int {
		if s == "" {
			return missing
		}
		n, _ := strconv.Atoi(strings.TrimLeft(s, "-T"))
		return n
	}
	year, month, day := num(m[1], 0), num(m[2], 1), num(m[3], 1)
	hour, minute, second := 0, 0, 0
	if t := m[4]; t != "" {
		hour, minute, second = num(t[1:3], 0), num(t[4:6], 0), num(t[7:9], 0)
	} else if m[5] != "" || m[6] != "" && m[6] != "Z" {
		return math.NaN()
	}
	fraction := 0.0
	if m[5] != "" {
		f, _ := strconv.ParseFloat("0"+m[5], 64)
		fraction = math.Floor(f * 1000)
	}
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || hour == 24 && (minute > 0 || second > 0 || fraction > 0) {
		return math.NaN()
	}
	ms := utc(year, month-1, day, hour, minute, second) + fraction
	if z := m[6]; len(z) > 1 {
		h, min := num(z[1:3], 0), num(z[len(z)-2:], 0)
		offset := float64(h*60+min) * 60_000
		if z[0] == '-' {
			offset = -offset
		}
		if h > 23 {
			return math.NaN()
		}
		ms -= offset
	}
	return ms
}

// utc is Date.UTC: month from 0, everything may overflow, years below 100 are of the 1900s.
func utc(year, month, day, hour, minute, second int) float64 {
	return float64(time.Date(year, time.Month(month+1), day, hour, minute, second, 0, time.UTC).UnixMilli())
}

// parseMoment reads a text by a picture.
func parseMoment(r *run, text, picture string) value.Value {
	parts, err := readDatePicture(picture)
	if err != nil {
		return r.fail(err)
	}
	pattern, err := parts.pattern()
	if err != nil {
		return r.fail(err)
	}
	re, bad := regexp.Compile(pattern)
	if bad != nil {
		return r.fail(&Error{Code: "D3136"})
	}
	m := re.FindStringSubmatch(text)
	if m == nil {
		return value.Value{}
	}
	got := components{}
	for i := range parts {
		if c := parts[i].component; c != 0 {
			got[c] = parts[i].parse(m[i+1])
		}
	}
	if len(got) == 0 {
		return value.Value{}
	}
	ms, err := got.moment(r.timestamp())
	if err != nil {
		return r.fail(err)
	}
	return value.Num(ms)
}

// pattern makes a regular expression with a group for each part.
func (d datePicture) pattern() (string, *Error) {
	var b strings.Builder
	b.WriteString("(?i)^")
	for i := range d {
		s, err := d[i].pattern()
		if err != nil {
			return "", err
		}
		b.WriteString("(" + s + ")")
	}
	return b.String() + "$", nil
}

func (p *datePart) pattern() (string, *Error) {
	switch {
	case p.component == 0:
		return regexp.QuoteMeta(p.literal), nil
	case p.component == 'Z' || p.component == 'z':
		s := "[-+][0-9]+"
		if p.component == 'z' {
			s = "GMT" + s
		}
		if p.format.regular > 0 {
			s += regexp.QuoteMeta(p.format.seps[0].char) + "[0-9]+"
		}
		return s, nil
	case p.component == 'f':
		return "[0-9]+", nil
	case p.format == nil && strings.IndexByte("MxFP", p.component) < 0:
		return "", &Error{Code: "D3133", Value: value.Str(string(p.component))}
	case p.format == nil:
		return "[a-zA-Z]+", nil
	}
	switch p.format.form {
	case 'a':
		return "[a-z]+", nil
	case 'i':
		return "[mdclxvi]+", nil
	case 'w':
		return "[a-z][a-z, -]*", nil
	case '1':
		s := "[0-9]+"
		if w := p.format.width; w > 0 && w <= 1000 {
			s = "[0-9]{" + strconv.Itoa(w) + "}"
		}
		if p.format.ordinal {
			s += "(?:th|st|nd|rd)"
		}
		return s, nil
	}
	return "", &Error{Code: "D3130", Value: value.Str(p.format.token)}
}

// parse reads the text of one component; NaN when it means nothing.
func (p *datePart) parse(s string) float64 {
	switch p.component {
	case 'Z', 'z':
		return p.parseZone(strings.TrimLeft(s, "GMTgmt"))
	case 'f':
		f, _ := strconv.ParseFloat("0."+s[:min(3, len(s))], 64)
		return f * 1000
	case 'P':
		switch s {
		case "am", "AM":
			return 0
		case "pm", "PM":
			return 1
		}
		return math.NaN()
	}
	if p.format != nil {
		return p.format.parse(s)
	}
	names := monthNames
	if p.component == 'F' {
		names = dayNames
	}
	for i, n := range names {
		if p.maxWidth > 0 && len(n) > p.maxWidth {
			n = n[:p.maxWidth]
		}
		if n == s {
			return float64(i + 1)
		}
	}
	return math.NaN()
}

// parseZone returns the minutes of an offset.
func (p *datePart) parseZone(s string) float64 {
	hours, minutes := s, ""
	if p.format.regular > 0 {
		hours, minutes, _ = strings.Cut(s, p.format.seps[0].char)
	} else if len(s) > 3 {
		hours, minutes = s[:3], s[3:]
	}
	h, _ := value.ParseInt(hours)
	m, _ := value.ParseInt(minutes)
	return h*60 + m
}

// components are the parts of a moment that were read.
type components map[byte]float64

// has says whether a component counts as given, which 0 does not.
func (c components) has(k byte) bool { return c[k] != 0 && !math.IsNaN(c[k]) }

// only says whether at least one of the wanted is there and none but them of all.
func (c components) only(all, wanted string) bool {
	some := false
	for i := range len(all) {
		if c.has(all[i]) {
			if strings.IndexByte(wanted, all[i]) < 0 {
				return false
			}
			some = true
		}
	}
	return some
}

// moment fills up what is missing, larger components from now, smaller ones with their
// least value.
func (c components) moment(now time.Time) (float64, *Error) {
	const all = "YXMxWwdD"
	dayOfYear := !c.only(all, "YMD") && c.only(all, "Yd")
	if !dayOfYear && (c.only(all, "Xxw") || c.only(all, "XW")) {
		return 0, &Error{Code: "D3136"}
	}
	halfDays := !c.only("PHhmsf", "Hmsf") && c.only("PHhmsf", "Phmsf")
	order := "YMD"
	if dayOfYear {
		order = "YD" // so a time behind a day of the year is refused, as in the original
	}
	if halfDays {
		order += "Phmsf"
	} else {
		order += "Hmsf"
	}
	if err := c.fill(order, now.UTC()); err != nil {
		return 0, err
	}
	if dayOfYear {
		c['M'], c['D'] = 1, c['d']
	}
	if halfDays {
		c['H'] = c['h']
		if c['h'] == 12 {
			c['H'] = 0
		}
		if c['P'] == 1 {
			c['H'] += 12
		}
	}
	month := max(c['M']-1, 0)
	for _, k := range "YMDHmsf" {
		if f := c[byte(k)]; math.IsNaN(f) || math.Abs(f) > 1e6 {
			return math.NaN(), nil
		}
	}
	ms := utc(int(c['Y']), int(month), int(c['D']), int(c['H']), int(c['m']), int(c['s'])) + c['f']
	zone := c['Z']
	if zone == 0 {
		zone = c['z']
	}
	return math.Trunc(ms - zone*60_000), nil
}

func (c components) fill(order string, now time.Time) *Error {
	started, ended := false, false
	for i := range len(order) {
		k := order[i]
		if _, ok := c[k]; ok {
			if started = true; ended {
				return &Error{Code: "D3136"}
			}
			continue
		}
		switch {
		case started:
			if c[k] = 0; strings.IndexByte("MDd", k) >= 0 {
				c[k] = 1
			}
			ended = true
		case k == 'P':
			c[k] = 0
			if now.Hour() >= 12 {
				c[k] = 1
			}
		default:
			c[k] = float64(fragment(now, k))
		}
	}
	return nil
}
