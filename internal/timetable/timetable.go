// Package timetable reads when something is to happen (a cron expression, "every 15m", "at 2026-12-24T18:00") and says
// when that is next. It knows time zones and days on which clocks are set, and keeps nothing.
package timetable

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of what Parse takes.
const (
	maxText  = 256                // bytes
	minEvery = time.Minute        // the shortest "every"
	maxEvery = 7 * 24 * time.Hour // the longest
	horizon  = 9 * 366            // days in which a cron expression has to come once: 29 February does in eight years
)

// Table is a list of times. Nobody changes it after Parse.
type Table struct {
	zone  *time.Location
	cron  *cron         // nil: one of the next three
	wide  *wide         // of ParseWide
	every time.Duration // 0: at
	at    time.Time
}

// Parse reads a text, whose clock is that of a time zone: an IANA name such as Europe/Berlin, "" for UTC.
//
//   - "0 23 * * mon-fri": minute, hour, day of the month, month, day of the week, as cron has them. Where both days are
//     restricted, either is enough.
//   - "every 15m", "every 2h": whenever so much more has passed since 1 January 1970 UTC, so that it is the same times
//     after a restart; from a minute to seven days.
//   - "at 2026-12-24T18:00": once.
//
// The error is in words and says what is wanted.
func Parse(text, zone string) (*Table, error) {
	z, err := loadZone(zone)
	if err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("at most %d bytes", maxText)
	}
	t := &Table{zone: z}
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "every":
		t.every, err = parseEvery(rest)
	case "at":
		var wall time.Time
		if wall, err = time.Parse("2006-01-02T15:04", rest); err != nil {
			return nil, errors.New("want a date and a time behind at, such as at 2026-12-24T18:00")
		}
		t.at = instants(wall, z)[0]
	default:
		t.cron, err = parseCron(text)
	}
	if err != nil {
		return nil, err
	}
	if t.cron != nil && t.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("there is no such day in any year")
	}
	return t, nil
}

// loadZone finds a time zone by its IANA name.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" || len(name) > 64 {
		return nil, ErrZone
	}
	return z, nil
}

// ErrZone says that there is no time zone of a name.
var ErrZone = errors.New("want the name of a time zone, such as Europe/Berlin or Asia/Tokyo")

func parseEvery(text string) (time.Duration, error) {
	wrong := errors.New("want a whole number of minutes or hours behind every, such as every 15m or every 2h")
	if text == "" {
		return 0, wrong
	}
	unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour}[text[len(text)-1]]
	n, err := strconv.ParseUint(strings.TrimSpace(text[:len(text)-1]), 10, 16)
	if err != nil || unit == 0 {
		return 0, wrong
	}
	d := time.Duration(n) * unit
	if d < minEvery || d > maxEvery {
		return 0, errors.New("want every 1m (a minute) to every 168h (seven days)")
	}
	return d, nil
}

// Once says whether the table has one time only.
func (t *Table) Once() bool { return t.cron == nil && t.wide == nil && t.every == 0 }

// Zone is the time zone of the table.
func (t *Table) Zone() *time.Location { return t.zone }

// Next is the first time after another one; zero when there is none.
//
// On a day on which the clock is set forward, a time that is skipped comes at the moment of that. When it is set back,
// a time that there is twice comes the first time only; where the hours are *, the table goes on through both.
func (t *Table) Next(after time.Time) time.Time {
	after = after.Round(0).In(t.zone)
	switch {
	case t.cron != nil:
		return t.cron.next(after)
	case t.wide != nil:
		return t.wide.next(after)
	case t.every > 0:
		step, past := int64(t.every/time.Second), after.Unix()
		return time.Unix((floor(past, step)+1)*step, 0).In(t.zone)
	case t.at.After(after):
		return t.at
	}
	return time.Time{}
}

// floor divides rounding down.
func floor(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}
