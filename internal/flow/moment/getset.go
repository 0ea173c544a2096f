package moment

import (
	"math"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

// parted are the methods that get a part of a moment, or set it.
var parted = map[string]string{"year": "year", "years": "year", "quarter": "quarter", "quarters": "quarter", "month": "month", "months": "month",
	"week": "week", "weeks": "week", "isoWeek": "isoweek", "isoWeeks": "isoweek", "date": "date", "dates": "date", "day": "day", "days": "day",
	"weekday": "weekday", "isoWeekday": "isoweekday", "dayOfYear": "dayofyear", "hour": "hour", "hours": "hour", "minute": "minute", "minutes": "minute",
	"second": "second", "seconds": "second", "millisecond": "millisecond", "milliseconds": "millisecond", "weekYear": "weekyear", "isoWeekYear": "isoweekyear"}

// part gets a part, or sets it to the first argument.
func (m *Moment) part(unit string, args []value.Value) value.Value {
	if v := at(args, 0); !v.Nullish() {
		if !m.invalid {
			m.setPart(unit, v)
		}
		return m.Value()
	}
	if unit == "" {
		return m.Value()
	}
	if m.invalid {
		return value.Num(math.NaN())
	}
	return value.Int(m.getPart(unit))
}

func (m *Moment) getPart(unit string) int {
	t := m.t
	day := int(t.Weekday())
	switch unit {
	case "year":
		return t.Year()
	case "quarter":
		return (int(t.Month()) + 2) / 3
	case "month":
		return int(t.Month()) - 1
	case "date":
		return t.Day()
	case "day", "weekday":
		return day
	case "isoweekday":
		return (day+6)%7 + 1
	case "dayofyear":
		return t.YearDay()
	case "week", "weekyear":
		year, week := weekOf(t, 0, 6)
		return choose(unit == "week", week, year)
	case "isoweek", "isoweekyear":
		year, week := weekOf(t, 1, 4)
		return choose(unit == "isoweek", week, year)
	case "hour":
		return t.Hour()
	case "minute":
		return t.Minute()
	case "second":
		return t.Second()
	}
	return t.Nanosecond() / 1e6
}

func choose(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}

func (m *Moment) setPart(unit string, v value.Value) {
	n := int(number(v))
	if v.Is(value.String) {
		switch i := nameIn(v.Str(), m.lang); {
		case unit == "month" && i.month >= 0:
			n = i.month
		case unit == "day" && i.day >= 0, unit == "isoweekday" && i.day >= 0:
			n = i.day
		}
	}
	if n < -300_000_000 || n > 300_000_000 {
		m.invalid = true
		return
	}
	t := m.t
	y, mo, d := t.Date()
	clock := func(h, min, s, ms int) {
		m.t = time.Date(y, mo, d, h, min, s, ms*1e6, t.Location())
	}
	ms := t.Nanosecond() / 1e6
	switch unit {
	case "year":
		m.date(n, int(mo)-1, d)
	case "quarter":
		m.date(y, (n-1)*3+(int(mo)-1)%3, d)
	case "month":
		m.date(y, n, d)
	case "date":
		m.on(y, int(mo)-1, n)
	case "day", "weekday", "isoweekday", "dayofyear":
		if unit == "isoweekday" && n == 0 && v.Is(value.String) {
			n = 7 // Sunday by its name
		}
		m.on(y, int(mo)-1, d+n-m.getPart(unit))
	case "week", "isoweek":
		m.on(y, int(mo)-1, d+7*(n-m.getPart(unit)))
	case "hour":
		clock(n, t.Minute(), t.Second(), ms)
	case "minute":
		clock(t.Hour(), n, t.Second(), ms)
	case "second":
		clock(t.Hour(), t.Minute(), n, ms)
	case "millisecond":
		clock(t.Hour(), t.Minute(), t.Second(), n)
	}
}

// named are the numbers of a name as a month and a day; -1 for none.
type named struct{ month, day int }

func nameIn(s string, l *locale) named {
	n := named{-1, -1}
	for i := range l.months {
		if strings.EqualFold(s, l.months[i]) || strings.EqualFold(s, l.monthsShort[i]) {
			n.month = i
		}
	}
	for i := range l.days {
		if strings.EqualFold(s, l.days[i]) || strings.EqualFold(s, l.daysShort[i]) || strings.EqualFold(s, l.daysMin[i]) {
			n.day = i
		}
	}
	return n
}

// set takes a unit and a number, or an object of both.
func (m *Moment) set(args []value.Value) (value.Value, error) {
	if o := at(args, 0).Map(); o != nil {
		for _, u := range []string{"year", "quarter", "month", "week", "isoweek", "date", "day", "hour", "minute", "second", "millisecond"} {
			for key, v := range o.All() {
				if unitOf(key) == u {
					m.part(u, []value.Value{v})
				}
			}
		}
		return m.Value(), nil
	}
	if u := unitOf(text(args, 0)); u != "" && len(args) > 1 {
		m.part(u, args[1:])
	}
	return m.Value(), nil
}
