package gate

import (
	"errors"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below use RawSyscall: they don't tell the scheduler, which saves a sixth of a message's cost and is right
// for sockets in non-blocking mode alone.

// userTimeout is how long sent bytes may stay unacknowledged, or wait before a closed window, until the kernel gives
// a connection up.
const userTimeout = 60 * time.Second

// rawRead reads what is there; empty says that nothing is. Otherwise zero bytes mean that the peer has finished.
func rawRead(fd int, b []byte) (n int, empty bool, err error) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), false, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, true, nil
		default:
			return 0, false, errno
		}
	}
}

// pollable says whether a read of a socket would find something, be it an end.
func pollable(fd int) bool {
	var b [1]byte
	for {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), 1, syscall.MSG_PEEK, 0, 0)
		if errno != syscall.EINTR {
			return errno != syscall.EAGAIN
		}
	}
}

// rawWrite writes up to maxParts of parts, which hold something, and says how many bytes the kernel took: none of
// them, without an error, when the socket is full.
func rawWrite(fd int, parts [][]byte) (int, error) {
	var vec [maxParts]syscall.Iovec
	count := 0
	for _, p := range parts {
		if len(p) == 0 {
			continue
		}
		vec[count].Base = unsafe.SliceData(p)
		vec[count].SetLen(len(p))
		if count++; count == maxParts {
			break
		}
	}
	for {
		var n uintptr
		var errno syscall.Errno
		if count == 1 {
			n, _, errno = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(vec[0].Base)), uintptr(vec[0].Len))
		} else {
			n, _, errno = syscall.RawSyscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&vec[0])), uintptr(count))
		}
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, errno
		}
	}
}

// tune has the kernel find dead peers of a listener's connections, which inherit what is set here: four system calls
// less for each of them. Small packets go out at once: that is the net package's default.
func tune(l net.Listener) {
	sc, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return // the listener is closed
	}
	_ = rc.Control(func(fd uintptr) { // best effort: connections work without
		set := func(level, option, value int) { _ = unix.SetsockoptInt(int(fd), level, option, value) }
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 120)
		set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 20)
		set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
	})
}

// boundSending sets the kernel's bound for bytes that a peer doesn't acknowledge. It is not inherited.
func boundSending(c *net.TCPConn) {
	if rc, err := c.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { // best effort: the connection works without
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
		})
	}
}

// probing are the socket's options while its peer is asked for a sign of life: three questions, two seconds apart, and
// no longer wait for bytes to be acknowledged. TCP_USER_TIMEOUT counts from the peer's last sign and overrules the number
// of questions.
var probing = []struct{ option, value int }{
	{unix.TCP_USER_TIMEOUT, int((probeTime - 2*time.Second).Milliseconds())}, {unix.TCP_KEEPINTVL, 2}, {unix.TCP_KEEPCNT, 3}, {unix.TCP_KEEPIDLE, 1},
}

// probe has the kernel ask the peer's at once, and says how to go on as before.
func probe(c *net.TCPConn) (restore func()) {
	was := make([]int, len(probing))
	each := func(f func(fd, n int)) {
		if rc, err := c.SyscallConn(); err == nil {
			_ = rc.Control(func(fd uintptr) { // best effort: the keep-alive of MQTT finds a dead peer, too
				for n := range probing {
					f(int(fd), n)
				}
			})
		}
	}
	each(func(fd, n int) {
		was[n], _ = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, probing[n].option)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, probing[n].option, probing[n].value)
	})
	return func() {
		each(func(fd, n int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, probing[n].option, was[n]) })
	}
}

// outOfFiles says whether err means that no more descriptors can be had for now.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// fileLimit is the number of descriptors that this process may have; 0: not known.
func fileLimit() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur > 1<<30 {
		return 0
	}
	return int(l.Cur)
}

const supported = true
