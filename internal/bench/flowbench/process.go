package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc: 100 a second on every Linux that people run.
const clockTick = 10 * time.Millisecond

// processCPU is the CPU time of a process, its threads together, from Linux's /proc.
func processCPU(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:])) // the name may hold anything
	if len(fields) < 13 {
		return 0, fmt.Errorf("CPU time of process %d: /proc has another form here", pid)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("CPU time of process %d: /proc has another form here", pid)
	}
	return time.Duration(user+system) * clockTick, nil
}

// processMemory is the resident memory of a process, now and at most since its start, in MB of 2^20 bytes.
func processMemory(pid int) (now, peak float64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(raw)) {
		name, rest, _ := strings.Cut(line, ":")
		if name == "VmRSS" || name == "VmHWM" {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return 0, 0, fmt.Errorf("memory of process %d: %w", pid, err)
			}
			if name == "VmRSS" {
				now = kb / 1024
			} else {
				peak = kb / 1024
			}
		}
	}
	return now, peak, nil
}
