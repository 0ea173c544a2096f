package moment

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

// Moment is an instant as seen in a zone and a language. As in JavaScript its methods change it, but for clone.
type Moment struct {
	t       time.Time // in its zone
	invalid bool
	utc     bool   // utc or a fixed offset, not the local time
	zone    string // of tz
	lang    *locale
}

// New is moment(…): nothing is now; else a date, a number, a text, or its parts, perhaps with a format, a language and
// whether to be strict.
func New(now time.Time, args []value.Value) (*Moment, error) {
	m := &Moment{t: now.In(time.Local), lang: english}
	if len(args) == 0 || !args[0].Defined() {
		return m, nil
	}
	in, format, strict := args[0], at(args, 1), at(args, 3).Bool()
	if l := at(args, 2); l.Is(value.Bool) {
		strict = l.Bool()
	} else if l.Is(value.String) {
		lang, err := localeOf(l.Str())
		if err != nil {
			return nil, err
		}
		m.lang = lang
	}
	switch in.Kind() {
	case value.Null:
		m.invalid = true
	case value.Number:
		if format.Is(value.String) {
			m.parse(in.ToText(), format.Str(), strict, now)
			break
		}
		m.setMillis(in.Num())
	case value.Date:
		m.setMillis(in.Num())
	case value.String:
		m.read(in.Str(), format, strict, now)
	case value.Array:
		m.fromList(in.List(), now)
	case value.Object:
		m.fromMap(in.Map(), now)
	case value.Handle:
		other, ok := in.Handle().(*Moment)
		if !ok {
			m.invalid = true
			break
		}
		c := *other
		return &c, nil
	default:
		m.invalid = true
	}
	return m, nil
}

func at(args []value.Value, i int) value.Value {
	if i < len(args) {
		return args[i]
	}
	return value.Value{}
}

// maxMillis is what a Date of JavaScript reaches, in milliseconds.
const maxMillis = 8.64e15

func (m *Moment) setMillis(ms float64) {
	if m.invalid = !(math.Abs(ms) <= maxMillis); !m.invalid {
		m.t = time.UnixMilli(int64(ms)).In(m.t.Location())
	}
}

func (m *Moment) millis() float64 {
	if m.invalid {
		return math.NaN()
	}
	return float64(m.t.UnixMilli())
}

func (m *Moment) clone() *Moment { c := *m; return &c }

// read is a text, by a format, by one of several, or by what formats there are.
func (m *Moment) read(text string, format value.Value, strict bool, now time.Time) {
	switch {
	case format.Is(value.String):
		m.parse(text, format.Str(), strict, now)
	case format.List() != nil && format.List().Len() > 0:
		m.readBest(text, format.List(), strict, now)
	default:
		m.readAny(text)
	}
}

// readBest takes the format that leaves the least of the text over.
func (m *Moment) readBest(text string, formats *value.List, strict bool, now time.Time) {
	best, score := (*Moment)(nil), math.MaxInt
	for _, f := range formats.All() {
		c := m.clone()
		left := c.parse(text, f.Text(), strict, now)
		if best == nil || !c.invalid && (best.invalid || left < score) {
			best, score = c, left
		}
	}
	*m = *best
}

var partNames = [...][]string{{"year", "years", "y"}, {"month", "months", "M"}, {"date", "dates", "day", "days", "D", "d"}, {"hour", "hours", "h"},
	{"minute", "minutes", "m"}, {"second", "seconds", "s"}, {"millisecond", "milliseconds", "ms"}}

func (m *Moment) fromMap(o *value.Map, now time.Time) {
	var p parts
	for i, names := range partNames {
		for _, n := range names {
			if v := o.Get(n); v.Defined() {
				p.set(i, int(number(v)))
			}
		}
	}
	m.fromParts(&p, now)
}

func (m *Moment) fromList(l *value.List, now time.Time) {
	var p parts
	for i, v := range l.All() {
		if i < len(p.v) {
			p.set(i, int(number(v)))
		}
	}
	m.fromParts(&p, now)
}

// number is what JavaScript makes of a value where it wants a number.
func number(v value.Value) float64 {
	if v.Is(value.Number) || v.Is(value.Date) {
		return v.Num()
	}
	if other, ok := v.Handle().(*Moment); ok {
		return other.millis()
	}
	var f float64
	if _, err := fmt.Sscan(strings.TrimSpace(v.Text()), &f); err != nil {
		return 0
	}
	return f
}

// parts are year, month from 0, day, hour, minute, second and millisecond.
type parts struct {
	v   [7]int
	has [7]bool
}

func (p *parts) set(i, n int) { p.v[i], p.has[i] = n, true }

// fromParts fills up what is missing, larger parts from now, smaller ones with their first value.
func (m *Moment) fromParts(p *parts, now time.Time) {
	for i := range p.v {
		if p.v[i] < -300_000 || p.v[i] > 300_000 {
			m.invalid = true
			return
		}
	}
	now = now.In(m.t.Location())
	today := [3]int{now.Year(), int(now.Month()) - 1, now.Day()}
	i := 0
	for ; i < 3 && !p.has[i]; i++ {
		p.v[i] = today[i]
	}
	for ; i < len(p.v); i++ {
		if !p.has[i] && i == 2 {
			p.v[i] = 1
		}
	}
	if bad := p.overflow(); bad {
		m.invalid = true
		return
	}
	m.t = time.Date(p.v[0], time.Month(p.v[1]+1), p.v[2], p.v[3], p.v[4], p.v[5], p.v[6]*1e6, m.t.Location())
}

func (p *parts) overflow() bool {
	v := &p.v
	midnight := v[3] == 24 && v[4] == 0 && v[5] == 0 && v[6] == 0
	return v[1] < 0 || v[1] > 11 || v[2] < 1 || v[2] > daysIn(v[0], v[1]) || v[3] < 0 || v[3] > 23 && !midnight ||
		v[4] < 0 || v[4] > 59 || v[5] < 0 || v[5] > 59 || v[6] < 0 || v[6] > 999
}

// daysIn is the number of days of a month from 0.
func daysIn(year, month int) int {
	return time.Date(year, time.Month(month+2), 0, 0, 0, 0, 0, time.UTC).Day()
}

// AppendJSON writes the instant as Date does.
func (m *Moment) AppendJSON(b []byte) []byte { return value.Append(b, m.iso(false)) }

func (m *Moment) iso(keepOffset bool) value.Value {
	if m.invalid {
		return value.Nil()
	}
	c, layout := m.clone(), "YYYY-MM-DD[T]HH:mm:ss.SSSZ"
	if !keepOffset {
		c.t, layout = c.t.UTC(), "YYYY-MM-DD[T]HH:mm:ss.SSS[Z]"
	}
	if y := c.t.Year(); y < 0 || y > 9999 {
		layout = "YYYYYY" + layout[4:]
	}
	c.lang = english
	return value.Str(c.Format(layout))
}
