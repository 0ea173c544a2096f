package rows

import "tsunagi/internal/account"

var (
	guards = entity[account.Guard]{"guard",
		[]string{"instance", "others", "ban", "ban_tries", "ban_window", "ban_length", "connect_rate"}, 1,
		func(g *account.Guard) []any {
			return []any{&g.Instance, &g.Others, &g.Ban, &g.BanTries, &g.BanWindow, &g.BanLength, &g.ConnectRate}
		}}
	addressRules = entity[account.AddressRule]{"address_rule",
		[]string{"instance", "id", "prefix", "effect", "note", "created_at"}, 2,
		func(a *account.AddressRule) []any {
			return []any{&a.Instance, &a.ID, &a.Prefix, &a.Effect, &a.Note, stamp{&a.CreatedAt}}
		}}
	bans = entity[account.Ban]{"ban",
		[]string{"instance", "address", "note", "since", "until"}, 2,
		func(b *account.Ban) []any {
			return []any{&b.Instance, &b.Address, &b.Note, stamp{&b.Since}, stamp{&b.Until}}
		}}
	signInPlaces = entity[account.SignInPlace]{"sign_in_place",
		[]string{"account", "browser", "network", "first_at", "last_at"}, 3,
		func(p *account.SignInPlace) []any {
			return []any{&p.Account, &p.Browser, &p.Network, stamp{&p.FirstAt}, stamp{&p.LastAt}}
		}}
)

func (r reader) Guard(instance string) (account.Guard, error) {
	return guards.one(r.c, "instance", instance)
}

func (r reader) Guards() ([]account.Guard, error) { return guards.all(r.c, "order by instance") }

func (r reader) AddressRule(instance, id string) (account.AddressRule, error) {
	return addressRules.one(r.c, "instance, id", instance, id)
}

func (r reader) AddressRules(instance string) ([]account.AddressRule, error) {
	if instance == "" {
		return addressRules.all(r.c, "order by instance, created_at, id")
	}
	return addressRules.all(r.c, "where instance = ? "+byAge, instance)
}

func (r reader) Ban(instance, address string) (account.Ban, error) {
	return bans.one(r.c, "instance, address", instance, address)
}

func (r reader) Bans(instance string) ([]account.Ban, error) {
	if instance == "" {
		return bans.all(r.c, "order by instance, since, address")
	}
	return bans.all(r.c, "where instance = ? order by since, address", instance)
}

func (r reader) SignInPlaces(account string) ([]account.SignInPlace, error) {
	return signInPlaces.all(r.c, "where account = ? order by last_at, browser, network", account)
}
