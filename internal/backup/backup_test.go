package backup_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/backup"
)

// files makes a directory with these files.
func files(t *testing.T, list map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range list {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func written(t *testing.T) (*bytes.Buffer, map[string]string) {
	t.Helper()
	want := map[string]string{"secret.key": "k", "ca/ca.pem": "c", "flows/f1/flows.json": "[]", "flows/f1/lib/x y/日本.json": "{}"}
	dir := files(t, want)
	for _, name := range []string{"admin.sock.txt", "ballast", "mail/1"} { // what is not taken
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "mail"), 0o700), os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "flows", "f1", "link")); err != nil {
		t.Fatal(err)
	}
	copies := map[string]string{"history/i1.db": "kept", "accounts.db": "accounts", "messages.db": strings.Repeat("messages ", 5000)}
	var b bytes.Buffer
	if err := backup.Write(t.Context(), &b, dir, files(t, copies), "test"); err != nil {
		t.Fatal(err)
	}
	for name, content := range copies {
		want[name] = content
	}
	return &b, want
}

func TestRoundTrip(t *testing.T) {
	b, want := written(t)
	dir := filepath.Join(t.TempDir(), "deep", "data")
	judged := ""
	head, err := backup.Restore(bytes.NewReader(b.Bytes()), dir, func(dir string) error { judged = dir; return nil })
	if err != nil || head.Program != "test" || judged == "" {
		t.Fatalf("Restore: %+v, %v", head, err)
	}
	got := map[string]string{}
	err = filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		got[rel] = string(raw)
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", rel, info, err)
		}
		return err
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("restored %.300q, want %.300q, %v", got, want, err)
	}
}

// Whatever is changed in a backup, or cut off: it is noticed and nothing is written.
func TestDamageIsNoticed(t *testing.T) {
	b, _ := written(t)
	random := rand.New(rand.NewPCG(1, 2))
	unused := make([]bool, b.Len()) // headers and padding hold bytes that mean nothing
	for i := range 400 {
		bad := bytes.Clone(b.Bytes())
		at := random.IntN(len(bad))
		if i%4 == 0 {
			bad = bad[:min(at, len(bad)-2048)]
		} else {
			bad[at] ^= 1 << random.IntN(8)
		}
		dir := filepath.Join(t.TempDir(), "data")
		_, err := backup.Restore(bytes.NewReader(bad), dir, func(string) error { return nil })
		if err == nil && i%4 != 0 && b.Bytes()[at] == 0 {
			unused[at] = true
			continue
		}
		if err == nil {
			t.Fatalf("change %d at %d of %d is not noticed", i, at, b.Len())
		}
		if _, err := os.Stat(dir); err == nil {
			t.Fatalf("change %d at %d: something was written", i, at)
		}
	}
}

func TestHostileNames(t *testing.T) {
	for name, h := range map[string]tar.Header{
		"way out":         {Name: "data/../../x", Typeflag: tar.TypeReg},
		"absolute":        {Name: "/data/x", Typeflag: tar.TypeReg},
		"elsewhere":       {Name: "other/x", Typeflag: tar.TypeReg},
		"link":            {Name: "data/l", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		"hard link":       {Name: "data/l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"},
		"own bookkeeping": {Name: "data/.restoring/x", Typeflag: tar.TypeReg},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		head := `{"format":1}`
		err := w.WriteHeader(&tar.Header{Name: "backup.json", Typeflag: tar.TypeReg, Size: int64(len(head)), Mode: 0o600})
		if err == nil {
			_, err = w.Write([]byte(head))
		}
		if err = errors.Join(err, w.WriteHeader(&h), w.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Check(&b); !errors.Is(err, backup.ErrNoBackup) || !strings.Contains(err.Error(), "data") && !strings.Contains(err.Error(), "other") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadContentIsNotPlaced(t *testing.T) {
	b, _ := written(t)
	dir := t.TempDir()
	_, err := backup.Restore(bytes.NewReader(b.Bytes()), dir, func(string) error { return errors.New("no database") })
	if err == nil || !strings.Contains(err.Error(), "no database") {
		t.Errorf("Restore = %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = backup.Check(bytes.NewReader(raw)) })
}
