package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"tsunagi/internal/broker"
	"tsunagi/internal/gate"
	"tsunagi/internal/store/sqlite"
)

// core is what `serve` has in both of its modes: the store, the committer, the brokers and the MQTT sockets.
type core struct {
	log       *slog.Logger
	failure   *failure
	store     *sqlite.Store
	committer *broker.Committer
	brokers   *brokers
	gate      *gate.Server
}

// reserve has a store in dir refuse messages when less than so many MiB are free.
func reserve(dir string, mb int) sqlite.Options {
	return sqlite.Options{Dir: dir, CriticalBytes: int64(mb) << 20}
}

// newCore opens the data directory. Limits, events and rights of the brokers and the gate's options are the mode's.
func newCore(ctx context.Context, o sqlite.Options, log *slog.Logger) (*core, error) {
	o.Log = log
	store, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	c := &core{log: log, failure: newFailure(), store: store}
	c.committer = broker.NewCommitter(store.Messages, func(t *broker.Turn) { t.Flush() }, log)
	c.brokers = &brokers{committer: c.committer, store: store.Messages, log: log, node: "tsunagi " + Version, all: map[string]*opening{}}
	return c, nil
}

// openGate makes the MQTT sockets; clients are let in by o.Door.
func (c *core) openGate(o gate.Options) {
	o.Log = c.log
	o.Drain = c.brokers.stop
	c.gate = gate.New(o)
}

// committing is the committer as a part: it ends last but for the store, after the brokers have written what they
// write lazily.
func (c *core) committing() part {
	return working("committer", func(ctx context.Context) {
		if err := c.committer.Run(ctx); err != nil && ctx.Err() == nil {
			c.failure.fail(fmt.Errorf("the store failed, so nothing is acknowledged any more: %w", err))
		}
	})
}

// storing is the store as a part: opened before, closed last.
func (c *core) storing() part {
	return part{name: "store", stop: func(context.Context) error { return c.store.Close() }}
}

// gating is the MQTT sockets as a part.
func (c *core) gating() part {
	return part{
		name:  "gate",
		start: func(context.Context) error { return c.gate.Start() },
		stop:  c.gate.Stop,
	}
}

// accepting serves one MQTT listener until the gate stops.
func (c *core) accepting(name string, l net.Listener, config *tls.Config, open bool) part {
	return part{name: name, start: func(context.Context) error {
		go func() { // ends when the gate closes the listener
			var err error
			if config != nil {
				err = c.gate.ServeTLS(l, config)
			} else {
				err = c.gate.ServePlain(l, open)
			}
			if err != nil {
				c.failure.fail(fmt.Errorf("%s: %w", name, err))
			}
		}()
		return nil
	}}
}
