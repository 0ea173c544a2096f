//go:build unix

package function

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"tsunagi/internal/flow"
)

// shell runs a command line in bash where it is, as Node-RED does, else in sh.
func shell(line string) *exec.Cmd {
	path := "/bin/sh"
	if _, err := os.Stat("/bin/bash"); err == nil && runtime.GOOS == "linux" {
		path = "/bin/bash"
	}
	return exec.Command(path, "-c", line) //nolint:gosec // that is what the node is for
}

// signal sends a signal by its name. A process that has ended is fine.
func signal(p *os.Process, name string) error {
	s := unix.SignalNum(name)
	if s == 0 {
		return &flow.Error{Name: "TypeError", Message: "Unknown signal: " + name, Code: "ERR_UNKNOWN_SIGNAL"}
	}
	if err := p.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// signalOf names the signal that ended a process, "" if none did.
func signalOf(s *os.ProcessState) string {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return unix.SignalName(w.Signal())
	}
	return ""
}
