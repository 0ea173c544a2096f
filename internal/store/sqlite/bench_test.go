//go:build unix

package sqlite_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/store/storetest"
)

// The load is that of the measurements which chose this store: messages of 100 bytes, of which 5 % also set a retained
// message and 1 % a session row, each acknowledged when it is on disk.

func instance(n int) string { return fmt.Sprint("instance", n) }

// payload is half compressible.
func payload(i, size int) []byte {
	b := make([]byte, size)
	for j := range b[:size/2] {
		b[j] = byte((i*2654435761 + j*40503) >> 7)
	}
	return b
}

// instances share the log.
const instances = 8

// group gathers what waits into one write, as the broker's committer does.
type group struct {
	s    storetest.Store
	in   chan *waiting
	size int                      // bytes of a message
	read [instances]atomic.Uint64 // cursors of readers; trimming follows the lowest
	trim bool
}

type waiting struct {
	n    int
	done chan error
}

func (g *group) run() {
	trimmed := uint64(0)
	for first := range g.in {
		batch := []*waiting{first}
		runtime.Gosched() // lets those whom the last batch released ask again
		for len(g.in) > 0 {
			batch = append(batch, <-g.in)
		}
		var b broker.Batch
		for i, w := range batch {
			b.Log = append(b.Log, broker.Record{
				Offset: g.s.NextOffset() + uint64(i), Instance: instance(w.n % instances), Message: payload(w.n, g.size),
			})
			if w.n%20 == 0 {
				b.Retained = append(b.Retained, broker.RetainedWrite{
					Instance: "instance1", Topic: fmt.Sprint("home/", w.n%10_000), Message: payload(w.n, g.size),
				})
			}
			if w.n%100 == 0 {
				b.Sessions = append(b.Sessions, broker.SessionWrite{
					Instance: "instance1", Client: fmt.Sprint("client", w.n%5000), State: payload(w.n, 200),
				})
			}
		}
		err := g.s.Write(&b)
		for _, w := range batch {
			w.done <- err
		}
		if next := g.s.NextOffset(); g.trim && next > trimmed+8192 {
			trimmed = next
			lowest := next
			for i := range g.read {
				lowest = min(lowest, g.read[i].Load()+1)
			}
			if err := g.s.Trim(lowest); err != nil {
				panic(err)
			}
		}
	}
}

// follow reads the messages of one instance as they come, until all have been written and read.
func (g *group) follow(n int, written <-chan struct{}) error {
	for last := false; ; {
		end := g.s.NextOffset()
		err := g.s.ReadLog(instance(n), g.read[n].Load()+1, func(r broker.Record) bool {
			g.read[n].Store(r.Offset)
			return true
		})
		if err != nil || last {
			return err
		}
		g.read[n].Store(max(g.read[n].Load(), end-1)) // what came before is read, or others'
		select {
		case <-written:
			last = true
		case <-time.After(10 * time.Millisecond): // the broker serves the tail from memory; this is catching up
		}
	}
}

func BenchmarkGroupCommit(b *testing.B) {
	for _, size := range []int{100, 1000} {
		for _, writers := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("bytes=%d/writers=%d", size, writers), func(b *testing.B) { groupCommit(b, writers, size, false) })
		}
	}
	b.Run("bytes=100/writers=256/readers=8", func(b *testing.B) { groupCommit(b, 256, 100, true) })
}

func groupCommit(b *testing.B, writers, size int, readers bool) {
	s, err := openMessages(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	g := &group{s: s, in: make(chan *waiting, writers), size: size, trim: readers}
	var committing, writing, reading sync.WaitGroup
	committing.Go(g.run)
	written := make(chan struct{})
	for n := range instances {
		if readers {
			reading.Go(func() {
				if err := g.follow(n, written); err != nil {
					b.Error(err)
				}
			})
		}
	}
	tokens := make(chan int, writers)
	waits := make([][]time.Duration, writers)
	for w := range writers {
		writing.Go(func() {
			done := make(chan error, 1)
			for n := range tokens {
				begin := time.Now()
				g.in <- &waiting{n, done}
				if err := <-done; err != nil {
					b.Error(err)
				}
				waits[w] = append(waits[w], time.Since(begin))
			}
		})
	}
	begin, cpu := time.Now(), cpuTime()
	n := 0
	for b.Loop() {
		tokens <- n
		n++
	}
	close(tokens)
	writing.Wait()
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "msgs/s")
	close(written)
	reading.Wait()
	b.ReportMetric((cpuTime()-cpu).Seconds()/float64(n)*100_000, "cpu-s/100k")
	all := slices.Concat(waits...)
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "max-ms")
	close(g.in)
	committing.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkReplay(b *testing.B) {
	const n, batch = 100_000, 256
	s, err := openMessages(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < n; i += batch {
		var log broker.Batch
		for j := i; j < min(i+batch, n); j++ {
			log.Log = append(log.Log, broker.Record{Offset: uint64(j + 1), Instance: "instance", Message: payload(j, 100)})
		}
		if err := s.Write(&log); err != nil {
			b.Fatal(err)
		}
	}
	for _, instance := range []string{"instance", "another"} { // another has to pass over all of it
		b.Run("instance="+instance, func(b *testing.B) {
			rounds := 0
			begin := time.Now()
			for b.Loop() {
				count := 0
				if err := s.ReadLog(instance, 1, func(broker.Record) bool { count++; return true }); err != nil {
					b.Fatal(err)
				}
				if instance == "instance" && count != n {
					b.Fatalf("%d records", count)
				}
				rounds++
			}
			b.ReportMetric(float64(rounds*n)/time.Since(begin).Seconds(), "msgs/s")
		})
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen starts with a store of 100,000 retained messages.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := openMessages(dir)
	if err != nil {
		b.Fatal(err)
	}
	var batch broker.Batch
	for i := range 100_000 {
		batch.Retained = append(batch.Retained, broker.RetainedWrite{
			Instance: "instance", Topic: fmt.Sprintf("home/device%06d/state", i), Message: payload(i, 100),
		})
	}
	if err := s.Write(&batch); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := openMessages(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is what this process has used on all cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
