package ondisk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"tsunagi/internal/ondisk"
)

func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state.json")
	for _, text := range []string{"one", "a longer one", ""} {
		if err := ondisk.Replace(name, 0o600, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestReplaceBreaksOff: what can't be read to its end changes nothing and leaves nothing behind.
func TestReplaceBreaksOff(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state.json")
	if err := ondisk.Replace(name, 0o600, strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no more")
	err := ondisk.Replace(name, 0o600, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
	got, _ := os.ReadFile(name)
	list, _ := os.ReadDir(dir)
	if !errors.Is(err, broken) || string(got) != "old" || len(list) != 1 {
		t.Errorf("%v, %q, %v", err, got, list)
	}
	if err := ondisk.Replace(filepath.Join(dir, "none", "x"), 0o600, strings.NewReader("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a directory that isn't there: %v", err)
	}
}

// TestCreate replaces nothing, however many come at once, and leaves nothing else behind.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "secret.key")
	var wait sync.WaitGroup
	var made atomic.Int32
	for i := range 8 {
		wait.Go(func() {
			switch err := ondisk.Create(name, strings.NewReader(strings.Repeat(string(rune('a'+i)), 1000))); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	got, err := os.ReadFile(name)
	if err != nil || made.Load() != 1 || len(got) != 1000 || strings.Count(string(got), string(got[0])) != 1000 {
		t.Errorf("%d made it: %.20q, %v", made.Load(), got, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := ondisk.Create(filepath.Join(dir, "other"), iotest.ErrReader(errors.New("no more"))); err == nil {
		t.Error("half a file was made")
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}

// TestModeIsThatOfTheFile, also where one lies around from a run that broke off.
func TestModeIsThatOfTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(name+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ondisk.Replace(name, 0o644, strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
