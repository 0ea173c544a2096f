//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// space returns the bytes that we may still write, and all bytes, of the file system that path is on.
func space(path string) (free, total int64, err error) {
	var s unix.Statfs_t
	for {
		if err = unix.Statfs(filepath.Dir(path), &s); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("free space below %s: %w", filepath.Dir(path), err)
	}
	size := int64(s.Bsize) //nolint:unconvert,nolintlint // its type differs between systems
	return int64(s.Bavail) * size, int64(s.Blocks) * size, nil
}

// flock takes the lock on f for this process; taken is true when another one has it. The lock goes with the process.
func flock(f *os.File) (taken bool, err error) {
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
