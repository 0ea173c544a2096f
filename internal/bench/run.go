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
	tell       func(format string, a ...any)
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
	return &run{o: o, dialer: d, name: "bench/" + rand.Text()[:8], tell: func(string, ...any) {}, begin: time.Now(), failed: make(chan error, 1)}, nil
}

// each calls f for 0 to n-1, some at once, and returns the first failure.
func each(ctx context.Context, atOnce, n int, f func(ctx context.Context, i int) error) error {
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

// connectReceivers makes the receivers, which subscribe.
func (r *run) connectReceivers(ctx context.Context, p plan) error {
	r.receivers = make([]*receiver, len(p.filters))
	return each(ctx, r.o.atOnce, len(p.filters), func(ctx context.Context, i int) error {
		l, err := connect(ctx, r.dialer, r.o, r.receiverLogin(i))
		if err != nil {
			return err
		}
		v := &receiver{link: l, run: r, index: i, streams: make([]stream, len(p.targets))}
		v.batch.credits = make([]int64, len(p.targets))
		r.receivers[i] = v
		return l.subscribe(p.filters[i], byte(r.o.qos))
	})
}

func (r *run) receiverLogin(i int) login {
	return login{id: fmt.Sprintf("%s-r%d", r.name, i), number: i, persistent: r.o.scenario == "durable"}
}

// connectPublishers makes the publishers.
func (r *run) connectPublishers(ctx context.Context, p plan) error {
	r.publishers = make([]*publisher, len(p.targets))
	return each(ctx, r.o.atOnce, len(p.targets), func(ctx context.Context, i int) error {
		l, err := connect(ctx, r.dialer, r.o, login{id: fmt.Sprintf("%s-p%d", r.name, i), number: len(p.filters) + i})
		if err != nil {
			return err
		}
		list := p.targets[i]
		r.publishers[i] = newPublisher(l, r, i, p.copies, list, i*len(list)/len(p.targets), len(p.filters))
		return nil
	})
}

// start lets everybody go.
func (r *run) start() {
	for _, v := range r.receivers {
		if !r.o.absent {
			r.wg.Go(func() { r.ended(v.listen()) })
		}
	}
	for _, p := range r.publishers {
		r.wg.Go(func() { r.ended(p.listen()) })
	}
	if r.o.rate > 0 {
		r.wg.Go(r.pace)
		return
	}
	for _, p := range r.publishers {
		r.wg.Go(func() { r.ended(p.send()) })
	}
}

// pace allows the publishers as many messages as the rate says, in turn, until nothing more is sent.
func (r *run) pace() {
	began, given := r.now(), int64(0)
	for tick := time.NewTimer(0); !r.stopped.Load(); {
		<-tick.C
		due := int64((r.now() - began).Seconds() * float64(r.o.rate))
		for ; given < due; given++ {
			p := r.publishers[given%int64(len(r.publishers))]
			p.allowed.Add(1)
			r.ended(p.send())
		}
		next := time.Duration(float64(given+1) / float64(r.o.rate) * float64(time.Second))
		tick.Reset(max(next-(r.now()-began), 0))
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
	told, toldAt := r.arrivals()+r.acknowledged(), r.now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-r.failed:
			return err
		case <-end.C:
			return nil
		case <-look.C:
			n, now := r.arrivals()+r.acknowledged(), r.now()
			if n > 0 {
				r.tell("%d messages and acknowledgements, %.0f a second", n, float64(n-told)/(now-toldAt).Seconds())
			}
			told, toldAt = n, now
			for i, p := range r.publishers {
				last[i] = p.reopen(last[i])
			}
		}
	}
}

const stallLook = 2 * time.Second // without any arrival

// stop ends the sending.
func (r *run) stop() {
	r.stopped.Store(true)
	for _, p := range r.publishers {
		p.mu.Lock() // a send that had begun is over
		//lint:ignore SA2001 nothing is guarded: the lock is waited for
		p.mu.Unlock()
	}
}

// drain stops the senders and waits until everything has arrived, or nothing more does.
func (r *run) drain(ctx context.Context) error {
	r.stop()
	before, since := int64(-1), time.Now()
	for time.Since(since) < stallLook {
		missing, now := int64(0), r.arrivals()
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

// arrivals is the number of messages that have arrived.
func (r *run) arrivals() int64 {
	n := int64(0)
	for _, v := range r.receivers {
		if v != nil {
			n += v.count.Load()
		}
	}
	return n
}

// acknowledged is the number of messages whose handshake with the publisher is over.
func (r *run) acknowledged() int64 {
	n := int64(0)
	for _, p := range r.publishers {
		if p != nil && p.qos > 0 {
			n += p.acked.Load()
		}
	}
	return n
}

var errNothing = errors.New("no message arrived")
