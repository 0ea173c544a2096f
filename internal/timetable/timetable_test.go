package timetable

import (
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	const berlin = "Europe/Berlin"
	for _, tt := range []struct {
		name, text, zone, after string
		want                    []string // the times that follow
	}{
		{"every day", "0 23 * * *", berlin, "2026-11-23T10:00:00+01:00", []string{"2026-11-23T23:00:00+01:00", "2026-11-24T23:00:00+01:00"}},
		{"not what it is now", "0 23 * * *", berlin, "2026-11-23T23:00:00+01:00", []string{"2026-11-24T23:00:00+01:00"}},
		{"a moment before", "0 23 * * *", "", "2026-11-23T22:59:59.999Z", []string{"2026-11-23T23:00:00Z"}},
		{"another zone", "30 6 * * mon-fri", "Asia/Tokyo", "2026-11-27T00:00:00Z", []string{"2026-11-30T06:30:00+09:00"}},
		{"lists and steps", "10-50/20,5 8,20 * * *", "", "2026-11-23T08:06:00Z", []string{"2026-11-23T08:10:00Z", "2026-11-23T08:30:00Z", "2026-11-23T08:50:00Z", "2026-11-23T20:05:00Z"}},
		{"Sunday is 7 too", "0 0 * * 7", "", "2026-11-23T00:00:00Z", []string{"2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"}},
		{"either day", "0 0 13 * fri", "", "2026-11-07T00:00:00Z", []string{"2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},
		{"a leap day", "0 0 29 feb *", "", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"set forward: at the moment of it", "30 2 * * *", berlin, "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"set forward: two become one", "0,30 2,3 * * *", berlin, "2026-03-29T00:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"set back: the first one", "30 2 * * *", berlin, "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"through a night set forward", "*/30 * * * *", berlin, "2026-03-29T01:20:00+01:00", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
		{"through a night set back", "*/30 * * * *", berlin, "2026-10-25T02:20:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00"}},
		{"set at midnight", "15 0 * * *", "America/Asuncion", "2024-10-05T12:00:00-04:00", []string{"2024-10-06T01:00:00-03:00", "2024-10-07T00:15:00-03:00"}},
		{"every", "every 15m", berlin, "2026-11-23T10:07:30+01:00", []string{"2026-11-23T10:15:00+01:00", "2026-11-23T10:30:00+01:00"}},
		{"every hours through a night", "every 2h", berlin, "2026-10-25T00:30:00+02:00", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"before 1970", "every 1h", "", "1969-12-31T23:30:00Z", []string{"1970-01-01T00:00:00Z"}},
		{"once", "at 2026-12-24T18:00", berlin, "2026-11-23T10:00:00Z", []string{"2026-12-24T18:00:00+01:00", ""}},
		{"once, skipped", "at 2026-03-29T02:30", berlin, "2026-01-01T00:00:00Z", []string{"2026-03-29T03:00:00+02:00", ""}},
		{"once, over", "at 2026-01-01T00:00", "", "2026-01-01T00:00:00Z", []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, err := Parse(tt.text, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				at = table.Next(at)
				if want == "" && at.IsZero() {
					return
				}
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("%s, want %s", got, want)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"": "fields", "0 23 * *": "4 fields", "60 * * * *": "0 to 59", "0 24 * * *": "0 to 23", "0 0 0 * *": "1 to 31", "0 0 * 13 *": "1 to 12", "0 0 * * 8": "0 to 7",
		"*/0 * * * *": "behind /", "5-1 * * * *": "smaller", "a * * * *": "0 to 59", "0 0 30 2 *": "no such day", "0 0 * * mun": "day of the week",
		"every": "every 15m", "every 30s": "minutes or hours", "every 0m": "every 1m", "every 169h": "seven days", "every -5m": "whole number",
		"at noon": "2026-12-24T18:00", "at 2026-13-01T00:00": "date", strings.Repeat("*", 300): "bytes",
	} {
		if _, err := Parse(text, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", text, err, want)
		}
	}
	for _, zone := range []string{"Local", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "CEST"} {
		if _, err := Parse("0 0 * * *", zone); err != ErrZone {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
}

// FuzzNext has every table go forward, and by a minute at least.
func FuzzNext(f *testing.F) {
	for _, s := range []string{"0 23 * * *", "*/5 2 29 feb mon-fri/2", "every 7m", "at 2026-03-29T02:30", "30 2 25-31 3,10 sun"} {
		f.Add(s, "Europe/Berlin", int64(1_774_700_000))
	}
	f.Fuzz(func(t *testing.T, text, zone string, at int64) {
		table, err := Parse(text, zone)
		if err != nil {
			return
		}
		now := time.Unix(at%4_000_000_000, 0)
		for range 20 {
			next := table.Next(now)
			if next.IsZero() {
				return
			}
			if !next.After(now) {
				t.Fatalf("%q in %q: %s comes after %s", text, zone, next, now)
			}
			now = next
		}
	})
}
