package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/store/rows"
)

// Options of Open. Zero values mean the default in brackets.
type Options struct {
	URL      string        // postgres://user:password@host/database
	Patience time.Duration // how long a database that doesn't answer yet, or that another server uses, is waited for [60s]
	Log      *slog.Logger  // [discarded]
}

const (
	connections = 8 // at most, besides the one that holds the lock
	patience    = time.Minute
	retryEvery  = 500 * time.Millisecond
	callTime    = 30 * time.Second // of a statement, and of waiting for another's lock

	// The keys of advisory locks: one program, one update at a time.
	serverLock, updateLock = 0x7473756e61676901, 0x7473756e61676902
)

// Accounts is an account.Store in a database of its own.
type Accounts struct {
	db   *sql.DB
	hold *holder
	log  *slog.Logger
}

var _ account.Store = (*Accounts)(nil)

// Open waits for the database, makes it this program's alone, brings its tables up to date and checks them.
func Open(ctx context.Context, o Options) (a *Accounts, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	config, err := pgx.ParseConfig(o.URL)
	if err != nil { // its text hides the password
		return nil, fmt.Errorf("database_url: %w", err)
	}
	for name, value := range map[string]string{"statement_timeout": "30s", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "60s", "application_name": "tsunagi"} {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	if config.TLSConfig == nil && !strings.HasPrefix(config.Host, "/") && !local(config.Host) {
		o.Log.Warn("the way to the database is not encrypted: add sslmode=verify-full to database_url", "host", config.Host)
	}
	a = &Accounts{db: stdlib.OpenDB(*config), log: o.Log}
	a.db.SetMaxOpenConns(connections + 1)
	a.db.SetMaxIdleConns(connections + 1)
	a.db.SetConnMaxIdleTime(5 * time.Minute)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("database at %s: %w", config.Host, err), a.Close())
			a = nil
		}
	}()
	if a.hold, err = hold(ctx, a.db, o.Patience, o.Log); err != nil {
		return a, err
	}
	if err := migrate(ctx, a.db); err != nil {
		return a, err
	}
	return a, a.Read(ctx, func(c rows.Conn) error { return rows.Verify(c) })
}

// local says whether a host is this machine.
func local(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Close gives the database free.
func (a *Accounts) Close() error {
	if a.hold != nil {
		a.hold.stop()
	}
	return a.db.Close()
}

// View implements account.Store.
func (a *Accounts) View(ctx context.Context, f func(account.Reader) error) error {
	return a.Read(ctx, func(c rows.Conn) error { return f(rows.NewReader(c)) })
}

// Read runs f over one consistent snapshot.
func (a *Accounts) Read(ctx context.Context, f func(rows.Conn) error) error {
	return a.run(ctx, "read accounts", &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, func(tx *sql.Tx) error {
		return f(conn{ctx: ctx, tx: tx})
	})
}

// Update implements account.Store.
func (a *Accounts) Update(ctx context.Context, f func(account.Tx) error) error {
	return a.write(ctx, true, func(c rows.Conn) error { return f(rows.NewTx(c)) })
}

// AppendLog implements account.Store.
func (a *Accounts) AppendLog(ctx context.Context, lines []account.LogLine, keep int) error {
	if len(lines) == 0 {
		return ctx.Err()
	}
	err := a.write(ctx, false, func(c rows.Conn) error { return rows.AppendLog(c, lines, keep) })
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("append to log: %w", err)
	}
	return err
}

// Write runs f in a transaction that no other overlaps; a write that is refused spoils it.
func (a *Accounts) Write(ctx context.Context, f func(rows.Conn) error) error {
	return a.write(ctx, false, f)
}

// write runs f in a transaction that no other write overlaps.
func (a *Accounts) write(ctx context.Context, keep bool, f func(rows.Conn) error) error {
	if err := a.hold.lost(); err != nil {
		return err
	}
	return a.run(ctx, "write accounts", nil, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "select pg_advisory_xact_lock($1)", int64(updateLock)); err != nil {
			return err
		}
		return f(conn{ctx, tx, keep})
	})
}

// run runs f in a transaction, which is undone when f fails or panics or ctx ends.
func (a *Accounts) run(ctx context.Context, doing string, o *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(ctx, o)
	if err != nil {
		return ended(ctx, sorted(doing, err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err = f(tx); err == nil {
		if err = ctx.Err(); err == nil {
			err = tx.Commit()
		}
	}
	return ended(ctx, sorted(doing, err))
}

// ended puts the end of ctx before what it made the database say.
func ended(ctx context.Context, err error) error {
	if end := ctx.Err(); err != nil && end != nil {
		return end
	}
	return err
}

// sorted wraps an error of PostgreSQL with the one of broker's errors that says what may be done about it; others are
// the caller's own.
func sorted(doing string, err error) error {
	switch code := state(err); {
	case code == "":
		return err
	case code == "53100": // disk_full
		return fmt.Errorf("%s: %w: %w", doing, broker.ErrStoreFull, err)
	case code == "42P01", code == "42703", strings.HasPrefix(code, "XX"): // no such table, no such column, damage
		return fmt.Errorf("%s: %w: %w", doing, broker.ErrStoreCorrupt, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
