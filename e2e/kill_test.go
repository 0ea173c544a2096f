package e2e

import (
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// perRound is how many acknowledgements a round of the kill loop waits for; each round a few more, so that the end
// comes at another moment.
const perRound = 250

// TestKillLosesNothingAcknowledged kills the server while clients publish with QoS 1 and QoS 2, set retained messages,
// subscribe and unsubscribe. After each restart everything that was acknowledged is there: each QoS 1 message in the order
// of its publisher, each QoS 2 message exactly once, the last retained value, the subscriptions as they were answered.
// TORTURE_ROUNDS asks for more than the 50 rounds.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	rounds := tortureRounds(50)
	dir, addr := t.TempDir(), freeAddr(t)
	s := startDev(t, dir, addr)
	w := newWorld(t, addr)
	for round := range rounds {
		w.disturb(round, func() { s.kill() })
		s = startDev(t, dir, addr)
		w.verify(round)
	}
	t.Logf("%d kills: %s", rounds, w.counts())
}

// tortureRounds is what TORTURE_ROUNDS asks for, or a shorter way.
func tortureRounds(short int) int {
	if n, err := strconv.Atoi(os.Getenv("TORTURE_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return short
}

// world is all that clients were promised by a server, kept outside of it.
type world struct {
	t    *testing.T
	addr string

	ordered   *ordered
	exact     *exact
	kept      *kept
	interests *interests

	mu     sync.Mutex
	frozen bool          // guarded by mu: what is read from now on is not judged
	acks   int           // guarded by mu
	want   int           // guarded by mu: acknowledgements of the round
	enough chan struct{} // guarded by mu: closed at want
}

// journal is one kind of promise. run uses the server until its connection fails; verify runs after the restart.
type journal interface {
	run(round int)
	verify(round int)
}

func newWorld(t *testing.T, addr string) *world {
	w := &world{t: t, addr: addr, enough: make(chan struct{})}
	w.ordered, w.exact, w.kept, w.interests = newOrdered(w), newExact(w), newKept(w), newInterests(w)
	return w
}

func (w *world) journals() []journal { return []journal{w.ordered, w.exact, w.kept, w.interests} }

// disturb lets all clients run, ends the server by end after enough acknowledgements, and waits for the clients.
func (w *world) disturb(round int, end func()) {
	w.t.Helper()
	w.mu.Lock()
	w.frozen, w.acks, w.want, w.enough = false, 0, perRound+round*37%200, make(chan struct{})
	enough := w.enough
	w.mu.Unlock()
	var running sync.WaitGroup
	for _, j := range w.journals() {
		running.Go(func() { j.run(round) })
	}
	select {
	case <-enough:
	case <-time.After(60 * time.Second):
		w.t.Errorf("round %d: too few acknowledgements in a minute", round)
	}
	end()
	running.Wait()
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// note takes down an answer of the server; false when it comes too late to be judged.
func (w *world) note(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen {
		return false
	}
	f()
	if w.acks++; w.acks == w.want {
		close(w.enough)
	}
	return true
}

// freeze has answers that are read from now on not judged.
func (w *world) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = true
}

func (w *world) verify(round int) {
	w.t.Helper()
	w.mu.Lock()
	w.frozen, w.want = false, -1
	w.mu.Unlock()
	for _, j := range w.journals() {
		if j.verify(round); w.t.Failed() {
			w.t.FailNow()
		}
	}
}
