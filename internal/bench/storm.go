package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Clients that live on during a storm.
const (
	liveClients   = 50
	livePause     = time.Second     // between two of their packets
	liveKeepAlive = 2 * time.Second // what they have promised
)

// storm measures connecting: all clients come as fast as the broker and --at-once let them. Meanwhile others live on;
// each that loses its connection or is not answered is counted.
func (r *run) storm(ctx context.Context) (*result, error) {
	o := r.o
	res := r.blank()
	alive, err := r.live(ctx)
	if err != nil {
		return nil, err
	}
	defer alive.stop()
	if o.resume {
		if err := r.rehearse(ctx); err != nil {
			return nil, err
		}
	}
	crowd := r.crowd()
	defer crowd.close()
	resumed := r.dialer.resumed.Load()
	m, err := r.meter()
	if err != nil {
		return nil, err
	}
	if err := crowd.connect(ctx, o.clients, nil); err != nil {
		return nil, err
	}
	if err := m.read(res, int64(o.clients)); err != nil {
		return nil, err
	}
	res.Resumed = r.dialer.resumed.Load() - resumed
	res.Latency = crowd.took.latency()
	if err := r.wait(ctx, 2*liveKeepAlive); err != nil { // who was neglected would be cut off by now
		return nil, err
	}
	res.Live, res.LiveLost = liveClients, alive.stop()
	return res, nil
}

// rehearse is a storm that only leaves its TLS sessions behind.
func (r *run) rehearse(ctx context.Context) error {
	crowd := r.crowd()
	defer crowd.close()
	return crowd.connect(ctx, r.o.clients, nil)
}

// living are the clients that live on.
type living struct {
	quit chan struct{}
	once sync.Once
	wg   sync.WaitGroup
	lost atomic.Int64
}

// live connects the clients that go on pinging until stop.
func (r *run) live(ctx context.Context) (*living, error) {
	a := &living{quit: make(chan struct{})}
	crowd := r.crowd()
	for i := range liveClients {
		l, err := connect(ctx, r.dialer, r.o, login{id: fmt.Sprintf("%s-live%d", r.name, i), number: -1, keepAlive: liveKeepAlive})
		if err != nil {
			crowd.close()
			return nil, err
		}
		crowd.links = append(crowd.links, l)
	}
	for _, l := range crowd.links {
		a.wg.Go(func() { // ends with quit, or when its connection is lost
			defer l.conn.Close()
			tick := time.NewTicker(livePause)
			defer tick.Stop()
			for {
				select {
				case <-a.quit:
					return
				case <-tick.C:
				}
				if l.ping() != nil {
					a.lost.Add(1)
					return
				}
			}
		})
	}
	return a, nil
}

// stop ends them and says how many were lost.
func (a *living) stop() int {
	a.once.Do(func() { close(a.quit) })
	a.wg.Wait()
	return int(a.lost.Load())
}
