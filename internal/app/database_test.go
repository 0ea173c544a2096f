package app

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/store/pgtest"
)

// refusedStart runs serve on a directory and returns why it doesn't start.
func refusedStart(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := &buffer{}
	all := append([]string{"serve", "--https", "off", "--mqtts", "off", "--mqtt", "off", "--http", "127.0.0.1:0", "--store-reserve-mb", "1"}, args...)
	if code := Run(ctx, all, Streams{In: strings.NewReader(""), Out: io.Discard, Err: log}); code == ExitOK {
		t.Fatal("it started")
	}
	return log.String()
}

// TestDatabase moves the accounts of a data directory into PostgreSQL, refuses to serve what is left of them there, and
// makes of a backup a data directory that stands alone again.
func TestDatabase(t *testing.T) {
	server, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Make("tsunagi"); err != nil {
		t.Fatal(err)
	}
	database := []string{"--database-url", server.URL("tsunagi")}
	emails := func(w *world, want ...string) {
		t.Helper()
		var all []struct{ Email string }
		w.admin(&all, "account", "list")
		var got []string
		for _, a := range all {
			got = append(got, a.Email)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("accounts %q, want %q", got, want)
		}
	}

	w := serveWorld(t)
	w.admin(nil, "account", "create", "--email", "first@example.org")
	w.stop()

	w = serveWorld(t, append(database, "--data", w.data)...)
	emails(w, "first@example.org")
	w.admin(nil, "account", "create", "--email", "second@example.org")
	copied := filepath.Join(t.TempDir(), "copy.backup")
	if code, text := runHere(t, "backup", copied, "--data", w.data); code != ExitOK {
		t.Fatalf("backup: %d %s", code, text)
	}
	w.stop()

	if why := refusedStart(t, "--data", w.data); !strings.Contains(why, "set database_url") {
		t.Errorf("a start without the database says %q", why)
	}
	if code, text := runHere(t, "backup", filepath.Join(t.TempDir(), "x"), "--data", w.data); code == ExitOK || !strings.Contains(text, "while the server runs") {
		t.Errorf("a backup without the database: %d %q", code, text)
	}
	if why := refusedStart(t, append(database, "--data", t.TempDir())...); !strings.Contains(why, "secret.key") {
		t.Errorf("a start with another key says %q", why)
	}

	alone := filepath.Join(t.TempDir(), "alone")
	if code, text := runHere(t, "restore", copied, "--data", alone); code != ExitOK {
		t.Fatalf("restore: %d %s", code, text)
	}
	w = serveWorld(t, "--data", alone)
	emails(w, "first@example.org", "second@example.org")
}

// runHere carries out a command and returns its exit code and all that it says.
func runHere(t *testing.T, args ...string) (int, string) {
	t.Helper()
	out := &buffer{}
	code := Run(context.WithoutCancel(t.Context()), args, Streams{In: strings.NewReader(""), Out: out, Err: out})
	return code, out.String()
}
