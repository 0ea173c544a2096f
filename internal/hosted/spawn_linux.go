package hosted

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// walls say what keeps a child from the rest of the machine.
type walls struct {
	noNewPrivs bool // no program it runs can gain rights
	network    bool // it has a network of its own, with nothing in it
}

// report names the walls for the API.
func (w walls) report() map[string]bool {
	return map[string]bool{"process": true, "directory": true, "dial_by_parent": true, "no_new_privs": w.noNewPrivs, "empty_network": w.network}
}

// exec starts the program of a child. It inherits its end of the link as descriptor 3, its output goes to out.
//
// The child dies when the thread dies that started it (Pdeathsig), so it is started from a goroutine that keeps a
// thread for as long as the child lives. That thread has no_new_privs set, and the child inherits it.
func (m *Manager) exec(c *child, dir string, link, out *os.File) error {
	started := make(chan error, 1)
	go func() { // ends with the child; its thread is not used again
		runtime.LockOSThread()
		w := walls{noNewPrivs: unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == nil}
		cmd, err := m.startIn(&w, c.server, dir, link, out)
		if err != nil {
			started <- err
			return
		}
		c.proc, c.walls = cmd.Process, w
		limit(c.proc.Pid)
		started <- nil
		state, err := c.proc.Wait()
		c.exited(state, err)
	}()
	return <-started
}

// startIn starts the program in an empty network, and in the machine's when the system doesn't allow that.
func (m *Manager) startIn(w *walls, s Server, dir string, link, out *os.File) (*exec.Cmd, error) {
	known := m.walls.Load()
	if m.o.Network != "shared" && (known == nil || known.network) {
		cmd := m.command(s, dir, link, out)
		emptyNetwork(cmd.SysProcAttr)
		err := cmd.Start()
		if err == nil {
			w.network = true
			m.walls.Store(w)
			return cmd, nil
		}
		if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EACCES) {
			return nil, err
		}
		m.o.Log.Warn("flow servers run in the machine's network: the system allows no other", "error", err)
		m.walls.Store(&walls{})
	}
	cmd := m.command(s, dir, link, out)
	return cmd, cmd.Start()
}

// command is the program of a child, not started.
func (m *Manager) command(s Server, dir string, link, out *os.File) *exec.Cmd {
	cmd := exec.Command(m.o.Exe, m.o.Args...)
	cmd.Dir = dir
	cmd.Env = environment(s.MemoryMB, dir)
	cmd.ExtraFiles = []*os.File{link}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd
}

// emptyNetwork asks for a network namespace of the child's own. Without root that takes a user namespace, in which the
// child stays who it is.
func emptyNetwork(a *syscall.SysProcAttr) {
	a.Cloneflags = syscall.CLONE_NEWNET
	if os.Geteuid() == 0 {
		return
	}
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
}

// limit bounds descriptors and forbids core dumps, which would hold the secrets of flows. A system that refuses loses
// nothing else.
func limit(pid int) {
	unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1024, Max: 1024}, nil)
}

// terminate asks a process to end.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// memoryOf is what a process has for itself alone, in bytes: not the pages of the program file.
func memoryOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseMemory(string(text)), nil
}
