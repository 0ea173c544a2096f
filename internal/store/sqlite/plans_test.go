package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/store/rows"
	"tsunagi/internal/store/sqlite"
)

// watched is a connection that tells how each query is worked out and how many rows it gives.
type watched struct {
	rows.Conn
	t     *testing.T
	plans []string
	read  int
}

func (w *watched) Rows(text string, args []any, f func(*sql.Rows) (bool, error)) error {
	err := w.Conn.Rows("explain query plan "+text, args, func(r *sql.Rows) (bool, error) {
		var id, parent, none int
		var detail string
		err := r.Scan(&id, &parent, &none, &detail)
		w.plans = append(w.plans, detail+"  <-  "+text)
		return true, err
	})
	if err != nil {
		w.t.Errorf("plan of %s: %v", text, err)
	}
	return w.Conn.Rows(text, args, func(r *sql.Rows) (bool, error) {
		w.read++
		return f(r)
	})
}

// TestManyRows stands behind the tables of the panel with 100,000 users and 20,000 log lines (a million under make
// torture), and asks for what the pages ask for: each query goes by an index of its instance, gives no more rows than
// the page has, and sorts nothing.
func TestManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("runs without the race detector: it takes long")
	}
	lines := 10_000
	if os.Getenv("TORTURE_ROUNDS") != "" {
		lines = 500_000
	}
	const many = 100_000
	s, err := sqlite.Open(context.Background(), options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	update := func(f func(account.Tx) error) {
		t.Helper()
		if err := s.Accounts.Update(context.Background(), f); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx account.Tx) error {
		return tx.Insert(account.Account{ID: "a", Email: "a@example.org", CreatedAt: now}, account.Instance{ID: "large", Owner: "a", CreatedAt: now}, account.Instance{ID: "other", Owner: "a", CreatedAt: now})
	})
	for from := 0; from < many; from += 10_000 {
		update(func(tx account.Tx) error {
			for n := from; n < from+10_000; n++ {
				if err := tx.Insert(account.User{Instance: "large", Name: fmt.Sprintf("device-%06d", n), Kind: account.SecretGenerated, Secret: []byte{1}, CreatedAt: now}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	id := int64(0)
	for _, instance := range []string{"large", "other"} {
		for from := 0; from < lines; from += 5000 {
			var batch []account.LogLine
			for range 5000 {
				id++
				batch = append(batch, account.LogLine{ID: id, Instance: instance, Time: now, Kind: "refused", Client: "c", Cause: "wrong password"})
			}
			if err := s.Accounts.AppendLog(context.Background(), batch, lines); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func(name string, most int, sorts bool, f func(account.Reader) (int, error)) {
		t.Helper()
		err := s.Accounts.Read(context.Background(), func(c rows.Conn) error {
			w := &watched{Conn: c, t: t}
			n, err := f(rows.NewReader(w))
			if n == 0 || w.read > most {
				t.Errorf("%s: %d things, %d rows were read, want at most %d", name, n, w.read, most)
			}
			for _, plan := range w.plans {
				if strings.HasPrefix(plan, "SCAN") || !sorts && strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("%s: %s", name, plan)
				}
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	users := func(q account.UserQuery) func(account.Reader) (int, error) {
		q.Instance = "large"
		return func(r account.Reader) (int, error) { l, err := r.Users(q); return len(l), err }
	}
	log := func(q account.LogQuery) func(account.Reader) (int, error) {
		q.Instance = "large"
		return func(r account.Reader) (int, error) { l, err := r.Log(q); return len(l), err }
	}
	ask("the first users", 100, false, users(account.UserQuery{Limit: 100}))
	ask("users in the middle", 100, false, users(account.UserQuery{After: "device-050000", Limit: 100}))
	ask("users by their beginning", 100, false, users(account.UserQuery{Prefix: "device-0999", Limit: 100}))
	ask("users by a part", 100, false, users(account.UserQuery{Contains: "99999", Limit: 100}))
	ask("how many users", 1, false, func(r account.Reader) (int, error) { return r.CountUsers(account.UserQuery{Instance: "large"}) })
	ask("how many users by a beginning", 1, false, func(r account.Reader) (int, error) {
		n, err := r.CountUsers(account.UserQuery{Instance: "large", Prefix: "device-0000"})
		if n != 100 {
			t.Errorf("%d users begin with device-0000", n)
		}
		return n, err
	})
	ask("one user", 1, false, func(r account.Reader) (int, error) { _, err := r.User("large", "device-000001"); return 1, err })
	ask("the newest lines", 100, false, log(account.LogQuery{Limit: 100}))
	ask("older lines", 100, false, log(account.LogQuery{Before: int64(lines / 2), Limit: 100}))
	ask("lines of a kind", 100, false, log(account.LogQuery{Kind: "refused", Limit: 100}))
	ask("lines with a word", 100, false, log(account.LogQuery{Contains: "password", Limit: 100}))
	ask("instances of an account", 2, true, func(r account.Reader) (int, error) { l, err := r.Instances("a"); return len(l), err })
	if err := s.Accounts.View(context.Background(), func(r account.Reader) error {
		for _, beginning := range []string{"device-09999", "device-099999"} {
			l, err := r.Users(account.UserQuery{Instance: "large", Prefix: beginning, Limit: 1000})
			if want := map[int]int{12: 10, 13: 1}[len(beginning)]; err != nil || len(l) != want {
				return fmt.Errorf("%d users begin with %s, want %d: %w", len(l), beginning, want, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
