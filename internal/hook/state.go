package hook

import (
	"time"

	"tsunagi/internal/broker"
)

// State is how a hook is.
type State struct {
	State       string // running, retrying, full or waiting
	Connected   bool
	Since       time.Time
	LastError   string // in words; "" when there was none
	LastErrorAt time.Time
	LastDone    time.Time // when something was delivered last
	LastSkip    string    // why an event was left out last
	NextRun     time.Time // of a schedule; zero: never
	LastFired   time.Time // when there was an event for the hook last
	Fired       uint64    // how many there were: of a schedule since it was made, else since the hook was started
	Held        uint64    // that its edge or quiet time left out
	Watched     int       // topics whose silence it watches
	Silent      int       // that are silent
	Queued      int       // messages that wait for the hook
	Delivered   uint64    // since the hook was started, as the numbers below
	Retries     uint64
	Skipped     uint64
	Buried      uint64 // that became dead letters
}

// The words of State.State.
const (
	Running  = "running"
	Retrying = "retrying" // the last attempt failed, and there is another one
	Full     = "full"     // it waits until there is room among the dead letters
	Waiting  = "waiting"  // it has no connection to its own instance
)

func (u *runner) set(change func(*State)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.state)
}

func (u *runner) count(n *int, by int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	*n += by
}

// isOpen says whether an event was let through before and isn't settled.
func (u *runner) isOpen(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.open[id]
}

// maxOpen is more than the windows of two connections.
const maxOpen = 4 * mailWindow

func (u *runner) opened(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil || len(u.open) >= maxOpen { // left over by sessions that were ended
		u.open = map[string]bool{}
	}
	u.open[id] = true
}

func (u *runner) closed(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, id)
}

// well notes a delivery.
func (u *runner) well() {
	u.delivered.Add(1)
	now := u.o.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state.LastDone, u.told = now, ""
}

// skip notes an event that was left out.
func (u *runner) skip(err error) {
	u.skipped.Add(1)
	u.set(func(s *State) { s.LastSkip = err.Error() })
}

// wrong notes a failure, and tells the instance's log where it is news.
func (u *runner) wrong(err error) {
	words, now := err.Error(), u.o.Now()
	u.mu.Lock()
	u.state.LastError, u.state.LastErrorAt = words, now
	news := u.told != words
	u.told = words
	u.mu.Unlock()
	if news {
		u.o.Log.Info("hook failed", "instance", u.r.Instance, "hook", u.r.ID, "cause", words)
		u.o.Events(u.r.Instance, broker.Event{Kind: "refused", Client: LocalID(u.r.ID), User: User, Gate: "hook", Rule: u.r.Name, Cause: words})
	}
}

// failed notes that there is no connection to the instance.
func (u *runner) failed(err error) {
	u.set(func(s *State) { s.Connected, s.Since = false, u.o.Now() })
	u.wrong(err)
}

// now is the present state, but for the queue.
func (u *runner) now() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.state
	switch {
	case u.full > 0:
		s.State = Full
	case u.retrying > 0:
		s.State = Retrying
	case !s.Connected:
		s.State = Waiting
	default:
		s.State = Running
	}
	s.Delivered, s.Retries, s.Skipped, s.Buried, s.Held = u.delivered.Load(), u.retries.Load(), u.skipped.Load(), u.buried.Load(), u.held.Load()
	if u.silence != nil {
		s.Watched, s.Silent = u.silence.counts()
	}
	return s
}
