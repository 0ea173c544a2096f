package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Copy copies the files of all instances from one directory to another, each as of one moment, while they may be in use. A
// missing directory has none. It is called after the store was copied: what the history's session had acknowledged there is
// then in the copy, and what comes again is told by its place.
func Copy(ctx context.Context, from, to string) error {
	return each(from, func(name string, _ int64) error {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		err := copyFile(ctx, path, filepath.Join(to, name))
		if _, gone := os.Lstat(path); err != nil && errors.Is(gone, fs.ErrNotExist) { // nothing is kept any more
			err = os.Remove(filepath.Join(to, name))
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("copy history %s: %w", path, err)
		}
		return nil
	})
}

// Size is what Copy would take on the disk at most, in bytes.
func Size(dir string) (sum int64, err error) {
	err = each(dir, func(_ string, size int64) error { sum += size; return nil })
	return sum, err
}

// each calls f for every file of an instance, with its size and that of its log.
func each(dir string, f func(name string, size int64) error) error {
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range list {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".db") {
			continue
		}
		size := int64(0)
		for _, end := range []string{"", "-wal"} {
			if info, err := os.Stat(filepath.Join(dir, e.Name()) + end); err == nil {
				size += info.Size()
			}
		}
		if err := f(e.Name(), size); err != nil {
			return err
		}
	}
	return nil
}

// copyFile reads in a snapshot, which keeps nobody from writing.
func copyFile(ctx context.Context, from, to string) (err error) {
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(from), RawQuery: url.Values{"mode": {"rw"},
		"_pragma": {"busy_timeout=10000", "trusted_schema=0", "cache_size=-1024"}}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "vacuum into ?", to); err != nil {
		return err
	}
	return os.Chmod(to, 0o600)
}
