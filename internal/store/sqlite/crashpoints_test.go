//go:build linux && (amd64 || arm64)

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	lib "modernc.org/sqlite/lib"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
)

// TestCrashAtEveryStep records what a workload does to its files, and then makes, for each write and sync of it, what a
// crash just before it leaves: everything so far (the process was killed), only what had been synced (the power failed),
// and synced content with a random part of the rest, also torn sectors, in any order. Each is opened: nothing that was
// acknowledged may be missing, and what is there is whole. TORTURE_ROUNDS has every step tried, else some are.
func TestCrashAtEveryStep(t *testing.T) {
	r := record(t)
	w := newWorkload(t, t.TempDir())
	w.run(t, r, 120)
	steps := r.taken()
	kinds := map[stepKind]int{}
	for _, s := range steps {
		kinds[s.kind]++
	}
	if kinds[synced] < 100 || kinds[truncated] == 0 || kinds[written] < 300 {
		t.Fatalf("the recorder saw too little: %v", kinds)
	}
	every := max(1, len(steps)/40)
	if testing.Short() {
		every *= 5
	}
	if os.Getenv("TORTURE_ROUNDS") != "" {
		every = 1
	}
	random := rand.New(rand.NewPCG(3, 4))
	tried := 0
	for at := random.IntN(every); at <= len(steps); at += every {
		for _, loss := range []func(*disk){func(*disk) {}, (*disk).lose, func(d *disk) { d.scramble(random) }} {
			d := newDisk()
			for _, s := range steps[:at] {
				d.apply(s)
			}
			loss(d)
			w.check(t, d, at)
			if tried++; t.Failed() {
				t.Fatalf("after step %d of %d", at, len(steps))
			}
		}
	}
	t.Logf("%d steps (%v), %d crashes tried, %d acknowledged writes, none lost", len(steps), kinds, tried, len(w.acks))
}

// workload writes to both files and notes at which step each write was acknowledged.
type workload struct {
	dir  string
	acks []int // number of steps taken when write i had returned
}

func newWorkload(t *testing.T, dir string) *workload {
	t.Helper()
	return &workload{dir: dir}
}

// run makes the store and writes; the small write-ahead log is moved to the files again and again.
func (w *workload) run(t *testing.T, r *recorder, writes int) {
	t.Helper()
	o := options(w.dir)
	o.VFS, o.WALBytes = recorderName, 200<<10
	s, err := openWith(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range writes {
		if err := w.write(s, i); err != nil {
			t.Fatal(err)
		}
		w.acks = append(w.acks, len(r.taken()))
	}
	closeStore(t, s)
}

// write number i: a log record each time, with a retained value, a session and its cursor that tell the number; now
// and then an account's setting; the log is trimmed behind.
func (w *workload) write(s messages, i int) error {
	n := []byte(strconv.Itoa(i))
	message := append(append([]byte{}, n...), make([]byte, (i*7919)%9000)...)
	err := s.Write(&broker.Batch{
		Log:      []broker.Record{{Offset: s.NextOffset(), Instance: "a", Message: message}},
		Retained: []broker.RetainedWrite{{Instance: "a", Topic: "t", Message: n}},
		Sessions: []broker.SessionWrite{{Instance: "a", Client: fmt.Sprint("c", i%5), State: n}},
		Cursors:  []broker.CursorWrite{{Instance: "a", Client: fmt.Sprint("c", i%5), State: n}},
	})
	if err == nil && i%9 == 0 {
		err = s.all.Accounts.Update(context.Background(), func(tx account.Tx) error {
			return tx.Insert(account.Setting{Key: fmt.Sprint("k", i), Value: n})
		})
	}
	if err == nil && i%20 == 19 {
		err = s.Trim(uint64(i - 10))
	}
	return err
}

// check opens what the crash left: all up to the last acknowledged write is there, and at most one more.
func (w *workload) check(t *testing.T, d *disk, at int) {
	t.Helper()
	dir := t.TempDir()
	d.save(t, dir)
	s, err := openWith(options(dir))
	if err != nil {
		t.Errorf("open: %v", err)
		return
	}
	defer closeStore(t, s)
	acked := 0
	for acked < len(w.acks) && w.acks[acked] <= at {
		acked++
	}
	written := int(s.NextOffset()) - 1
	if written < acked || written > acked+1 {
		t.Errorf("%d records, %d were acknowledged", written, acked)
		return
	}
	next := uint64(0)
	if err := s.ReadLog("a", 1, func(r broker.Record) bool {
		if next != 0 && r.Offset != next || leading(r.Message) != int(r.Offset)-1 || len(r.Message) != len(strconv.Itoa(int(r.Offset)-1))+(int(r.Offset-1)*7919)%9000 {
			t.Errorf("record %d is %.10q of %d bytes", r.Offset, r.Message, len(r.Message))
		}
		next = r.Offset + 1
		return true
	}); err != nil || written > 0 && int(next) != written+1 {
		t.Errorf("the log reads to %d of %d: %v", int(next)-1, written, err)
	}
	retained := -1
	err = s.Load("a", broker.Loader{
		Retained: func(_ string, r broker.Record) error { retained = leading(r.Message); return nil },
		Cursor: func(client string, state []byte) error {
			if n := leading(state); fmt.Sprint("c", n%5) != client || n < written-5 || n >= written {
				t.Errorf("cursor of %s is %d with %d written", client, n, written)
			}
			return nil
		}})
	if err != nil || retained != written-1 {
		t.Errorf("retained message %d with %d written, %v", retained, written, err)
	}
	for i := 0; i < acked; i += 9 {
		err := s.all.Accounts.View(context.Background(), func(r account.Reader) error {
			_, err := r.Setting(fmt.Sprint("k", i))
			return err
		})
		if err != nil {
			t.Errorf("setting %d of %d acknowledged: %v", i, acked, err)
		}
	}
}

func leading(b []byte) int {
	end := 0
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(string(b[:end]))
	if err != nil {
		return -1
	}
	return n
}

// disk is what files hold: what is synced, and what was done since, in order.
type disk struct {
	synced  map[string][]byte
	pending map[string][]step
}

func newDisk() *disk {
	return &disk{map[string][]byte{}, map[string][]step{}}
}

func (d *disk) apply(s step) {
	switch s.kind {
	case removed:
		delete(d.synced, s.file)
		delete(d.pending, s.file)
	case synced:
		d.synced[s.file] = play(d.synced[s.file], d.pending[s.file])
		d.pending[s.file] = nil
	case opened:
		d.synced[s.file] = play(d.synced[s.file], nil)
	default:
		d.pending[s.file] = append(d.pending[s.file], s)
	}
}

// play does steps to a copy of the content.
func play(content []byte, steps []step) []byte {
	content = append([]byte{}, content...)
	for _, s := range steps {
		switch {
		case s.kind == truncated:
			content = append(content, make([]byte, max(0, int(s.at)-len(content)))...)[:s.at]
		default:
			end := int(s.at) + len(s.data)
			content = append(content, make([]byte, max(0, end-len(content)))...)
			copy(content[s.at:], s.data)
		}
	}
	return content
}

// lose forgets everything that was not synced.
func (d *disk) lose() { clear(d.pending) }

// scramble keeps a random part of what was not synced, in sectors of 512 bytes and in any order.
func (d *disk) scramble(random *rand.Rand) {
	for _, file := range slices.Sorted(maps.Keys(d.pending)) {
		var kept []step
		for _, s := range d.pending[file] {
			if s.kind != written {
				if random.IntN(2) == 0 {
					kept = append(kept, s)
				}
				continue
			}
			for from := 0; from < len(s.data); {
				size := min(len(s.data)-from, 512-int(s.at+int64(from))%512)
				if random.IntN(3) > 0 {
					kept = append(kept, step{kind: written, file: file, at: s.at + int64(from), data: s.data[from : from+size]})
				}
				from += size
			}
		}
		d.pending[file] = kept
	}
}

func (d *disk) save(t *testing.T, dir string) {
	t.Helper()
	for file, content := range d.synced {
		if err := os.WriteFile(filepath.Join(dir, file), play(content, d.pending[file]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryErrorOfTheDisk lets each write, truncate and sync of a workload fail once, and all after it. What was
// acknowledged before is there at the next start; nothing is acknowledged after a sync has failed.
func TestEveryErrorOfTheDisk(t *testing.T) {
	every := 17
	if testing.Short() {
		every = 83
	}
	if os.Getenv("TORTURE_ROUNDS") != "" {
		every = 1
	}
	tried := 0
	for n := 3; ; n += every {
		r := record(t)
		dir := filepath.Join(t.TempDir(), "data")
		o := options(dir)
		o.VFS, o.WALBytes = recorderName, 64<<10
		s, err := openWith(o)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		var failed atomic.Bool // the checkpointer steps, too
		r.failing(func(st step) int32 {
			if count++; count < n {
				return 0
			}
			failed.Store(true)
			return map[stepKind]int32{written: lib.SQLITE_IOERR_WRITE, truncated: lib.SQLITE_IOERR_TRUNCATE, synced: lib.SQLITE_IOERR_FSYNC}[st.kind]
		})
		w := workload{}
		acked, last := 0, error(nil)
		for i := range 25 {
			if last = w.write(s, i); last != nil {
				break
			}
			acked++
		}
		if failed.Load() && last == nil && s.Close() == nil {
			t.Errorf("step %d failed and nobody was told", n)
		}
		if last != nil {
			if !errors.Is(last, broker.ErrStoreFailed) {
				t.Errorf("step %d failed: %v, want ErrStoreFailed", n, last)
			}
			if err := s.Write(&broker.Batch{Log: []broker.Record{{Offset: s.NextOffset(), Instance: "a"}}}); err == nil {
				t.Errorf("step %d failed, and a later write was acknowledged", n)
			}
		}
		copied := filepath.Join(t.TempDir(), "copy") // as the next process finds it; the files stay open in this one
		if err := os.CopyFS(copied, withoutSHM{os.DirFS(dir)}); err != nil {
			t.Fatal(err)
		}
		again, err := openWith(options(copied))
		if err != nil {
			t.Fatalf("step %d failed; at the next start: %v", n, err)
		}
		if got := int(again.NextOffset()) - 1; got < acked {
			t.Errorf("step %d failed: %d records at the next start, %d were acknowledged", n, got, acked)
		}
		closeStore(t, again)
		if tried++; !failed.Load() {
			r.failing(nil)
			closeStore(t, s)
			break
		}
	}
	t.Logf("%d errors tried", tried)
}
