package history

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tsunagi/internal/account"
)

// TestCopy copies a history while it is written, and goes on with the copy.
func TestCopy(t *testing.T) {
	s := newSite(t)
	choice := account.HistoryFilter{Filter: "a/#", Bytes: 1 << 20}
	s.set(choice)
	count := func() int { list, _ := s.read(Query{Filter: "a/#"}); return len(list) }
	for n := range 200 {
		s.publish(fmt.Sprint("a/", n), "x", 1)
	}
	s.until("200 messages are kept", func() bool { return count() == 200 })

	from, to := filepath.Join(s.dir, "history"), filepath.Join(t.TempDir(), "deep", "history")
	if size, err := Size(from); err != nil || size < 200*64 {
		t.Errorf("Size = %d, %v", size, err)
	}
	if err := os.WriteFile(filepath.Join(from, "note.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	more := make(chan struct{})
	go func() { // ends after its messages
		defer close(more)
		for n := range 100 {
			s.publish(fmt.Sprint("a/more/", n), "x", 1)
		}
	}()
	err := Copy(t.Context(), from, to)
	<-more
	if err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(to); err != nil || len(list) != 1 || list[0].Name() != "instance.db" {
		t.Errorf("copied %v, %v", list, err)
	}
	s.until("all is kept", func() bool { return count() == 300 })

	f, err := openFile(t.Context(), filepath.Join(to, "instance.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	list, _, err := f.read(t.Context(), Query{Filter: "a/#", Limit: 1000})
	if err != nil || len(list) < 200 || list[len(list)-1].Topic != "a/0" {
		t.Fatalf("the copy has %d messages, %v", len(list), err)
	}
	now := kept{Message: Message{Time: s.now, Topic: "a/new", Payload: []byte("x"), place: 1 << 40}, filter: "a/#"}
	if err := f.add(t.Context(), []kept{now}, []account.HistoryFilter{choice}, s.now); err != nil {
		t.Fatal(err)
	}
	if again, _, err := f.read(t.Context(), Query{Filter: "a/#", Limit: 1000}); err != nil || len(again) != len(list)+1 || again[0].ID <= list[0].ID {
		t.Errorf("the copy goes on with %d messages, %v", len(again), err)
	}
}

// TestCopyOfNothing copies what isn't there, and says what is damaged.
func TestCopyOfNothing(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := Copy(t.Context(), from, to); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a directory was made for nothing")
	}
	if err := os.Mkdir(from, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "bad.db"), []byte("this is no database, and long enough to be seen as none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Copy(t.Context(), from, to); err == nil {
		t.Error("a damaged file was copied")
	}
}
