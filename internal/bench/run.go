package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// run is one measurement.
type run struct {
	o          *options
	dialer     *dialer
	name       string // begins all topics and client ids
	begin      time.Time
	publishers []*publisher
	receivers  []*receiver
	measuring  atomic.Bool
	stopped    atomic.Bool // nothing more is sent
	closing    atomic.Bool // connections may end
	failed     chan error  // the first failure
	wg         sync.WaitGroup
}

// now is the run's clock.
func (r *run) now() time.Duration { return time.Since(r.begin) }

func newRun(o *options) (*run, error) {
	d, err := newDialer(o)
	if err != nil {
		return nil, err
	}
	return &run{o: o, dialer: d, name: "bench-" + rand.Text()[:8], begin: time.Now(), failed: make(chan error, 1)}, nil
}

// atOnce is the number of connections that are made at the same time.
const atOnce = 32

// each calls f for 0 to n-1, some at once, and returns the first failure.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, atOnce) {
		wg.Go(func() { // ends when all is done or one has failed
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// shape connects everybody of the scenario and says who sends what to whom.
func (r *run) shape(ctx context.Context) error {
	o := r.o
	topic := func(i int) string { return fmt.Sprintf("%s/t%d", r.name, i) }
	filters := make([][]string, 0)
	targets := make([][]target, 0)
	copies := 1
	switch o.scenario {
	case "pairs":
		for i := range o.clients {
			filters = append(filters, []string{topic(i)})
			targets = append(targets, []target{newTarget(topic(i), o, i)})
		}
	case "fan-in":
		for i := range o.to {
			filters = append(filters, []string{topic(i)})
		}
		for i := range o.clients {
			targets = append(targets, []target{newTarget(topic(i%o.to), o, i%o.to)})
		}
	case "fan-out":
		for range o.clients {
			filters = append(filters, []string{topic(0)})
		}
		targets = append(targets, []target{newTarget(topic(0), o, 0)})
		copies = o.clients
	case "scattered":
		filters = make([][]string, o.to)
		all := make([]target, o.filters)
		for i := range o.filters {
			filters[i%o.to] = append(filters[i%o.to], topic(i))
			all[i] = newTarget(topic(i), o, i%o.to)
		}
		for range o.clients {
			targets = append(targets, all)
		}
	}
	return r.join(ctx, filters, targets, copies)
}

// join makes the receivers, which subscribe, and then the publishers.
func (r *run) join(ctx context.Context, filters [][]string, targets [][]target, copies int) error {
	r.receivers = make([]*receiver, len(filters))
	r.publishers = make([]*publisher, len(targets))
	err := each(ctx, len(filters), func(ctx context.Context, i int) error {
		l, err := connect(ctx, r.dialer, r.o, fmt.Sprintf("%s-r%d", r.name, i))
		if err != nil {
			return err
		}
		v := &receiver{link: l, run: r, index: i, streams: make([]stream, len(targets))}
		v.batch.credits = make([]int64, len(targets))
		r.receivers[i] = v
		return l.subscribe(filters[i], byte(r.o.qos))
	})
	if err != nil {
		return err
	}
	return each(ctx, len(targets), func(ctx context.Context, i int) error {
		l, err := connect(ctx, r.dialer, r.o, fmt.Sprintf("%s-p%d", r.name, i))
		if err != nil {
			return err
		}
		r.publishers[i] = &publisher{link: l, run: r, index: i, qos: byte(r.o.qos), window: int64(r.o.window), copies: int64(copies),
			targets: targets[i], next: i * len(targets[i]) / len(targets), numbers: make([]uint64, len(filters))}
		return nil
	})
}

// start lets everybody go.
func (r *run) start() {
	for _, v := range r.receivers {
		r.wg.Go(func() { r.ended(v.listen()) })
	}
	for _, p := range r.publishers {
		r.wg.Go(func() { r.ended(p.listen()) })
	}
	for _, p := range r.publishers {
		r.wg.Go(func() { r.ended(p.send()) })
	}
}

// ended reports the end of a connection that nobody asked for.
func (r *run) ended(err error) {
	if err == nil || r.closing.Load() {
		return
	}
	select {
	case r.failed <- err:
	default:
	}
}

// wait waits for d, or for a failure. Meanwhile windows that nothing comes back for are opened again: their messages
// are lost, and shown so at the end.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	end := time.NewTimer(d)
	defer end.Stop()
	look := time.NewTicker(stallLook)
	defer look.Stop()
	last := make([]int64, len(r.publishers))
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-r.failed:
			return err
		case <-end.C:
			return nil
		case <-look.C:
			for i, p := range r.publishers {
				now := p.arrived.Load()
				if now == last[i] && now < p.sent.Load()*p.copies {
					p.arrived.Store(p.sent.Load() * p.copies)
					p.acked.Store(p.sent.Load())
					r.ended(p.send())
				}
				last[i] = now
			}
		}
	}
}

const stallLook = 2 * time.Second // without any arrival

// drain stops the senders and waits until everything has arrived, or nothing more does.
func (r *run) drain(ctx context.Context) error {
	r.stopped.Store(true)
	for _, p := range r.publishers {
		p.mu.Lock() // a send that had begun is over
		//lint:ignore SA2001 nothing is guarded: the lock is waited for
		p.mu.Unlock()
	}
	before, since := int64(-1), time.Now()
	for time.Since(since) < stallLook {
		missing, now := int64(0), r.count()
		for _, p := range r.publishers {
			missing += max(p.sent.Load()*p.copies-p.arrived.Load(), 0)
			if p.qos > 0 {
				missing += max(p.sent.Load()-p.acked.Load(), 0)
			}
		}
		if missing == 0 {
			return nil
		}
		if now != before {
			before, since = now, time.Now()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-r.failed:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// close ends all connections and the goroutines that read them.
func (r *run) close() {
	r.closing.Store(true)
	for _, v := range r.receivers {
		if v != nil {
			v.conn.Close()
		}
	}
	for _, p := range r.publishers {
		if p != nil {
			p.conn.Close()
		}
	}
	r.wg.Wait()
}

func (r *run) count() int64 {
	n := int64(0)
	for _, v := range r.receivers {
		n += v.count.Load()
	}
	return n
}

var errNothing = errors.New("no message arrived")
