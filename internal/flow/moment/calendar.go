package moment

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

func sortBy(list []string, less func(a, b string) int) { slices.SortStableFunc(list, less) }

// weekOf is the year and the number of the week, for weeks that begin on day dow and of which the first holds day
// 7 + dow - doy of January.
func weekOf(t time.Time, dow, doy int) (year, week int) {
	year = t.Year()
	first := firstWeek(year, dow, doy)
	week = floorDiv(t.YearDay()-first-1, 7) + 1
	switch n := weeksIn(year, dow, doy); {
	case week < 1:
		year--
		week += weeksIn(year, dow, doy)
	case week > n:
		week -= n
		year++
	}
	return year, week
}

func floorDiv(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }

func firstWeek(year, dow, doy int) int {
	fwd := 7 + dow - doy
	day := int(time.Date(year, 1, fwd, 0, 0, 0, 0, time.UTC).Weekday())
	return -((7 + day - dow) % 7) + fwd - 1
}

func daysInYear(year int) int { return time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() }

func weeksIn(year, dow, doy int) int {
	return (daysInYear(year) - firstWeek(year, dow, doy) + firstWeek(year+1, dow, doy)) / 7
}

// dayOfWeek is a day, from 0 for Monday, of an ISO week.
func dayOfWeek(year, week, day int) time.Time {
	return time.Date(year, 1, 1+7*(week-1)+day+firstWeek(year, 1, 4), 0, 0, 0, 0, time.UTC)
}

var unitNames = map[string]string{"D": "date", "dates": "date", "date": "date", "d": "day", "days": "day", "day": "day", "e": "weekday", "weekdays": "weekday",
	"weekday": "weekday", "E": "isoweekday", "isoweekdays": "isoweekday", "isoweekday": "isoweekday", "DDD": "dayofyear", "dayofyears": "dayofyear",
	"dayofyear": "dayofyear", "h": "hour", "hours": "hour", "hour": "hour", "ms": "millisecond", "milliseconds": "millisecond", "millisecond": "millisecond",
	"m": "minute", "minutes": "minute", "minute": "minute", "M": "month", "months": "month", "month": "month", "Q": "quarter", "quarters": "quarter",
	"quarter": "quarter", "s": "second", "seconds": "second", "second": "second", "gg": "weekyear", "weekyears": "weekyear", "weekyear": "weekyear",
	"GG": "isoweekyear", "isoweekyears": "isoweekyear", "isoweekyear": "isoweekyear", "w": "week", "weeks": "week", "week": "week", "W": "isoweek",
	"isoweeks": "isoweek", "isoweek": "isoweek", "y": "year", "years": "year", "year": "year"}

// unitOf is the name of a unit, "" for what is none.
func unitOf(s string) string {
	if u, ok := unitNames[s]; ok {
		return u
	}
	return unitNames[strings.ToLower(s)]
}

// date sets a day, staying within the month, and keeps the time of the day.
func (m *Moment) date(year, month, day int) {
	year += floorDiv(month, 12)
	month = ((month % 12) + 12) % 12
	m.on(year, month, min(day, daysIn(year, month)))
}

func (m *Moment) on(year, month, day int) {
	t := m.t
	m.t = time.Date(year, time.Month(month+1), day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

// add adds an amount of a unit: months and days by the calendar, smaller units by the clock.
func (m *Moment) add(n float64, unit string) {
	y, mo, d := m.t.Date()
	whole := int(math.Copysign(math.Round(math.Abs(n)), n))
	switch unit {
	case "year":
		m.date(y, int(mo)-1+int(math.Copysign(math.Round(math.Abs(n*12)), n)), d)
	case "quarter":
		m.date(y, int(mo)-1+int(math.Copysign(math.Round(math.Abs(n*3)), n)), d)
	case "month":
		m.date(y, int(mo)-1+whole, d)
	case "week", "isoweek":
		m.on(y, int(mo)-1, d+int(math.Copysign(math.Round(math.Abs(n*7)), n)))
	case "day", "date", "weekday", "isoweekday":
		m.on(y, int(mo)-1, d+whole)
	case "hour":
		m.plus(n * 3600e3)
	case "minute":
		m.plus(n * 60e3)
	case "second":
		m.plus(n * 1e3)
	case "millisecond", "":
		m.plus(n)
	}
}

func (m *Moment) plus(ms float64) { m.setMillis(m.millis() + ms) }

// startOf goes back to where a unit begins.
func (m *Moment) startOf(unit string) {
	y, mo, d := m.t.Date()
	month := int(mo) - 1
	at := func(year, month, day int) {
		m.t = time.Date(year, time.Month(month+1), day, 0, 0, 0, 0, m.t.Location())
	}
	switch unit {
	case "year":
		at(y, 0, 1)
	case "quarter":
		at(y, month-month%3, 1)
	case "month":
		at(y, month, 1)
	case "week":
		at(y, month, d-int(m.t.Weekday()))
	case "isoweek":
		at(y, month, d-(int(m.t.Weekday())+6)%7)
	case "day", "date":
		at(y, month, d)
	case "hour":
		m.back(time.Duration(m.t.Minute())*time.Minute + time.Duration(m.t.Second())*time.Second + time.Duration(m.t.Nanosecond()))
	case "minute":
		m.back(time.Duration(m.t.Second())*time.Second + time.Duration(m.t.Nanosecond()))
	case "second":
		m.back(time.Duration(m.t.Nanosecond()))
	}
}

func (m *Moment) back(d time.Duration) { m.t = m.t.Add(-d) }

// endOf goes to the last millisecond of a unit.
func (m *Moment) endOf(unit string) {
	if unit == "" || unit == "millisecond" {
		return
	}
	m.startOf(unit)
	m.add(1, unit)
	m.plus(-1)
}

// diff is how far m is ahead of other in a unit.
func (m *Moment) diff(other *Moment, unit string) float64 {
	o := other.clone()
	o.t = o.t.In(m.t.Location())
	ms := m.millis() - o.millis()
	shift := float64(o.offset()-m.offset()) * 60e3
	switch unit {
	case "year":
		return monthsBetween(m, o) / 12
	case "quarter":
		return monthsBetween(m, o) / 3
	case "month":
		return monthsBetween(m, o)
	case "week", "isoweek":
		return (ms - shift) / 6048e5
	case "day", "date":
		return (ms - shift) / 864e5
	case "hour":
		return ms / 3600e3
	case "minute":
		return ms / 60e3
	case "second":
		return ms / 1e3
	}
	return ms
}

func monthsBetween(a, b *Moment) float64 {
	if a.t.Day() < b.t.Day() {
		return -monthsBetween(b, a)
	}
	whole := float64((b.t.Year()-a.t.Year())*12 + int(b.t.Month()) - int(a.t.Month()))
	anchor, beside := a.clone(), a.clone()
	anchor.add(whole, "month")
	over := b.millis() - anchor.millis()
	var part float64
	if over < 0 {
		beside.add(whole-1, "month")
		part = over / (anchor.millis() - beside.millis())
	} else {
		beside.add(whole+1, "month")
		part = over / (beside.millis() - anchor.millis())
	}
	return -(whole + part) + 0
}

// humanize says how far m is from other.
func (m *Moment) humanize(other *Moment, bare bool) string {
	if m.invalid || other.invalid {
		return "Invalid date"
	}
	first, last, ahead := other.clone(), m.clone(), m.millis() > other.millis()
	if !ahead {
		first, last = last, first
	}
	last.t = last.t.In(first.t.Location())
	months := float64((last.t.Year()-first.t.Year())*12 + int(last.t.Month()) - int(first.t.Month()))
	step := first.clone()
	if step.add(months, "month"); step.millis() > last.millis() {
		months--
		step = first.clone()
		step.add(months, "month")
	}
	days := (last.millis() - step.millis()) / 864e5
	allDays := days + math.Round(months*146097/4800)
	round := func(f float64) int { return int(math.Floor(f + 0.5)) }
	allMonths := months + days*4800/146097
	key, n := distance(round(allDays*86400), round(allDays*1440), round(allDays*24), round(allDays), round(allMonths), round(allMonths/12))
	text := strings.Replace(m.lang.relative[key], "%d", strconv.Itoa(n), 1)
	if bare {
		return text
	}
	way := "past"
	if ahead {
		way = "future"
	}
	return strings.Replace(m.lang.relative[way], "%s", text, 1)
}

func distance(seconds, minutes, hours, days, months, years int) (key string, n int) {
	switch {
	case seconds <= 44:
		return "s", seconds
	case minutes <= 1:
		return "m", 1
	case minutes < 45:
		return "mm", minutes
	case hours <= 1:
		return "h", 1
	case hours < 22:
		return "hh", hours
	case days <= 1:
		return "d", 1
	case days < 26:
		return "dd", days
	case months <= 1:
		return "M", 1
	case months < 11:
		return "MM", months
	case years <= 1:
		return "y", 1
	}
	return "yy", years
}

// calendar says when m is, seen from now.
func (m *Moment) calendar(now *Moment) string {
	day := now.clone()
	day.t = day.t.In(m.t.Location())
	day.startOf("day")
	_, here := weekOf(m.t, 0, 6)
	_, there := weekOf(day.t, 0, 6)
	l, format := m.lang, "L"
	other := func(same, another string) string {
		if another != "" && here != there {
			return another
		}
		return same
	}
	switch d := m.diff(day, "day"); {
	case d < -6:
	case d < -1:
		format = other(l.lastWeek, l.lastWeekOther)
	case d < 0:
		format = l.lastDay
	case d < 1:
		format = l.sameDay
	case d < 2:
		format = l.nextDay
	case d < 7:
		format = other(l.nextWeek, l.nextWeekOther)
	}
	return m.Format(format)
}
