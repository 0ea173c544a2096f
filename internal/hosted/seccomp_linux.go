package hosted

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowed are the calls of the kernel that a flow server needs once it runs, as they are named on every machine; each
// machine has more in extraCalls. Opening sockets, connecting, starting programs, mounting, tracing, keys, io_uring,
// user namespaces and all that is new are not among them: they fail as on a kernel that lacks them.
var allowed = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_OPENAT, unix.SYS_CLOSE, unix.SYS_CLOSE_RANGE, unix.SYS_FSTAT, unix.SYS_STATX, unix.SYS_STATFS,
	unix.SYS_FSTATFS, unix.SYS_LSEEK, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_BRK, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_MEMBARRIER,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_READV,
	unix.SYS_WRITEV, unix.SYS_PREADV, unix.SYS_PWRITEV, unix.SYS_PIPE2, unix.SYS_PSELECT6, unix.SYS_PPOLL, unix.SYS_SCHED_YIELD,
	unix.SYS_SCHED_GETAFFINITY, unix.SYS_DUP, unix.SYS_DUP3, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES,
	unix.SYS_GETTIMEOFDAY, unix.SYS_TIMES, unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_GETTID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID,
	unix.SYS_GETEGID, unix.SYS_FUTEX, unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2, unix.SYS_EVENTFD2,
	unix.SYS_TIMER_CREATE, unix.SYS_TIMER_SETTIME, unix.SYS_TIMER_DELETE, unix.SYS_SETITIMER, unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_GETRANDOM,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_SET_TID_ADDRESS, unix.SYS_RSEQ, unix.SYS_RESTART_SYSCALL, unix.SYS_GETRUSAGE, unix.SYS_SYSINFO, unix.SYS_UNAME,
	unix.SYS_FCNTL, unix.SYS_FLOCK, unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_GETDENTS64, unix.SYS_GETCWD,
	unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_READLINKAT, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2,
	unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2, unix.SYS_UTIMENSAT, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE, unix.SYS_SHUTDOWN,
	unix.SYS_GETSOCKNAME, unix.SYS_GETPEERNAME, unix.SYS_GETSOCKOPT, unix.SYS_RECVMSG, unix.SYS_RECVFROM, unix.SYS_INOTIFY_INIT1,
	unix.SYS_INOTIFY_ADD_WATCH, unix.SYS_INOTIFY_RM_WATCH,
}

// guarded are calls that are allowed with certain arguments only.
func guarded(pid uint32) []guard {
	return append([]guard{
		{unix.SYS_MPROTECT, []test{{arg: 2, bits: unix.PROT_EXEC}}},                                    // no new machine code
		{unix.SYS_CLONE, []test{{arg: 0, bits: unix.CLONE_THREAD, set: true}, {arg: 0, bits: spaces}}}, // threads, not processes
		{unix.SYS_TGKILL, []test{{arg: 0, is: pid}}},                                                   // signals to itself
		{unix.SYS_KILL, []test{{arg: 0, is: pid}}},
		{unix.SYS_PRLIMIT64, []test{{arg: 0}, {arg: 2}}}, // reads its own limits
		{unix.SYS_PRCTL, []test{{arg: 0, is: unix.PR_SET_VMA}}},
		// A connection that the platform passed is never pointed elsewhere: no address, and no opening with data.
		{unix.SYS_SENDTO, []test{{arg: 4}, {arg: 3, bits: unix.MSG_FASTOPEN}}},
		{unix.SYS_SENDMSG, []test{{arg: 2, bits: unix.MSG_FASTOPEN}}},
		{unix.SYS_SETSOCKOPT, []test{{arg: 1, is: unix.SOL_SOCKET}, {arg: 2, is: unix.SO_KEEPALIVE}}},
		{unix.SYS_SETSOCKOPT, []test{{arg: 1, is: unix.SOL_SOCKET}, {arg: 2, is: unix.SO_LINGER}}},
		{unix.SYS_SETSOCKOPT, []test{{arg: 1, is: unix.IPPROTO_TCP}, {arg: 2, is: unix.TCP_NODELAY}}},
		{unix.SYS_SETSOCKOPT, []test{{arg: 1, is: unix.IPPROTO_TCP}, {arg: 2, is: unix.TCP_KEEPIDLE}}},
		{unix.SYS_SETSOCKOPT, []test{{arg: 1, is: unix.IPPROTO_TCP}, {arg: 2, is: unix.TCP_KEEPINTVL}}},
		{unix.SYS_SETSOCKOPT, []test{{arg: 1, is: unix.IPPROTO_TCP}, {arg: 2, is: unix.TCP_KEEPCNT}}},
	}, guard{mapCall, []test{{arg: 2, bits: unix.PROT_EXEC}}})
}

// spaces are the flags of clone that would give a thread a world of its own.
const spaces = unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// guard allows a call when all tests hold.
type guard struct {
	call  uint32
	tests []test
}

// test looks at an argument: it equals is, or, with bits, has none of them or all of them (set).
type test struct {
	arg  uint32 // 0 to 5
	is   uint32 // the upper half must be 0
	bits uint32 // of the lower half
	set  bool
}

// Offsets in what the kernel shows a filter, struct seccomp_data.
const (
	atCall    = 0
	atMachine = 4
	atArgs    = 16
)

// refuse stands for the way out of a guard while it is put together.
const refuse = 255

// filter is the program that judges each call. A call in another machine's manner ends the process.
func filter(pid uint32) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	ret := func(v uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: v} }
	jump := func(how uint16, k uint32, yes, no int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | how, K: k, Jt: uint8(yes), Jf: uint8(no)}
	}
	p := []unix.SockFilter{load(atMachine), jump(unix.BPF_JEQ, machine, 1, 0), ret(unix.SECCOMP_RET_KILL_PROCESS), load(atCall)}
	for _, call := range append(allowed, extraCalls...) {
		p = append(p, jump(unix.BPF_JEQ, call, 0, 1), ret(unix.SECCOMP_RET_ALLOW))
	}
	for _, g := range guarded(pid) {
		var body []unix.SockFilter
		for _, t := range g.tests {
			body = append(body, load(atArgs+8*t.arg)) // all our machines keep the lower half first
			switch {
			case t.set:
				body = append(body, jump(unix.BPF_JSET, t.bits, 0, refuse))
			case t.bits != 0:
				body = append(body, jump(unix.BPF_JSET, t.bits, refuse, 0))
			default:
				body = append(body, jump(unix.BPF_JEQ, t.is, 0, refuse), load(atArgs+8*t.arg+4), jump(unix.BPF_JEQ, 0, 0, refuse))
			}
		}
		for i := range body { // refusals go past the body and its "allowed", where the number of the call is read again
			past := uint8(len(body) - i)
			if body[i].Jt == refuse {
				body[i].Jt = past
			}
			if body[i].Jf == refuse {
				body[i].Jf = past
			}
		}
		p = append(p, load(atCall), jump(unix.BPF_JEQ, g.call, 0, len(body)+1))
		p = append(append(p, body...), ret(unix.SECCOMP_RET_ALLOW))
	}
	return append(p, ret(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
}

// filterCalls puts all threads of this process behind the filter, for ever.
func filterCalls() error {
	if machine == 0 {
		return errors.New("there is no list of calls for " + runtime.GOARCH)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := filter(uint32(os.Getpid()))
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(program)
	switch {
	case errno != 0:
		return errno
	case thread != 0:
		return fmt.Errorf("thread %d has a filter of its own", thread)
	}
	return nil
}
