package e2e

import (
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// update makes the fixture anew; that is done once for each release, under its own name.
var update = flag.Bool("update", false, "make the data of this release for the tests of the next one")

const release = "testdata/release-1.tar.gz"

// fixtureLogin is the login in the fixture, an installation that never was anywhere.
const fixtureLogin = "testdata/release-1.login"

// TestOpensDataOfThePreviousRelease starts on a data directory as the previous release left it: logins, sessions with
// what is owed, and retained messages are there. docs/adr/0004 says what a release may change.
func TestOpensDataOfThePreviousRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	if *update {
		makeFixture(t)
	}
	raw, err := os.ReadFile(fixtureLogin)
	if err != nil {
		t.Fatal(err)
	}
	l := login{ID: string(raw[:8]), User: string(raw[:8]), Password: string(raw[9:])}
	packed, err := os.Open(release)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "release.tar")
	f, err := os.Create(file)
	if err == nil {
		_, err = io.Copy(f, unpacked)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	dir := t.TempDir()
	if code, text := runBinary(t, "restore", file, "--data", dir); code != 0 {
		t.Fatalf("restore: %d %s", code, text)
	}
	checkRestored(t, l, dir, fixtureMessages, fixtureMessages)
}

const fixtureMessages = 30

func makeFixture(t *testing.T) {
	t.Helper()
	dir, addr := t.TempDir(), freeAddr(t)
	s := startCloud(t, dir, addr)
	l := newInstance(t, dir)
	fillStore(t, l, addr, fixtureMessages)
	file := filepath.Join(t.TempDir(), "release.tar")
	s.kill()
	if err := os.RemoveAll(filepath.Join(dir, "ca")); err != nil {
		t.Fatal(err)
	}
	if code, text := runBinary(t, "backup", file, "--data", dir); code != 0 {
		t.Fatal(text)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(release)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, _ := gzip.NewWriterLevel(out, gzip.BestCompression)
	if _, err := w.Write(raw); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fixtureLogin, []byte(l.User+" "+l.Password), 0o644); err != nil {
		t.Fatal(err)
	}
}
