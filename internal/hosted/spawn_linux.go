package hosted

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// walls say what keeps a child from the rest of the machine.
type walls struct {
	noNewPrivs bool            // no program it runs can gain rights
	network    bool            // it has a network of its own, with nothing in it
	processes  bool            // it sees and signals no process but itself
	limits     bool            // open files, threads, data
	group      bool            // a control group bounds memory, processors and threads
	inside     map[string]bool // those it put up itself
}

// report names the walls for the API.
func (w walls) report() map[string]bool {
	all := map[string]bool{"process": true, "directory": true, "dial_by_parent": true, "no_new_privs": w.noNewPrivs,
		"empty_network": w.network, "own_processes": w.processes, "limits": w.limits, "cgroup": w.group}
	for _, name := range []string{wallUser, wallRoot, wallLandlock, wallSeccomp} {
		all[name] = w.inside[name]
	}
	return all
}

// niceness is how far children stand back for the platform itself, which shares the processors with them.
const niceness = 10

// exec starts the program of a child. It inherits its end of the link as descriptor 3, its output goes to out.
//
// The child dies when the thread dies that started it (Pdeathsig), so it is started from a goroutine that keeps a
// thread for as long as the child lives. That thread has no_new_privs set and stands back for others, and the child
// inherits both.
func (m *Manager) exec(c *child, dir string, link, out *os.File) error {
	started := make(chan error, 1)
	go func() { // ends with the child; its thread is not used again
		runtime.LockOSThread()
		w := walls{noNewPrivs: unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == nil}
		if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness); err != nil {
			c.log.Warn("flow server does not stand back for others", "error", err)
		}
		cmd, err := m.startIn(&w, c.server, dir, link, out)
		if err != nil {
			started <- err
			return
		}
		w.limits = limit(cmd.Process.Pid, c.server.MemoryMB, c.user)
		c.group = m.groupOf(c, cmd.Process.Pid)
		w.group = c.group != nil
		c.proc, c.walls = cmd.Process, w
		started <- nil
		state, err := c.proc.Wait()
		if c.group != nil {
			if c.group.starved() {
				c.blame(tooMuch(c.server.MemoryMB*5/4, c.server.MemoryMB), true)
			}
			c.group.remove()
		}
		c.exited(state, err)
	}()
	return <-started
}

// groupOf puts a child that has just started, and waits for its configuration, into a control group of its own; nil
// where the system has given none to divide.
func (m *Manager) groupOf(c *child, pid int) *group {
	m.divided.Do(func() {
		d, err := delegated("/sys/fs/cgroup", "/proc/self/cgroup")
		if err != nil {
			m.o.Log.Info("flow servers have no control groups of their own; the platform watches memory and processors itself", "cause", err)
			return
		}
		m.cgroups = d
	})
	if m.cgroups == nil {
		return nil
	}
	g, err := m.cgroups.group(c.server)
	if err == nil {
		if err = g.add(pid); err == nil {
			return g
		}
		g.remove()
	}
	c.log.Warn("flow server has no control group of its own", "error", err)
	return nil
}

// startIn starts the program in spaces of its own, as far as the system allows.
func (m *Manager) startIn(w *walls, s Server, dir string, link, out *os.File) (*exec.Cmd, error) {
	tries := []walls{{network: true, processes: true}, {network: true}, {}}
	if m.o.Network == "shared" {
		tries = []walls{{processes: true}, {}}
	}
	if known := m.walls.Load(); known != nil {
		tries = []walls{{network: known.network, processes: known.processes}}
	}
	for i, t := range tries {
		cmd := m.command(s, dir, link, out)
		separate(cmd.SysProcAttr, t)
		err := cmd.Start()
		if err == nil {
			w.network, w.processes = t.network, t.processes
			m.walls.Store(&t)
			return cmd, nil
		}
		if i == len(tries)-1 || !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EACCES) {
			return nil, err
		}
		m.o.Log.Warn("flow servers share more with the machine: the system refuses", "network", t.network, "processes", t.processes, "error", err)
	}
	return nil, errors.ErrUnsupported // not reached
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

// separate asks for spaces of the child's own: network, processes, and what processes share. Without root that takes a
// user namespace, in which the child stays who it is.
func separate(a *syscall.SysProcAttr, w walls) {
	if w.network {
		a.Cloneflags |= syscall.CLONE_NEWNET
	}
	if w.processes {
		a.Cloneflags |= syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	}
	if a.Cloneflags == 0 || os.Geteuid() == 0 {
		return
	}
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
}

// limit bounds what the kernel counts for a process, and forbids core dumps, which would hold the secrets of flows. The
// watch ends a child that uses more memory than its plan has; the bound here holds what it could take between two looks.
// Threads are counted for each user, so they are bounded where the child has one of its own.
func limit(pid, memoryMB, user int) bool {
	type bound struct {
		what int
		most uint64
	}
	data := uint64(2*memoryMB+512) << 20
	bounds := []bound{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, 1024}, {unix.RLIMIT_DATA, data}, {unix.RLIMIT_MEMLOCK, 64 << 10}, {unix.RLIMIT_MSGQUEUE, 0}}
	if user != 0 {
		bounds = append(bounds, bound{unix.RLIMIT_NPROC, 512})
	}
	all := true
	for _, b := range bounds {
		all = unix.Prlimit(pid, b.what, &unix.Rlimit{Cur: b.most, Max: b.most}, nil) == nil && all
	}
	return all
}

// terminate asks a process to end.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// halt stops a process where it is; goOn lets it run again.
func halt(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
func goOn(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
