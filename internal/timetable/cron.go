package timetable

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is an expression of five fields.
type cron struct {
	minutes, hours, days, months, weekdays uint64 // a bit for each value
	anyHour                                bool   // the hours begin with *: it goes on through a night when clocks are set
	eitherDay                              bool   // both kinds of days are restricted, and one of them is enough
}

var (
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

func parseCron(text string) (*cron, error) {
	f := strings.Fields(strings.ToLower(text))
	if len(f) != 5 {
		return nil, fmt.Errorf("want minute, hour, day, month and day of the week, such as 0 23 * * * for 23:00 every day; here are %d fields", len(f))
	}
	c := &cron{}
	for i, field := range []struct {
		to        *uint64
		what      string
		low, high int
		names     []string // of the values from low
	}{
		{&c.minutes, "minute", 0, 59, nil}, {&c.hours, "hour", 0, 23, nil}, {&c.days, "day", 1, 31, nil},
		{&c.months, "month", 1, 12, months}, {&c.weekdays, "day of the week", 0, 7, weekdays},
	} {
		bits, err := parseField(f[i], field.low, field.high, field.names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.what, err)
		}
		*field.to = bits
	}
	if c.weekdays&(1<<7) != 0 { // Sunday is 0 and 7
		c.weekdays |= 1
	}
	c.anyHour = strings.HasPrefix(f[1], "*")
	c.eitherDay = !strings.HasPrefix(f[2], "*") && !strings.HasPrefix(f[4], "*")
	return c, nil
}

// parseField reads a list of values, ranges and steps: "*", "*/5", "1,2", "1-5", "mon-fri", "10-50/20".
func parseField(text string, low, high int, names []string) (bits uint64, err error) {
	value := func(s string) (int, error) {
		for i, name := range names {
			if s == name {
				return low + i, nil
			}
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("%q: want %d to %d", s, low, high)
		}
		return n, nil
	}
	for _, item := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		from, to, step := low, high, 1
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > high {
				return 0, fmt.Errorf("%q: want a number from 1 to %d behind /", item, high)
			}
		}
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			if from, err = value(first); err != nil {
				return 0, err
			}
			switch {
			case ranged:
				if to, err = value(last); err != nil {
					return 0, err
				}
			case !stepped:
				to = from
			}
			if to < from {
				return 0, fmt.Errorf("%q: want the smaller value first", item)
			}
		} else if names != nil && high == 7 {
			to = 6 // Sunday once
		}
		for n := from; n <= to; n += step {
			bits |= 1 << n
		}
	}
	return bits, nil
}

// on says whether the expression has times on a day.
func (c *cron) on(day time.Time) bool {
	if c.months&(1<<day.Month()) == 0 {
		return false
	}
	byDay, byWeekday := c.days&(1<<day.Day()) != 0, c.weekdays&(1<<day.Weekday()) != 0
	if c.eitherDay {
		return byDay || byWeekday
	}
	return byDay && byWeekday
}

// next is the first time after another one, in whose zone it is.
func (c *cron) next(after time.Time) time.Time {
	y, m, d := after.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC) // the wall's, not an instant
	for range horizon {
		if c.on(day) {
			if t := c.nextOf(day, after); !t.IsZero() {
				return t
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// nextOf is the first time of a day after another one; zero: there is none.
func (c *cron) nextOf(day, after time.Time) (first time.Time) {
	for hour := range 24 {
		if c.hours&(1<<hour) == 0 {
			continue
		}
		for minute := range 60 {
			if c.minutes&(1<<minute) == 0 {
				continue
			}
			wall := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
			list := instants(wall, after.Location())
			if c.anyHour && len(list) == 1 && !shows(list[0], wall) {
				continue // the hour behind has it
			}
			if !c.anyHour {
				list = list[:1]
			}
			for _, t := range list {
				if t.After(after) && (first.IsZero() || t.Before(first)) {
					first = t
				}
			}
		}
		if !first.IsZero() && first.Sub(after) < time.Hour {
			break // no later hour comes sooner
		}
	}
	return first
}

// instants are the times at which the clock of a zone shows a time of day, which is given as one of UTC: one, or two when
// the clock is set back. When it is set forward over it, it is the moment of that.
func instants(wall time.Time, zone *time.Location) []time.Time {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, behind := wall.Add(24 * time.Hour).In(zone).Zone()
	early := wall.Add(-time.Duration(before) * time.Second).In(zone)
	late := wall.Add(-time.Duration(behind) * time.Second).In(zone)
	switch {
	case before == behind || shows(early, wall) && !shows(late, wall):
		return []time.Time{early}
	case shows(early, wall): // both
		return []time.Time{early, late}
	case shows(late, wall):
		return []time.Time{late}
	}
	set, _ := early.ZoneBounds()
	return []time.Time{set}
}

// shows says whether a clock shows a time of day at an instant.
func shows(t, wall time.Time) bool {
	_, offset := t.Zone()
	return t.Unix()+int64(offset) == wall.Unix()
}
