package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve sets blocks aside for a new file without writing them.
func reserve(f *os.File, size int64) error { return unix.Fallocate(int(f.Fd()), 0, 0, size) }
