package rows

import "tsunagi/internal/account"

var exposures = entity[account.Exposure]{"exposure",
	[]string{"instance", "user", "remote", "client", "times", "first_at", "last_at"}, 2,
	func(e *account.Exposure) []any {
		return []any{&e.Instance, &e.User, &e.Remote, &e.Client, &e.Times, stamp{&e.FirstAt}, stamp{&e.LastAt}}
	}}

func (r reader) Exposure(instance, user string) (account.Exposure, error) {
	return exposures.one(r.c, "instance, user", instance, user)
}

func (r reader) Exposures(instance string, limit int) ([]account.Exposure, error) {
	return exposures.all(r.c, "where instance = ? order by last_at desc, user limit ?", instance, limit)
}
