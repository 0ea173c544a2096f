package sqlite

import (
	"errors"
	"fmt"
	"strings"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"tsunagi/internal/broker"
)

// code returns SQLite's extended result code, or 0 when err doesn't come from SQLite.
func code(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code()
	}
	return 0
}

// sort wraps an error of SQLite with the one of broker's errors that says what may be done about it.
func (db *database) sort(doing string, err error) error {
	if err == nil {
		return nil
	}
	c := code(err)
	switch c & 0xff {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%s: %w: no space left for %s: %w", doing, broker.ErrStoreFull, db.path, err)
	case lib.SQLITE_ERROR:
		if strings.Contains(err.Error(), "no such ") || strings.Contains(err.Error(), "has no column") { // we ask for what the migrations made
			return fmt.Errorf("%s: %w: the tables of %s are damaged: %w", doing, broker.ErrStoreCorrupt, db.path, err)
		}
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%s: %w: %s: %w", doing, broker.ErrStoreCorrupt, db.path, err)
	case lib.SQLITE_IOERR:
		if growing(c) && full(db.path) {
			return fmt.Errorf("%s: %w: no space left for %s: %w", doing, broker.ErrStoreFull, db.path, err)
		}
		return fmt.Errorf("%s: %w: %s: %w", doing, broker.ErrStoreFailed, db.path, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// growing says whether an I/O error is about making a file larger, which a full disk refuses. It leaves files as they
// were, other than a failed sync.
func growing(c int) bool {
	switch c {
	case lib.SQLITE_IOERR_WRITE, lib.SQLITE_IOERR_SHMSIZE, lib.SQLITE_IOERR_SHMMAP, lib.SQLITE_IOERR_SHMOPEN:
		return true
	}
	return false
}

// full says whether the disk below path has next to no space left.
func full(path string) bool {
	free, _, err := space(path)
	return err == nil && free < 1<<20
}
