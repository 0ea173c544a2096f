package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How memory is given back to the system after a busy time.
const (
	tidyLook  = 2 * time.Second
	tidyQuiet = 256 << 10 // bytes allocated between two looks, up to which the process counts as quiet
	tidyLeast = 4 << 20   // bytes that must have been allocated since the last time
	tidyWorth = 8         // and more than one in so many of those in use would come back
)

// tidy gives memory back when a busy time is over: after a storm of connections half of the heap is what logging them
// in took, and the collector would let it stand until the next one.
type tidy struct {
	samples [4]metrics.Sample
	last    uint64 // bytes allocated until the last look
	done    uint64 // and until memory was given back
}

func newTidy() *tidy {
	t := &tidy{}
	for i, name := range []string{"/gc/heap/allocs:bytes", "/gc/heap/live:bytes", "/memory/classes/heap/objects:bytes", "/memory/classes/heap/free:bytes"} {
		t.samples[i].Name = name
	}
	return t
}

// due says whether now is the time. It costs some microseconds.
func (t *tidy) due() bool {
	metrics.Read(t.samples[:])
	allocated, live := t.samples[0].Value.Uint64(), t.samples[1].Value.Uint64()
	objects, free := t.samples[2].Value.Uint64(), t.samples[3].Value.Uint64()
	quiet := allocated-t.last < tidyQuiet
	t.last = allocated
	if !quiet || allocated-t.done < tidyLeast {
		return false
	}
	garbage := free
	if objects > live {
		garbage += objects - live
	}
	if garbage < objects/tidyWorth {
		return false
	}
	t.done = allocated
	return true
}

// tidying is that as a part.
func tidying() part {
	return working("memory", func(ctx context.Context) {
		look := time.NewTicker(tidyLook)
		defer look.Stop()
		t := newTidy()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
				if t.due() {
					debug.FreeOSMemory()
				}
			}
		}
	})
}
