package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/storetest"
)

// TestSyncErrorIsFinal puts a device that takes writes but can't be synced under the open write-ahead log.
func TestSyncErrorIsFinal(t *testing.T) {
	dir := t.TempDir()
	s, err := openMessages(dir)
	if err != nil {
		t.Fatal(err)
	}
	logOne(t, s, "a", "acknowledged")
	replaceOpen(t, filepath.Join(dir, "messages.db-wal"), "/dev/null")
	write := func() error {
		return s.Write(&broker.Batch{Log: []broker.Record{{Offset: s.NextOffset(), Instance: "a", Message: []byte("lost")}}})
	}
	for range 2 {
		if err := write(); !errors.Is(err, broker.ErrStoreFailed) {
			t.Fatalf("write without sync = %v, want ErrStoreFailed", err)
		}
	}
	for what, err := range map[string]error{"Trim": s.Trim(2), "Drop": s.Drop("a"), "Close": s.Close()} {
		if what != "Trim" && !errors.Is(err, broker.ErrStoreFailed) { // there is nothing to trim yet
			t.Errorf("%s = %v, want ErrStoreFailed", what, err)
		}
	}
	again := filepath.Join(t.TempDir(), "copy") // as the next process finds it; the files stay open in this one
	if err := os.CopyFS(again, withoutSHM{os.DirFS(dir)}); err != nil {
		t.Fatal(err)
	}
	s, err = openMessages(again)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if n := count(t, s, "a"); n != 1 {
		t.Errorf("%d messages after the restart, want the one that was acknowledged", n)
	}
}

// replaceOpen makes every open descriptor of a file in this process one of another file.
func replaceOpen(t *testing.T, path, by string) {
	t.Helper()
	other, err := unix.Open(by, unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, link := range all {
		if file, err := os.Readlink(link); err != nil || file != path {
			continue
		}
		fd, err := strconv.Atoi(filepath.Base(link))
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Dup3(other, fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		found++
	}
	if err := unix.Close(other); err != nil || found == 0 {
		t.Fatalf("%s is open %d times, %v", path, found, err)
	}
}

// TestBallast fills a disk, and deletes nevertheless.
func TestBallast(t *testing.T) {
	dir := filepath.Join(storetest.SmallDisk(t, 32), "data")
	o := options(dir)
	o.BallastBytes, o.WALBytes = 4<<20, 256<<10
	s, err := openWith(o)
	if err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	eventually(t, "the ballast is there", func() bool { _, err := os.Stat(ballast); return err == nil })
	fill(t, s)
	full := s.NextOffset()
	if err := s.Trim(full - 2); err != nil {
		t.Fatalf("Trim on a full disk: %v", err)
	}
	if _, err := os.Stat(ballast); err == nil {
		t.Error("the ballast is still there")
	}
	for s.NextOffset() < full+20 {
		if err := s.Trim(s.NextOffset() - 2); err != nil {
			t.Fatalf("Trim: %v", err)
		}
		logOne(t, s, "a", strings.Repeat("x", 10_000))
	}
	fill(t, s)
	closeStore(t, s)

	// With the ballast in place of free space not even opening goes; it is given up.
	if err := os.WriteFile(ballast, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "ballast"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = openWith(o)
	if err != nil {
		t.Fatalf("open on a full disk with ballast: %v", err)
	}
	if s.NextOffset() <= full {
		t.Errorf("next offset is %d, want more than %d", s.NextOffset(), full)
	}
	closeStore(t, s)
}

// fill writes until the disk is full.
func fill(t *testing.T, s broker.Store) {
	t.Helper()
	for size := 30_000; size > 100; size /= 2 {
		for {
			record := broker.Record{Offset: s.NextOffset(), Instance: "a", Message: make([]byte, size)}
			err := s.Write(&broker.Batch{Log: []broker.Record{record}})
			if errors.Is(err, broker.ErrStoreFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWatermark has a disk with less space than is to be kept free: messages are refused, everything else goes on.
func TestWatermark(t *testing.T) {
	o := options(filepath.Join(storetest.SmallDisk(t, 24), "data"))
	o.LowBytes, o.CriticalBytes = 1<<40, -1
	s, err := openWith(o)
	if err != nil {
		t.Fatal(err)
	}
	logOne(t, s, "a", "one")
	state := broker.SessionWrite{Instance: "a", Client: "c", State: []byte("s")}
	retained := broker.RetainedWrite{Instance: "a", Topic: "t", Message: []byte("r")}
	if err := s.Write(&broker.Batch{Retained: []broker.RetainedWrite{retained}}); err != nil {
		t.Fatal(err)
	}
	if h, err := s.all.Health(); err != nil || h.Level != sqlite.Low || h.FreeBytes <= 0 || h.DiskBytes != 24<<20 {
		t.Errorf("Health() = %+v, %v, want a low level", h, err)
	}
	closeStore(t, s)

	o.CriticalBytes = 1 << 40
	if s, err = openWith(o); err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	for name, b := range map[string]*broker.Batch{
		"log":      {Log: []broker.Record{{Offset: s.NextOffset(), Instance: "a"}}},
		"retained": {Retained: []broker.RetainedWrite{retained}},
	} {
		if err := s.Write(b); !errors.Is(err, broker.ErrStoreFull) || !strings.Contains(err.Error(), "free") {
			t.Errorf("%s: Write = %v, want ErrStoreFull that says what is free", name, err)
		}
	}
	retained.Message = nil
	for name, err := range map[string]error{
		"session":        s.Write(&broker.Batch{Sessions: []broker.SessionWrite{state}}),
		"clear retained": s.Write(&broker.Batch{Retained: []broker.RetainedWrite{retained}}),
		"trim":           s.Trim(1),
		"accounts": s.all.Accounts.Update(context.Background(), func(tx account.Tx) error {
			return tx.Insert(account.Setting{Key: "k"})
		}),
	} {
		if err != nil {
			t.Errorf("%s below the watermark: %v", name, err)
		}
	}
	if h, err := s.all.Health(); err != nil || h.Level != sqlite.Critical {
		t.Errorf("Health() = %+v, %v, want a critical level", h, err)
	}
}
