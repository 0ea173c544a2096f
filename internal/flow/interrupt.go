package flow

import (
	"sync"
	"time"
)

// Interrupter is a script engine whose running call another goroutine can stop; stopping one that doesn't run has no
// effect.
type Interrupter interface{ Interrupt() }

// scripts are the engines of all nodes.
type scripts struct {
	mu  sync.Mutex
	all map[Interrupter]bool
}

// Scripted registers an engine of the node, so that a deploy need not wait until a script has used up its time.
func (b *Base) Scripted(i Interrupter) {
	s := &b.rt.scripts
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[Interrupter]bool{}
	}
	s.all[i] = true
}

// Unscripted takes an engine out that Scripted has registered.
func (b *Base) Unscripted(i Interrupter) {
	s := &b.rt.scripts
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, i)
}

func (s *scripts) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.all {
		i.Interrupt()
	}
}

// deployPatience is how long a deploy or a stop waits for a script that runs, before it is interrupted.
const deployPatience = time.Second

// impatiently runs f, which waits for the loop, and interrupts scripts that hold the loop up meanwhile.
func (r *Runtime) impatiently(f func() error) error {
	t := time.NewTicker(deployPatience)
	defer t.Stop()
	done := make(chan struct{})
	go func() { // ends with f
		for {
			select {
			case <-t.C:
				r.scripts.interrupt()
			case <-done:
				return
			}
		}
	}()
	defer close(done)
	return f()
}
