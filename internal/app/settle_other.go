//go:build !linux

package app

import (
	"runtime/debug"
	"time"
)

// settleAfter is how long after its start a flow server gives back what only the start has needed.
const settleAfter = 2 * time.Second

// settle gives free memory of the heap back.
func settle() { debug.FreeOSMemory() }
