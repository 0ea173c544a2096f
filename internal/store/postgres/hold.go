package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// errTaken is why nothing is written any more: two programs on one database would each miss what the other changes.
var errTaken = errors.New("another tsunagi server uses this database: stop one of them")

const watchEvery = 5 * time.Second

// holder holds the lock that makes a database one program's.
type holder struct {
	db   *sql.DB
	log  *slog.Logger
	quit context.CancelFunc
	done chan struct{} // of watch

	conn *sql.Conn // owned by watch, once it runs; its session holds the lock

	mu  sync.Mutex
	why error // guarded by mu: the lock is lost to another
}

// hold waits until the database answers and nobody else holds the lock.
func hold(ctx context.Context, db *sql.DB, patience time.Duration, log *slog.Logger) (*holder, error) {
	h := &holder{db: db, log: log, done: make(chan struct{})}
	end := time.Now().Add(patience)
	for told := false; ; told = true {
		err := h.take(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// What the server itself refuses, such as a password, won't get better.
		if code := state(err); time.Now().After(end) || code != "" && code[:2] != "57" && code != "53300" {
			return nil, err
		}
		if !told {
			log.Info("waiting for the database", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryEvery):
		}
	}
	watch, quit := context.WithCancel(context.WithoutCancel(ctx))
	h.quit = quit
	go h.watch(watch)
	return h, nil
}

// take opens a session and takes the lock with it.
func (h *holder) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	conn, err := h.db.Conn(ctx)
	if err != nil {
		return err
	}
	var got bool
	if err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", int64(serverLock)).Scan(&got); err != nil {
		return errors.Join(err, conn.Close())
	}
	if !got {
		return errors.Join(errTaken, conn.Close())
	}
	h.conn = conn
	return nil
}

// watch takes the lock again where its session ended, such as at a restart of the database. It ends at stop.
func (h *holder) watch(ctx context.Context) {
	defer close(h.done)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if h.conn != nil {
				_, _ = h.conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", int64(serverLock)) // the session's end does it as well
				_ = h.conn.Close()
			}
			return
		case <-tick.C:
			h.check(ctx)
		}
	}
}

func (h *holder) check(ctx context.Context) {
	if h.conn != nil {
		ping, cancel := context.WithTimeout(ctx, callTime)
		err := h.conn.PingContext(ping)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		_ = h.conn.Close() // it is broken already
		h.conn = nil
	}
	if h.lost() != nil {
		return
	}
	err := h.take(ctx)
	if errors.Is(err, errTaken) { // for good: what this program remembers of accounts may be wrong by now
		h.mu.Lock()
		h.why = fmt.Errorf("write accounts: %w", err)
		h.mu.Unlock()
	}
	if err != nil {
		h.log.Error("the database is not held any more", "error", err)
	}
}

// lost says why nothing may be written, or nil.
func (h *holder) lost() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}

func (h *holder) stop() {
	h.quit()
	<-h.done
}
