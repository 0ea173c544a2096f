package home

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tsunagi/internal/procfs"
)

// memory is that of this program and of the machine, in bytes.
func memory() (own, total, available int64) {
	own, _ = procfs.Resident(os.Getpid()) // else 0: not known
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return own, 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if len(f) == 0 {
			continue
		}
		kb, _ := strconv.ParseInt(f[0], 10, 64) // else 0: not known
		switch name {
		case "MemTotal":
			total = kb << 10
		case "MemAvailable":
			available = kb << 10
		}
	}
	return own, total, available
}

// disk is the file system with dir, in bytes.
func disk(dir string) (size, free int64) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0
	}
	return int64(s.Blocks) * int64(s.Bsize), int64(s.Bavail) * int64(s.Bsize)
}

// processorTime is what this program has had of the processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machine is what the board says it is.
func machine() string {
	text, err := os.ReadFile("/proc/device-tree/model")
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimRight(string(text[:min(len(text), 100)]), "\x00\n "), "")
}
