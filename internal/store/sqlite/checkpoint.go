package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"

	"tsunagi/internal/broker"
)

// checkpointer moves pages from the write-ahead log to the database file when the log has grown, in two steps: most of
// them beside running writes, and the rest, after which the log starts over, between two writes. SQLite's own
// automatic checkpoint does it all within some unlucky commit, and keeps the error of a failed sync to itself.
type checkpointer struct {
	db    *database
	conn  *sql.DB // one connection, which doesn't wait for others
	limit int64   // bytes

	estimate atomic.Int64 // bytes written since the log was last measured, counted generously
	wake     chan struct{}
	quit     chan struct{} // closed by stop
	ended    chan struct{}
}

const (
	frameBytes = 4096 + 24 // of a page in the write-ahead log
	commitCost = 4 * frameBytes
)

// newCheckpointer starts the goroutine, which ends at stop.
func newCheckpointer(db *database, limit int64) *checkpointer {
	c := &checkpointer{
		db: db, limit: limit, conn: open(db.path, 1, pragmas{"busy_timeout": 0, "cache_size": -64}),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.run()
	return c
}

// wrote is told about every commit.
func (c *checkpointer) wrote(bytes int) {
	if c.estimate.Add(int64(bytes)+commitCost) > c.limit/8 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *checkpointer) run() {
	defer close(c.ended)
	for {
		select {
		case <-c.quit:
			return
		case <-c.wake:
		}
		c.estimate.Store(0)
		if err := c.work(); err != nil {
			c.db.mu.Lock()
			err = c.db.settle(err)
			c.db.mu.Unlock()
			c.db.log.Error("write-ahead log not moved to the store", "file", c.db.path, "error", err)
		}
	}
}

// work moves the log if it is long enough.
func (c *checkpointer) work() error {
	frames, err := c.pragma("noop")
	if err != nil || frames*frameBytes < c.limit {
		return err
	}
	if _, err := c.pragma("passive"); err != nil {
		return err
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	c.db.gate.Lock()
	defer c.db.gate.Unlock()
	if c.db.failed != nil {
		return nil
	}
	_, err = c.pragma("restart")
	return err
}

// pragma runs one kind of checkpoint and returns the length of the log in frames. That others keep the log busy is no
// error: it grows, and the next time comes.
func (c *checkpointer) pragma(kind string) (frames int64, err error) {
	var busy, moved int64
	row := c.conn.QueryRowContext(context.Background(), "pragma wal_checkpoint("+kind+")")
	if err := row.Scan(&busy, &frames, &moved); err != nil {
		err = c.db.sort("move write-ahead log", err)
		if errors.Is(err, broker.ErrStoreFull) {
			return 0, nil // the log keeps it all until there is room
		}
		return 0, err
	}
	return frames, nil
}

// stop ends the goroutine and waits for it.
func (c *checkpointer) stop() {
	close(c.quit)
	<-c.ended
}

// finish empties the log at the end.
func (c *checkpointer) finish() error {
	_, err := c.pragma("truncate")
	return err
}
