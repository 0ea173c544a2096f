package admin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/store/sqlitetest"
)

// TestUserImport takes a directory of Mosquitto over by its configuration.
func TestUserImport(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	conf := write("mosquitto.conf", "listener 1883\npassword_file passwd\nacl_file "+write("acl", "user sensor\ntopic write s/#\nnonsense\n")+"\n")
	write("passwd", "sensor:$6$NwEKqXItFVFr0NNa$KcK6KNr6Ev7m7Ca5580VRBARq25+2+2eiZzyuHI2FNTra5TK6ry247QCA5FxZw/cXBV9OL52k5Yu8rpge6uLRw==\n")
	var out struct {
		Applied bool
		Users   []thing
		Rules   []string
		Faults  int
	}
	w.ok(&out, "", "user", "import", in.ID, "--conf", conf, "--dry-run")
	if out.Applied || len(out.Users) != 1 || len(out.Rules) != 1 || out.Faults != 1 {
		t.Errorf("dry run %+v", out)
	}
	if code, text, errText := w.run("", "user", "import", in.ID, "--conf", conf); code != 1 || !strings.Contains(text, "acl:3") || !strings.Contains(errText, "nothing was changed") {
		t.Errorf("with a fault: %d %s %s", code, text, errText)
	}
	w.ok(&out, "", "user", "import", in.ID, "--conf", conf, "--skip-faults")
	if !out.Applied {
		t.Errorf("not done: %+v", out)
	}
	_, err := w.accounts.Directory().Authenticate(t.Context(), account.Credentials{Instance: in.ID, User: "sensor", Password: "correct horse", Remote: "192.0.2.1:5"})
	if err != nil {
		t.Error(err)
	}
	if code, _, errText := w.run("", "user", "import", in.ID); code != 2 || !strings.Contains(errText, "--csv") {
		t.Errorf("without files: %d %s", code, errText)
	}
}

// TestPages lists more than the API gives at a time: all of it, or as many as were asked for, none of them twice.
func TestPages(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	rows := "name\n"
	for i := range 2100 {
		rows += fmt.Sprintf("u%04d\n", i)
	}
	name := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(name, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	w.ok(nil, "", "user", "import", in.ID, "--csv", name)
	for _, tt := range []struct {
		args []string
		want int
	}{{nil, 2101}, {[]string{"--limit", "1500"}, 1500}, {[]string{"--limit", "3"}, 3}, {[]string{"--query", "u20"}, 100}} {
		var list []thing
		w.ok(&list, "", append([]string{"user", "list", in.ID}, tt.args...)...)
		seen := map[string]bool{}
		for _, u := range list {
			seen[u.Name] = true
		}
		if len(seen) != len(list) || len(list) != tt.want {
			t.Errorf("%v: %d users, %d of them different, want %d", tt.args, len(list), len(seen), tt.want)
		}
	}
	if _, out, _ := w.run("", "user", "list", in.ID, "--limit", "2"); !strings.Contains(out, "and more  2099") || !strings.Contains(out, `--cursor "u`) {
		t.Errorf("no way on:\n%s", out)
	}
}
