package moment

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	formatTokens = regexp.MustCompile(`(\[[^\[]*\])|(\\)?([Hh]mm(ss)?|Mo|MM?M?M?|Do|DDDo|DD?D?D?|ddd?d?|do?|w[o|w]?|W[o|W]?|Qo?|N{1,5}|YYYYYY|YYYYY|YYYY|YY|y{2,4}|yo?|gg(ggg?)?|GG(GGG?)?|e|E|a|A|hh?|HH?|kk?|mm?|ss?|S{1,9}|x|X|zz?|ZZ?|.)`)
	longTokens   = regexp.MustCompile(`(\[[^\[]*\])|(\\)?(LTS|LT|LL?L?L?|l{1,4})`)
)

// tokens cuts a format, after its L and the like are written out.
func (m *Moment) tokens(format string) []string {
	for range 5 {
		if !longTokens.MatchString(format) {
			break
		}
		format = longTokens.ReplaceAllStringFunc(format, func(s string) string {
			if long, ok := m.lang.long[s]; ok {
				return long
			}
			return s
		})
	}
	return formatTokens.FindAllString(format, -1)
}

// Format writes the moment by a format of moment.js; "" is the default one.
func (m *Moment) Format(format string) string {
	if m.invalid {
		return "Invalid date"
	}
	if format == "" {
		format = "YYYY-MM-DDTHH:mm:ssZ"
		if m.isUTC() {
			format = "YYYY-MM-DDTHH:mm:ss[Z]"
		}
	}
	var b strings.Builder
	for _, tok := range m.tokens(format) {
		b.WriteString(m.token(tok))
	}
	return b.String()
}

// Format writes an instant as moment(…).format(…) does in English.
func Format(t time.Time, format string) string {
	return (&Moment{t: t, lang: english}).Format(format)
}

func literal(tok string) string {
	if strings.HasPrefix(tok, "[") && strings.HasSuffix(tok, "]") && len(tok) > 1 {
		return tok[1 : len(tok)-1]
	}
	return strings.ReplaceAll(tok, `\`, "")
}

func pad(n, width int) string { return fmt.Sprintf("%0*d", width, n) }

// token writes one token; what is none stands for itself.
func (m *Moment) token(tok string) string {
	t, l := m.t, m.lang
	month, day := int(t.Month()), int(t.Weekday())
	switch tok {
	case "M":
		return strconv.Itoa(month)
	case "MM":
		return pad(month, 2)
	case "Mo":
		return l.ordinal(month, "M")
	case "MMM":
		return l.monthsShort[month-1]
	case "MMMM":
		return l.months[month-1]
	case "Q":
		return strconv.Itoa((month + 2) / 3)
	case "Qo":
		return l.ordinal((month+2)/3, "Q")
	case "D":
		return strconv.Itoa(t.Day())
	case "DD":
		return pad(t.Day(), 2)
	case "Do":
		return l.ordinal(t.Day(), "D")
	case "DDD":
		return strconv.Itoa(t.YearDay())
	case "DDDD":
		return pad(t.YearDay(), 3)
	case "DDDo":
		return l.ordinal(t.YearDay(), "DDD")
	case "d", "e":
		return strconv.Itoa(day)
	case "do":
		return l.ordinal(day, "d")
	case "dd":
		return l.daysMin[day]
	case "ddd":
		return l.daysShort[day]
	case "dddd":
		return l.days[day]
	case "E":
		return strconv.Itoa((day+6)%7 + 1)
	}
	if s, ok := m.weekToken(tok); ok {
		return s
	}
	if s, ok := m.clockToken(tok); ok {
		return s
	}
	return literal(tok)
}

func (m *Moment) weekToken(tok string) (string, bool) {
	y := m.t.Year()
	switch tok {
	case "YY":
		return pad(((y%100)+100)%100, 2), true
	case "YYYY":
		return pad(y, 4), true
	case "Y":
		if y <= 9999 {
			return pad(y, 4), true
		}
		return "+" + strconv.Itoa(y), true
	case "YYYYY":
		return pad(y, 5), true
	case "YYYYYY":
		if y < 0 {
			return "-" + pad(-y, 6), true
		}
		return "+" + pad(y, 6), true
	case "y", "yy", "yyy", "yyyy":
		return pad(y, len(tok)), true
	case "yo":
		return m.lang.ordinal(y, "y"), true
	case "w", "ww", "wo", "gg", "gggg", "ggggg":
		year, week := weekOf(m.t, 0, 6)
		return m.weekPart(tok, year, week), true
	case "W", "WW", "Wo", "GG", "GGGG", "GGGGG":
		year, week := weekOf(m.t, 1, 4)
		return m.weekPart(tok, year, week), true
	}
	return "", false
}

func (m *Moment) weekPart(tok string, year, week int) string {
	switch strings.ToLower(tok) {
	case "w":
		return strconv.Itoa(week)
	case "ww":
		return pad(week, 2)
	case "wo":
		return m.lang.ordinal(week, tok[:1])
	case "gg":
		return pad(year%100, 2)
	}
	return pad(year, len(tok))
}

func (m *Moment) clockToken(tok string) (string, bool) {
	t := m.t
	hour := t.Hour()
	twelve := (hour+11)%12 + 1
	switch tok {
	case "A", "a":
		return m.lang.meridiem(hour, tok == "a"), true
	case "H", "HH":
		return pad(hour, len(tok)), true
	case "h", "hh":
		return pad(twelve, len(tok)), true
	case "k", "kk":
		return pad((hour+23)%24+1, len(tok)), true
	case "hmm":
		return strconv.Itoa(twelve) + pad(t.Minute(), 2), true
	case "Hmm":
		return strconv.Itoa(hour) + pad(t.Minute(), 2), true
	case "hmmss":
		return strconv.Itoa(twelve) + pad(t.Minute(), 2) + pad(t.Second(), 2), true
	case "Hmmss":
		return strconv.Itoa(hour) + pad(t.Minute(), 2) + pad(t.Second(), 2), true
	case "m", "mm":
		return pad(t.Minute(), len(tok)), true
	case "s", "ss":
		return pad(t.Second(), len(tok)), true
	case "x":
		return strconv.FormatInt(t.UnixMilli(), 10), true
	case "X":
		return strconv.FormatInt(t.Unix(), 10), true
	case "z", "zz":
		return m.zoneText(tok == "zz"), true
	case "Z":
		return offsetText(m.offset(), ":"), true
	case "ZZ":
		return offsetText(m.offset(), ""), true
	}
	if strings.Trim(tok, "S") == "" && tok != "" {
		digits := pad(t.Nanosecond()/1e6, 3) + "000000"
		return digits[:len(tok)], true
	}
	return "", false
}

func (m *Moment) zoneText(long bool) string {
	switch {
	case m.zone != "":
		abbr, _ := m.t.Zone()
		return abbr
	case m.utc && long:
		return "Coordinated Universal Time"
	case m.utc:
		return "UTC"
	}
	return ""
}

// offset is how many minutes the zone is ahead of UTC.
func (m *Moment) offset() int {
	_, s := m.t.Zone()
	return s / 60
}

func (m *Moment) isUTC() bool { return (m.utc || m.zone != "") && m.offset() == 0 }

func offsetText(minutes int, sep string) string {
	sign := "+"
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return sign + pad(minutes/60, 2) + sep + pad(minutes%60, 2)
}
