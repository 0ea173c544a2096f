package mqttclient

import (
	"syscall"
	"time"
	"unsafe"
)

// pause sleeps for less than a millisecond, which Go's own timers don't do on Linux. It keeps the processor that the
// goroutine runs on: handing that on and back costs more than what is gained.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(min(d, time.Millisecond)))
	_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0) // a signal may end it early
}
