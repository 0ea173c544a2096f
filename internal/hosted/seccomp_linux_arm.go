package hosted

import "golang.org/x/sys/unix"

const (
	machine = unix.AUDIT_ARCH_ARM
	mapCall = unix.SYS_MMAP2
)

// extraCalls are what this machine has besides allowed.
var extraCalls = []uint32{
	unix.SYS_OPEN, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_STAT64, unix.SYS_LSTAT64, unix.SYS_FSTAT64, unix.SYS_FSTATAT64, unix.SYS_STATFS64,
	unix.SYS_FSTATFS64, unix.SYS__LLSEEK, unix.SYS_SIGRETURN, unix.SYS__NEWSELECT, unix.SYS_PSELECT6_TIME64, unix.SYS_POLL, unix.SYS_PPOLL_TIME64,
	unix.SYS_DUP2, unix.SYS_CLOCK_NANOSLEEP_TIME64, unix.SYS_CLOCK_GETTIME64, unix.SYS_CLOCK_GETRES_TIME64, unix.SYS_GETUID32, unix.SYS_GETEUID32,
	unix.SYS_GETGID32, unix.SYS_GETEGID32, unix.SYS_FUTEX_TIME64, unix.SYS_EPOLL_WAIT, unix.SYS_TIMER_SETTIME64, unix.SYS_UGETRLIMIT, unix.SYS_FCNTL64,
	unix.SYS_TRUNCATE64, unix.SYS_FTRUNCATE64, unix.SYS_ARM_SYNC_FILE_RANGE, unix.SYS_ARM_FADVISE64_64, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_UNLINK, unix.SYS_RENAME,
	unix.SYS_RENAMEAT, unix.SYS_READLINK, unix.SYS_ACCESS, unix.SYS_UTIMENSAT_TIME64, unix.SYS_SENDFILE64,
}
