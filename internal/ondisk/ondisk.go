// Package ondisk puts files on the disk so that a power failure leaves the old one or the new one, and nothing between.
package ondisk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Replace puts what from has under name, in one step: who reads name gets the old content or the new one, also after a
// crash. It returns when the new one is on disk. The name with ".new" behind it is Replace's own, so two that replace the
// same file at once are to be kept apart by their callers.
func Replace(name string, mode fs.FileMode, from io.Reader) error {
	fresh := name + ".new"
	if err := Write(fresh, mode, from); err != nil {
		return errors.Join(err, dropped(fresh))
	}
	if err := os.Rename(fresh, name); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(name))
}

// Create puts what from has under a name that nothing has yet, for its owner alone: who reads name gets all of it, also
// after a crash. Where something has the name, that stays as it is and the error wraps fs.ErrExist. Several may create the
// same file at once.
func Create(name string, from io.Reader) (err error) {
	dir, base := filepath.Split(name)
	f, err := os.CreateTemp(dir, base+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dropped(f.Name())) }()
	_, err = io.Copy(f, from)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(name))
}

// dropped takes away what is not whole; one that isn't there is no fault.
func dropped(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Write writes a file and returns when its content is on disk. Its name is so after SyncDir. The mode is that, whatever the
// umask, where the file system has modes.
func Write(name string, mode fs.FileMode, from io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_ = f.Chmod(mode) // at the worst it is narrower
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}

// SyncDir makes the names in a directory durable. Windows has no such call and needs none.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
