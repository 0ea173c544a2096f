package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/broker"
)

// TestCloseLeavesNothing looks for files that stay open or stay there.
func TestCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		s, err := openMessages(dir)
		if err != nil {
			t.Fatal(err)
		}
		record := broker.Record{Offset: s.NextOffset(), Instance: "a", Message: []byte("x")}
		if err := s.Write(&broker.Batch{Log: []broker.Record{record}}); err != nil {
			t.Fatal(err)
		}
		if err := s.ReadLog("a", 1, func(broker.Record) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		open, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range open {
			if file, err := os.Readlink(fd); err == nil && strings.HasPrefix(file, dir) {
				t.Errorf("%s is still open", file)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "messages.db", "accounts.db", "lock":
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, want 0600", e.Name(), info.Mode().Perm())
			}
		default:
			t.Errorf("%s is left behind", e.Name())
		}
	}
}
