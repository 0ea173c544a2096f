//go:build unix

package main

import (
	"os"
	"syscall"
)

// replace runs another program instead of this process, which keeps its id.
func replace(program string) error {
	return syscall.Exec(program, os.Args, os.Environ())
}
