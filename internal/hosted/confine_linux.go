package hosted

import (
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Names of the walls that a child puts up around itself, before it reads anything of its customer's.
const (
	wallUser     = "own_user"
	wallRoot     = "own_root"
	wallLandlock = "landlock"
	wallSeccomp  = "seccomp"
)

// confine shuts this process in, for as long as it lives, and says which walls are up. A system may lack some of them;
// only a user of its own that was promised and can't be taken on is an error.
func confine(c *Config) (up map[string]bool, notes []error, err error) {
	up = map[string]bool{wallUser: false, wallRoot: false, wallLandlock: false, wallSeccomp: false}
	if os.Geteuid() == 0 {
		readAhead()
		if err := enterRoot(c); err != nil {
			notes = append(notes, fmt.Errorf("own root: %w", err))
		} else {
			up[wallRoot] = true
		}
	}
	if c.User != 0 {
		if err := become(c.User); err != nil {
			return up, notes, fmt.Errorf("it could not take on its own user %d: %w", c.User, err)
		}
		up[wallUser] = true
	}
	// Nobody of the same user traces it or reads its memory, and it ends with who started it.
	notes = append(notes, unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0))
	for _, w := range []struct {
		name string
		up   func() error
	}{
		{wallLandlock, func() error { return landlock(c.Dir, up[wallRoot]) }},
		{wallSeccomp, filterCalls},
	} {
		if err := w.up(); err != nil {
			notes = append(notes, fmt.Errorf("%s: %w", w.name, err))
		} else {
			up[w.name] = true
		}
	}
	return up, notes, nil
}

// readAhead reads what the standard library reads from the system's files only once, while they are in reach.
func readAhead() {
	_, _ = x509.SystemCertPool() // without it, TLS trusts the platform's authority alone
	_, _ = time.Now().Zone()
	mime.TypeByExtension(".html")
}

// enterRoot makes the server's directory all that there is of the file system.
func enterRoot(c *Config) error {
	if err := os.Chdir(c.Dir); err != nil {
		return err
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	c.Dir = "/"
	return errors.Join(os.Chdir("/"), os.Setenv("HOME", "/"), os.Setenv("TMPDIR", "/"))
}

// become gives up root for a user and a group that only this server has. All capabilities go with it.
func become(id int) error {
	if err := syscall.Setgroups([]int{}); err != nil {
		return err
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return err
	}
	return syscall.Setresuid(id, id, id)
}
