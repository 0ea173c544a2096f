//go:build !linux

package hosted

import "os"

// walls say what keeps a child from the rest of the machine.
type walls struct{ inside map[string]bool }

func (walls) report() map[string]bool { return map[string]bool{} }

var errUser = errLinux

func (m *Manager) exec(*child, string, *os.File, *os.File) error { return errLinux }

func terminate(*os.Process) error { return errLinux }

func halt(*os.Process) error { return errLinux }
func goOn(*os.Process) error { return errLinux }

type (
	group      struct{}
	delegation struct{}
)
