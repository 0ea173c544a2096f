package moment

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// reading is a text on its way to a moment by a format.
type reading struct {
	m       *Moment
	p       parts
	strict  bool
	bad     bool    // a name of a month or a day that there isn't
	any     bool    // something was read
	pm      int     // 1 before noon, 2 after it
	twelve  bool    // the hour is one of twelve
	offset  *int    // minutes
	exact   float64 // of x and X, NaN without
	yearDay int
	weekday int    // 0 to 6, -1 without
	week    [2]int // year and week, ISO's
	weekSet bool
	unread  int
}

// parse reads a text by a format and returns how much was left over, in what moment calls its score.
func (m *Moment) parse(text, format string, strict bool, now time.Time) (score int) {
	switch format {
	case "ISO_8601":
		m.readISO(text)
		return 0
	}
	r := reading{m: m, strict: strict, exact: math.NaN(), weekday: -1}
	left, used := text, 0
	for _, tok := range m.tokens(format) {
		re, known := r.pattern(tok)
		var found []int
		if known {
			found = re.FindStringIndex(left)
		} else if i := strings.Index(left, literal(tok)); i >= 0 {
			found = []int{i, i + len(literal(tok))}
		}
		if found == nil || found[0] == found[1] {
			if known && strict {
				r.unread++
			}
			continue
		}
		if found[0] > 0 {
			r.unread += utf8.RuneCountInString(left[:found[0]])
		}
		piece := left[found[0]:found[1]]
		left = left[found[1]:]
		used += len(piece)
		if known {
			r.any = true
			r.take(tok, piece)
		}
	}
	over := utf8.RuneCountInString(left)
	m.finish(&r, now)
	if left != "" && !r.any || strict && (r.unread > 0 || over > 0) || !r.any && math.IsNaN(r.exact) {
		m.invalid = true
	}
	return over + r.unread*10
}

var patterns sync.Map // by source, of which there are as many as tokens and languages

func pattern(source string) *regexp.Regexp {
	if re, ok := patterns.Load(source); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(source)
	patterns.Store(source, re)
	return re
}

func alternatives(lists ...[]string) string {
	var all []string
	for _, l := range lists {
		for _, w := range l {
			all = append(all, regexp.QuoteMeta(w))
		}
	}
	longest := func(i, j string) int { return len(j) - len(i) }
	sortBy(all, longest)
	return "(?i)(?:" + strings.Join(all, "|") + ")"
}

// pattern is what a token reads, and whether it is one.
func (r *reading) pattern(tok string) (*regexp.Regexp, bool) {
	l := r.m.lang
	digits := func(least, most, exactly int) (*regexp.Regexp, bool) {
		if r.strict && exactly > 0 {
			return pattern(`\d{` + strconv.Itoa(exactly) + `}`), true
		}
		return pattern(`\d{` + strconv.Itoa(least) + `,` + strconv.Itoa(most) + `}`), true
	}
	switch tok {
	case "YYYY", "GGGG", "gggg":
		return digits(1, 4, 4)
	case "YYYYY", "YYYYYY", "Y", "y", "yy", "yyy", "yyyy":
		return pattern(`[+-]?\d{1,6}`), true
	case "MMMM", "MMM":
		return pattern(alternatives(l.months, l.monthsShort)), true
	case "dddd", "ddd", "dd":
		return pattern(alternatives(l.days, l.daysShort, l.daysMin)), true
	case "Do":
		if r.strict {
			return l.ordinalText, true
		}
		return pattern(`\d{1,2}`), true
	case "DDDD":
		return digits(1, 3, 3)
	case "DDD":
		return digits(1, 3, 0)
	case "Q", "E", "e", "d":
		return digits(1, 2, 0)
	case "A", "a":
		return l.meridiemText, true
	case "X":
		return pattern(`[+-]?\d+(\.\d{1,3})?`), true
	case "x":
		return pattern(`[+-]?\d+`), true
	case "Z", "ZZ":
		return pattern(`(?i)Z|[+-]\d\d(?::?\d\d)?`), true
	case "hmm", "Hmm":
		return digits(3, 4, 0)
	case "hmmss", "Hmmss":
		return digits(5, 6, 0)
	case "M", "D", "H", "h", "k", "m", "s", "W", "w":
		return digits(1, 2, 0)
	case "MM", "DD", "HH", "hh", "kk", "mm", "ss", "WW", "ww", "YY", "GG", "gg":
		return digits(1, 2, 2)
	}
	if tok != "" && strings.Trim(tok, "S") == "" {
		if r.strict {
			return digits(1, len(tok), len(tok))
		}
		return pattern(`\d+`), true
	}
	return nil, false
}

func (r *reading) take(tok, s string) {
	n, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimFunc(s, notDigit), "+"))
	if strings.HasPrefix(s, "-") {
		n = -n
	}
	switch tok {
	case "YYYY", "YYYYY", "YYYYYY", "Y", "y", "yy", "yyy", "yyyy":
		if tok == "YYYY" && len(s) == 2 {
			n = century(n)
		}
		r.p.set(0, n)
	case "YY":
		r.p.set(0, century(n))
	case "Q":
		r.p.set(1, (n-1)*3)
	case "M", "MM":
		r.p.set(1, n-1)
	case "MMM", "MMMM":
		i := r.name(s, r.m.lang.months, r.m.lang.monthsShort)
		r.p.set(1, max(i, 0))
	case "D", "DD", "Do":
		r.p.set(2, n)
	case "DDD", "DDDD":
		r.yearDay = n
	case "dd", "ddd", "dddd":
		r.weekday = r.name(s, r.m.lang.days, r.m.lang.daysShort, r.m.lang.daysMin)
	case "d", "e":
		r.weekday = n
	case "E":
		r.weekday = n % 7
	case "GGGG", "GG":
		r.weekSet, r.week[0] = true, n
		if tok == "GG" {
			r.week[0] = century(n)
		}
	case "W", "WW":
		r.weekSet, r.week[1] = true, n
	case "X":
		f, _ := strconv.ParseFloat(s, 64)
		r.exact = f * 1000
	case "x":
		r.exact, _ = strconv.ParseFloat(s, 64)
	case "Z", "ZZ":
		if m, ok := offsetOf(s); ok {
			r.offset = &m
		}
	default:
		r.takeClock(tok, s, n)
	}
}

func (r *reading) takeClock(tok, s string, n int) {
	switch tok {
	case "A", "a":
		r.pm = 1
		if r.m.lang.isPM(s) {
			r.pm = 2
		}
	case "H", "HH":
		r.p.set(3, n)
	case "k", "kk":
		r.p.set(3, n%24)
	case "h", "hh":
		r.twelve = true
		r.p.set(3, n)
	case "hmm", "Hmm":
		r.twelve = tok[0] == 'h'
		r.p.set(3, n/100)
		r.p.set(4, n%100)
	case "hmmss", "Hmmss":
		r.twelve = tok[0] == 'h'
		r.p.set(3, n/10000)
		r.p.set(4, n/100%100)
		r.p.set(5, n%100)
	case "m", "mm":
		r.p.set(4, n)
	case "s", "ss":
		r.p.set(5, n)
	default: // S…
		f, _ := strconv.ParseFloat("0."+s, 64)
		r.p.set(6, int(f*1000+1e-9))
	}
}

func notDigit(c rune) bool { return c < '0' || c > '9' }

func century(n int) int {
	if n > 68 {
		return 1900 + n
	}
	return 2000 + n
}

// name is the number of a name in one of several lists.
func (r *reading) name(s string, lists ...[]string) int {
	for _, l := range lists {
		for i, w := range l {
			if strings.EqualFold(w, s) {
				return i
			}
		}
	}
	r.bad = true
	return -1
}

// finish makes the moment of what was read.
func (m *Moment) finish(r *reading, now time.Time) {
	if !math.IsNaN(r.exact) {
		m.setMillis(r.exact)
		return
	}
	if r.strict && r.twelve && (r.p.v[3] > 12 || r.p.v[3] < 1) {
		m.invalid = true
		return
	}
	switch {
	case r.pm == 2 && r.p.v[3] < 12:
		r.p.v[3] += 12
	case r.pm == 1 && r.p.v[3] == 12:
		r.p.v[3] = 0
	}
	if r.weekSet && !r.p.has[1] && !r.p.has[2] {
		r.fromWeek(now)
	}
	if r.yearDay > 0 && !r.p.has[1] {
		r.fromYearDay(now)
	}
	zone := m.t.Location()
	if r.offset != nil {
		m.t = m.t.In(time.FixedZone("", *r.offset*60))
	}
	m.fromParts(&r.p, now)
	named := r.weekday >= 0 && !r.weekSet
	if named && !m.invalid && r.p.has[2] && int(m.t.Weekday()) != r.weekday {
		m.invalid = true
	} else if named && !m.invalid && !r.p.has[1] && !r.p.has[2] {
		m.t = m.t.AddDate(0, 0, r.weekday-int(m.t.Weekday())) // a day of this week
	}
	m.t = m.t.In(zone)
	m.invalid = m.invalid || r.bad
}

func (r *reading) fromWeek(now time.Time) {
	year, week := weekOf(now, 1, 4)
	if r.week[0] != 0 {
		year, week = r.week[0], 1
	}
	if r.week[1] != 0 {
		week = r.week[1]
	}
	day := 1
	if r.weekday >= 0 {
		day = r.weekday
	}
	t := dayOfWeek(year, week, (day+6)%7)
	r.p.set(0, t.Year())
	r.p.set(1, int(t.Month())-1)
	r.p.set(2, t.Day())
	r.weekSet = true
}

func (r *reading) fromYearDay(now time.Time) {
	year := now.Year()
	if r.p.has[0] {
		year = r.p.v[0]
	}
	t := time.Date(year, 1, r.yearDay, 0, 0, 0, 0, time.UTC)
	r.bad = r.bad || t.Year() != year
	r.p.set(0, year)
	r.p.set(1, int(t.Month())-1)
	r.p.set(2, t.Day())
}

var offsetPattern = regexp.MustCompile(`(?i)(Z)|([+-])(\d\d):?(\d\d)?`)

// offsetOf reads an offset as minutes.
func offsetOf(s string) (int, bool) {
	m := offsetPattern.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	if m[1] != "" {
		return 0, true
	}
	h, _ := strconv.Atoi(m[3])
	min, _ := strconv.Atoi(m[4])
	n := h*60 + min
	if m[2] == "-" {
		n = -n
	}
	return n, true
}
