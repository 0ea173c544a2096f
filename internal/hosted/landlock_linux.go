package hosted

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights to files, by the version of Landlock that knows them.
const (
	rightsToRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	rightsToOwn  = rightsToRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	rightsToFile = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// rulesetSize is what we use of the kernel's structure, which has grown since.
const rulesetSize = unsafe.Offsetof(unix.LandlockRulesetAttr{}.Quiet_access_fs)

// systemFiles are what Go's library reads of the system: authorities, time zones, and what a process knows of itself.
var systemFiles = []string{"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	"/usr/share/zoneinfo", "/etc/localtime", "/etc/mime.types", "/proc/self"}

// landlock lets this process see its own directory, and what Go's library needs of the system unless that is out of
// sight; of TCP, sockets of the abstract kind and signals nothing, where the kernel's version can.
func landlock(dir string, alone bool) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return fmt.Errorf("this kernel has none: %w", errno)
	}
	rules := unix.LandlockRulesetAttr{Handled_access_fs: rightsKnown(version)}
	if version >= 4 {
		rules.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 6 {
		rules.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), rulesetSize, 0)
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(fd))
	if err := permit(fd, dir, rightsToOwn&rules.Handled_access_fs); err != nil {
		return err
	}
	if !alone {
		for _, path := range append([]string{os.Getenv("SSL_CERT_FILE"), os.Getenv("SSL_CERT_DIR")}, systemFiles...) {
			if err := permit(fd, path, rightsToRead); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EACCES) {
				return err
			}
		}
	}
	return restrict(fd, version)
}

// rightsKnown are all rights to files that a version can withhold.
func rightsKnown(version uintptr) uint64 {
	known := uint64(unix.LANDLOCK_ACCESS_FS_REFER - 1) // the first version's
	if version >= 2 {
		known |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		known |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 5 {
		known |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return known
}

// permit grants rights to a file, or to a directory and all below it.
func permit(ruleset uintptr, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= rightsToFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("%s: %w", path, errno)
	}
	return nil
}

// restrict holds all threads to the rules. Before version 8 the kernel does one at a time: then Go's runtime goes through
// them, which a program that is linked with C can't do.
func restrict(ruleset, version uintptr) error {
	if version >= 8 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		_, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, unix.LANDLOCK_RESTRICT_SELF_TSYNC, 0)
		if errno != 0 {
			return errno
		}
		return nil
	}
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if errno == 0 {
		_, _, errno = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0)
	}
	if errno != 0 {
		return errno
	}
	return nil
}
