package bench

import (
	"testing"
	"time"
)

func TestStream(t *testing.T) {
	tests := []struct {
		name                string
		came                []uint64
		sent                uint64
		lost, doubled, late uint64
	}{
		{"all", []uint64{0, 1, 2, 3}, 4, 0, 0, 0},
		{"nothing", nil, 4, 4, 0, 0},
		{"a hole", []uint64{0, 1, 3}, 4, 1, 0, 0},
		{"the end", []uint64{0, 1}, 4, 2, 0, 0},
		{"doubled", []uint64{0, 1, 1, 0, 2, 3}, 4, 0, 2, 0},
		{"out of order", []uint64{0, 2, 1, 3}, 4, 0, 0, 1},
		{"late, then again", []uint64{1, 0, 0}, 2, 0, 1, 1},
		{"all wrong", []uint64{5, 5, 2, 3}, 7, 4, 1, 2},
	}
	for _, tt := range tests {
		var s stream
		for _, n := range tt.came {
			s.saw(n)
		}
		if lost := s.lost(tt.sent); lost != tt.lost || s.doubled != tt.doubled || s.late != tt.late {
			t.Errorf("%s: lost %d, doubled %d, late %d; want %d, %d, %d", tt.name, lost, s.doubled, s.late, tt.lost, tt.doubled, tt.late)
		}
	}
}

func TestHistogram(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 31, 32, 33, 63, 64, 1000, 12345, time.Millisecond, time.Second, 5 * time.Minute} {
		low := valueOf(bucketOf(d))
		if low > d || float64(d-low) > 0.032*float64(d) {
			t.Errorf("%v is counted as %v", d, low)
		}
		if b := bucketOf(d); b > 0 && valueOf(b-1) >= low {
			t.Errorf("buckets %d and %d are not in order", b-1, b)
		}
	}
	if bucketOf(-1) != 0 || bucketOf(1<<62) != buckets-1 {
		t.Error("values outside are not kept in")
	}
	var h, other histogram
	for i := range 1000 {
		h.add(time.Duration(i) * time.Microsecond)
	}
	other.add(time.Second)
	h.merge(&other)
	if p := h.percentile(0.5); p < 480*time.Microsecond || p > 510*time.Microsecond {
		t.Errorf("median %v of 0 to 1000 µs", p)
	}
	if h.most != time.Second || h.n != 1001 {
		t.Errorf("most %v of %d", h.most, h.n)
	}
}

// FuzzReceiver gives a receiver what a broken broker might send.
func FuzzReceiver(f *testing.F) {
	o := &options{size: 64, version: 311}
	f.Add([]byte{0x30, 0}, false)
	f.Add(newTarget("t", o, 0).packet, false)
	f.Add([]byte{0x32, 4, 0, 1, 't', 0}, true)
	f.Fuzz(func(t *testing.T, raw []byte, v5 bool) {
		r := &receiver{link: &link{version: 4, buf: raw, have: len(raw), conn: closedConn{}}, run: &run{o: o}, streams: make([]stream, 1)}
		if v5 {
			r.version = 5
		}
		r.batch.credits = make([]int64, 1)
		r.run.publishers = []*publisher{{link: &link{conn: closedConn{}}, run: r.run, copies: 1, targets: []target{newTarget("t", o, 0)}, numbers: make([]uint64, 1)}}
		r.run.stopped.Store(true)
		if r.listen() == nil {
			t.Error("no end")
		}
	})
}
