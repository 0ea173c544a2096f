package home

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/release"
)

// updated is a device's program in a directory of its own, and who signs releases for it.
type updated struct {
	*Updater
	t     *testing.T
	key   ed25519.PrivateKey
	tried string // content of the program that was tried last
}

func newUpdated(t *testing.T, built time.Time) *updated {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	u := &updated{t: t, key: key}
	u.Updater = &Updater{Dir: t.TempDir(), Program: filepath.Join(t.TempDir(), "tsunagi"), Key: public, Built: built,
		Try: func(program string, _ *release.Manifest) {
			text, err := os.ReadFile(program)
			if err != nil {
				t.Error(err)
			}
			u.tried = string(text)
		}}
	if err := os.WriteFile(u.Program, []byte("the first"), 0o755); err != nil {
		t.Fatal(err)
	}
	return u
}

// take offers a program that was signed at a time, with a key.
func (u *updated) take(key ed25519.PrivateKey, text string, at time.Time) (*release.Manifest, error) {
	u.t.Helper()
	m, err := release.Sign(key, "1.0", Target(), strings.NewReader(text), at)
	if err != nil {
		u.t.Fatal(err)
	}
	u.tried = ""
	return m, u.Take(m, strings.NewReader(text))
}

// refused wants an update to have left nothing behind, not even to the next start.
func (u *updated) refused(what string, err error, words string) {
	u.t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		u.t.Errorf("%s: %v, want %q", what, err, words)
	}
	if u.tried != "" {
		u.t.Errorf("%s was started", what)
	}
	if _, err := os.Stat(u.Program + ".new"); !errors.Is(err, os.ErrNotExist) {
		u.t.Errorf("%s lies beside the program: %v", what, err)
	}
}

// TestOlderReleases plays signed releases of before back to a device: neither those older than one that it has had, nor,
// on a device that never had an update, those older than its own program, are taken.
func TestOlderReleases(t *testing.T) {
	built := time.Unix(2_000_000_000, 0)
	u := newUpdated(t, built)
	_, err := u.take(u.key, "from before it was built", built.Add(-time.Second))
	u.refused("a release older than the program", err, "older")

	m, err := u.take(u.key, "the second", built.Add(time.Hour))
	if err != nil || u.tried != "the second" {
		t.Fatalf("a newer release: %v, %q was tried", err, u.tried)
	}
	if err := u.Keep(u.Program+".new", m); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(u.Program); err != nil || string(text) != "the second" {
		t.Fatalf("%q, %v", text, err)
	}
	_, err = u.take(u.key, "between the two", built.Add(time.Minute))
	u.refused("a release older than the last", err, "older")
	if _, err := u.take(u.key, "the second", built.Add(time.Hour)); err != nil {
		t.Errorf("the same again: %v", err)
	}
	third, err := u.take(u.key, "does not come up", built.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Drop(u.Program+".new", third, errors.New("it fell over")); err != nil {
		t.Fatal(err)
	}
	if why := u.Failed(); !strings.Contains(why, "it fell over") {
		t.Error(why)
	}
	again := &updated{Updater: &Updater{Dir: u.Dir, Program: u.Program, Key: u.Key, Try: u.Try}, t: t, key: u.key} // another start
	_, err = again.take(u.key, "between the two", built.Add(time.Minute))
	again.refused("an older release after a restart", err, "older")
}

// TestForgedReleases offers what the makers of releases have not signed for this machine.
func TestForgedReleases(t *testing.T) {
	u := newUpdated(t, time.Time{})
	now := time.Now()
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.take(other, "another's", now)
	u.refused("another's key", err, "not signed")

	good, err := release.Sign(u.key, "1.0", Target(), strings.NewReader("the program"), now)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*release.Manifest){
		"a later time":  func(m *release.Manifest) { m.SignedAt += 1000 },
		"a version":     func(m *release.Manifest) { m.Version = "2.0" },
		"no signature":  func(m *release.Manifest) { m.Signature = nil },
		"a longer size": func(m *release.Manifest) { m.Size++ },
	} {
		m := *good
		change(&m)
		u.refused(name, u.Take(&m, strings.NewReader("the program")), "not signed")
	}
	foreign, err := release.Sign(u.key, "1.0", "plan9-mips", strings.NewReader("the program"), now)
	if err != nil {
		t.Fatal(err)
	}
	u.refused("another machine's", u.Take(foreign, strings.NewReader("the program")), "plan9-mips")
	for name, text := range map[string]string{"another program": "the progran", "half of it": "the pro", "nothing": ""} {
		u.refused(name, u.Take(good, strings.NewReader(text)), "not the one that was signed")
	}
	if err := u.Take(good, bytes.NewReader([]byte("the program and what follows it"))); err != nil || u.tried != "the program" {
		t.Errorf("what follows the program: %v, %q was tried", err, u.tried)
	}
	if err := os.Remove(u.Program + ".new"); err != nil {
		t.Fatal(err)
	}
	u.Key, u.tried = nil, ""
	u.refused("without a key", u.Take(good, strings.NewReader("the program")), "no key")
}
