package metrics

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/procfs"
)

// Process adds what Prometheus' own libraries tell of a process, under the same names. What this system doesn't tell is
// left out.
func Process(p *Page, started time.Time) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.Gauge("go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	p.Gauge("go_info", "Version of Go.", 1, "version", runtime.Version())
	p.Gauge("go_memstats_heap_inuse_bytes", "Bytes of the heap in use.", float64(m.HeapInuse))
	p.Gauge("go_memstats_sys_bytes", "Bytes taken from the system.", float64(m.Sys))
	p.Counter("go_memstats_mallocs_total", "Objects that were allocated.", float64(m.Mallocs))
	p.Gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", float64(started.UnixMilli())/1000)
	if cpu, err := procfs.CPU(os.Getpid()); err == nil {
		p.Counter("process_cpu_seconds_total", "CPU time, of user and system.", cpu.Seconds())
	}
	if rss, err := procfs.Resident(os.Getpid()); err == nil {
		p.Gauge("process_resident_memory_bytes", "Resident memory.", float64(rss))
	}
	if d, err := os.ReadDir("/proc/self/fd"); err == nil {
		p.Gauge("process_open_fds", "Open file descriptors.", float64(len(d)-1)) // one is this directory
	}
	if n, ok := maxFiles(); ok {
		p.Gauge("process_max_fds", "File descriptors that may be open.", n)
	}
}

func maxFiles() (float64, bool) {
	raw, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return 0, false
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return n, err == nil
		}
	}
	return 0, false
}
