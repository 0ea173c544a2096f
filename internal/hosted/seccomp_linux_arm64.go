package hosted

import "golang.org/x/sys/unix"

const (
	machine = unix.AUDIT_ARCH_AARCH64
	mapCall = unix.SYS_MMAP
)

// extraCalls are what this machine has besides allowed.
var extraCalls = []uint32{
	unix.SYS_NEWFSTATAT, unix.SYS_GETRLIMIT, unix.SYS_SYNC_FILE_RANGE, unix.SYS_FADVISE64, unix.SYS_RENAMEAT,
}
