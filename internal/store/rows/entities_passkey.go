package rows

import "tsunagi/internal/account"

var passkeys = entity[account.Passkey]{"passkey",
	[]string{"id", "account", "name", "record", "created_at", "used_at"}, 1,
	func(p *account.Passkey) []any {
		return []any{&p.ID, &p.Account, &p.Name, &p.Record, stamp{&p.CreatedAt}, stamp{&p.UsedAt}}
	}}

func (r reader) Passkey(id string) (account.Passkey, error) { return passkeys.one(r.c, "id", id) }

func (r reader) Passkeys(of string) ([]account.Passkey, error) {
	return passkeys.all(r.c, "where account = ? "+byAge, of)
}
