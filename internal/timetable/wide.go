package timetable

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// wide is an expression of seconds, minutes, hours, days, months and years, as Node-RED has them.
type wide struct {
	seconds, minutes, hours, months uint64 // a bit for each value
	days                            wideDays
	years                           []wideSpan
}

// maxYear is the last year of a Date of JavaScript.
const maxYear = 275759

// wideHorizon bounds the years in which a wide expression has to come once: the calendar begins anew after 400.
const wideHorizon = 400

// macros are the expressions that have a name.
var macros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// ParseWide reads a cron expression as Node-RED's inject node has them, whose clock is that of a zone: five fields as
// Parse has them, before them one for seconds, behind all one for years. Further:
//
//   - a range of seconds, minutes, hours, months or days of the week may go over the end: fri-mon
//   - both kinds of days together are enough one by one, and * is none of them where there is another
//   - L and LW are the last day and the last weekday of a month, 15W the weekday nearest to a day, friL the last Friday,
//     tue#3 the third Tuesday; ? is *
//   - @yearly, @monthly, @weekly, @daily, @hourly
//
// A time that is skipped when the clock is set forward comes at the moment of that; one that there is twice comes the
// first time only, whatever the hours are. The error is in words and says what is wanted.
func ParseWide(text string, zone *time.Location) (*Table, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("at most %d bytes", maxText)
	}
	text = strings.ToLower(strings.TrimSpace(text))
	if known, ok := macros[text]; ok {
		text = known
	}
	f := strings.Fields(text)
	switch len(f) {
	case 5:
		f = append(append([]string{"0"}, f...), "*")
	case 6:
		f = append(f, "*")
	case 7:
	default:
		return nil, fmt.Errorf("want minute, hour, day, month and day of the week, with seconds before them or a year behind them; here are %d fields", len(f))
	}
	w := &wide{}
	for _, field := range []struct {
		to        *uint64
		text      string
		what      string
		low, high int
		names     []string
	}{
		{&w.seconds, f[0], "second", 0, 59, nil}, {&w.minutes, f[1], "minute", 0, 59, nil},
		{&w.hours, f[2], "hour", 0, 23, nil}, {&w.months, f[4], "month", 1, 12, months},
	} {
		takes := span{low: field.low, high: field.high, names: field.names, cyclic: true}
		for item := range strings.SplitSeq(field.text, ",") {
			if err := takes.add(field.to, item); err != nil {
				return nil, fmt.Errorf("%s: %w", field.what, err)
			}
		}
	}
	if err := w.days.parse(f[3], f[5]); err != nil {
		return nil, err
	}
	for item := range strings.SplitSeq(f[6], ",") {
		s, err := parseSpan(item, span{low: 0, high: maxYear})
		if err != nil {
			return nil, fmt.Errorf("year: %w", err)
		}
		w.years = append(w.years, s)
	}
	return &Table{zone: zone, wide: w}, nil
}

// next is the first time after another one, in whose zone it is; zero: there is none.
func (w *wide) next(after time.Time) time.Time {
	y, m, d := after.Date()
	wall := time.Date(y, m, d, after.Hour(), after.Minute(), after.Second(), 0, time.UTC) // the clock's, not an instant
	for {
		if wall = w.nextWall(wall.Add(time.Second)); wall.IsZero() {
			return wall
		}
		if t := instants(wall, after.Location())[0]; t.After(after) {
			return t
		}
	}
}

// nextWall is the first time from one on that the expression names; zero: there is none.
func (w *wide) nextWall(from time.Time) time.Time {
	year, ok := w.nextYear(from.Year())
	for tries := 0; ok && tries < wideHorizon; tries++ {
		for month := range 12 {
			start := time.Date(year, time.Month(month+1), 1, 0, 0, 0, 0, time.UTC)
			if w.months&(1<<(month+1)) == 0 || !start.AddDate(0, 1, 0).After(from) {
				continue
			}
			days := w.days.of(start)
			for day := start; day.Month() == start.Month(); day = day.AddDate(0, 0, 1) {
				if days&(1<<day.Day()) == 0 || !day.AddDate(0, 0, 1).After(from) {
					continue
				}
				if t := w.nextOf(day, from); !t.IsZero() {
					return t
				}
			}
		}
		year, ok = w.nextYear(year + 1)
	}
	return time.Time{}
}

// nextOf is the first time of a day from another one on; zero: there is none.
func (w *wide) nextOf(day, from time.Time) time.Time {
	for hour := range 24 {
		t := day.Add(time.Duration(hour) * time.Hour)
		if w.hours&(1<<hour) == 0 || !t.Add(time.Hour).After(from) {
			continue
		}
		for minute := range 60 {
			t := t.Add(time.Duration(minute) * time.Minute)
			if w.minutes&(1<<minute) == 0 || !t.Add(time.Minute).After(from) {
				continue
			}
			for second := range 60 {
				if t := t.Add(time.Duration(second) * time.Second); w.seconds&(1<<second) != 0 && !t.Before(from) {
					return t
				}
			}
		}
	}
	return time.Time{}
}

// nextYear is the first year from one on.
func (w *wide) nextYear(from int) (first int, ok bool) {
	for _, s := range w.years {
		year := max(s.from, from)
		if rest := (year - s.from) % s.step; rest > 0 {
			year += s.step - rest
		}
		if year <= s.to && (!ok || year < first) {
			first, ok = year, true
		}
	}
	return first, ok
}

// wideSpan is an item of a field.
type wideSpan struct {
	span
	from, to, step int // to < from: over the end
	any            bool
}

// span is what a field takes.
type span struct {
	low, high int
	names     []string // of the values from low
	cyclic    bool     // a range may go over the end
	seventh   bool     // 7 is 0
}

// parseSpan reads "*", "5", "1-5", each with a step behind /; a value with a step goes on to the end.
func parseSpan(item string, f span) (s wideSpan, err error) {
	s = wideSpan{span: f, from: f.low, to: f.high, step: 1}
	text, step, stepped := strings.Cut(item, "/")
	if stepped {
		if s.step, err = number(step); err != nil || s.step == 0 {
			return s, fmt.Errorf("%q: want a number from 1 behind /", item)
		}
	}
	if text == "*" {
		s.any = s.step == 1
		return s, nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if s.from, err = f.value(first); err != nil {
		return s, err
	}
	switch {
	case ranged:
		if s.to, err = f.value(last); err == nil && s.to < s.from && !f.cyclic {
			err = fmt.Errorf("%q: want the smaller value first", item)
		}
	case !stepped:
		s.to = s.from
	}
	return s, err
}

func (f span) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.low + i, nil
	}
	n, err := number(text)
	if f.seventh && n == 7 {
		n = 0
	}
	if err != nil || n < f.low || n > f.high {
		return 0, fmt.Errorf("%q: want %d to %d", text, f.low, f.high)
	}
	return n, nil
}

// number reads digits and nothing else.
func number(text string) (n int, err error) {
	if text == "" || len(text) > 9 {
		return 0, errors.New("want a number")
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, errors.New("want a number")
		}
		n = 10*n + int(c-'0')
	}
	return n, nil
}

// bits has a bit for each value; the values of the field are below 64.
func (s wideSpan) bits() (bits uint64) {
	to, size := s.to, s.high-s.low+1
	if to < s.from {
		to += size
	}
	for n := s.from; n <= to; n += s.step {
		bits |= 1 << (s.low + (n-s.low)%size)
	}
	return bits
}
