package moment

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

// method is one of moment's functions on a moment.
type method func(m *Moment, args []value.Value) (value.Value, error)

// Value is the moment as flows see it.
func (m *Moment) Value() value.Value { return value.Opaque(m) }

// Property returns a method for expressions and functions to call.
func (m *Moment) Property(name string) value.Value {
	if name == "_isAMomentObject" {
		return value.Of(true)
	}
	f := methodOf(name)
	if f == nil {
		return value.Value{}
	}
	return value.Opaque(&value.Method{Name: name, Call: func(args []value.Value) (value.Value, error) { return f(m, args) }})
}

func methodOf(name string) method {
	if f, ok := methods[name]; ok {
		return f
	}
	if u, ok := parted[name]; ok {
		return func(m *Moment, args []value.Value) (value.Value, error) { return m.part(u, args), nil }
	}
	return nil
}

var methods map[string]method

func init() { // it would refer to itself
	methods = map[string]method{
		"format":      func(m *Moment, a []value.Value) (value.Value, error) { return value.Str(m.Format(text(a, 0))), nil },
		"toString":    func(m *Moment, _ []value.Value) (value.Value, error) { return value.Str(m.String()), nil },
		"toISOString": func(m *Moment, a []value.Value) (value.Value, error) { return m.iso(at(a, 0).Truthy()), nil },
		"toJSON":      func(m *Moment, _ []value.Value) (value.Value, error) { return m.iso(false), nil },
		"toDate":      func(m *Moment, _ []value.Value) (value.Value, error) { return value.Time(m.t), nil },
		"valueOf":     func(m *Moment, _ []value.Value) (value.Value, error) { return value.Num(m.millis()), nil },
		"unix": func(m *Moment, _ []value.Value) (value.Value, error) {
			return value.Num(math.Floor(m.millis() / 1000)), nil
		},
		"isValid":     func(m *Moment, _ []value.Value) (value.Value, error) { return value.Of(!m.invalid), nil },
		"clone":       func(m *Moment, _ []value.Value) (value.Value, error) { return m.clone().Value(), nil },
		"toArray":     (*Moment).toArray,
		"toObject":    (*Moment).toObject,
		"add":         func(m *Moment, a []value.Value) (value.Value, error) { return m.shift(a, 1) },
		"subtract":    func(m *Moment, a []value.Value) (value.Value, error) { return m.shift(a, -1) },
		"startOf":     changing(func(m *Moment, a []value.Value) { m.startOf(unitOf(text(a, 0))) }),
		"endOf":       changing(func(m *Moment, a []value.Value) { m.endOf(unitOf(text(a, 0))) }),
		"utc":         changing(func(m *Moment, _ []value.Value) { m.see(time.UTC, true, "") }),
		"local":       changing(func(m *Moment, _ []value.Value) { m.see(time.Local, false, "") }),
		"tz":          (*Moment).tz,
		"utcOffset":   (*Moment).utcOffset,
		"locale":      (*Moment).locale,
		"get":         func(m *Moment, a []value.Value) (value.Value, error) { return m.part(unitOf(text(a, 0)), nil), nil },
		"set":         (*Moment).set,
		"calendar":    (*Moment).calendarOf,
		"zoneAbbr":    func(m *Moment, _ []value.Value) (value.Value, error) { return value.Str(m.zoneText(false)), nil },
		"zoneName":    func(m *Moment, _ []value.Value) (value.Value, error) { return value.Str(m.zoneText(true)), nil },
		"isDST":       func(m *Moment, _ []value.Value) (value.Value, error) { return value.Of(m.t.IsDST()), nil },
		"isLocal":     func(m *Moment, _ []value.Value) (value.Value, error) { return value.Of(!m.utc && m.zone == ""), nil },
		"isUtc":       func(m *Moment, _ []value.Value) (value.Value, error) { return value.Of(m.isUTC()), nil },
		"isUTC":       func(m *Moment, _ []value.Value) (value.Value, error) { return value.Of(m.isUTC()), nil },
		"isUtcOffset": func(m *Moment, _ []value.Value) (value.Value, error) { return value.Of(m.utc || m.zone != ""), nil },
		"isLeapYear": func(m *Moment, _ []value.Value) (value.Value, error) {
			return value.Of(daysInYear(m.t.Year()) == 366), nil
		},
		"daysInMonth": func(m *Moment, _ []value.Value) (value.Value, error) {
			return value.Int(daysIn(m.t.Year(), int(m.t.Month())-1)), nil
		},
		"weeksInYear": func(m *Moment, _ []value.Value) (value.Value, error) {
			return value.Int(weeksIn(m.t.Year(), 0, 6)), nil
		},
		"isoWeeksInYear": func(m *Moment, _ []value.Value) (value.Value, error) {
			return value.Int(weeksIn(m.t.Year(), 1, 4)), nil
		},
	}
	addComparisons()
}

// changing makes a method of what changes a moment, which it returns.
func changing(f func(m *Moment, args []value.Value)) method {
	return func(m *Moment, args []value.Value) (value.Value, error) {
		if !m.invalid {
			f(m, args)
		}
		return m.Value(), nil
	}
}

func text(args []value.Value, i int) string {
	if v := at(args, i); v.Is(value.String) {
		return v.Str()
	}
	return ""
}

func (m *Moment) String() string {
	c := m.clone()
	c.lang = english
	return c.Format("ddd MMM DD YYYY HH:mm:ss [GMT]ZZ")
}

func (m *Moment) see(zone *time.Location, utc bool, name string) {
	m.t, m.utc, m.zone = m.t.In(zone), utc, name
}

// tz takes the name of a zone, or gives it.
func (m *Moment) tz(args []value.Value) (value.Value, error) {
	name := at(args, 0)
	if !name.Defined() {
		if m.zone == "" {
			return value.Value{}, nil
		}
		return value.Str(m.zone), nil
	}
	if !name.Is(value.String) {
		return value.Value{}, errors.New("Time zone name must be a string, got " + name.Text() + " [" + typeOf(name) + "]") //nolint:staticcheck // moment's words
	}
	if zone, err := time.LoadLocation(name.Str()); err == nil && name.Str() != "" && name.Str() != "Local" {
		m.see(zone, false, name.Str())
	}
	return m.Value(), nil
}

func typeOf(v value.Value) string {
	switch v.Kind() {
	case value.Number:
		return "number"
	case value.Bool:
		return "boolean"
	}
	return "object"
}

// utcOffset gives the minutes ahead of UTC, or sets them: hours below 16, minutes, or a text.
func (m *Moment) utcOffset(args []value.Value) (value.Value, error) {
	v := at(args, 0)
	if v.Nullish() {
		if m.invalid {
			return value.Num(math.NaN()), nil
		}
		return value.Int(m.offset()), nil
	}
	minutes := int(number(v))
	if v.Is(value.String) {
		n, ok := offsetOf(v.Str())
		if !ok {
			return m.Value(), nil
		}
		minutes = n
	} else if minutes > -16 && minutes < 16 {
		minutes *= 60
	}
	was := m.offset()
	m.see(time.FixedZone("", minutes*60), true, "")
	if at(args, 1).Truthy() {
		m.plus(float64(was-minutes) * 60e3)
	}
	return m.Value(), nil
}

func (m *Moment) locale(args []value.Value) (value.Value, error) {
	v := at(args, 0)
	if !v.Defined() {
		return value.Str(m.lang.name), nil
	}
	tags := []value.Value{v}
	if l := v.List(); l != nil {
		tags = tags[:0]
		for _, e := range l.All() {
			tags = append(tags, e)
		}
	}
	var first error
	for _, t := range tags {
		l, err := localeOf(t.Text())
		if err == nil {
			m.lang = l
			return m.Value(), nil
		}
		if first == nil {
			first = err
		}
	}
	return m.Value(), first
}

var isoDuration = regexp.MustCompile(`^(-|\+)?P(?:([-+]?[\d.,]*)Y)?(?:([-+]?[\d.,]*)M)?(?:([-+]?[\d.,]*)W)?(?:([-+]?[\d.,]*)D)?(?:T(?:([-+]?[\d.,]*)H)?(?:([-+]?[\d.,]*)M)?(?:([-+]?[\d.,]*)S)?)?$`)

// shift is add and subtract: an amount and a unit, in either order, an object of units, milliseconds, or a duration
// such as P1DT2H.
func (m *Moment) shift(args []value.Value, sign float64) (value.Value, error) {
	n, unit := at(args, 0), at(args, 1)
	if n.Is(value.String) && unit.Defined() {
		if _, err := strconv.ParseFloat(strings.TrimSpace(n.Str()), 64); err != nil {
			n, unit = unit, n
		}
	}
	switch {
	case m.invalid || n.Nullish():
	case n.Map() != nil:
		for _, u := range []string{"year", "quarter", "month", "week", "isoweek", "day", "hour", "minute", "second", "millisecond"} {
			for key, v := range n.Map().All() {
				if unitOf(key) == u {
					m.add(sign*number(v), u)
				}
			}
		}
	case n.Is(value.String) && !unit.Defined():
		m.shiftISO(n.Str(), sign)
	default:
		m.add(sign*number(n), unitOf(unit.Text()))
	}
	return m.Value(), nil
}

func (m *Moment) shiftISO(s string, sign float64) {
	g := isoDuration.FindStringSubmatch(s)
	if g == nil {
		return
	}
	if g[1] == "-" {
		sign = -sign
	}
	for i, u := range []string{"year", "month", "week", "day", "hour", "minute", "second"} {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(g[2+i], ",", "."), 64); err == nil {
			m.add(sign*f, u)
		}
	}
}

func (m *Moment) toArray([]value.Value) (value.Value, error) {
	l := value.NewList()
	for _, u := range []string{"year", "month", "date", "hour", "minute", "second", "millisecond"} {
		l.Append(m.part(u, nil))
	}
	return l.Value(), nil
}

func (m *Moment) toObject([]value.Value) (value.Value, error) {
	o := value.NewMap(7)
	for _, u := range [][2]string{{"years", "year"}, {"months", "month"}, {"date", "date"}, {"hours", "hour"}, {"minutes", "minute"}, {"seconds", "second"}, {"milliseconds", "millisecond"}} {
		o.Set(u[0], m.part(u[1], nil))
	}
	return o.Value(), nil
}
