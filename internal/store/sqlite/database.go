package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"tsunagi/internal/broker"
)

// database is one SQLite file with its connections.
type database struct {
	path string
	vfs  string // name of SQLite's way to its files; "": the system's
	log  *slog.Logger
	wal  *checkpointer

	reads  *sql.DB // query-only connections, at most `readers`
	writes *sql.DB // the one connection of writer

	prepared sync.Map // text of a query -> *sql.Stmt of reads

	mu     sync.Mutex           // held by whoever writes
	writer *sql.Conn            // guarded by mu
	ready  map[string]*sql.Stmt // guarded by mu: text of a statement -> prepared on writer
	failed error                // guarded by mu: a sync has failed, and nothing may be written any more

	// gate is held shared during each read step, which is short, and exclusively when the write-ahead log starts over.
	gate sync.RWMutex
}

const (
	readers     = 4
	busyTimeout = 5000 // ms; only tools from outside can make us wait
	writerCache = 8 << 10
	readerCache = 2 << 10 // KiB, for each connection
)

// openDatabase opens or makes the file, brings its tables up to date and checks it.
func openDatabase(ctx context.Context, path string, migrations fs.FS, o Options) (db *database, err error) {
	db = &database{path: path, vfs: o.VFS, log: o.Log, ready: make(map[string]*sql.Stmt)}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.closeFiles())
		}
	}()
	if err := touch(path); err != nil {
		return db, err
	}
	if err := inspectWAL(path + "-wal"); err != nil {
		return db, err
	}
	db.writes = db.open(1, pragmas{"cache_size": -writerCache, "foreign_keys": 1, "journal_size_limit": o.WALBytes})
	if err := db.emptyWAL(ctx); err != nil {
		return db, err
	}
	if err := db.migrate(ctx, migrations); err != nil {
		return db, err
	}
	if err := db.check(ctx); err != nil {
		return db, err
	}
	if db.writer, err = db.writes.Conn(ctx); err != nil {
		return db, db.sort("open writer", err)
	}
	db.reads = db.open(readers, pragmas{"cache_size": -readerCache, "query_only": 1})
	db.wal = newCheckpointer(db, o.WALBytes)
	return db, nil
}

// touch makes the file if it is missing, readable for its owner only; SQLite gives its companions the same mode. What is
// left of a file that was cut to less than a page would be taken by SQLite for a new one.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	if size := info.Size(); size > 0 && size < leastPage {
		return corrupt("%s: only %d bytes are left of it", path, size)
	}
	return nil
}

// pragmas are settings of a connection besides those that all have.
type pragmas map[string]int64

// open makes a pool of connections, which keeps them open.
func (db *database) open(connections int, settings pragmas) *sql.DB {
	query := url.Values{
		"_error_rc": {"1"}, "_dqs": {"0"}, "_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout=" + strconv.Itoa(busyTimeout), "page_size=4096", "journal_mode=wal", "synchronous=full",
			"temp_store=memory", "wal_autocheckpoint=0", "trusted_schema=0", "cell_size_check=1",
		},
	}
	for name, value := range settings {
		query.Add("_pragma", name+"="+strconv.FormatInt(value, 10))
	}
	if db.vfs != "" {
		query.Set("vfs", db.vfs)
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(db.path), RawQuery: query.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil { // only when no driver of that name is linked in
		panic(err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool
}

// check looks through the whole file for damage of its structure and of the order of its rows: about half a second for
// a million rows.
func (db *database) check(ctx context.Context) error {
	var finding string
	if err := db.writes.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&finding); err != nil {
		return db.sort("check store", err)
	}
	if finding != "ok" {
		return fmt.Errorf("check store: %w: %s: %s", broker.ErrStoreCorrupt, db.path, finding)
	}
	return nil
}

// update runs f in one transaction and returns when it is on disk; otherwise nothing of it is kept. bytes is roughly
// what f writes.
func (db *database) update(ctx context.Context, bytes int, f func() error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.updateLocked(ctx, bytes, f)
}

func (db *database) updateLocked(ctx context.Context, bytes int, f func() error) error {
	if db.failed != nil {
		return db.failed
	}
	if db.writer == nil {
		return errClosed
	}
	if _, err := db.exec("begin immediate"); err != nil {
		return db.settle(db.sort("begin a write", err))
	}
	committed := false
	defer func() { // also when f panics
		if !committed {
			// A failed statement may have ended the transaction already; then this one fails, and says nothing new.
			_, _ = db.exec("rollback")
		}
	}()
	err := f()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		_, err = db.exec("commit")
	}
	if err != nil {
		return db.settle(db.sort("write", err))
	}
	committed = true
	if err := db.wal.wrote(bytes); err != nil { // the commit is on disk; what follows it will not be
		db.log.Error("write-ahead log not moved to the store", "file", db.path, "error", db.settle(err))
	}
	return nil
}

// exec runs a statement inside update; its text is one of a few, which stay prepared.
func (db *database) exec(text string, args ...any) (changed int64, err error) {
	s, err := db.statement(text)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// rows reads rows on the writer: inside update also what the transaction wrote before.
func (db *database) rows(text string, args []any, f func(*sql.Rows) (more bool, err error)) error {
	s, err := db.statement(text)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	return walk(rows, err, f)
}

// statement prepares a text on the writer, once.
func (db *database) statement(text string) (*sql.Stmt, error) {
	if s := db.ready[text]; s != nil {
		return s, nil
	}
	s, err := db.writer.PrepareContext(context.Background(), text)
	if err == nil {
		db.ready[text] = s
	}
	return s, err
}

// query runs one of a few queries on a connection for reading. Callers hold gate until they have closed the rows.
func (db *database) query(text string, args ...any) (*sql.Rows, error) {
	s, err := db.statementForReads(text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// statementForReads prepares a text for the connections for reading, once.
func (db *database) statementForReads(text string) (*sql.Stmt, error) {
	if s, ok := db.prepared.Load(text); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := db.reads.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	if other, raced := db.prepared.LoadOrStore(text, s); raced {
		return other.(*sql.Stmt), s.Close()
	}
	return s, nil
}

// each calls f for every row of a query until it returns false. It is one short read: f only copies.
func (db *database) each(text string, args []any, f func(*sql.Rows) (more bool, err error)) error {
	db.gate.RLock()
	defer db.gate.RUnlock()
	rows, err := db.query(text, args...)
	return db.sort("read", walk(rows, err, f))
}

func walk(rows *sql.Rows, err error, f func(*sql.Rows) (more bool, err error)) error {
	if err != nil {
		return err
	}
	for more := true; more && err == nil && rows.Next(); {
		more, err = f(rows)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

// settle remembers an error that is final. Callers hold mu.
func (db *database) settle(err error) error {
	if errors.Is(err, broker.ErrStoreFailed) {
		db.failed = err
	}
	return err
}

var errClosed = errors.New("store is closed")

// close ends everything in order; last runs as the last write.
func (db *database) close(last func() error) error {
	db.wal.stop()
	err := db.update(context.Background(), 0, last)
	return errors.Join(err, db.wal.finish(), db.closeFiles())
}

func (db *database) closeFiles() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.failed != nil {
		// Closing would move the write-ahead log to the file and sync again, and that sync may succeed although the
		// pages of the failed one are gone. The next start reads the log afresh; the connections go with the process.
		return db.failed
	}
	var errs []error
	for _, s := range db.ready { // those of a single connection don't close with it
		errs = append(errs, s.Close())
	}
	clear(db.ready)
	if db.writer != nil {
		errs = append(errs, db.writer.Close())
		db.writer = nil
	}
	if db.wal != nil {
		errs = append(errs, db.wal.conn.Close())
	}
	for _, pool := range []*sql.DB{db.reads, db.writes} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}
