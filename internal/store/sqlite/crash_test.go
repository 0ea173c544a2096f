package sqlite

import (
	"os"
	"testing"

	"tsunagi/internal/broker"
)

// A trim may have passed the end of the log that the last clean close noted, when the process is killed.
func TestOpensAfterCrashBehindTrim(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b := broker.Batch{Log: []broker.Record{{Offset: s.Messages.NextOffset(), Instance: "a", Message: []byte("m")}}}
		if err := s.Messages.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Messages.Trim(3); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil { // what a kill would leave
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Options{Dir: copied, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if next := again.Messages.NextOffset(); next != 4 {
		t.Errorf("next offset = %d, want 4", next)
	}
}
