package backup

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tsunagi/internal/ondisk"
)

// Restore puts a backup into an empty or missing directory. The backup is read twice: nothing is written before all of
// it has been checked. verify then judges the files where they were unpacked, a directory of its own inside dir, and
// only after it are they moved to their places; a directory in which that has not ended says so by Unfinished.
func Restore(file io.ReadSeeker, dir string, verify func(dir string) error) (head Head, err error) {
	if head, err = Check(file); err != nil {
		return head, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return head, err
	}
	made, err := emptyDir(dir)
	if err != nil {
		return head, err
	}
	unfinished := filepath.Join(dir, Unfinished)
	defer func() {
		if err == nil {
			return
		}
		err = errors.Join(err, os.RemoveAll(unfinished))
		if made {
			_ = os.Remove(dir) // only when it is empty again
		}
	}()
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return head, err
	}
	if err := unpack(file, unfinished); err != nil {
		return head, err
	}
	if err := verify(unfinished); err != nil {
		return head, fmt.Errorf("the backup is whole, but its content can't be used: %w", err)
	}
	return head, place(unfinished, dir)
}

// emptyDir makes dir, or makes sure that nothing is in it.
func emptyDir(dir string) (made bool, err error) {
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(dir, 0o700)
	case err != nil:
		return false, err
	case len(list) > 0 && list[0].Name() != "lost+found":
		return false, fmt.Errorf("%s is not empty (%s is in it): name an empty directory, or move the old data away first", dir, list[0].Name())
	}
	return false, os.Chmod(dir, 0o700)
}

// unpack writes all files and has them on disk when it returns.
func unpack(file io.Reader, dir string) error {
	_, err := walk(file, func(h *tar.Header, content io.Reader) error {
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			return os.MkdirAll(name, 0o700)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Sync(), f.Close())
	})
	return err
}

// place moves what was unpacked one level up. What verify has made beside it stays behind and goes.
func place(unfinished, dir string) error {
	for _, name := range append(slices.Clone(copied), kept...) {
		err := os.Rename(filepath.Join(unfinished, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := ondisk.SyncDir(dir); err != nil {
		return err
	}
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	return ondisk.SyncDir(dir)
}
