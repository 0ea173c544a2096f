package rows

import (
	"testing"
	"time"

	"tsunagi/internal/account"
)

// TestLaterColumns has rows from before a column was there keep their checksums, and a later column be in them.
func TestLaterColumns(t *testing.T) {
	row := account.Account{ID: "a", Email: "a@example.org", Role: account.RoleOwner, CreatedAt: time.Unix(1, 0)}
	before := accounts
	before.columns = before.columns[:7]
	fields := accounts.fields
	before.fields = func(a *account.Account) []any { return fields(a)[:7] }
	old, err := before.sum(&row)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := accounts.sum(&row); err != nil || now != old {
		t.Errorf("checksum %d, %v; before the columns came it was %d", now, err, old)
	}
	seen := map[int64]bool{old: true}
	for name, change := range map[string]func(*account.Account){
		"name": func(a *account.Account) { a.Name = "x" }, "why": func(a *account.Account) { a.SuspendedWhy = "x" },
		"instances": func(a *account.Account) { a.Instances = 1 }, "suspended": func(a *account.Account) { a.SuspendedAt = time.Unix(2, 0) },
	} {
		other := row
		change(&other)
		sum, err := accounts.sum(&other)
		if err != nil || seen[sum] {
			t.Errorf("%s isn't in the checksum: %d, %v", name, sum, err)
		}
		seen[sum] = true
	}
}
