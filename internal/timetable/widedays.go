package timetable

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// wideDays are the days of a wide expression: those of the month and those of the week together.
type wideDays struct {
	days, weekdays    uint64    // a bit for each value
	nearest           uint64    // days of the month for which the weekday nearest to them stands
	last, lastWeekday bool      // of the month
	nth               [6]uint64 // days of the week, by how often they have come in the month
	lastOf            uint64    // days of the week that come for the last time in the month
}

// parse reads the fields of days of the month and of the week.
func (w *wideDays) parse(ofMonth, ofWeek string) error {
	for item := range strings.SplitSeq(ofMonth, ",") {
		if err := w.parseDay(item); err != nil {
			return fmt.Errorf("day: %w", err)
		}
	}
	for item := range strings.SplitSeq(ofWeek, ",") {
		if err := w.parseWeekday(item); err != nil {
			return fmt.Errorf("day of the week: %w", err)
		}
	}
	if *w == (wideDays{}) { // nothing but *
		w.weekdays = 1<<7 - 1
	}
	return nil
}

func (w *wideDays) parseDay(item string) error {
	field := span{low: 1, high: 31}
	day, near := strings.CutSuffix(item, "w")
	switch {
	case item == "?": // *
	case item == "l":
		w.last = true
	case item == "lw":
		w.lastWeekday = true
	case near:
		return field.add(&w.nearest, day)
	default:
		return field.addSome(&w.days, item)
	}
	return nil
}

func (w *wideDays) parseWeekday(item string) error {
	if item == "?" { // *
		return nil
	}
	field := span{low: 0, high: 6, names: weekdays, cyclic: true, seventh: true}
	if day, last := strings.CutSuffix(item, "l"); last {
		return field.add(&w.lastOf, day)
	}
	day, nth, counted := strings.Cut(item, "#")
	if !counted {
		return field.addSome(&w.weekdays, item)
	}
	n, err := number(nth)
	if err != nil || n < 1 || n > 5 {
		return fmt.Errorf("%q: want 1 to 5 behind #", item)
	}
	return field.add(&w.nth[n], day)
}

// add puts the values of an item to others.
func (f span) add(to *uint64, item string) error {
	s, err := parseSpan(item, f)
	if err == nil {
		*to |= s.bits()
	}
	return err
}

// addSome is add; * says nothing.
func (f span) addSome(to *uint64, item string) error {
	s, err := parseSpan(item, f)
	if err == nil && !s.any {
		*to |= s.bits()
	}
	return err
}

// of are the days of a month, a bit for each; start is its first day.
func (w *wideDays) of(start time.Time) uint64 {
	length := start.AddDate(0, 1, -1).Day()
	all := w.days
	if w.last {
		all |= 1 << length
	}
	if w.lastWeekday {
		all |= 1 << nearestWeekday(start, length, length)
	}
	for left := w.nearest; left != 0; left &= left - 1 {
		all |= 1 << nearestWeekday(start, min(bits.TrailingZeros64(left), length), length)
	}
	for day := 1; day <= length; day++ {
		weekday := uint64(1) << ((int(start.Weekday()) + day - 1) % 7)
		if weekday&(w.weekdays|w.nth[(day+6)/7]) != 0 || day > length-7 && weekday&w.lastOf != 0 {
			all |= 1 << day
		}
	}
	return all
}

// nearestWeekday is the day from Monday to Friday that is next to a day of a month and in it.
func nearestWeekday(start time.Time, day, length int) int {
	switch start.AddDate(0, 0, day-1).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == length {
			return day - 2
		}
		return day + 1
	}
	return day
}
