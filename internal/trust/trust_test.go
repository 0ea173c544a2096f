package trust

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/cert"
)

// fake is a machine in a directory; its commands are written down, but for NSS's real certutil.
func fake(t *testing.T, goos string, super bool) (m Machine, ca string, ran *[]string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := cert.OpenAuthority(filepath.Join(dir, "data", "ca")); err != nil {
		t.Fatal(err)
	}
	ran = new([]string)
	m = Machine{GOOS: goos, Root: filepath.Join(dir, "root"), Home: filepath.Join(dir, "home"), Super: super,
		Find: func(string) bool { return true },
		Run: func(ctx context.Context, command string, args ...string) (string, error) {
			*ran = append(*ran, command+" "+strings.Join(args, " "))
			if command == "certutil" && goos == "linux" {
				out, err := exec.CommandContext(ctx, command, args...).CombinedOutput()
				return string(out), err
			}
			return "", nil
		}}
	return m, filepath.Join(dir, "data", "ca", "ca.pem"), ran
}

func run(m Machine, args ...string) (int, string) {
	var out strings.Builder
	code := m.Command(context.Background(), args, &out, &out)
	return code, out.String()
}

func TestSystemStores(t *testing.T) {
	for _, s := range anchors {
		m, ca, ran := fake(t, "linux", true)
		if err := os.MkdirAll(m.Root+s.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if code, text := run(m, "--ca", ca, "--dry-run"); code != exitOK || len(*ran) != 0 || !strings.Contains(text, "would do") {
			t.Errorf("%s: dry run: %d %v\n%s", s.dir, code, *ran, text)
		}
		code, text := run(m, "--ca", ca)
		files, _ := filepath.Glob(m.Root + s.dir + "/tsunagi-*.crt")
		if code != exitOK || len(files) != 1 || len(*ran) != 1 || !strings.HasPrefix((*ran)[0], s.command) || !strings.Contains(text, "done ") {
			t.Errorf("%s: %d %v %v\n%s", s.dir, code, files, *ran, text)
		}
		if code, _ := run(m, "--ca", ca, "--remove"); code != exitOK || len(*ran) != 2 {
			t.Errorf("%s: remove: %d %v", s.dir, code, *ran)
		}
		if files, _ := filepath.Glob(m.Root + s.dir + "/*"); len(files) != 0 {
			t.Errorf("%s: left behind: %v", s.dir, files)
		}
		if code, text := run(m, "--ca", ca, "--remove"); code != exitOK || !strings.Contains(text, "nothing to do") {
			t.Errorf("%s: removing twice: %d %s", s.dir, code, text)
		}
	}
}

// TestAsksNothing wants who is not root to be told the command, and nothing tried.
func TestAsksNothing(t *testing.T) {
	m, ca, ran := fake(t, "linux", false)
	if err := os.MkdirAll(m.Root+anchors[0].dir, 0o755); err != nil {
		t.Fatal(err)
	}
	code, text := run(m, "--ca", ca)
	if code != exitFailed || len(*ran) != 0 || !strings.Contains(text, "run: sudo install -m 644 "+ca) {
		t.Errorf("%d %v\n%s", code, *ran, text)
	}
}

// TestBrowsers uses NSS's own certutil on a database as Firefox has it.
func TestBrowsers(t *testing.T) {
	if _, err := exec.LookPath("certutil"); err != nil {
		t.Skip("certutil (libnss3-tools) is not installed")
	}
	m, ca, _ := fake(t, "linux", false)
	for _, dir := range []string{".pki/nssdb", ".mozilla/firefox/abcd.default"} {
		db := filepath.Join(m.Home, dir)
		if err := os.MkdirAll(db, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("certutil", "-N", "--empty-password", "-d", "sql:"+db).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	list := func(dir string) string {
		out, err := exec.Command("certutil", "-L", "-d", "sql:"+filepath.Join(m.Home, dir)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if code, text := run(m, "--ca", ca); code != exitOK || strings.Count(text, "done ") != 2 {
		t.Fatalf("%d\n%s", code, text)
	}
	if got := list(".pki/nssdb"); !strings.Contains(got, "Tsunagi local authority") || !strings.Contains(got, "C,,") {
		t.Errorf("the store has %s", got)
	}
	if code, text := run(m, "--ca", ca); code != exitOK { // once more changes nothing
		t.Errorf("%d\n%s", code, text)
	}
	if code, text := run(m, "--ca", ca, "--remove"); code != exitOK || strings.Count(text, "done ") != 2 {
		t.Errorf("%d\n%s", code, text)
	}
	if got := list(".mozilla/firefox/abcd.default"); strings.Contains(got, "Tsunagi") {
		t.Errorf("left behind: %s", got)
	}
}

func TestOtherSystems(t *testing.T) {
	for goos, want := range map[string][2]string{
		"darwin":  {"security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ", "security delete-certificate -t -Z "},
		"windows": {"certutil -user -addstore Root ", "certutil -user -delstore Root "},
	} {
		m, ca, ran := fake(t, goos, true)
		for i, args := range [][]string{{"--ca", ca}, {"--ca", ca, "--remove"}} {
			if code, text := run(m, args...); code != exitOK || len(*ran) != i+1 || !strings.HasPrefix((*ran)[i], want[i]) {
				t.Errorf("%s: %d %v\n%s", goos, code, *ran, text)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	m, ca, ran := fake(t, "linux", true)
	key := filepath.Join(filepath.Dir(ca), "ca.key")
	for _, args := range [][]string{{"--ca", key}, {"--ca", filepath.Join(t.TempDir(), "none.pem")}, {"--nonsense"}, {"word"}} {
		if code, text := run(m, args...); code == exitOK || len(*ran) != 0 {
			t.Errorf("%v: %d %v\n%s", args, code, *ran, text)
		}
	}
	if got := fmt.Sprint(join("a", []string{"b c", "d'e"})); got != `a 'b c' 'd'\''e'` {
		t.Errorf("%s", got)
	}
}
