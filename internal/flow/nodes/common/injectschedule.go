package common

import (
	"errors"
	"strings"
	"time"

	"tsunagi/internal/timetable"
)

// schedule is a cron expression in a time zone.
type schedule struct {
	table *timetable.Table
	last  time.Time // the moment that was served last
}

// parseSchedule reads a cron expression, with CRON_TZ=Zone or TZ=Zone before it for another
// time zone than the machine's.
func parseSchedule(text string, zone *time.Location) (*schedule, error) {
	text = strings.TrimSpace(text)
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			name, expr, found := strings.Cut(rest, " ")
			if !found {
				return nil, errors.New("no expression behind the time zone")
			}
			z, err := time.LoadLocation(name)
			if err != nil {
				return nil, err
			}
			text, zone = expr, z
		}
	}
	table, err := timetable.ParseWide(text, zone)
	if err != nil {
		return nil, err
	}
	return &schedule{table: table}, nil
}

// next is the first moment after now that was not served yet.
func (s *schedule) next(now time.Time) time.Time {
	if now.Before(s.last) { // the timer was a little early
		now = s.last
	}
	return s.table.Next(now)
}
