package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/store/sqlite"
)

func openWith(o sqlite.Options) (messages, error) {
	s, err := sqlite.Open(context.Background(), o)
	if err != nil {
		return messages{}, err
	}
	return messages{s.Messages, s}, nil
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it doesn't happen that %s", what)
		}
	}
}

func TestOpenMakesAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	s, err := openWith(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the data directory is %v, %v, want 0700", info.Mode().Perm(), err)
	}
	if h, err := s.all.Health(); err != nil || h.Level != sqlite.Fine || h.Ballast || h.Messages.Bytes == 0 || h.Messages.Failed != nil {
		t.Errorf("Health() = %+v, %v", h, err)
	}
}

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	other := t.TempDir()
	for path, content := range map[string]string{file: "x", filepath.Join(other, "messages.db"): strings.Repeat("no database ", 1000)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newer := t.TempDir()
	s, err := openWith(options(newer))
	if err == nil {
		err = errors.Join(s.Close(), makeNewer(filepath.Join(newer, "accounts.db")))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		dir   string
		words []string
	}{
		"a file in place of the directory": {file, []string{file, "not a directory"}},
		"a file that is no database":       {other, []string{"messages.db", "not a database"}},
		"a newer version":                  {newer, []string{"accounts.db", "version 99", "knows versions up to", "newer program"}},
	} {
		s, err := openWith(options(tt.dir))
		if err == nil {
			t.Errorf("%s: it was opened, and closed with %v", name, s.Close())
			continue
		}
		for _, w := range tt.words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q doesn't say %q", name, err, w)
			}
		}
	}
}

func TestClosedStoreRefuses(t *testing.T) {
	s, err := openWith(options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	part := s.Messages
	closeStore(t, s)
	if err := part.Write(&broker.Batch{Log: []broker.Record{{Offset: 1, Instance: "a"}}}); err == nil {
		t.Error("a closed store took a write")
	}
	if err := part.ReadLog("a", 1, func(broker.Record) bool { return true }); err == nil {
		t.Error("a closed store was read")
	}
}

func TestBackup(t *testing.T) {
	s, err := openWith(options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	err = s.all.Accounts.Update(context.Background(), func(tx account.Tx) error {
		return tx.Insert(account.Setting{Key: "k", Value: []byte("v")})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		logOne(t, s, "a", "before")
	}
	// Writes go on while it runs.
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				logOne(t, s, "a", "meanwhile")
			}
		}
	})
	copyDir := filepath.Join(t.TempDir(), "backup")
	err = s.all.Backup(context.Background(), copyDir)
	close(stop)
	writing.Wait()
	if err != nil {
		t.Fatalf("Backup: %v", err)
	}
	if err := s.all.Backup(context.Background(), copyDir); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("second Backup into the same directory = %v", err)
	}
	for _, name := range []string{"messages.db", "accounts.db"} {
		if info, err := os.Stat(filepath.Join(copyDir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s of the backup: %v, %v", name, info, err)
		}
	}
	restored, err := openWith(options(copyDir))
	if err != nil {
		t.Fatalf("open the backup: %v", err)
	}
	defer closeStore(t, restored)
	if n := count(t, restored, "a"); n < 100 || uint64(n) != restored.NextOffset()-1 || uint64(n) > s.NextOffset()-1 {
		t.Errorf("the backup has %d messages and ends at %d; the store had 100 and has %d", n, restored.NextOffset(), s.NextOffset()-1)
	}
	err = restored.all.Accounts.View(context.Background(), func(r account.Reader) error { _, err := r.Setting("k"); return err })
	if err != nil {
		t.Errorf("the backup has no setting: %v", err)
	}
	logOne(t, restored, "a", "goes on")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if err := s.all.Backup(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Backup = %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a cancelled Backup leaves %v, %v", left, err)
	}
}

// TestDropGoesOn ends the process in the middle of a drop, as far as the file can tell.
func TestDropGoesOn(t *testing.T) {
	dir := t.TempDir()
	s, err := openWith(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, instance := range []string{"a", "b"} {
		err := s.Write(&broker.Batch{
			Log:      []broker.Record{{Offset: s.NextOffset(), Instance: instance, Message: []byte("m")}},
			Sessions: []broker.SessionWrite{{Instance: instance, Client: "c", State: []byte("s")}},
			Retained: []broker.RetainedWrite{{Instance: instance, Topic: "t", Message: []byte("r")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	if err := sqlite.HalfDrop(filepath.Join(dir, "messages.db"), "a", 3); err != nil {
		t.Fatal(err)
	}
	if s, err = openWith(options(dir)); err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if left, err := s.Instances(); err != nil || len(left) != 1 || left[0] != "b" {
		t.Errorf("instances after the restart: %q, %v, want b", left, err)
	}
	if a, b := count(t, s, "a"), count(t, s, "b"); a != 0 || b != 1 {
		t.Errorf("%d messages of the dropped instance and %d of the other, want 0 and 1", a, b)
	}
}
