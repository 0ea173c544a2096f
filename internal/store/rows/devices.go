package rows

import "tsunagi/internal/account"

var devices = entity[account.Device]{"device",
	[]string{"id", "owner", "name", "key", "instance", "mqtt_user", "version", "no_editing", "created_at", "seen_at", "pages"}, 1,
	func(d *account.Device) []any {
		return []any{&d.ID, &d.Owner, &d.Name, &d.Key, &d.Instance, &d.User, &d.Version, &d.NoEditing, stamp{&d.CreatedAt}, stamp{&d.SeenAt}, &d.Pages}
	}}

var deviceLabels = entity[account.DeviceLabels]{"device_labels",
	[]string{"device", "labels"}, 1,
	func(l *account.DeviceLabels) []any { return []any{&l.Device, list[string]{&l.Labels}} }}

func (r reader) DeviceLabels(device string) (account.DeviceLabels, error) {
	return deviceLabels.one(r.c, "device", device)
}

func (r reader) Device(id string) (account.Device, error) { return devices.one(r.c, "id", id) }

func (r reader) DeviceByName(name string) (account.Device, error) {
	return devices.one(r.c, "name", name)
}

func (r reader) Devices(owner string) ([]account.Device, error) {
	if owner == "" {
		return devices.all(r.c, byAge)
	}
	return devices.all(r.c, "where owner = ? "+byAge, owner)
}
