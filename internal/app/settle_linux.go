package app

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// settleAfter is how long after its start a flow server gives back what only the start has needed.
const settleAfter = 2 * time.Second

// settle gives memory back: what Go's heap has free, and the parts of the program and of the editor's archive that were
// only read at the start. Those are clean pages of a file: what is used again is mapped again, from the system's cache.
func settle() {
	debug.FreeOSMemory()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[5] != exe || fields[1] != "r-xp" && fields[1] != "r--p" {
			continue // never what can be written: changes to it would be lost
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, strconv.IntSize)
		end, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
		if err1 == nil && err2 == nil && end > start {
			forget(uintptr(start), uintptr(end-start))
		}
	}
}

func forget(start, n uintptr) {
	_ = syscall.Madvise(unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&start))), n), syscall.MADV_DONTNEED) // where the system refuses, nothing is lost
}
