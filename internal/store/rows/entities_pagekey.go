package rows

import "tsunagi/internal/account"

var pageKeys = entity[account.PublishableKey]{"publishable_key",
	[]string{"instance", "id", "name", "publish", "subscribe", "origins", "connections", "created_at", "expires_at"}, 2,
	func(k *account.PublishableKey) []any {
		return []any{&k.Instance, &k.ID, &k.Name, list[string]{&k.Publish}, list[string]{&k.Subscribe}, list[string]{&k.Origins}, &k.Connections,
			stamp{&k.CreatedAt}, stamp{&k.ExpiresAt}}
	}}

func (r reader) PublishableKey(instance, id string) (account.PublishableKey, error) {
	return pageKeys.one(r.c, "instance, id", instance, id)
}

func (r reader) PublishableKeys(instance string) ([]account.PublishableKey, error) {
	return pageKeys.all(r.c, "where instance = ? "+byAge, instance)
}
