// Package procfs reads what Linux tells of a process under /proc: processor time and memory. On other systems every call
// returns an error.
package procfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc: 100 a second on every Linux that Go runs on.
const tick = time.Second / 100

// errForm says that /proc reads otherwise than it should.
var errForm = errors.New("/proc has another form here")

// CPU is the processor time that a process has taken, all of its threads together, its own and the kernel's for it. Its
// unit is 10 ms.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	d, err := parseStat(string(text))
	if err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return d, nil
}

// parseStat finds the fields utime and stime. The program's name, in parentheses, may hold anything.
func parseStat(text string) (time.Duration, error) {
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 13 {
		return 0, errForm
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, errForm
	}
	return time.Duration(user+system) * tick, nil
}

// Usage is the memory of a process, in bytes.
type Usage struct {
	Resident int64 // in memory now
	Peak     int64 // the most that was
	Private  int64 // not backed by files, swapped out or not
}

// Memory is what a process uses now.
func Memory(pid int) (Usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	u := parseStatus(string(text))
	if u.Resident == 0 { // it is ending, or this is another system's /proc
		return Usage{}, fmt.Errorf("memory of process %d: %w", pid, errForm)
	}
	return u, nil
}

// Resident is Memory's figure of that name alone.
func Resident(pid int) (int64, error) {
	u, err := Memory(pid)
	return u.Resident, err
}

func parseStatus(text string) (u Usage) {
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if len(f) != 2 || f[1] != "kB" {
			continue
		}
		kb, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			u.Resident = kb << 10
		case "VmHWM":
			u.Peak = kb << 10
		case "RssAnon", "RssShmem", "VmSwap":
			u.Private += kb << 10
		}
	}
	return u
}
