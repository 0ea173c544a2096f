package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"tsunagi/internal/broker"
)

// damaged is a closed store with some of everything, and what it holds.
func damaged(t *testing.T, e Engine) (dir, holds string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, e, dir)
	for i := range 40 {
		write(t, s, full(s, "a", fmt.Sprint("client", i)))
		logged(t, s, "b", numbered(1, 50)...)
	}
	holds = remember(t, s)
	shut(t, s)
	return dir, holds
}

// flippedBits changes one bit or byte of a closed store at many places. Where the store opens and can be read, it must
// hold what it held; everything else must be an error. A wrong message or a missing one is the one thing forbidden.
func flippedBits(t *testing.T, e Engine) {
	dir, holds := damaged(t, e)
	for _, name := range e.Files {
		flip(t, filepath.Join(dir, name), func(where string) bool { return tryDamaged(t, e, dir, holds, where) })
	}
}

// flip changes a file at random places, one at a time; try says whether that was noticed.
func flip(t *testing.T, path string, try func(where string) (noticed bool)) {
	t.Helper()
	random := rand.New(rand.NewPCG(6, 7))
	rounds := 400
	if testing.Short() {
		rounds = 15
	}
	if os.Getenv("TORTURE_ROUNDS") != "" {
		rounds = 10_000
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	noticed := 0
	for range rounds {
		bad := append([]byte(nil), good...)
		at := random.IntN(len(bad))
		if random.IntN(2) == 0 {
			bad[at] ^= 1 << random.IntN(8)
		} else {
			bad[at] = byte(random.IntN(256))
		}
		replace(t, path, bad)
		where := fmt.Sprintf("%s: byte %d of %d changed from %02x to %02x", path, at, len(bad), good[at], bad[at])
		if try(where) {
			noticed++
		}
		replace(t, path, good)
	}
	t.Logf("%s: %d changes noticed, %d without effect", path, noticed, rounds-noticed)
	if noticed == 0 {
		t.Errorf("%s: no change was ever noticed", path)
	}
}

// tryDamaged opens and reads; true when that gave an error.
func tryDamaged(t *testing.T, e Engine, dir, holds, where string) (noticed bool) {
	t.Helper()
	s, err := e.Open(dir)
	if err != nil {
		return true
	}
	defer func() { _ = s.Close() }() // may fail on what is damaged
	got, err := tryRemember(s)
	switch {
	case err != nil && !isCorrupt(err):
		t.Errorf("%s: the error is %v, want ErrStoreCorrupt", where, err)
	case err == nil && got != holds:
		t.Errorf("%s: the store holds something else, without an error", where)
	}
	return err != nil
}

func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tornFiles cuts the files of a closed store.
func tornFiles(t *testing.T, e Engine) {
	dir, holds := damaged(t, e)
	for _, name := range e.Files {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 100, len(good) / 3, len(good) / 2, len(good) - 4096, len(good) - 1} {
			replace(t, path, good[:size])
			if !tryDamaged(t, e, dir, holds, fmt.Sprintf("%s cut to %d of %d bytes", name, size, len(good))) {
				t.Errorf("%s cut to %d of %d bytes: not noticed", name, size, len(good))
			}
			replace(t, path, good)
		}
	}
	s := open(t, e, dir)
	defer shut(t, s)
	if got := remember(t, s); got != holds {
		t.Error("the whole files don't hold what they held")
	}
	write(t, s, &broker.Batch{Log: records(s, "a", "goes on")})
}
