package sqlite_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/store/storetest"
)

func logOne(t testing.TB, s broker.Store, instance, message string) {
	t.Helper()
	record := broker.Record{Offset: s.NextOffset(), Instance: instance, Message: []byte(message)}
	if err := s.Write(&broker.Batch{Log: []broker.Record{record}}); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// count reads the log of an instance.
func count(t testing.TB, s broker.Store, instance string) int {
	t.Helper()
	n := 0
	if err := s.ReadLog(instance, 1, func(broker.Record) bool { n++; return true }); err != nil {
		t.Fatalf("read: %v", err)
	}
	return n
}

// crashed copies the files of a store that is in use, as a process leaves them that is killed. All is in the write-ahead
// log.
func crashed(t *testing.T, messages int) (dir string) {
	t.Helper()
	from := t.TempDir()
	s, err := openMessages(from)
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		logOne(t, s, "a", fmt.Sprint("message ", i))
	}
	dir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, withoutSHM{os.DirFS(from)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withoutSHM leaves out the index of the write-ahead log, which doesn't outlive its processes.
type withoutSHM struct{ fs.FS }

func (w withoutSHM) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	var some []fs.DirEntry
	for _, e := range all {
		if filepath.Ext(e.Name()) == ".db" || filepath.Ext(e.Name()) == ".db-wal" {
			some = append(some, e)
		}
	}
	return some, err
}

func TestCrashedLogIsRead(t *testing.T) {
	s, err := openMessages(crashed(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if n := count(t, s, "a"); n != 50 {
		t.Errorf("%d messages after a crash, want 50", n)
	}
}

// TestRottenLogIsNoticed flips bits in a write-ahead log. Acknowledged messages may not vanish in silence; only damage
// at the very end can't be told from the write that a crash interrupted.
func TestRottenLogIsNoticed(t *testing.T) {
	dir := crashed(t, 50)
	path := filepath.Join(dir, "messages.db-wal")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := os.ReadFile(filepath.Join(dir, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(8, 9))
	noticed := 0
	for range 200 {
		bad := append([]byte(nil), good...)
		at := random.IntN(len(bad))
		bad[at] ^= 1 << random.IntN(8)
		if err := errors.Join(os.WriteFile(path, bad, 0o600), os.WriteFile(filepath.Join(dir, "messages.db"), db, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := openMessages(dir)
		if err != nil {
			if !errors.Is(err, broker.ErrStoreCorrupt) {
				t.Errorf("byte %d: %v, want ErrStoreCorrupt", at, err)
			}
			noticed++
			continue
		}
		if n := count(t, s, "a"); n < 49 {
			t.Errorf("byte %d of %d: only %d of 50 messages are left, without an error", at, len(bad), n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if noticed < 150 {
		t.Errorf("only %d of 200 changes were noticed", noticed)
	}
}

// frames are the frames of a write-ahead log, to be changed in place; ends are the indexes of those that end a write.
func frames(t *testing.T, wal []byte) (all [][]byte, ends []int) {
	t.Helper()
	for at := 32; at < len(wal); at += 24 + 4096 {
		f := wal[at : at+24+4096]
		if string(f[8:16]) != string(wal[16:24]) {
			t.Fatalf("frame %d is of another use of the file", len(all))
		}
		if binary.BigEndian.Uint32(f[4:]) != 0 {
			ends = append(ends, len(all))
		}
		all = append(all, f)
	}
	return all, ends
}

// TestTornHeadIsNoEnd has a power failure tear the last write in the middle of a frame's head. At every 64th frame the
// border between two sectors is where the mark of an end comes before it and the salts behind it, and the sector that was
// not written still holds an end from earlier use of the file.
func TestTornHeadIsNoEnd(t *testing.T) {
	dir := crashed(t, 10)
	s, err := openMessages(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		logOne(t, s, "a", "small")
	}
	logOne(t, s, "a", string(make([]byte, 400_000)))
	torn := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(torn, withoutSHM{os.DirFS(dir)}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	path := filepath.Join(torn, "messages.db-wal")
	wal, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, ends := frames(t, wal)
	first := ends[len(ends)-2] + 1 // of the last write
	between := 41
	for between <= first {
		between += 64
	}
	if between >= len(all)-1 || (32+between*(24+4096)+8)%512 != 0 {
		t.Fatalf("frames %d to %d are the last write's, none is torn in its head", first, len(all))
	}
	clear(all[first][24:1000])
	binary.BigEndian.PutUint32(all[between][4:], 7)
	if err := os.WriteFile(path, wal, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := openMessages(torn)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, again)
	if n := count(t, again, "a"); n != 20 {
		t.Errorf("%d messages, want the 20 before the last", n)
	}
}

// TestCrashAfterACrash has two crashes tear one write each. What the first left behind the place where the log went on
// isn't counted with the second.
func TestCrashAfterACrash(t *testing.T) {
	dir := crashed(t, 10)
	for _, message := range []string{"the first to be torn" + string(make([]byte, 100_000)), "the second to be torn"} {
		s, err := openMessages(dir)
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "a"); n != 10 {
			t.Errorf("%d messages, want 10", n)
		}
		logOne(t, s, "a", message)
		from := dir
		dir = filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, withoutSHM{os.DirFS(from)}); err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
		path := filepath.Join(dir, "messages.db-wal")
		wal, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(wal, []byte(message[:20]))
		if at < 0 {
			t.Fatal("the message is not in the write-ahead log")
		}
		clear(wal[at:][:20])
		if err := os.WriteFile(path, wal, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openMessages(dir)
	if err != nil {
		t.Fatalf("after the second crash: %v", err)
	}
	defer closeStore(t, s)
	if n := count(t, s, "a"); n != 10 {
		t.Errorf("%d messages after the second crash, want 10", n)
	}
}

// TestTornLogIsCut cuts the write-ahead log anywhere: what was whole before is kept, and the store goes on.
func TestTornLogIsCut(t *testing.T) {
	dir := crashed(t, 30)
	path := filepath.Join(dir, "messages.db-wal")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := os.ReadFile(filepath.Join(dir, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	last := 30
	for size := len(good); size > len(good)/2; size -= 1500 {
		if err := errors.Join(os.WriteFile(path, good[:size], 0o600), os.WriteFile(filepath.Join(dir, "messages.db"), db, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := openMessages(dir)
		if err != nil {
			t.Fatalf("cut to %d of %d bytes: %v", size, len(good), err)
		}
		n := count(t, s, "a")
		if n > last {
			t.Errorf("cut to %d bytes: %d messages, and %d with more of the file", size, n, last)
		}
		last = n
		logOne(t, s, "a", "goes on")
		if got := count(t, s, "a"); got != n+1 {
			t.Errorf("cut to %d bytes: %d messages after one more, want %d", size, got, n+1)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if last > 20 {
		t.Errorf("half of the file still holds %d of 30 messages: the test cuts nothing", last)
	}
}

// TestLogStartsOver writes far more than the write-ahead log may hold, beside readers.
func TestLogStartsOver(t *testing.T) {
	dir := t.TempDir()
	o := options(dir)
	o.WALBytes = 1 << 20
	s, err := openWith(o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	big := string(make([]byte, 60_000))
	for range 400 { // 24 MB
		logOne(t, s, "a", big)
		from := max(s.NextOffset(), 6) - 5
		if err := s.ReadLog("a", from, func(broker.Record) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "messages.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 5<<20 { // four times the limit, and a little
		t.Errorf("the write-ahead log has %d bytes, its limit is 1 MiB", info.Size())
	}
	if n := count(t, s, "a"); n != 400 {
		t.Errorf("%d messages, want 400", n)
	}
}

func closeStore(t testing.TB, s storetest.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// TestDamagedTablesAreNamed changes the text that defines a table: what SQLite then says about columns is damage.
func TestDamagedTablesAreNamed(t *testing.T) {
	dir := t.TempDir()
	s, err := openMessages(dir)
	if err != nil {
		t.Fatal(err)
	}
	logOne(t, s, "a", "m")
	closeStore(t, s)
	path := filepath.Join(dir, "messages.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(raw, []byte("data    blob"), []byte("dbta    blob"), 1)
	if bytes.Equal(damaged, raw) {
		t.Fatal("the table's definition is not in the file")
	}
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = openMessages(dir); err == nil {
		err = errors.Join(s.ReadLog("a", 1, func(broker.Record) bool { return true }), s.Close())
	}
	if !errors.Is(err, broker.ErrStoreCorrupt) {
		t.Errorf("%v, want ErrStoreCorrupt", err)
	}
}
