package bench

import (
	"math/bits"
	"time"
)

// The histogram's measure: 32 steps for each power of two, so a value is known to 3 %.
const (
	stepBits = 5
	steps    = 1 << stepBits
	buckets  = (40 - stepBits) * steps // up to 2^39 ns, nine minutes
)

// histogram counts latencies. It belongs to one goroutine until it is added to another.
type histogram struct {
	count [buckets]uint32
	n     uint64
	most  time.Duration
}

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < steps {
		return int(v)
	}
	shift := bits.Len64(v) - stepBits - 1
	return min((shift+1)*steps+int(v>>shift)-steps, buckets-1)
}

// valueOf is the lower end of a bucket.
func valueOf(bucket int) time.Duration {
	if bucket < steps {
		return time.Duration(bucket)
	}
	shift := bucket/steps - 1
	return time.Duration(steps+bucket%steps) << shift
}

func (h *histogram) add(d time.Duration) {
	h.count[bucketOf(d)]++
	h.n++
	h.most = max(h.most, d)
}

func (h *histogram) merge(other *histogram) {
	for i, c := range other.count {
		h.count[i] += c
	}
	h.n += other.n
	h.most = max(h.most, other.most)
}

// percentile is the latency that the share p (0 to 1) of all did not exceed.
func (h *histogram) percentile(p float64) time.Duration {
	want, seen := uint64(p*float64(h.n)), uint64(0)
	for i, c := range h.count {
		if seen += uint64(c); seen > want {
			return valueOf(i)
		}
	}
	return h.most
}
