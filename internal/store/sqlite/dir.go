package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tsunagi/internal/ondisk"
)

const lockName = "lock"

// openDir makes the data directory, for its owner's eyes only, and takes its lock, which lasts until the returned file
// is closed or the process ends.
func openDir(dir string) (*os.File, error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make data directory: %w", err)
		}
		if err := ondisk.SyncDir(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", dir, err)
	}
	taken, err := flock(f)
	if taken {
		err = fmt.Errorf("data directory %s is in use by another tsunagi%s: stop that one, or choose another directory "+
			"with --data", dir, owner(f))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid()) // only for the message above: a full disk is no reason to fail here
	}
	return f, nil
}

// owner says which process wrote the lock file, in words, or nothing.
func owner(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}
