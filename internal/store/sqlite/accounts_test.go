package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

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
