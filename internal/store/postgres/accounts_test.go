package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/store/pgtest"
	"tsunagi/internal/store/postgres"
	"tsunagi/internal/store/storetest"
)

// server is nil where there is no PostgreSQL; why says so.
var (
	server *pgtest.Server
	why    error
)

func TestMain(m *testing.M) {
	server, why = pgtest.Start()
	code := m.Run()
	if server != nil {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func need(t *testing.T) {
	t.Helper()
	if errors.Is(why, pgtest.ErrMissing) {
		t.Skip(why)
	} else if why != nil {
		t.Fatal(why)
	}
}

// database stands for a directory.
func database(dir string) string { return fmt.Sprintf("d%x", sha256.Sum256([]byte(dir)))[:20] }

func open(dir string) (*postgres.Accounts, error) {
	if err := server.Make(database(dir)); err != nil {
		return nil, err
	}
	return postgres.Open(context.Background(), postgres.Options{URL: server.URL(database(dir)), Patience: time.Millisecond})
}

func TestAccounts(t *testing.T) {
	need(t)
	storetest.RunAccounts(t, storetest.AccountEngine{
		Open: func(dir string) (storetest.AccountStore, error) {
			a, err := open(dir)
			if err != nil {
				return nil, err
			}
			return a, nil
		},
		MakeNewer: func(dir string) error {
			return server.Do(database(dir), "insert into goose_db_version (version_id, is_applied) values (99999, true)")
		},
	})
}

// TestChangedRows has somebody else change a column: no such row may be believed.
func TestChangedRows(t *testing.T) {
	need(t)
	dir := t.TempDir()
	a, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err = a.Update(t.Context(), func(tx account.Tx) error { return tx.Insert(account.Account{ID: "a", Email: "a@example.org"}) })
	if err == nil {
		err = server.Do(database(dir), "update account set role = 'owner'")
	}
	if err != nil {
		t.Fatal(err)
	}
	err = a.View(t.Context(), func(r account.Reader) error { _, err := r.Account("a"); return err })
	if !errors.Is(err, broker.ErrStoreCorrupt) {
		t.Errorf("a row that somebody changed: %v", err)
	}
}

// TestOneServer lets a second program in only when the first has gone.
func TestOneServer(t *testing.T) {
	need(t)
	dir := t.TempDir()
	first, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := open(dir); err == nil || !strings.Contains(err.Error(), "another tsunagi server") {
		t.Errorf("a second server: %v, %v", second, err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	second, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	need(t)
	for name, tt := range map[string]struct{ url, want string }{
		"no such database": {server.URL("nowhere"), "nowhere"},
		"no address":       {"postgres://%zz", "database_url"},
		"nobody listens":   {"postgres://postgres:secret-word@127.0.0.1:1/x?connect_timeout=2", "127.0.0.1"},
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: tt.url, Patience: time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
