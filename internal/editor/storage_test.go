package editor

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// stopped is what a test panics with in the middle of a save.
type stopped struct{}

// TestSaveStoppedAnywhere ends a save of two files before each of its steps, and looks at what the next start finds.
func TestSaveStoppedAnywhere(t *testing.T) {
	for _, names := range [][]string{{"a"}, {"a", "b"}} {
		for stop := 0; ; stop++ {
			dir := t.TempDir()
			old, next := map[string][]byte{}, map[string][]byte{}
			for _, name := range names {
				old[name], next[name] = []byte("old"), []byte("new")
			}
			d := &folder{path: dir}
			if err := d.replace(old); err != nil {
				t.Fatal(err)
			}
			step, where := 0, "the end"
			d.step = func(s string) {
				if step++; step > stop {
					where = s
					panic(stopped{})
				}
			}
			func() {
				defer func() {
					if r := recover(); r != nil && r != (stopped{}) {
						panic(r)
					}
				}()
				if err := d.replace(next); err != nil {
					t.Fatal(err)
				}
			}()
			if err := (&folder{path: dir}).recover(); err != nil {
				t.Fatalf("stopped before %q: %v", where, err)
			}
			checkSaved(t, dir, names, where)
			if where == "the end" {
				break
			}
		}
	}
}

// checkSaved wants all files old or all new, a backup beside each, and nothing left over.
func checkSaved(t *testing.T, dir string, names []string, where string) {
	t.Helper()
	first := ""
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(text) != "old" && string(text) != "new" {
			t.Fatalf("stopped before %q: %s is %q, %v", where, name, text, err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Errorf("stopped before %q: %s is %q, the other file %q", where, name, text, first)
		}
		if kept, err := os.ReadFile(filepath.Join(dir, "."+name+".backup")); first == "new" && (err != nil || string(kept) != "old") {
			t.Errorf("stopped before %q: backup of %s is %q, %v", where, name, kept, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*.new"))
	if _, err := os.Stat(filepath.Join(dir, markerName)); err == nil || len(left) > 0 {
		t.Errorf("stopped before %q: left over: %v", where, left)
	}
}

func TestDamagedMarkerIsNotObeyed(t *testing.T) {
	for _, text := range []string{"{", `{"../x":"00"}`, `{"a":"00"}`} {
		dir := t.TempDir()
		for name, content := range map[string]string{markerName: text, ".a.new": "new", "a": "old"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenStore(dir); err == nil {
			t.Errorf("marker %q was taken", text)
		}
		if kept, _ := os.ReadFile(filepath.Join(dir, "a")); string(kept) != "old" {
			t.Errorf("marker %q: the file is %q", text, kept)
		}
	}
}

// saveForever is a process that saves flows and credentials with the same number in both, and says so after each.
func saveForever(dir string) {
	store, err := OpenStore(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for n := 1; ; n++ {
		padding := strings.Repeat("x", 20_000)
		err := store.write(map[string][]byte{
			flowsFile: fmt.Appendf(nil, `[{"id":"%d","info":"%s"}]`, n, padding),
			credsFile: fmt.Appendf(nil, `{"%d":{"k":"%s"}}`, n, padding),
		})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// TestKilledWhileSaving kills a process with signal 9 while it saves, again and again.
func TestKilledWhileSaving(t *testing.T) {
	dir := t.TempDir()
	for round := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "EDITOR_TEST_SAVER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		said := 0
		for lines.Scan() {
			if said, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
			if said > 3+round {
				cmd.Process.Kill()
				break
			}
		}
		for lines.Scan() { // what it had said before it died
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				said = n
			}
		}
		io.Copy(io.Discard, out)
		cmd.Wait()
		checkPair(t, dir, said)
	}
}

// checkPair wants flows and credentials of one save, of the last one that was reported or a later one.
func checkPair(t *testing.T, dir string, said int) {
	t.Helper()
	store, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var flows []struct{ ID string }
	var creds map[string]any
	if err := errors.Join(store.readJSON(flowsFile, &flows), store.readJSON(credsFile, &creds)); err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(flows[0].ID)
	if _, same := creds[flows[0].ID]; !same || n < said {
		t.Errorf("flows of save %d, reported %d, credentials %v", n, said, len(creds))
	}
}

// TestCredentialsOfNodeRED reads a file that Node-RED 5.0.7 wrote, with the secret it had made for itself.
func TestCredentialsOfNodeRED(t *testing.T) {
	const secret = "e0e7d6e8ab470293e1bf1b97e03fbd10e89e6ea881d56cbc097f5754695e5155"
	const theirs = `{
    "$": "5e7490d0e7f8cc551bba8505865aee62cYx+3mBq1U1LstoSz31b6nnQUIquBDrAI2K26nHvYGHL2cTHClrsY3ccRg=="
}`
	c, err := openCredentials([]byte(theirs), secret)
	if err != nil || string(c["b1"]["user"]) != `"anna"` || string(c["b1"]["password"]) != `"p ä\"<"` {
		t.Fatalf("%v, %v", c, err)
	}
	sealed, err := sealCredentials(c, secret)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := openCredentials(sealed, secret); err != nil || len(again["b1"]) != 2 {
		t.Errorf("%v, %v", again, err)
	}
	if _, err := openCredentials(sealed, "other"); !errors.Is(err, errSecret) {
		t.Errorf("wrong secret: %v", err)
	}
	for _, bad := range []string{`{"$":"zz"}`, `{"$":7}`, `{"$":"` + strings.Repeat("g", 40) + `"}`, `{"$":"` + strings.Repeat("0", 32) + `!!"}`} {
		if _, err := openCredentials([]byte(bad), secret); !errors.Is(err, errSecret) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if plain, err := openCredentials([]byte(`{"n":{"user":"u"}}`), secret); err != nil || string(plain["n"]["user"]) != `"u"` {
		t.Errorf("plain file: %v, %v", plain, err)
	}
	if none, err := openCredentials(nil, secret); err != nil || len(none) != 0 {
		t.Errorf("no file: %v, %v", none, err)
	}
}

func FuzzOpenCredentials(f *testing.F) {
	f.Add([]byte(`{"$":"00112233445566778899aabbccddeeffAAAA"}`))
	f.Add([]byte(`{"a":{"b":"c"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := openCredentials(text, "secret")
		if err != nil {
			return
		}
		sealed, err := sealCredentials(c, "secret")
		if err != nil {
			return
		}
		if again, err := openCredentials(sealed, "secret"); err != nil || len(again) != len(c) {
			t.Errorf("%q became %v, then %v, %v", text, c, again, err)
		}
	})
}
