package rows

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"tsunagi/internal/account"
)

var bridges = entity[account.Bridge]{"bridge",
	[]string{"instance", "id", "name", "enabled", "address", "roots", "client_id", "user", "sealed", "version", "keep_alive", "topics", "created_at"}, 2,
	func(b *account.Bridge) []any {
		return []any{&b.Instance, &b.ID, &b.Name, &b.Enabled, &b.Address, &b.Roots, &b.ClientID, &b.User, &b.Sealed, &b.Version,
			&b.KeepAlive, list[account.BridgeTopic]{&b.Topics}, stamp{&b.CreatedAt}}
	}}

func (r reader) Bridge(instance, id string) (account.Bridge, error) {
	return bridges.one(r.c, "instance, id", instance, id)
}

func (r reader) Bridges(instance string) ([]account.Bridge, error) {
	if instance == "" {
		return bridges.all(r.c, "order by instance, created_at, id")
	}
	return bridges.all(r.c, "where instance = ? "+byAge, instance)
}

// list keeps a list of plain values as JSON.
type list[T any] struct{ of *[]T }

// Scan implements sql.Scanner.
func (l list[T]) Scan(v any) error {
	switch text := v.(type) {
	case string:
		return json.Unmarshal([]byte(text), l.of)
	case []byte:
		return json.Unmarshal(text, l.of)
	}
	return fmt.Errorf("a list is stored as %T", v)
}

// Value implements driver.Valuer.
func (l list[T]) Value() (driver.Value, error) {
	text, err := json.Marshal(*l.of)
	return string(text), err
}
