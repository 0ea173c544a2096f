//go:build linux && !amd64 && !arm64 && !arm && !riscv64

package hosted

// No list of calls has been made for this machine: it runs without the filter, and the page says so.
const (
	machine = 0
	mapCall = 0
)

var extraCalls []uint32
