package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/panel"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

// world is a running server on its socket.
type world struct {
	t        *testing.T
	dir      string
	accounts *account.Service
	brokers  *fakeBrokers
	journal  *account.Journal
	hooks    *fakeHooks
	history  *fakeHistory
}

func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := account.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, brokers: &fakeBrokers{}, hooks: &fakeHooks{}, history: &fakeHistory{}}
	w.accounts, err = account.NewService(t.Context(), account.Options{Store: store.Accounts, Keys: keys, Log: slog.New(slog.DiscardHandler),
		Plans: []account.Plan{{ID: "free", Name: "Free", Default: true, Instances: 2, Hooks: 2, HistoryBytes: 20_000_000}, {ID: "big", Name: "Big", Instances: 2}}, Regions: []account.Region{{ID: "home", Name: "Home"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := admin.NewServer(dir, w.accounts, func(_, key string, _ ...any) string { return "text of " + key }, slog.New(slog.DiscardHandler))
	w.journal = account.NewJournal(store.Accounts, 0, slog.New(slog.DiscardHandler), nil)
	s.OnHistory(w.history)
	p, err := panel.New(panel.Options{Accounts: w.accounts, Journal: w.journal, Brokers: w.brokers, Hooks: w.hooks, Version: "1.2.3",
		Text: func(_, key string, _ ...any) string { return "text of " + key }})
	if err != nil {
		t.Fatal(err)
	}
	s.OnAPI(p.Inside(), p.EndStreams)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Join(dir, admin.SocketName)); err == nil {
			t.Error("the socket is left behind")
		}
	})
	return w
}

// run is `tsunagi admin` with that data directory.
func (w *world) run(stdin string, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = admin.Run(w.t.Context(), args, strings.NewReader(stdin), &o, &e, []string{"TSUNAGI_DATA=" + w.dir})
	return code, o.String(), e.String()
}

// ok runs a command that must work, with --json, and decodes what it prints.
func (w *world) ok(out any, stdin string, args ...string) {
	w.t.Helper()
	code, text, errText := w.run(stdin, append(args, "--json")...)
	if code != 0 {
		w.t.Fatalf("%v: %d %s", args, code, errText)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			w.t.Fatalf("%v printed %s: %v", args, text, err)
		}
	}
}

type thing struct {
	ID, Email, Role, Password, Name, User, Effect, Filter string
	Connect                                               bool
}

func TestCommands(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var a, second, in, u, r thing
	w.ok(&a, "", "account", "create", "--email", "a@example.org")
	if a.Role != "owner" || a.Password == "" {
		t.Errorf("account %+v", a)
	}
	w.ok(&second, "a long enough pass phrase\nmore\n", "account", "create", "--email", "b@example.org", "--password-stdin")
	if second.Role != "member" || second.Password != "" {
		t.Errorf("second account %+v", second)
	}
	if _, err := w.accounts.SignIn(t.Context(), account.Actor{Remote: "192.0.2.1"}, "b@example.org", "a long enough pass phrase"); err != nil {
		t.Error(err)
	}
	w.ok(&in, "", "instance", "create", "--name", "Home")
	if len(in.ID) != 8 || in.User != in.ID || in.Password == "" {
		t.Errorf("instance %+v", in)
	}
	login := func(user, password string) error {
		_, err := w.accounts.Directory().Authenticate(t.Context(), account.Credentials{Instance: in.ID, User: user, Password: password, Remote: "192.0.2.1:5"})
		return err
	}
	if err := login(in.ID, in.Password); err != nil {
		t.Error(err)
	}
	w.ok(nil, "", "instance", "create", "--name", "Other", "--owner", "b@example.org")
	var list []thing
	w.ok(&list, "", "instance", "list")
	if len(list) != 2 || list[0].ID != in.ID || list[0].Password != "" {
		t.Errorf("instances %+v", list)
	}
	var again thing
	w.ok(&again, "", "instance", "password", in.ID)
	if again.Password != in.Password {
		t.Error("another password is shown")
	}
	w.ok(&again, "", "instance", "password", in.ID, "--rotate")
	if again.Password == in.Password || login(in.ID, again.Password) != nil {
		t.Error("not rotated")
	}

	w.ok(&u, "", "user", "create", in.ID, "a/b c", "--note", "n")
	if u.Password == "" || !u.Connect || login("a/b c", u.Password) != nil {
		t.Errorf("user %+v", u)
	}
	u = thing{}
	w.ok(&u, "word of mine", "user", "set", in.ID, "a/b c", "--password-stdin")
	if login("a/b c", "word of mine") != nil {
		t.Error("the chosen password doesn't work")
	}
	w.ok(&u, "", "user", "set", in.ID, "a/b c", "--connect=false")
	if u.Connect || login("a/b c", "word of mine") == nil {
		t.Errorf("user %+v may still connect", u)
	}
	w.ok(&r, "", "rule", "create", in.ID, "deny", "publish", "secret/#", "--user", "a/b c")
	w.ok(&list, "", "rule", "list", in.ID)
	if len(list) != 1 || list[0].ID != r.ID || list[0].User != "a/b c" || list[0].Filter != "secret/#" {
		t.Errorf("rules %+v", list)
	}
	w.ok(nil, "", "rule", "delete", in.ID, r.ID)
	w.ok(nil, "", "user", "delete", in.ID, "a/b c")
	w.ok(&list, "", "user", "list", in.ID)
	if len(list) != 1 {
		t.Errorf("users %+v", list)
	}
	w.ok(nil, "", "instance", "delete", in.ID)
	w.ok(&list, "", "account", "list")
	if len(list) != 2 || list[1].Email != "b@example.org" {
		t.Errorf("accounts %+v", list)
	}
	var acc struct {
		Suspended string
		Limit     int `json:"instance_limit"`
	}
	w.ok(&acc, "", "account", "set", "b@example.org", "--instances", "7")
	w.ok(&acc, "", "account", "suspend", "b@example.org", "--why", "unpaid")
	if acc.Suspended != "unpaid" || acc.Limit != 7 {
		t.Errorf("account %+v", acc)
	}
	w.ok(&acc, "", "account", "resume", "b@example.org")
	if code, out, _ := w.run("", "account", "list"); code != 0 || !strings.HasPrefix(out, "ID ") || !strings.Contains(out, "b@example.org") {
		t.Errorf("table: %s", out)
	}
}

func TestWrongUse(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"nothing", nil, 2, "tsunagi admin instance list"},
		{"unknown command", []string{"instance", "destroy"}, 2, "instance destroy"},
		{"half a command", []string{"instance"}, 2, "there is no command"},
		{"unknown flag", []string{"account", "list", "--all"}, 2, "--all"},
		{"missing flag", []string{"account", "create"}, 2, "want --email"},
		{"missing argument", []string{"user", "create", "abcdefgh"}, 2, "INSTANCE NAME"},
		{"too many", []string{"instance", "list", "x"}, 2, "want 0 arguments"},
		{"not sure", []string{"account", "delete", "a@example.org"}, 2, "--yes"},
		{"the host", []string{"account", "delete", "a@example.org", "--yes"}, 1, "text of api"},
		{"no change", []string{"user", "set", "abcdefgh", "u"}, 2, "nothing to change"},
		{"no action", []string{"hook", "create", "abcdefgh", "--name", "x"}, 2, "want --post"},
		{"two actions", []string{"hook", "create", "abcdefgh", "--name", "x", "--post", "y", "--publish", "z"}, 2, "does one thing"},
		{"no change of a hook", []string{"hook", "set", "abcdefgh", "x"}, 2, "nothing to change"},
		{"no header", []string{"hook", "set", "abcdefgh", "x", "--authorization-stdin"}, 2, "has no authorization"},
		{"no password", []string{"user", "create", "abcdefgh", "u", "--password-stdin"}, 2, "no password"},
		{"refused", []string{"user", "list", "abcdefgh"}, 1, "text of api.not_found"},
		{"bad e-mail", []string{"account", "create", "--email", "x"}, 1, "text of api.email"},
		{"no owner", []string{"instance", "create", "--name", "x"}, 1, "text of api.admin.nobody"},
		{"nobody listens", []string{"instance", "list", "--data", "/nowhere"}, 1, "is `tsunagi serve` running"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errText := w.run("", tt.args...)
			if code != tt.code || !strings.Contains(errText, tt.want) || out != "" {
				t.Errorf("%d %q %q, want %d %q", code, out, errText, tt.code, tt.want)
			}
		})
	}
	for _, args := range [][]string{{"--help"}, {"help"}, {"user", "set", "--help"}} {
		if code, out, errText := w.run("", args...); code != 0 || !strings.Contains(out, "Usage") || errText != "" {
			t.Errorf("%v: %d %q %q", args, code, out, errText)
		}
	}
}

func TestSocketIsPrivate(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	info, err := os.Lstat(filepath.Join(w.dir, admin.SocketName))
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(w.dir, ".admin-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSocketOfAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, admin.SocketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	w := newWorld(t, dir)
	w.ok(nil, "", "account", "list")
}

func TestSomethingElseOfThatName(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, admin.SocketName)
	if err := os.WriteFile(name, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := admin.NewServer(dir, nil, nil, slog.New(slog.DiscardHandler))
	if err := s.Start(t.Context()); err == nil {
		t.Error("was replaced")
	}
	if raw, _ := os.ReadFile(name); string(raw) != "precious" {
		t.Errorf("file is now %q", raw)
	}
}

func TestLongDataDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, dir)
	w.ok(nil, "", "account", "list")
}
