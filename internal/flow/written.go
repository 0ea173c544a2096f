package flow

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// Written counts the bytes that a flow server writes to its disk, by day and by what for. Its
// methods may be called from any goroutine; those of nil do nothing.
type Written struct {
	mu   sync.Mutex
	days map[string]map[string]int64 // day (2006-01-02, local time) → what for → bytes
	now  func() time.Time            // [time.Now]
	sum  int64                       // since this process has begun
}

// maxDays is for how many days the counts are kept.
const maxDays = 31

// Add counts bytes that were written.
func (w *Written) Add(what string, n int) {
	if w == nil || n <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now
	if w.now != nil {
		now = w.now
	}
	day := now().Format(time.DateOnly)
	if w.days == nil {
		w.days = map[string]map[string]int64{}
	}
	if w.days[day] == nil {
		w.days[day] = map[string]int64{}
		for _, old := range slices.Sorted(maps.Keys(w.days))[:max(0, len(w.days)-maxDays)] {
			delete(w.days, old)
		}
	}
	w.days[day][what] += int64(n)
	w.sum += int64(n)
}

// Total are the bytes that were added since this process has begun.
func (w *Written) Total() int64 {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum
}

// Days returns a copy of the counts.
func (w *Written) Days() map[string]map[string]int64 {
	out := map[string]map[string]int64{}
	if w == nil {
		return out
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for day, counts := range w.days {
		out[day] = maps.Clone(counts)
	}
	return out
}

// MarshalJSON writes the counts for UnmarshalJSON.
func (w *Written) MarshalJSON() ([]byte, error) { return json.Marshal(w.Days()) }

// UnmarshalJSON takes over counts of an earlier run.
func (w *Written) UnmarshalJSON(text []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return json.Unmarshal(text, &w.days)
}
