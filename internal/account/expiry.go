package account

import (
	"sync"
	"time"
	"weak"
)

// longestWatch is the longest that a timer of rules waits before it looks again.
const longestWatch = 24 * time.Hour

// expiry ends rules in time.
type expiry struct {
	mu sync.Mutex // guards t
	t  *time.Timer
}

// watch has the rule of a set that expires next do so in time: answers that came from it are asked for again.
func (d *Directory) watch(set *ruleset) {
	set.expiry.mu.Lock()
	defer set.expiry.mu.Unlock()
	if set.expiry.t != nil {
		set.expiry.t.Stop()
		set.expiry.t = nil
	}
	now := d.o.Now()
	var next time.Time
	for _, r := range *set.rules.Load() {
		if !r.ExpiresAt.IsZero() && now.Before(r.ExpiresAt) && (next.IsZero() || r.ExpiresAt.Before(next)) {
			next = r.ExpiresAt
		}
	}
	if next.IsZero() {
		return
	}
	held := weak.Make(set) // a set that no login holds needs no watching
	set.expiry.t = time.AfterFunc(min(next.Sub(now), longestWatch), func() {
		if set := held.Value(); set != nil {
			set.generation.Store(nextGeneration())
			d.watch(set)
		}
	})
}
