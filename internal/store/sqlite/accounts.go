package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	lib "modernc.org/sqlite/lib"

	"tsunagi/internal/account"
	"tsunagi/internal/store/rows"
)

// Accounts is accounts.db, an account.Store.
type Accounts struct {
	db   *database
	disk *disk
}

var _ account.Store = (*Accounts)(nil)

// openAccounts opens or makes accounts.db.
func openAccounts(ctx context.Context, path string, disk *disk, o Options) (*Accounts, error) {
	db, err := openDatabase(ctx, path, rows.Migrations(), o)
	if err != nil {
		return nil, err
	}
	a := &Accounts{db, disk}
	if err := a.verify(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// OpenAccounts opens an accounts.db alone, such as one in a backup that is being made. Close closes it.
func OpenAccounts(ctx context.Context, path string, log *slog.Logger) (*Accounts, error) {
	o := Options{Log: log, WALBytes: defaultWAL}
	disk, err := newDisk(path, o)
	if err != nil {
		return nil, err
	}
	disk.ballast = newBallast("", -1)
	return openAccounts(ctx, path, disk, o)
}

// Close closes what OpenAccounts opened; one that belongs to a Store is closed with it.
func (a *Accounts) Close() error { return a.close() }

// verify checks the rows that rights depend on.
func (a *Accounts) verify(ctx context.Context) error {
	return a.Read(ctx, func(c rows.Conn) error { return rows.Verify(c) })
}

func (a *Accounts) close() error { return a.db.close(func() error { return nil }) }

// View implements account.Store.
func (a *Accounts) View(ctx context.Context, f func(account.Reader) error) error {
	return a.Read(ctx, func(c rows.Conn) error { return f(rows.NewReader(c)) })
}

// Read runs f over one consistent snapshot.
func (a *Accounts) Read(ctx context.Context, f func(rows.Conn) error) error {
	tx, err := a.db.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return a.failed(ctx, "read accounts", err)
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to roll back: it only ends the snapshot
	s := &snapshot{ctx: ctx, db: a.db, tx: tx}
	if err := f(s); err != nil {
		return a.failed(ctx, "read accounts", err)
	}
	_ = tx.Rollback()
	return s.prepare()
}

// Update implements account.Store.
func (a *Accounts) Update(ctx context.Context, f func(account.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var refused error
	update := func() error {
		return a.db.update(ctx, 4*frameBytes, func() error {
			refused = f(rows.NewTx(writer{a.db}))
			return refused
		})
	}
	err := update()
	if a.db.madeRoom(a.disk, err) {
		err = update()
	}
	if refused != nil && code(refused) == 0 {
		return refused // f's own
	}
	return err
}

// Write runs f in one transaction that no other Update overlaps.
func (a *Accounts) Write(ctx context.Context, f func(rows.Conn) error) error {
	return a.db.update(ctx, 4*frameBytes, func() error { return f(writer{a.db}) })
}

// failed puts the end of ctx before what SQLite says about being interrupted.
func (a *Accounts) failed(ctx context.Context, doing string, err error) error {
	if end := ctx.Err(); end != nil {
		return end
	}
	if code(err) == 0 {
		return err // f's own
	}
	return a.db.sort(doing, err)
}

// AppendLog implements account.Store.
func (a *Accounts) AppendLog(ctx context.Context, lines []account.LogLine, keep int) error {
	if len(lines) == 0 {
		return ctx.Err()
	}
	err := a.db.update(ctx, len(lines)*256, func() error { return rows.AppendLog(writer{a.db}, lines, keep) })
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("append to log: %w", err)
	}
	return err
}

// writer is the connection of an Update.
type writer struct{ db *database }

// Rows implements rows.Conn; it sees what the transaction wrote before.
func (w writer) Rows(text string, args []any, f func(*sql.Rows) (bool, error)) error {
	return w.db.rows(text, args, f)
}

// Exec implements rows.Conn.
func (w writer) Exec(text string, args ...any) (int64, error) { return w.db.exec(text, args...) }

// Fault implements rows.Conn.
func (w writer) Fault(err error) rows.Fault {
	switch code(err) {
	case lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_ROWID:
		return rows.Duplicate
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return rows.Orphan
	}
	return rows.Other
}

// snapshot is the connection of a View.
type snapshot struct {
	ctx context.Context
	db  *database
	tx  *sql.Tx
	new []string // texts that nobody has prepared yet
}

// prepare makes the statements that were missing, for the next time. It takes a connection from the pool, so that the
// snapshot's own must have been given back: when all are out, each would wait for another's.
func (s *snapshot) prepare() error {
	for _, text := range s.new {
		if _, err := s.db.statementForReads(text); err != nil {
			return s.db.sort("prepare", err)
		}
	}
	return nil
}

// Rows implements rows.Conn.
func (s *snapshot) Rows(text string, args []any, f func(*sql.Rows) (bool, error)) error {
	prepared, ok := s.db.prepared.Load(text)
	if !ok {
		s.new = append(s.new, text)
		found, err := s.tx.QueryContext(s.ctx, text, args...)
		return walk(found, err, f)
	}
	found, err := s.tx.StmtContext(s.ctx, prepared.(*sql.Stmt)).QueryContext(s.ctx, args...)
	return walk(found, err, f)
}

// Exec implements rows.Conn.
func (s *snapshot) Exec(string, ...any) (int64, error) {
	return 0, errors.New("a view of accounts can't write")
}

// Fault implements rows.Conn.
func (s *snapshot) Fault(error) rows.Fault { return rows.Other }
