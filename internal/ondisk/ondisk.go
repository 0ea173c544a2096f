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

// dropped takes away what is not whole; one that isn't there is no fault.
func dropped(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Write writes a file and returns when its content is on disk. Its name is so after SyncDir.
func Write(name string, mode fs.FileMode, from io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
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
