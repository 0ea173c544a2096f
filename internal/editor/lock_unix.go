//go:build unix

package editor

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir takes dir for this process until the file is closed.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is in use by another process: stop that one, or use another directory", dir)
	}
	return f, nil
}
