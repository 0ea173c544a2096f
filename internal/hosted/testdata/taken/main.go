//go:build linux

// Taken is a flow server that an attacker has taken over: it does whatever it is asked to, with the rights it has.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tsunagi/internal/hosted"
)

func main() {
	child, err := hosted.OpenChild()
	if err != nil || child == nil {
		fmt.Fprintln(os.Stderr, "not started by a platform:", err)
		os.Exit(1)
	}
	http.HandleFunc("/calls", func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(calls()) })
	http.HandleFunc("/signal", func(w http.ResponseWriter, r *http.Request) {
		pid, _ := strconv.Atoi(r.FormValue("pid"))
		fmt.Fprint(w, errors(unix.Kill(pid, unix.SIGKILL), unix.Kill(-1, unix.SIGKILL), unix.PtraceAttach(pid), tgkill(pid)))
	})
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		_, err := os.ReadFile(r.FormValue("path"))
		_, err2 := os.ReadDir(filepath.Dir(r.FormValue("path")))
		fmt.Fprint(w, errors(err, err2, os.WriteFile(r.FormValue("path"), nil, 0o600), os.Remove(r.FormValue("path"))))
	})
	http.HandleFunc("/dial", func(w http.ResponseWriter, r *http.Request) {
		_, err := net.DialTimeout("tcp", r.FormValue("addr"), time.Second)
		_, err2 := net.Listen("tcp", "127.0.0.1:0")
		_, err3 := net.Dial("unix", r.FormValue("unix"))
		fmt.Fprint(w, errors(err, err2, err3))
	})
	http.HandleFunc("/turn", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, turn(r, child)) })
	http.HandleFunc("/works", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, works()) })
	if err := child.Ready(); err != nil {
		os.Exit(1)
	}
	http.Serve(child.Listener(), nil)
}

// errors shows what failed; "done" stands for what did not.
func errors(list ...error) (texts []string) {
	for _, err := range list {
		if err == nil {
			texts = append(texts, "done")
		} else {
			texts = append(texts, "("+err.Error()+")")
		}
	}
	return texts
}

func tgkill(pid int) error {
	return raw(unix.SYS_TGKILL, uintptr(pid), uintptr(pid), uintptr(unix.SIGKILL))
}

func raw(call uintptr, a ...uintptr) error {
	var all [6]uintptr
	copy(all[:], a)
	if _, _, errno := unix.Syscall6(call, all[0], all[1], all[2], all[3], all[4], all[5]); errno != 0 {
		return errno
	}
	return nil
}

// calls tries what would lead outside, or at the kernel's less trodden parts. Whatever is "done" is a hole.
func calls() map[string]string {
	page := func(prot int) error {
		_, err := unix.Mmap(-1, 0, 4096, prot, unix.MAP_ANON|unix.MAP_PRIVATE)
		return err
	}
	socket := func(family, kind int) error {
		_, err := unix.Socket(family, kind, 0)
		return err
	}
	data, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return map[string]string{"mmap": "done"}
	}
	name := [16]byte{'x'}
	at := uintptr(unsafe.Pointer(&name))
	more := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	tries := map[string]error{
		"socket inet": socket(unix.AF_INET, unix.SOCK_STREAM), "socket inet6": socket(unix.AF_INET6, unix.SOCK_DGRAM),
		"socket unix": socket(unix.AF_UNIX, unix.SOCK_STREAM), "socket packet": socket(unix.AF_PACKET, unix.SOCK_RAW),
		"socket netlink": socket(unix.AF_NETLINK, unix.SOCK_RAW), "socket vsock": socket(unix.AF_VSOCK, unix.SOCK_STREAM),
		"fork": raw(unix.SYS_CLONE, uintptr(unix.SIGCHLD)), "clone3": raw(unix.SYS_CLONE3, 0, 0),
		"exec": exec.Command("/bin/sh", "-c", "true").Run(), "execve": unix.Exec("/proc/self/exe", nil, nil),
		"mount": unix.Mount("none", "/", "tmpfs", 0, ""), "unshare": unix.Unshare(unix.CLONE_NEWUSER), "setns": unix.Setns(3, 0),
		"chroot": unix.Chroot("/"), "setuid": raw(unix.SYS_SETUID, 0), "capset": raw(unix.SYS_CAPSET, 0, 0),
		"add_key": raw(unix.SYS_ADD_KEY, at, at, at, 1, uintptr(0xfffffffd)), "keyctl": raw(unix.SYS_KEYCTL, 0, 0), "request_key": raw(unix.SYS_REQUEST_KEY, at, at),
		"bpf": raw(unix.SYS_BPF), "io_uring": raw(unix.SYS_IO_URING_SETUP, 1, at), "userfaultfd": raw(unix.SYS_USERFAULTFD),
		"perf": raw(unix.SYS_PERF_EVENT_OPEN), "memfd": raw(unix.SYS_MEMFD_CREATE, at), "process_vm_readv": raw(unix.SYS_PROCESS_VM_READV, 1),
		"pidfd": raw(unix.SYS_PIDFD_OPEN, 1), "init_module": raw(unix.SYS_INIT_MODULE), "reboot": raw(unix.SYS_REBOOT), "swapon": raw(unix.SYS_SWAPON, at),
		"settime": raw(unix.SYS_CLOCK_SETTIME, 0, at), "sethostname": unix.Sethostname([]byte("x")), "mmap exec": page(unix.PROT_READ | unix.PROT_EXEC),
		"mprotect exec": unix.Mprotect(data, unix.PROT_READ|unix.PROT_EXEC), "more files": unix.Prlimit(0, unix.RLIMIT_NOFILE, &more, nil),
		"symlink": unix.Symlink("/etc/passwd", "link"), "mknod": unix.Mknod("null", unix.S_IFCHR|0o666, 0x103), "dumpable": unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0),
		"affinity": unix.SchedSetaffinity(0, &unix.CPUSet{}), "priority": unix.Setpriority(unix.PRIO_PROCESS, 0, -20),
		"open_by_handle": raw(unix.SYS_OPEN_BY_HANDLE_AT, 0, at), "setxattr": unix.Setxattr(".", "user.x", nil, 0), "chown": os.Chown(".", 0, 0),
	}
	shown := map[string]string{}
	for what, err := range tries {
		shown[what] = errors(err)[0]
	}
	return shown
}

// turn takes a connection that the platform has made and tries to point it at another address.
func turn(r *http.Request, child *hosted.Child) []string {
	conn, err := child.Dial(r.Context(), "tcp", r.FormValue("allowed"))
	if err != nil {
		return []string{"no connection: " + err.Error()}
	}
	defer conn.Close()
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return []string{"no descriptor: " + err.Error()}
	}
	defer f.Close()
	host, port, _ := net.SplitHostPort(r.FormValue("inside"))
	number, _ := strconv.Atoi(port)
	to := &unix.SockaddrInet4{Port: number, Addr: [4]byte(net.ParseIP(host).To4())}
	fd := int(f.Fd())
	var nowhere unix.RawSockaddr
	return errors(raw(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere)), unix.Connect(fd, to), unix.Bind(fd, to), unix.Listen(fd, 1),
		unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, to), unix.Sendmsg(fd, []byte("x"), nil, to, unix.MSG_FASTOPEN),
		unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "lo"), unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_ULP, "tls"))
}

// works does what flows need: files of its own with renames, threads, time zones.
func works() string {
	for _, err := range []error{os.MkdirAll("a/b", 0o700), os.WriteFile("a/b/x", []byte("1"), 0o600), os.Rename("a/b/x", "a/y"), os.Truncate("a/y", 0), os.RemoveAll("a")} {
		if err != nil {
			return err.Error()
		}
	}
	done := make(chan bool)
	for range 20 {
		go func() { time.Sleep(time.Millisecond); done <- true }()
	}
	for range 20 {
		<-done
	}
	return "works"
}
