package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/storetest"
)

// options are those of tests: no ballast, no watermarks.
func options(dir string) sqlite.Options {
	return sqlite.Options{Dir: dir, BallastBytes: -1, LowBytes: -1, CriticalBytes: -1}
}

// messages is the part of a store that storetest judges.
type messages struct {
	*sqlite.Messages
	all *sqlite.Store
}

func (m messages) Close() error { return m.all.Close() }

func openMessages(dir string) (storetest.Store, error) {
	s, err := openWith(options(dir))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func TestMessages(t *testing.T) {
	storetest.Run(t, storetest.Engine{
		Open:      openMessages,
		Files:     []string{"messages.db"},
		MakeNewer: func(dir string) error { return makeNewer(filepath.Join(dir, "messages.db")) },
	})
}

// makeNewer writes the version of a program to come.
func makeNewer(path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec("insert into goose_db_version (version_id, is_applied) values (99, 1)")
	return errors.Join(err, db.Close())
}
