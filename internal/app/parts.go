package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stopTime is how long one part may take to stop.
const stopTime = 10 * time.Second

// part is something that is started and stopped with the process.
type part struct {
	name  string
	start func(ctx context.Context) error // returns when the part works; nil: nothing to do
	stop  func(ctx context.Context) error // returns when it has ended; nil: nothing to do
}

// working is a part that runs until its context ends; stop ends that and waits.
func working(name string, run func(ctx context.Context)) part {
	ended := make(chan struct{})
	var cancel context.CancelFunc
	return part{name: name, start: func(ctx context.Context) error {
		ctx, cancel = context.WithCancel(ctx)
		go func() { defer close(ended); run(ctx) }() // ends with its context
		return nil
	}, stop: func(ctx context.Context) error {
		cancel()
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// runParts starts the parts in order, calls ready, waits for ctx to end or for a failure on failed, and stops in
// reverse what was started.
func runParts(ctx context.Context, log *slog.Logger, parts []part, ready func(), failed <-chan error) (err error) {
	// A part's own context outlives ctx: it is ended by stop, in its turn.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for _, p := range parts {
		if p.start != nil {
			if startErr := p.start(own); startErr != nil {
				return fmt.Errorf("start %s: %w", p.name, startErr)
			}
		}
		defer func() {
			if p.stop == nil {
				return
			}
			grace, done := context.WithTimeout(context.Background(), stopTime)
			defer done()
			begun := time.Now()
			if stopErr := p.stop(grace); stopErr != nil {
				err = errors.Join(err, fmt.Errorf("stop %s: %w", p.name, stopErr))
			}
			log.Debug("part stopped", "part", p.name, "took", time.Since(begun))
		}()
	}
	ready()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}
