package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tsunagi/internal/ondisk"
)

// Backup copies both files, each as of one moment, into the directory dir, which is made when missing and must not hold
// them yet. The copies are compact, checked and synced; put into an empty data directory they are a store again. Writes
// go on meanwhile, and the write-ahead log grows until the copy is done.
func (s *Store) Backup(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, db := range []*database{s.Accounts.db, s.Messages.db} {
		if err := db.backup(ctx, filepath.Join(dir, filepath.Base(db.path))); err != nil {
			return fmt.Errorf("backup of %s: %w", db.path, err)
		}
	}
	return ondisk.SyncDir(dir)
}

func (db *database) backup(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already: choose an empty directory", path)
	}
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(tmp))
		}
	}()
	from := db.open(1, pragmas{"cache_size": -readerCache})
	_, err = from.ExecContext(ctx, "vacuum into ?", tmp)
	if err := errors.Join(db.sort("copy", err), from.Close()); err != nil {
		return err
	}
	to := &database{path: tmp, log: db.log}
	to.writes = to.open(1, nil)
	if err := errors.Join(to.check(ctx), to.closeFiles()); err != nil {
		return err
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// syncFile makes a file private and durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

func removeAll(path string) error {
	var errs []error
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
