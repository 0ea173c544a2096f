package broker

import (
	"fmt"
	"runtime"
	"testing"
)

// TestIdleInstance: an instance that nobody uses costs at most 2 KB.
func TestIdleInstance(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector adds to each allocation")
	}
	r := newRig(t, Limits{})
	const many = 2000
	all := make([]*Broker, many)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range all {
		b, err := New(Options{ID: fmt.Sprintf("inst%04d", i), Committer: r.k})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = b
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / many
	t.Logf("%d bytes for each idle instance", each)
	if each > 2048 {
		t.Errorf("%d bytes for each idle instance, want at most 2048", each)
	}
	runtime.KeepAlive(all)
}
