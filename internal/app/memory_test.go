package app

import (
	"runtime"
	"runtime/debug"
	"testing"
)

var kept [][]byte

// TestTidy: memory is given back when a busy time is over, and not again before the next.
func TestTidy(t *testing.T) {
	td := newTidy()
	td.due()
	debug.FreeOSMemory()
	for range 1000 {
		kept = append(kept, make([]byte, 32<<10))
	}
	kept = nil
	runtime.GC() // else a collection from before may hold it for alive
	if td.due() {
		t.Error("given back in the middle of a busy time")
	}
	if !td.due() {
		t.Error("not given back after it")
	}
	debug.FreeOSMemory()
	if td.due() {
		t.Error("given back twice")
	}
}
