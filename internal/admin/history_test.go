package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/store/sqlitetest"
)

// fakeHistory keeps nothing; Write breaks off after the text for the filter "broken".
type fakeHistory struct{ wish admin.HistoryWish }

func (*fakeHistory) Use(context.Context, string) (map[string]admin.HistoryUse, error) {
	return map[string]admin.HistoryUse{"t/#": {Bytes: 321, Messages: 5}}, nil
}

func (f *fakeHistory) Write(_ context.Context, _ string, wish admin.HistoryWish, to io.Writer) error {
	f.wish = wish
	if wish.Filter == "a/#/b" {
		return &account.Error{Code: account.Invalid, Key: "api.topic.filter"}
	}
	_, err := io.WriteString(to, strings.Repeat("time,topic\n", 1000)) // more than a buffer of the server
	if wish.Filter == "broken" {
		err = errors.New("the disk is gone")
	}
	return err
}

type keptThing struct {
	Filter      string
	Bytes, Used int64
	Days        int
	Messages    int
}

func TestHistory(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	var list []keptThing
	w.ok(&list, "", "history", "list", in.ID)
	if list == nil || len(list) != 0 {
		t.Errorf("at first %+v", list)
	}
	w.ok(&list, "", "history", "on", in.ID, "t/#")
	w.ok(&list, "", "history", "on", in.ID, "u", "--bytes", "20000", "--days", "3")
	w.ok(&list, "", "history", "on", in.ID, "u", "--days", "4")
	if len(list) != 2 || list[0] != (keptThing{"t/#", 10_000_000, 321, 0, 5}) || list[1] != (keptThing{"u", 20_000, 0, 4, 0}) {
		t.Errorf("kept %+v", list)
	}
	for _, wrong := range []struct {
		want string
		code int
		args []string
	}{
		{"api.history.limit", 1, []string{"on", in.ID, "v", "--bytes", "20000000"}},
		{"api.history.filter", 1, []string{"on", in.ID, "a/#/b"}},
		{"api.not_found", 1, []string{"off", in.ID, "t/+"}},
		{"api.not_found", 1, []string{"list", "zzzzzzzz"}},
		{"api.not_found", 1, []string{"export", "zzzzzzzz", "-"}},
		{"api.topic.filter", 1, []string{"export", in.ID, "-", "--filter", "a/#/b"}},
		{"want times such as", 2, []string{"export", in.ID, "-", "--from", "yesterday"}},
	} {
		if code, out, told := w.run("", append([]string{"history"}, wrong.args...)...); code != wrong.code || out != "" || !strings.Contains(told, wrong.want) {
			t.Errorf("%v: %d %q %q", wrong.args, code, out, told)
		}
	}
	w.ok(&list, "", "history", "off", in.ID, "t/#")
	if len(list) != 1 || list[0].Filter != "u" {
		t.Errorf("left %+v", list)
	}
}

// TestHistoryExport writes a file that has its name only when it is whole, and standard output.
func TestHistoryExport(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	whole := strings.Repeat("time,topic\n", 1000)
	if code, out, told := w.run("", "history", "export", in.ID, "-", "--filter", "t/#", "--from", "2026-11-23T10:00:00+09:00"); code != 0 || out != whole {
		t.Errorf("%d %d bytes %s", code, len(out), told)
	}
	if w.history.wish.Filter != "t/#" || !w.history.wish.From.Equal(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)) || !w.history.wish.To.IsZero() {
		t.Errorf("wish %+v", w.history.wish)
	}
	name := filepath.Join(t.TempDir(), "kept.csv")
	if code, _, told := w.run("", "history", "export", in.ID, name, "--filter", "broken"); code != 1 || !strings.Contains(told, "broke off") {
		t.Errorf("one that breaks off: %d %s", code, told)
	}
	if left, _ := filepath.Glob(name + "*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	w.ok(nil, "", "history", "export", in.ID, name)
	if raw, err := os.ReadFile(name); err != nil || string(raw) != whole {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if code, _, told := w.run("", "history", "export", in.ID, name); code != 1 || !strings.Contains(told, "is there already") {
		t.Errorf("over another file: %d %s", code, told)
	}
}

// TestWithoutEngines has a server that carries no hooks out and keeps nothing, as the broker of a device does: it makes
// none that nobody would carry out.
func TestWithoutEngines(t *testing.T) {
	w := newWorld(t, sqlitetest.Dir(t))
	var in thing
	w.ok(nil, "", "account", "create", "--email", "a@example.org")
	w.ok(&in, "", "instance", "create", "--name", "Home")
	bare := &world{t: t, dir: t.TempDir()}
	s := admin.NewServer(bare.dir, w.accounts, func(_, key string, _ ...any) string { return "text of " + key }, slog.New(slog.DiscardHandler))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	for _, args := range [][]string{{"hook", "create", in.ID, "--name", "x", "--filter", "a", "--publish", "b"}, {"hook", "list", in.ID},
		{"history", "on", in.ID, "a"}, {"history", "list", in.ID}, {"history", "export", in.ID, "-"}} {
		if code, out, told := bare.run("", args...); code != 1 || out != "" || !strings.Contains(told, "api.not_found") && !strings.Contains(told, "has no API") {
			t.Errorf("%v: %d %s %s", args, code, out, told)
		}
	}
}
