package ondisk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
