package release

import (
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestShelf(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := Shelf{t.TempDir()}
	if _, err := s.Find("linux-arm64"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty: %v", err)
	}
	m, err := s.Put(key, "1.2", "linux-arm64", program)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(other, "1.3", "linux-arm64", program); err == nil {
		t.Error("a release with another key joins those of the first")
	}
	if _, err := s.Put(key, "1.3", "../linux", program); err == nil {
		t.Error("a target that leads out of the directory")
	}
	got, err := s.Find("linux-arm64")
	if err != nil || got.Version != "1.2" {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := s.Find("../linux-arm64"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a target that leads out of the directory: %v", err)
	}
	public := key.Public().(ed25519.PublicKey)
	for name, change := range map[string]func(*Manifest){
		"version": func(m *Manifest) { m.Version = "1.3" }, "target": func(m *Manifest) { m.Target = "linux-armv6" },
		"size": func(m *Manifest) { m.Size++ }, "sum": func(m *Manifest) { m.SHA256 = make([]byte, 32) },
		"time": func(m *Manifest) { m.SignedAt++ }, "another's": func(m *Manifest) { m.Signature = ed25519.Sign(other, m.signed()) },
		"moved border": func(m *Manifest) { m.Version, m.Target = "1.2l", "inux-arm64" },
	} {
		changed := *m
		change(&changed)
		if changed.Check(public, changed.Target) == nil {
			t.Errorf("%s changed, and it is taken", name)
		}
	}
	if err := m.Check(public, "linux-armv6"); err == nil {
		t.Error("a release for another machine is taken")
	}
	if err := m.Check(nil, "linux-arm64"); err == nil {
		t.Error("a release is taken without a key")
	}
}
