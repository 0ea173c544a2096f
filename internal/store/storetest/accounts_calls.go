package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/account"
)

func accountAtomic(t *testing.T, s AccountStore) {
	stop := errors.New("stop")
	err := s.Update(context.Background(), func(tx account.Tx) error {
		if err := tx.Insert(world("1", 1)...); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("Update = %v, want what its function returned", err)
	}
	wantGone(t, s, world("1", 1)...)
	err = s.Update(context.Background(), func(tx account.Tx) error { // the last row is refused
		return tx.Insert(append(world("1", 1), account.Instance{ID: "x", Owner: "nobody"})...)
	})
	if !errors.Is(err, account.ErrNotFound) {
		t.Errorf("Update = %v, want ErrNotFound", err)
	}
	wantGone(t, s, world("1", 1)...)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of an update's function went nowhere")
			}
		}()
		_ = s.Update(context.Background(), func(tx account.Tx) error {
			if err := tx.Insert(world("1", 1)...); err != nil {
				return err
			}
			panic("a fault of the caller")
		})
	}()
	wantGone(t, s, world("1", 1)...)
	insert(t, s, world("1", 1)...)
	if err := s.View(context.Background(), func(account.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("View = %v, want what its function returned", err)
	}
}

func accountOwnWrites(t *testing.T, s AccountStore) {
	update(t, s, func(tx account.Tx) error {
		if err := tx.Insert(world("1", 1)...); err != nil {
			return err
		}
		if _, err := tx.Account("account1"); err != nil {
			t.Errorf("a row that the update inserted: %v", err)
		}
		if err := tx.Delete(account.Instance{ID: "instance1"}); err != nil {
			return err
		}
		if _, err := tx.User("instance1", "sensor"); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("a row that the update deleted: %v", err)
		}
		// A refused row doesn't spoil the rest.
		if err := tx.Insert(account.Account{ID: "account1", Email: "x"}); !errors.Is(err, account.ErrExists) {
			t.Errorf("second insert: %v", err)
		}
		return tx.Insert(account.Setting{Key: "after"})
	})
	wantRows(t, s, world("1", 1)[0])
	if got := view(t, s, func(r account.Reader) (account.Setting, error) { return r.Setting("after") }); got.Key != "after" {
		t.Errorf("a row after a refused one: %+v", got)
	}
}

func accountTogether(t *testing.T, s AccountStore) {
	insert(t, s, account.Setting{Key: "n", Value: []byte{0}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 12 {
				err := s.Update(context.Background(), func(tx account.Tx) error {
					n, err := tx.Setting("n")
					if err != nil {
						return err
					}
					return tx.Save(account.Setting{Key: "n", Value: []byte{n.Value[0] + 1}})
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
				if err := s.View(context.Background(), func(r account.Reader) error { _, err := r.Setting("n"); return err }); err != nil {
					t.Errorf("view: %v", err)
				}
			}
		})
	}
	all.Wait()
	if n := view(t, s, func(r account.Reader) (account.Setting, error) { return r.Setting("n") }); n.Value[0] != 96 {
		t.Errorf("96 updates counted to %d", n.Value[0])
	}
}

func accountSnapshot(t *testing.T, s AccountStore) {
	insert(t, s, account.Setting{Key: "a", Value: []byte("old")}, account.Setting{Key: "b", Value: []byte("old")})
	err := s.View(context.Background(), func(r account.Reader) error {
		a, err := r.Setting("a")
		if err != nil {
			return err
		}
		done := make(chan error)
		go func() { // another caller, in the middle of the view; it ends with its update
			done <- s.Update(context.Background(), func(tx account.Tx) error {
				return tx.Save(account.Setting{Key: "a", Value: []byte("new")}, account.Setting{Key: "b", Value: []byte("new")})
			})
		}()
		if err := <-done; err != nil {
			return err
		}
		b, err := r.Setting("b")
		if string(a.Value) != "old" || string(b.Value) != "old" {
			t.Errorf("the view saw %q and then %q", a.Value, b.Value)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	wantRows(t, s, account.Setting{Key: "b", Value: []byte("new")})
}

func accountCancelled(t *testing.T, s AccountStore) {
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Update(ctx, func(tx account.Tx) error {
		err := tx.Insert(world("1", 1)...)
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v, want the context's error", err)
	}
	wantGone(t, s, world("1", 1)...)
	called := false
	if err := s.Update(ctx, func(account.Tx) error { called = true; return nil }); !errors.Is(err, context.Canceled) || called {
		t.Errorf("Update after the end = %v, called %v", err, called)
	}
	if err := s.View(ctx, func(account.Reader) error { called = true; return nil }); !errors.Is(err, context.Canceled) || called {
		t.Errorf("View after the end = %v, called %v", err, called)
	}
	if err := s.AppendLog(ctx, []account.LogLine{line(1, "")}, 9); !errors.Is(err, context.Canceled) {
		t.Errorf("AppendLog after the end = %v", err)
	}
	if got := logPage(t, s, account.LogQuery{Limit: 9}); len(got) > 0 {
		t.Errorf("a cancelled AppendLog wrote %d lines", len(got))
	}
	insert(t, s, world("1", 1)...)
}

func accountReopen(t *testing.T, e AccountEngine) {
	dir := t.TempDir()
	for round := range 3 {
		s, err := e.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			insert(t, s, world("1", 1)...)
			if err := s.AppendLog(context.Background(), []account.LogLine{line(1, "instance1")}, 9); err != nil {
				t.Fatal(err)
			}
		}
		wantRows(t, s, world("1", 1)...)
		if got := logPage(t, s, account.LogQuery{Instance: "instance1", Limit: 9}); len(got) != 1 || got[0] != line(1, "instance1") {
			t.Errorf("log lines are %+v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func accountNewer(t *testing.T, e AccountEngine) {
	if e.MakeNewer == nil {
		t.Skip("the engine has no versions")
	}
	dir := t.TempDir()
	s, err := e.Open(dir)
	if err == nil {
		err = errors.Join(s.Close(), e.MakeNewer(dir))
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := e.Open(dir); err == nil {
		t.Errorf("a store of a newer version was opened, and closed with %v", s.Close())
	} else if !strings.Contains(err.Error(), "version") {
		t.Errorf("the error doesn't speak of versions: %v", err)
	}
}

// accountFlipped changes bits of a closed store. No row may come back changed, and none may be missing.
func accountFlipped(t *testing.T, e AccountEngine) {
	dir := t.TempDir()
	s, err := e.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []account.LogLine
	for n := byte(1); n <= 40; n++ {
		insert(t, s, world(fmt.Sprint(n), n)...)
		lines = append(lines, line(int64(n), fmt.Sprint("instance", n)))
	}
	if err := s.AppendLog(context.Background(), lines, 9); err != nil {
		t.Fatal(err)
	}
	holds, err := everything(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range e.Files {
		flip(t, filepath.Join(dir, name), func(where string) bool {
			s, err := e.Open(dir)
			if err != nil {
				return true
			}
			got, err := everything(s)
			_ = s.Close() // may fail on what is damaged
			if err == nil && got != holds {
				t.Errorf("%s: the store holds something else, without an error", where)
			}
			return err != nil
		})
	}
}
