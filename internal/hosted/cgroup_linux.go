package hosted

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// delegation is a control group (cgroup v2) that the system has given to this process to divide: systemd with
// Delegate=, or a container with a cgroup namespace of its own. The platform itself moves into a group below, since a
// group that is divided can't hold processes.
type delegation struct{ dir string }

// Controllers that a divided group must have.
var controllers = []string{"cpu", "memory", "pids"}

// errNoCgroup says that no group may be divided here, which is usual outside of systemd and containers.
var errNoCgroup = errors.New("no control group is delegated")

// delegated finds and prepares the group; root is where control groups are mounted, self is /proc/self/cgroup.
func delegated(root, self string) (*delegation, error) {
	text, err := os.ReadFile(self)
	if err != nil {
		return nil, err
	}
	path, ok := "", false
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(strings.TrimSpace(line), "0::"); is {
			path, ok = rest, true
		}
	}
	if !ok || strings.Contains(path, "..") {
		return nil, errNoCgroup
	}
	d := &delegation{dir: filepath.Join(root, path)}
	has, err := os.ReadFile(filepath.Join(d.dir, "cgroup.controllers"))
	if err != nil {
		return nil, errNoCgroup
	}
	for _, name := range controllers {
		if !slices.Contains(strings.Fields(string(has)), name) {
			return nil, fmt.Errorf("%w with the controller %s", errNoCgroup, name)
		}
	}
	if path != "/" && !marked(d.dir) { // "/": all there is in a namespace of our own
		return nil, errNoCgroup
	}
	return d, d.divide()
}

// marked says whether systemd has marked the group as ours to divide.
func marked(dir string) bool {
	one := make([]byte, 8)
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		if n, err := unix.Getxattr(dir, name, one); err == nil && n == 1 && one[0] == '1' {
			return true
		}
	}
	return false
}

// divide moves what runs in the group into one below it, and has the controllers reach those below.
func (d *delegation) divide() error {
	leaf := filepath.Join(d.dir, "serve")
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	procs, err := os.ReadFile(filepath.Join(d.dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	for _, pid := range strings.Fields(string(procs)) {
		if err := set(leaf, "cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return set(d.dir, "cgroup.subtree_control", "+"+strings.Join(controllers, " +"))
}

// group is the control group of one child.
type group struct{ dir string }

// group makes one, with the bounds of a flow server. Memory above the bound is what the kernel takes back (files read),
// and at a quarter more the child ends, as in checkMemory.
func (d *delegation) group(s Server) (*group, error) {
	g := &group{filepath.Join(d.dir, "flow-"+s.ID)}
	g.remove() // one that was left behind
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, err
	}
	limit := int64(s.MemoryMB) << 20
	for _, x := range [][2]string{
		{"memory.high", strconv.FormatInt(limit, 10)},
		{"memory.max", strconv.FormatInt(limit+limit/4, 10)},
		{"memory.swap.max", "0"}, // where the kernel counts swap
		{"memory.oom.group", "1"},
		{"cpu.max", fmt.Sprint(max(s.CPU, 1)*1000, " 100000")},
		{"cpu.weight", "20"},
		{"pids.max", "512"},
	} {
		if err := set(g.dir, x[0], x[1]); err != nil && x[0] != "memory.swap.max" {
			g.remove()
			return nil, err
		}
	}
	return g, nil
}

// add takes a process in.
func (g *group) add(pid int) error { return set(g.dir, "cgroup.procs", strconv.Itoa(pid)) }

// starved says whether the kernel ended the child because it took more memory than the group has.
func (g *group) starved() bool {
	text, _ := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok && n != "0" {
			return true
		}
	}
	return false
}

// remove ends what is left in the group, and the group.
func (g *group) remove() {
	_ = set(g.dir, "cgroup.kill", "1")
	_ = os.Remove(g.dir) // rmdir; files of a control group go with it
}

func set(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}
