package postgres_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/store/rows"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/storetest"
)

// TestCopy takes everything from the embedded store into PostgreSQL and back.
func TestCopy(t *testing.T) {
	need(t)
	embedded := func(name string) *sqlite.Accounts {
		a, err := sqlite.OpenAccounts(t.Context(), filepath.Join(t.TempDir(), name), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		return a
	}
	first, last := embedded("first.db"), embedded("last.db")
	between, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer between.Close()
	storetest.Fill(t, first)
	err = last.Update(t.Context(), func(tx account.Tx) error { // what is there goes
		return tx.Insert(account.Account{ID: "old", Email: "account1@example.org"}, account.Instance{ID: "instance1", Owner: "old"})
	})
	if err == nil {
		err = first.Read(t.Context(), func(from rows.Conn) error {
			return between.Write(t.Context(), func(to rows.Conn) error { return rows.Copy(from, to) })
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	storetest.Filled(t, between)
	err = between.Read(t.Context(), func(from rows.Conn) error {
		return last.Write(t.Context(), func(to rows.Conn) error { return rows.Copy(from, to) })
	})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Filled(t, last)
}

// TestEveryTable wants Copy to know every table that the migrations make.
func TestEveryTable(t *testing.T) {
	need(t)
	a, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	known, err := rows.Tables()
	if err != nil {
		t.Fatal(err)
	}
	err = a.Read(t.Context(), func(c rows.Conn) error {
		var tables []string
		err := c.Rows("select tablename from pg_tables where schemaname = 'public' and tablename <> 'goose_db_version'", nil, func(r *sql.Rows) (bool, error) {
			var name string
			err := r.Scan(&name)
			tables = append(tables, name)
			return true, err
		})
		if len(tables) < 20 {
			t.Errorf("only %d tables", len(tables))
		}
		for _, table := range tables {
			if !slices.Contains(known, table) {
				t.Errorf("Copy doesn't know the table %s: write it as the others are written", table)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
