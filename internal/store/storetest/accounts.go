package storetest

import (
	"io"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/stats"
)

// AccountStore is what an engine of accounts opens.
type AccountStore interface {
	account.Store
	stats.Store
	io.Closer
}

// AccountEngine is a kind of account.Store.
type AccountEngine struct {
	Open      func(dir string) (AccountStore, error) // opens or makes a store in a directory
	Files     []string                               // as in Engine
	MakeNewer func(dir string) error                 // as in Engine
}

// RunAccounts judges an engine of accounts.
func RunAccounts(t *testing.T, e AccountEngine) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, AccountStore)
	}{
		{"every row comes back", accountRows},
		{"nothing is not found", accountNotFound},
		{"keys are unique", accountUnique},
		{"parents must be there", accountParents},
		{"save replaces whole rows", accountSave},
		{"deletes take what is below", accountDeletes},
		{"lists have their order", accountOrder},
		{"users by page and part", accountUsers},
		{"certificates by page and user", accountCertificates},
		{"teams", accountTeams},
		{"dead letters by page and hook", accountDeadLetters},
		{"log", accountLog},
		{"audit", accountAudit},
		{"statistics", accountStats},
		{"odd text and times", accountOdd},
		{"update is all or nothing", accountAtomic},
		{"update sees what it wrote", accountOwnWrites},
		{"updates don't overlap", accountTogether},
		{"view is one snapshot", accountSnapshot},
		{"cancelled calls change nothing", accountCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := e.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			test.run(t, s)
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Run("reopening keeps everything", func(t *testing.T) { accountReopen(t, e) })
	t.Run("newer version is refused", func(t *testing.T) { accountNewer(t, e) })
	t.Run("flipped bits are noticed", func(t *testing.T) { accountFlipped(t, e) })
}

// Fill puts rows of every kind into an empty store.
func Fill(t testing.TB, s account.Store) {
	t.Helper()
	insert(t, s, append(world("1", 1), world("2", 2)...)...)
	if err := s.AppendLog(t.Context(), []account.LogLine{line(1, "instance1"), line(2, "")}, 9); err != nil {
		t.Fatal(err)
	}
}

// Filled wants a store to hold what Fill puts into one.
func Filled(t testing.TB, s account.Store) {
	t.Helper()
	wantRows(t, s, append(world("1", 1), world("2", 2)...)...)
	for _, want := range []account.LogLine{line(1, "instance1"), line(2, "")} {
		if got := logPage(t, s, account.LogQuery{Instance: want.Instance, Limit: 9}); len(got) != 1 || got[0] != want {
			t.Errorf("log of %q: %+v", want.Instance, got)
		}
	}
}
