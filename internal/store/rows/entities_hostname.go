package rows

import "tsunagi/internal/account"

var hostNames = entity[account.HostName]{"host_name",
	[]string{"instance", "name", "token", "created_at", "proven_at", "checked_at", "failing_at"}, 2,
	func(h *account.HostName) []any {
		return []any{&h.Instance, &h.Name, &h.Token, stamp{&h.CreatedAt}, stamp{&h.ProvenAt}, stamp{&h.CheckedAt}, stamp{&h.FailingAt}}
	}}

func (r reader) HostName(instance, name string) (account.HostName, error) {
	return hostNames.one(r.c, "instance, name", instance, name)
}

func (r reader) HostNames(instance string) ([]account.HostName, error) {
	if instance == "" {
		return hostNames.all(r.c, "order by instance, created_at, name")
	}
	return hostNames.all(r.c, "where instance = ? order by created_at, name", instance)
}

func (r reader) HostNameClaims(name string) ([]account.HostName, error) {
	return hostNames.all(r.c, "where name = ? order by created_at, instance", name)
}
