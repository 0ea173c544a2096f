package hosted

import "golang.org/x/sys/unix"

const (
	machine = unix.AUDIT_ARCH_RISCV64
	mapCall = unix.SYS_MMAP
)

// extraCalls are what this machine has besides allowed.
var extraCalls = []uint32{
	unix.SYS_NEWFSTATAT, unix.SYS_GETRLIMIT, unix.SYS_SYNC_FILE_RANGE, unix.SYS_FADVISE64,
}
