package rows

import "tsunagi/internal/account"

var identities = entity[account.Identity]{"identity",
	[]string{"id", "account", "issuer", "subject", "email", "created_at", "used_at"}, 1,
	func(i *account.Identity) []any {
		return []any{&i.ID, &i.Account, &i.Issuer, &i.Subject, &i.Email, stamp{&i.CreatedAt}, stamp{&i.UsedAt}}
	}}

func (r reader) Identity(id string) (account.Identity, error) { return identities.one(r.c, "id", id) }

func (r reader) Identities(of string) ([]account.Identity, error) {
	return identities.all(r.c, "where account = ? "+byAge, of)
}
