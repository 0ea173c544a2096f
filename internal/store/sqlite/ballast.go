package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const ballastName = "ballast"

// ballast is a file that takes up space for the day when the disk is full: SQLite needs room even to delete. It is
// given up then, and made again when there is plenty.
type ballast struct {
	path string
	size int64 // bytes; 0: no ballast
}

func (b ballast) there() bool {
	_, err := os.Stat(b.path)
	return err == nil
}

// giveUp removes the file and answers whether there was one.
func (b ballast) giveUp() bool { return os.Remove(b.path) == nil }

// fill makes the file unless it is there or the disk has less than four times its size left.
func (b ballast) fill() (err error) {
	if b.size <= 0 || b.there() {
		return nil
	}
	if free, _, err := space(b.path); err != nil || free < 4*b.size {
		return err
	}
	tmp := b.path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make ballast: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("make ballast: %w", err), os.Remove(tmp))
		}
	}()
	if err = reserve(f, b.size); err != nil {
		err = writeZeros(f, b.size)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, b.path)
}

func writeZeros(f *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for size > 0 {
		n, err := f.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

func newBallast(dir string, size int64) ballast {
	return ballast{path: filepath.Join(dir, ballastName), size: size}
}
