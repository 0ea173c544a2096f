package storetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tsunagi/internal/broker"
)

// SmallDisk mounts a file system of some MiB that goes with the test, or skips the test where that isn't allowed.
func SmallDisk(t testing.TB, mib int) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: mounting a small disk needs root")
	}
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Skipf("skipped: a small disk can't be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil { // also when a failed test left files open
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fullDisk writes until the disk is full, frees some, and goes on. Everything acknowledged is there at every moment.
func fullDisk(t *testing.T, e Engine) {
	disk := SmallDisk(t, 24)
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk, "data")
	s := open(t, e, dir)
	var want []string
	fill := func() {
		t.Helper()
		payload := strings.Repeat("p", 30_000)
		for {
			m := fmt.Sprint(len(want), payload)
			b := childBatch(s, s.NextOffset(), 1)
			b.Log[0].Message = []byte(m)
			if err := s.Write(b); err != nil {
				if !errors.Is(err, broker.ErrStoreFull) {
					t.Fatalf("write to a full disk: %v, want ErrStoreFull", err)
				}
				return
			}
			want = append(want, m)
		}
	}
	check := func() {
		t.Helper()
		if next := s.NextOffset(); next != uint64(len(want))+1 {
			t.Errorf("next offset is %d, want %d", next, len(want)+1)
		}
		wantLog(t, s, "a", 1, 1, want)
		wantState(t, s, "a", fmt.Sprintf(`retained ["last" "%d"]`, len(want)), `session ["c" "s"]`,
			fmt.Sprintf(`cursor ["c" "%d"]`, len(want)), fmt.Sprintf(`packet ["c" "1 1" "%d"]`, len(want)))
	}
	fill()
	check()
	before := len(want)
	fill() // still full, still no harm
	check()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	fill()
	check()
	if len(want) < before+20 {
		t.Errorf("%d messages before the disk was full, only %d more after 6 MiB were freed", before, len(want)-before)
	}
	t.Logf("%d messages of 30 KB, then %d more", before, len(want)-before)
	_ = s.Close() // it may say that the disk is full
	s = open(t, e, dir)
	check()
	shut(t, s)
}
