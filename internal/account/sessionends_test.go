package account_test

import (
	"testing"
	"time"
)

// TestSessionEndsAreTold compares what an actor is told with when the session is really over.
func TestSessionEndsAreTold(t *testing.T) {
	w := newWorld(t)
	by := w.session(w.token)
	begin := by.Ends.Add(-30 * 24 * time.Hour)
	at := func(when time.Time) (ends, idle time.Time, ok bool) {
		w.mu.Lock()
		w.now = when
		w.mu.Unlock()
		by, err := w.BySession(w.ctx, w.token, "192.0.2.1", "Browser/1")
		return by.Ends, by.IdleEnds, err == nil
	}
	for day := range 5 { // six days apart: use puts the idle end off, and nothing the other
		now := begin.Add(time.Duration(day) * 6 * 24 * time.Hour)
		ends, idle, ok := at(now)
		if !ok || !ends.Equal(by.Ends) || !idle.Equal(now.Add(7*24*time.Hour)) {
			t.Fatalf("after %d days: ends %s, idle %s, %v", 6*day, ends, idle, ok)
		}
	}
	if _, _, ok := at(by.Ends); !ok {
		t.Error("over before the end that was told")
	}
	if _, _, ok := at(by.Ends.Add(time.Second)); ok {
		t.Error("goes on after the end that was told")
	}
}
