package rows

import (
	"database/sql"
	"fmt"
	"time"

	"tsunagi/internal/account"
)

var onces = entity[account.Once]{"once",
	[]string{"account", "key", "digest", "status", "sealed", "created_at"}, 2,
	func(o *account.Once) []any {
		return []any{&o.Account, digest{&o.Key}, digest{&o.Digest}, &o.Status, &o.Sealed, stamp{&o.CreatedAt}}
	}}

func (r reader) Once(of string, key [32]byte) (account.Once, error) {
	return onces.one(r.c, "account, key", of, key[:])
}

func (r reader) CountOnce(of string) (n int, err error) {
	err = r.c.Rows("select count(*) from once where account = ?", []any{of}, func(r *sql.Rows) (bool, error) { return false, r.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count requests that are done once: %w", err)
	}
	return n, nil
}

func (r reader) OnceBefore(t time.Time, limit int) ([]account.Once, error) {
	return onces.all(r.c, "where created_at < ? order by created_at limit ?", stamp{&t}, limit)
}
