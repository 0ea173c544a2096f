package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/storetest"
)

type accounts struct {
	*sqlite.Accounts
	all *sqlite.Store
}

func (a accounts) Close() error { return a.all.Close() }

func TestAccounts(t *testing.T) {
	storetest.RunAccounts(t, storetest.AccountEngine{
		Open: func(dir string) (storetest.AccountStore, error) {
			s, err := sqlite.Open(context.Background(), options(dir))
			if err != nil {
				return nil, err
			}
			return accounts{s.Accounts, s}, nil
		},
		Files:     []string{"accounts.db"},
		MakeNewer: func(dir string) error { return makeNewer(filepath.Join(dir, "accounts.db")) },
	})
}

// TestColdViews has all connections inside of views when each asks something for the first time: none may wait for
// another's connection.
func TestColdViews(t *testing.T) {
	s, err := sqlite.Open(context.Background(), options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const views = 4 // as many as there are connections for reading
	var inside, done sync.WaitGroup
	inside.Add(views)
	for i := range views {
		done.Go(func() {
			err := s.Accounts.View(context.Background(), func(r account.Reader) error {
				inside.Done()
				inside.Wait()
				switch i % 4 {
				case 0:
					_, err := r.Instance("x")
					return err
				case 1:
					_, err := r.User("x", "y")
					return err
				case 2:
					_, err := r.AccountByEmail("x")
					return err
				default:
					_, err := r.Rule("x", "y")
					return err
				}
			})
			if !errors.Is(err, account.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	done.Wait()
}
