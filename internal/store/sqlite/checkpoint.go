package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
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

	moving sync.Mutex   // held while the log is moved beside writes; before database.mu
	fresh  atomic.Int64 // bytes written since the goroutine was woken, counted generously
	grown  atomic.Int64 // bytes of the log, counted generously

	wake  chan struct{}
	quit  chan struct{} // closed by stop
	ended chan struct{}
}

const (
	pageBytes  = 4096
	frameBytes = pageBytes + 24 // of a page in the write-ahead log
	commitCost = 4 * frameBytes
	overLimit  = 4 // times the limit: then writes wait until the log has been moved
)

// newCheckpointer starts the goroutine, which ends at stop.
func newCheckpointer(db *database, limit int64) *checkpointer {
	c := &checkpointer{
		db: db, limit: limit, conn: db.open(1, pragmas{"busy_timeout": 0, "cache_size": -64}),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.run()
	return c
}

// wrote is told about every commit, with database.mu held. When writes outrun the goroutine, it moves the log here.
func (c *checkpointer) wrote(bytes int) error {
	cost := int64(bytes) + commitCost
	if c.fresh.Add(cost) > c.limit/8 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	if c.grown.Add(cost) < overLimit*c.limit {
		return nil
	}
	if err := c.measure(); err != nil || c.grown.Load() < overLimit*c.limit {
		return err
	}
	return c.startOver()
}

func (c *checkpointer) run() {
	defer close(c.ended)
	for {
		select {
		case <-c.quit:
			return
		case <-c.wake:
		}
		c.fresh.Store(0)
		c.moving.Lock()
		err := c.measure()
		if err == nil && c.grown.Load() >= c.limit {
			err = c.move()
		}
		c.moving.Unlock()
		c.tell(err)
	}
}

// tell remembers an error that is final, and logs it.
func (c *checkpointer) tell(err error) {
	if err == nil {
		return
	}
	c.db.mu.Lock()
	err = c.db.settle(err)
	c.db.mu.Unlock()
	c.db.log.Error("write-ahead log not moved to the store", "file", c.db.path, "error", err)
}

// measure finds out how long the log really is.
func (c *checkpointer) measure() error {
	_, frames, err := c.pragma("noop")
	if err == nil {
		c.grown.Store(frames * frameBytes)
	}
	return err
}

// move does both steps, with moving held. When the disk has no room for what the file would grow by, it does nothing:
// half of the way would only take the last of the room, which the log needs for deletes.
func (c *checkpointer) move() error {
	for range 2 { // the second one takes what was written during the first, so that little is left for the last step
		if !c.room() {
			return nil
		}
		if _, _, err := c.pragma("passive"); err != nil {
			return err
		}
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	return c.startOver()
}

// room says whether the disk has room for all pages of the database in its file.
func (c *checkpointer) room() bool {
	var pages int64
	err := c.conn.QueryRowContext(context.Background(), "pragma page_count").Scan(&pages)
	free, _, unknown := space(c.db.path)
	return err != nil || unknown != nil || pages*pageBytes-sizeOf(c.db.path) <= free
}

// startOver moves what is left and lets the log begin anew. Callers hold database.mu; readers are held back, too.
func (c *checkpointer) startOver() error {
	c.db.gate.Lock()
	defer c.db.gate.Unlock()
	if c.db.failed != nil {
		return nil
	}
	busy, _, err := c.pragma("restart")
	if busy {
		c.grown.Store((overLimit - 1) * c.limit) // a backup reads: tried again after another limit's worth
	} else {
		c.grown.Store(0)
	}
	return err
}

// pragma runs one kind of checkpoint and returns the length of the log in frames. That others keep the log busy is no
// error, nor that the disk is full: the log keeps it all until the next time.
func (c *checkpointer) pragma(kind string) (busy bool, frames int64, err error) {
	var moved int64
	row := c.conn.QueryRowContext(context.Background(), "pragma wal_checkpoint("+kind+")")
	if err := row.Scan(&busy, &frames, &moved); err != nil {
		err = c.db.sort("move write-ahead log", err)
		if errors.Is(err, broker.ErrStoreFull) {
			return true, 0, nil
		}
		return false, 0, err
	}
	return busy, frames, nil
}

// stop ends the goroutine and waits for it.
func (c *checkpointer) stop() {
	close(c.quit)
	<-c.ended
}

// finish empties the log at the end.
func (c *checkpointer) finish() error {
	_, _, err := c.pragma("truncate")
	return err
}
