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
