package bench

import (
	"sync"
	"sync/atomic"
	"time"
)

// progress tells once a second how far something has come.
type progress struct {
	n    atomic.Int64
	quit chan struct{}
	wg   sync.WaitGroup
}

// progress begins to tell of what; end ends it.
func (r *run) progress(what string) *progress {
	p := &progress{quit: make(chan struct{})}
	p.wg.Go(func() { // ends with end
		t := time.NewTicker(time.Second)
		defer t.Stop()
		last := int64(0)
		for {
			select {
			case <-p.quit:
				return
			case <-t.C:
				n := p.n.Load()
				r.tell("%s: %d, %d in the last second", what, n, n-last)
				last = n
			}
		}
	})
	return p
}

func (p *progress) end() {
	close(p.quit)
	p.wg.Wait()
}
