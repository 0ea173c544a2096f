package timetable_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/timetable"
)

// TestWideIsLikeNodeRED compares with what the library of Node-RED says, also when clocks are set.
func TestWideIsLikeNodeRED(t *testing.T) {
	raw, err := os.ReadFile("testdata/nodered.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")[1:]
	for _, line := range lines {
		f := strings.Split(line, " | ")
		zone, err := time.LoadLocation(f[0])
		if err != nil {
			t.Fatal(err)
		}
		table, err := timetable.ParseWide(f[1], zone)
		if err != nil {
			t.Errorf("%q: %v", f[1], err)
			continue
		}
		at, err := time.Parse(time.RFC3339, f[2])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 4 {
			if at = table.Next(at); at.IsZero() {
				break
			}
			got = append(got, at.UTC().Format(time.RFC3339))
		}
		if list := strings.Join(got, " "); list != f[3] {
			t.Errorf("%s in %s after %s:\n%s, want\n%s", f[1], f[0], f[2], list, f[3])
		}
	}
	if len(lines) < 500 {
		t.Errorf("%d cases only", len(lines))
	}
}

// TestWideRefuses what that library refuses.
func TestWideRefuses(t *testing.T) {
	for _, text := range []string{"", "* * * *", "* * * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8",
		"* * * smarch *", "*/0 * * * *", "1-2-3 * * * *", "* * 27-5 * *", "* * ?/2 * *", "* * L/2 * *", "* * 3L * *", "* * * * L", "* * * * 3#6", "* * * * 3#0",
		"* * * * 3W", "0 * * * * * 275760", "0 * * * * * 2030-2020", "@reboot", "every now and then", "-1 * * * *", "+1 * * * *", "1, * * * *", "* * * * mon#",
		"* * w * *", "* * * * funday", "1.5 * * * *", "* * * * 1#1L", strings.Repeat("1,", 200) + "1 * * * *"} {
		if _, err := timetable.ParseWide(text, time.UTC); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for _, text := range []string{"5-1 * * * *", "0 0 0 1 1 * 1969", "*/99 * * * *", "* * lw,l * *", "* * * jan-3 *", "0 0 31 2 *"} {
		table, err := timetable.ParseWide(text, time.UTC)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if next := table.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); next.IsZero() != strings.HasPrefix(text, "0 0") {
			t.Errorf("%q: next %v", text, next)
		}
	}
}
