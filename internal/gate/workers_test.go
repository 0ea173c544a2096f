package gate

import (
	"errors"
	"runtime"
	"sync"
	"testing"
)

// TestWorkers: answers come to who asked, however many ask at once, and at most idleWorkers wait for more.
func TestWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	p := newWorkers()
	var asked, done sync.WaitGroup
	hold := make(chan struct{})
	for range 3 * idleWorkers {
		mine := errors.New("mine")
		asked.Go(func() {
			for range 20 {
				if err := p.run(func() error { return mine }); err != mine {
					t.Errorf("the answer is another's: %v", err)
				}
			}
		})
		p.start(&done, func() { <-hold })
	}
	asked.Wait()
	close(hold)
	done.Wait()
	if n := len(p.idle); n != idleWorkers {
		t.Errorf("%d wait for work, want %d", n, idleWorkers)
	}
	p.stop()
	until(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}
