package hosted

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	var b budget
	now, used := time.Now(), time.Duration(0)
	step := func(spent time.Duration) time.Duration {
		now, used = now.Add(time.Second), used+spent
		return b.look(now, used, 50, time.Second)
	}
	if got := step(time.Minute); got != 0 {
		t.Errorf("the first look paused %s: it knows nothing yet", got)
	}
	for i := range 10 { // half a second a second above its share eats a burst of five
		if got := step(time.Second); got != 0 {
			t.Errorf("paused %s at second %d, want a burst of 10 s", got, i+1)
		}
	}
	if got := step(time.Second); got != time.Second {
		t.Errorf("paused %s, want half a second's worth: 1 s at 50 %%", got)
	}
	if b.share != 1 {
		t.Errorf("share %v", b.share)
	}
	if got := step(0); got != 0 {
		t.Errorf("paused %s after a second of rest", got)
	}
	for range 100 {
		step(0)
	}
	if b.credit != 5*time.Second {
		t.Errorf("credit %s, want 5 s at most", b.credit)
	}
}

func TestParseCPU(t *testing.T) {
	const stat = "4242 (a b) c) S 1 4242 4242 0 -1 4194560 1000 0 0 0 150 25 0 0 20 10 8 0 100 1000 200\n"
	if got, err := parseCPU(stat); err != nil || got != 1750*time.Millisecond {
		t.Errorf("%s %v", got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", "1 (x) S 1 4242 4242 0 -1 4194560 1000 0 0 0 a b 0 0"} {
		if _, err := parseCPU(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
