package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A data directory in which a stored message was damaged is not opened: the start says what is wrong and what to do, and
// leaves the files as they are.
func TestDamagedDataIsNotOpened(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, addr := t.TempDir(), freeAddr(t)
	s := startDev(t, dir, addr)
	away, _ := connect(t, addr, "away", false)
	away.subscribe(t, "t", 1)
	away.Close()
	pub, _ := connect(t, addr, "pub", true)
	for range 20 {
		pub.store(t, "t", strings.Repeat("precious ", 30), false)
	}
	pub.Close()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil { // the write-ahead log goes into the file
		t.Fatal(err)
	}
	<-s.ended
	path := filepath.Join(dir, "messages.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(raw, []byte("precious precious"))
	if at < 0 {
		t.Fatal("the messages are not in the file")
	}
	raw[at] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := runBinary(t, "serve", "--dev", "--data", dir, "--mqtt", addr, "--http", "off")
	if code != 3 || !strings.Contains(out, "checksum") || !strings.Contains(out, "tsunagi restore") || strings.Contains(out, "goroutine") {
		t.Errorf("exit code %d, want 3 and what to do:\n%s", code, out)
	}
}
