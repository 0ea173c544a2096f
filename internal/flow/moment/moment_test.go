package moment

import (
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow/value"
)

// What Node-RED shows is in the recording moment of the parity tests; here is what one can't see there.

var leapDay = time.Date(2024, 2, 29, 13, 5, 9, 123e6, time.UTC)

func call(t *testing.T, m *Moment, name string, args ...any) value.Value {
	t.Helper()
	f, ok := m.Property(name).Handle().(*value.Method)
	if !ok {
		t.Fatalf("no method %s", name)
	}
	list := make([]value.Value, len(args))
	for i, a := range args {
		list[i] = value.From(a)
	}
	v, err := f.Call(list)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func TestNow(t *testing.T) {
	m, err := New(leapDay, nil)
	if err != nil {
		t.Fatal(err)
	}
	call(t, m, "utc")
	call(t, m, "add", value.MapOf("hours", 2, "days", 1).Value())
	if got := call(t, m, "format").Str(); got != "2024-03-01T15:05:09Z" {
		t.Error(got)
	}
	if got := value.JSON(m.Value()); got != `"2024-03-01T15:05:09.123Z"` {
		t.Error(got)
	}
	if got := Format(leapDay, "YYYY-MM-DD [at] HH:mm T"); got != "2024-02-29 at 13:05 T" {
		t.Error(got)
	}
}

func TestRefusals(t *testing.T) {
	m, _ := New(leapDay, nil)
	for name, arg := range map[string]any{"locale": "de", "tz": 5} {
		if _, err := m.Property(name).Handle().(*value.Method).Call([]value.Value{value.From(arg)}); err == nil {
			t.Errorf("%s takes %v", name, arg)
		}
	}
	if _, err := New(leapDay, []value.Value{value.Str("1"), value.Str("D"), value.Str("fr")}); err == nil || !strings.Contains(err.Error(), `"fr"`) {
		t.Error(err)
	}
	if m.Property("nothing").Defined() {
		t.Error("there is a method nothing")
	}
}

// Whatever is asked, the answer is a moment or none, and no panic.
func FuzzMoment(f *testing.F) {
	for _, s := range [][2]string{{"29.02.2024", "DD.MM.YYYY"}, {"2024-W09-4", ""}, {"Thu, 29 Feb 2024 13:05:09 GMT", ""}, {"3 2月 2024 午後 3:10", "D MMMM YYYY A h:mm"}, {"+275760-09-13", ""}, {"999999", "YYYYYY"}} {
		f.Add(s[0], s[1], int64(1), "month")
	}
	f.Fuzz(func(t *testing.T, text, format string, n int64, unit string) {
		if len(text)+len(format) > 1000 {
			return
		}
		args := []value.Value{value.Str(text)}
		if format != "" {
			args = append(args, value.Str(format), value.Str("ja"))
		}
		m, err := New(leapDay, args)
		if err != nil {
			t.Fatal(err)
		}
		call(t, m, "add", float64(n%1e9), unit)
		call(t, m, "startOf", unit)
		call(t, m, "set", unit, float64(n%1e6))
		call(t, m, "format", format)
		call(t, m, "calendar")
		call(t, m, "from", text)
		call(t, m, "diff", text, unit, true)
		if b := m.AppendJSON(nil); len(b) < 4 {
			t.Errorf("JSON %s", b)
		}
	})
}
