package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/procfs"
)

// patience is how long an answer may take before it counts as lost.
const patience = 20 * time.Second

// closedLoop keeps a number of messages on their way: each answer lets the next one go.
func closedLoop(sc scenario) func(context.Context, *settings, *target) (figure, error) {
	return func(ctx context.Context, s *settings, t *target) (figure, error) {
		c, err := dial(ctx, t.broker)
		if err != nil {
			return nil, err
		}
		defer c.close()
		if err := c.ready(sc); err != nil {
			return nil, err
		}
		l := loop{c: c, sc: sc, next: make([]int, sc.answers)}
		if err := l.send(s.window); err != nil {
			return nil, err
		}
		if err := l.until(time.Now().Add(s.warm)); err != nil {
			return nil, err
		}
		cpu, err := procfs.CPU(t.pid)
		if err != nil {
			return nil, err
		}
		done := l.done()
		if err := l.until(time.Now().Add(s.duration)); err != nil {
			return nil, err
		}
		after, err := procfs.CPU(t.pid)
		if err != nil {
			return nil, err
		}
		count := l.done() - done
		rss, err := procfs.Resident(t.pid)
		if err != nil {
			return nil, err
		}
		if err := l.drain(); err != nil {
			return nil, err
		}
		return figure{perCPU: float64(count) / (after - cpu).Seconds(), rssMB: float64(rss) / (1 << 20)}, nil
	}
}

// loop is a load in progress.
type loop struct {
	c    *client
	sc   scenario
	sent int
	next []int // by answer: the input whose answer is to come
}

// done is how many inputs have had all their answers.
func (l *loop) done() int { return slices.Min(l.next) }

func (l *loop) send(n int) error {
	for range n {
		l.c.queue(l.sc.in(l.c.scratch[:0], l.sent))
		l.sent++
	}
	return l.c.flush()
}

// check compares one answer with what it must be.
func (l *loop) check(payload []byte) error {
	k := l.sc.which(payload)
	n := l.next[k]
	if want := l.sc.out(n, k); string(payload) != want {
		return fmt.Errorf("answer %d to input %d is wrong or out of order: %s, want %s", k, n, payload, want)
	}
	l.next[k]++
	return nil
}

// until lets one input follow each that was answered, to the end of the time.
func (l *loop) until(end time.Time) error {
	for time.Now().Before(end) {
		before := l.done()
		if err := l.c.read(l.check); err != nil {
			return l.lost(err)
		}
		if n := l.done() - before; n > 0 {
			if err := l.send(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// drain waits for the answers that are still due.
func (l *loop) drain() error {
	for l.done() < l.sent {
		if err := l.c.read(l.check); err != nil {
			return l.lost(err)
		}
	}
	return nil
}

func (l *loop) lost(err error) error {
	return fmt.Errorf("%d of %d inputs were answered: %w", l.done(), l.sent, err)
}

// steadyLoad sends 200 messages a second and notes how long each takes.
func steadyLoad(ctx context.Context, s *settings, t *target) (figure, error) {
	c, err := dial(ctx, t.broker)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.ready(pass); err != nil {
		return nil, err
	}
	n := int(200 * s.duration.Seconds())
	sent := make([]time.Time, n)
	took := make([]time.Duration, 0, n)
	failed := make(chan error, 1)
	begin := time.Now()
	go func() { // ends with the last message
		for i := range n {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * 5 * time.Millisecond)))
			c.queue(pass.in(nil, i))
			sent[i] = time.Now()
			if err := c.flush(); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	l := loop{c: c, sc: pass, next: make([]int, 1)}
	for len(took) < n {
		if err := c.read(func(payload []byte) error {
			took = append(took, time.Since(sent[len(took)]))
			return l.check(payload)
		}); err != nil {
			return nil, errors.Join(l.lost(err))
		}
	}
	if err := <-failed; err != nil {
		return nil, err
	}
	slices.Sort(took)
	return figure{"p50 ms": ms(took[n/2]), "p99 ms": ms(took[n*99/100])}, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// idleTime is how long a runtime has to settle before its memory is read.
const idleTime = 5 * time.Second

// idleLoad reads start time and memory of a runtime whose flow has answered a few messages.
func idleLoad(ctx context.Context, _ *settings, t *target) (figure, error) {
	c, err := dial(ctx, t.broker)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.ready(celsius); err != nil {
		return nil, err
	}
	l := loop{c: c, sc: celsius, next: make([]int, 1)}
	for range 5 {
		if err := l.send(1); err != nil {
			return nil, err
		}
		if err := l.drain(); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	rss, err := procfs.Resident(t.pid)
	return figure{"start ms": ms(t.started), rssMB: float64(rss) / (1 << 20)}, err
}

// loopLoad sends arrays of 100,000 numbers through split, function and join.
func loopLoad(ctx context.Context, _ *settings, t *target) (figure, error) {
	const elements, times = 100_000, 3
	var in, want strings.Builder
	for i := range elements {
		sep := ","
		if i == 0 {
			sep = "["
		}
		fmt.Fprintf(&in, "%s%d", sep, i)
		fmt.Fprintf(&want, "%s%d", sep, 2*i)
	}
	in.WriteString("]")
	want.WriteString("]")
	sc := scenario{1, func(dst []byte, _ int) []byte { return append(dst, in.String()...) }, func(int, int) string { return want.String() }, first}
	small := scenario{1, func(dst []byte, n int) []byte { return fmt.Appendf(dst, "[%d]", n) }, func(n, _ int) string { return fmt.Sprintf("[%d]", 2*n) }, first}
	c, err := dial(ctx, t.broker)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.ready(small); err != nil {
		return nil, err
	}
	cpu, err := procfs.CPU(t.pid)
	if err != nil {
		return nil, err
	}
	l := loop{c: c, sc: sc, next: make([]int, 1)}
	for range times {
		if err := l.send(1); err != nil {
			return nil, err
		}
		if err := l.drain(); err != nil {
			return nil, err
		}
	}
	after, err := procfs.CPU(t.pid)
	if err != nil {
		return nil, err
	}
	use, err := procfs.Memory(t.pid)
	return figure{"elements/CPU-s": elements * times / (after - cpu).Seconds(), "MB at most": float64(use.Peak) / (1 << 20)}, err
}
