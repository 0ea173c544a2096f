package hosted

import "golang.org/x/sys/unix"

const (
	machine = unix.AUDIT_ARCH_X86_64
	mapCall = unix.SYS_MMAP
)

// extraCalls are what this machine has besides allowed.
var extraCalls = []uint32{
	unix.SYS_OPEN, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_NEWFSTATAT, unix.SYS_SELECT, unix.SYS_POLL, unix.SYS_DUP2, unix.SYS_TIME, unix.SYS_EPOLL_WAIT,
	unix.SYS_GETRLIMIT, unix.SYS_SYNC_FILE_RANGE, unix.SYS_FADVISE64, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_UNLINK, unix.SYS_RENAME,
	unix.SYS_RENAMEAT, unix.SYS_READLINK, unix.SYS_ACCESS,
}
