package topic_test

import (
	"fmt"
	"runtime"
	"testing"

	"tsunagi/internal/topic"
)

// Memory and time that a broker of the size we aim for may use.
const (
	manyFilters       = 200_000
	filterBudget      = 600 // bytes a filter, all its own levels included
	manyNames         = 1_000_000
	nameBudget        = 500 // bytes a retained name besides its payload
	namesInShortTests = 100_000
)

func filters(n int) []string {
	all := make([]string, n)
	for i := range all {
		switch i % 4 {
		case 0:
			all[i] = fmt.Sprintf("home/device%06d/sensor/+/state", i)
		case 1:
			all[i] = fmt.Sprintf("home/device%06d/command/#", i)
		case 2:
			all[i] = fmt.Sprintf("home/device%06d/sensor/temperature", i)
		default:
			all[i] = fmt.Sprintf("site/%03d/line/%06d/+", i%500, i)
		}
	}
	return all
}

// heap returns the bytes in use after everything unused has been collected.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestTreeMemory(t *testing.T) {
	all := filters(manyFilters)
	tree := new(topic.Tree[*int])
	v := new(int)
	before := heap()
	for _, f := range all {
		tree.Add(f, v)
	}
	each := (heap() - before) / manyFilters
	t.Logf("%d bytes a filter", each)
	if each > filterBudget {
		t.Errorf("%d bytes a filter, want at most %d", each, filterBudget)
	}
	for _, f := range all {
		tree.Remove(f, v)
	}
	if left := int64(heap()) - int64(before); left > 1<<20 {
		t.Errorf("%d bytes stay in an empty tree", left)
	}
	runtime.KeepAlive(tree)
	runtime.KeepAlive(all)
}

func TestRetainedMemory(t *testing.T) {
	n := manyNames
	if testing.Short() {
		n = namesInShortTests
	}
	r := new(topic.Retained[*int])
	v := new(int)
	before := heap()
	for i := range n {
		i = i * 7919 % n // in no order
		r.Set(fmt.Sprintf("home/device%06d/sensor/temperature/%d", i/4, i%4), v)
	}
	each := (heap() - before) / uint64(n)
	t.Logf("%d bytes a name", each)
	if r.Len() != n || each > nameBudget {
		t.Errorf("%d names of %d bytes, want %d of at most %d", r.Len(), each, n, nameBudget)
	}
	runtime.KeepAlive(r)
}

func BenchmarkTreeAdd(b *testing.B) {
	all := filters(manyFilters)
	var tree topic.Tree[int]
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%manyFilters == 0 {
			tree = topic.Tree[int]{} //nolint:govet // a fresh tree, nobody else has it
		}
		tree.Add(all[i%manyFilters], i)
		i++
	}
}

func BenchmarkTreeMatch(b *testing.B) {
	for _, n := range []int{100, 10_000, manyFilters} {
		b.Run(fmt.Sprintf("filters=%d", n), func(b *testing.B) {
			var tree topic.Tree[int]
			for i, f := range filters(n) {
				tree.Add(f, i)
			}
			dst := make([]int, 0, 16)
			b.ReportAllocs()
			for b.Loop() {
				dst = tree.Match("home/device000040/sensor/temperature/state", dst[:0])
			}
			if len(dst) != 1 {
				b.Fatalf("%d matches", len(dst))
			}
		})
	}
}

// BenchmarkTreeMatchBranches asks for a name that many wildcards lead to.
func BenchmarkTreeMatchBranches(b *testing.B) {
	var tree topic.Tree[int]
	levels := [2]string{"a", "+"}
	for i := range 64 {
		f := levels[i&1]
		for bit := 1; bit < 6; bit++ {
			f += "/" + levels[i>>bit&1]
		}
		tree.Add(f, i)
	}
	dst := make([]int, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst = tree.Match("a/a/a/a/a/a", dst[:0])
	}
	if len(dst) != 64 {
		b.Fatalf("%d matches", len(dst))
	}
}

func BenchmarkMatch(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if !topic.Match("home/+/sensor/#", "home/device17/sensor/temperature/state") {
			b.Fatal("no match")
		}
	}
}

func BenchmarkValidName(b *testing.B) {
	name := []byte("home/device17/sensor/temperature/state")
	b.ReportAllocs()
	for b.Loop() {
		if !topic.ValidName(name) {
			b.Fatal("not valid")
		}
	}
}

func BenchmarkRetained(b *testing.B) {
	var r topic.Retained[int]
	const n = 200_000
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("home/device%06d/sensor/temperature/%d", i/4, i%4)
		r.Set(all[i], i)
	}
	b.Run("set", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r.Set(all[i*7919%n], i)
		}
	})
	for _, filter := range []string{"home/device000123/#", "home/+/sensor/temperature/9", "#"} {
		b.Run("match="+filter, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				count := 0
				r.Match(filter, func(string, int) bool { count++; return count < 1000 })
			}
		})
	}
}
