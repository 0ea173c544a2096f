package account

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
)

// DeviceChange is what changes of a device; nil stays as it is.
type DeviceChange struct {
	Name      *string
	NoEditing *bool
	Pages     *Pages
	Labels    *[]string // the groups that it is in
}

// maxLabels bounds the groups of one device.
const maxLabels = 8

// Device reads one of the actor's.
func (s *Service) Device(ctx context.Context, by Actor, id string) (d Device, err error) {
	err = s.view(ctx, func(r Reader) error {
		d, err = deviceOf(r, by, id)
		return err
	})
	return d, err
}

func deviceOf(r Reader, by Actor, id string) (Device, error) {
	d, err := r.Device(id)
	if err != nil {
		return Device{}, told(err)
	}
	if !by.mayUse(d.Owner) || by.Only != "" {
		return Device{}, notFound()
	}
	return d, nil
}

// Devices lists the actor's; for the admin socket all.
func (s *Service) Devices(ctx context.Context, by Actor) (list []Device, err error) {
	if !by.Operator && by.Account.ID == "" {
		return nil, fail(Unauthorized, "api.unauthorized")
	}
	if by.Only != "" {
		return nil, nil
	}
	owner := by.team()
	if by.everybody() {
		owner = ""
	}
	err = s.view(ctx, func(r Reader) error {
		list, err = r.Devices(owner)
		return err
	})
	return list, err
}

// ChangeDevice gives a device another name, forbids its editor to be reached from here, or says who may see the pages of
// its flows. Its MQTT user stays.
func (s *Service) ChangeDevice(ctx context.Context, by Actor, id string, c DeviceChange) (d Device, err error) {
	if c.Name != nil && !ValidLabel(*c.Name) {
		return Device{}, invalid("name", "api.flow.name")
	}
	var labels []string
	if c.Pages != nil && !slices.Contains([]Pages{PagesPeople, PagesPublic, PagesNone}, *c.Pages) {
		return Device{}, invalid("pages", "api.device.pages")
	}
	if c.Labels != nil {
		if labels, err = cleanLabels(*c.Labels); err != nil {
			return Device{}, err
		}
	}
	err = s.update(ctx, func(tx Tx) error {
		if d, err = deviceOf(tx, by, id); err != nil {
			return err
		}
		was, err := labelled(tx, d)
		if err != nil {
			return err
		}
		if err := s.fresh(ctx, was); err != nil {
			return err
		}
		words := ""
		if c.Labels != nil {
			words = "labels " + strings.Join(labels, ",") + " "
			if err := putLabels(tx, DeviceLabels{d.ID, labels}); err != nil {
				return err
			}
		}
		if c.Name != nil && *c.Name != d.Name {
			if err := nameFree(tx, *c.Name); err != nil {
				return err
			}
			d.Name, words = *c.Name, words+"name "+*c.Name+" "
		}
		if c.NoEditing != nil {
			d.NoEditing = *c.NoEditing
			words += map[bool]string{true: "no remote editing ", false: "remote editing "}[d.NoEditing]
		}
		if c.Pages != nil {
			d.Pages = *c.Pages
			words += map[Pages]string{PagesPeople: "pages for people", PagesPublic: "pages for everybody", PagesNone: "no pages"}[d.Pages]
		}
		if err := tx.Save(d); err != nil {
			return err
		}
		return s.audit(tx, by, "device.change", id, strings.TrimSpace(words))
	})
	return d, err
}

// cleanLabels sorts labels and takes doubles out.
func cleanLabels(list []string) ([]string, error) {
	out := slices.Compact(slices.Sorted(slices.Values(list)))
	if len(out) > maxLabels {
		return nil, invalid("labels", "api.device.labels", "limit", maxLabels)
	}
	for _, l := range out {
		if !ValidLabel(l) {
			return nil, invalid("labels", "api.flow.name")
		}
	}
	return out, nil
}

func putLabels(tx Tx, l DeviceLabels) error {
	_, err := tx.DeviceLabels(l.Device)
	switch {
	case err == nil && len(l.Labels) == 0:
		return tx.Delete(l)
	case err == nil:
		return tx.Save(l)
	case errors.Is(err, ErrNotFound) && len(l.Labels) > 0:
		return tx.Insert(l)
	case errors.Is(err, ErrNotFound):
		return nil
	}
	return err
}

// DeviceLabels reads the groups that devices are in, by Device.ID. It is not an authorisation.
func (s *Service) DeviceLabels(ctx context.Context, devices ...Device) (map[string][]string, error) {
	out := map[string][]string{}
	err := s.view(ctx, func(r Reader) error {
		for _, d := range devices {
			l, err := r.DeviceLabels(d.ID)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			out[d.ID] = l.Labels
		}
		return nil
	})
	return out, err
}

// DeleteDevice unpairs a device: its key opens nothing any more, and its MQTT user is gone with its connections.
func (s *Service) DeleteDevice(ctx context.Context, by Actor, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		d, err := deviceOf(tx, by, id)
		if err != nil {
			return Change{}, err
		}
		was, err := labelled(tx, d)
		if err != nil {
			return Change{}, err
		}
		if err := s.fresh(ctx, was); err != nil {
			return Change{}, err
		}
		news := Change{}
		if u, err := tx.User(d.Instance, d.User); err == nil && !u.First {
			if err := tx.Delete(u); err != nil {
				return Change{}, err
			}
			news = Change{Instance: d.Instance, Users: []string{d.User}, Recheck: true}
		} else if err != nil && !errors.Is(err, ErrNotFound) {
			return Change{}, err
		}
		if err := tx.Delete(d); err != nil {
			return Change{}, err
		}
		return news, s.audit(tx, by, "device.unpair", id, d.Name)
	})
}

// DeviceActor is a device that has proved who it is, acting for itself: it may unpair itself and change its key.
func DeviceActor(d Device, remote string) Actor {
	return Actor{Account: Account{ID: d.Owner}, Via: "device", Remote: remote}
}

// RotateDevice gives a device another key, and its MQTT user another password, which is returned for the only time; ""
// when that user is gone.
func (s *Service) RotateDevice(ctx context.Context, by Actor, id string, key []byte) (password string, err error) {
	if len(key) != ed25519.PublicKeySize {
		return "", invalid("key", "api.device.key")
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		d, err := deviceOf(tx, by, id)
		if err != nil {
			return Change{}, err
		}
		d.Key = key
		if err := tx.Save(d); err != nil {
			return Change{}, err
		}
		news := Change{}
		u, err := tx.User(d.Instance, d.User)
		switch {
		case err == nil && !u.First:
			password = newPassword()
			u.Kind, u.Secret = SecretGenerated, s.o.Keys.hashGenerated(u.Instance, u.Name, password)
			if err := errors.Join(tx.Save(u), tx.Delete(Exposure{Instance: u.Instance, User: u.Name})); err != nil {
				return Change{}, err
			}
			news = Change{Instance: d.Instance, Users: []string{d.User}}
		case err != nil && !errors.Is(err, ErrNotFound):
			return Change{}, err
		}
		return news, s.audit(tx, by, "device.rotate", id, d.Name)
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

// FindDevice is a device for the tunnel, by id or, where that is "", by name. It is not an authorisation.
func (s *Service) FindDevice(ctx context.Context, id, name string) (d Device, err error) {
	err = s.view(ctx, func(r Reader) error {
		if id != "" {
			d, err = r.Device(id)
		} else {
			d, err = r.DeviceByName(name)
		}
		return err
	})
	return d, err
}

// DeviceSeen notes that a device's tunnel has begun or ended. version "" stays as it is; a device that is gone is none.
func (s *Service) DeviceSeen(ctx context.Context, id, version string) error {
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		d, err := tx.Device(id)
		if err != nil {
			return err
		}
		d.SeenAt = s.now()
		if version != "" {
			d.Version = clipTo(version, maxVersion)
		}
		return tx.Save(d)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// AuditDevice notes something done to a device that isn't a change here.
func (s *Service) AuditDevice(ctx context.Context, by Actor, id, action string) (d Device, err error) {
	err = s.update(ctx, func(tx Tx) error {
		if d, err = deviceOf(tx, by, id); err != nil {
			return err
		}
		return s.audit(tx, by, action, id, d.Name)
	})
	return d, err
}

// OpenDevice makes a code with which the browser of the actor's session enters the editor of a device.
func (s *Service) OpenDevice(ctx context.Context, by Actor, id string) (string, Device, error) {
	d, err := s.AuditDevice(ctx, by, id, "device.open")
	if err != nil {
		return "", Device{}, err
	}
	if d.NoEditing {
		return "", Device{}, fail(Forbidden, "api.device.forbidden")
	}
	token, err := s.newCode(by, d.ID)
	return token, d, err
}

// ExchangeDeviceCode takes a code of OpenDevice for the device with that id; see ExchangeFlowCode.
func (s *Service) ExchangeDeviceCode(ctx context.Context, id, token, agent string) (FlowLogin, error) {
	return s.exchangeCode(ctx, id, token, agent, func(r Reader, login *FlowLogin) error {
		d, err := r.Device(id)
		if err == nil {
			_, _, err = mayEnter(r, login.Account.ID, d.Owner, TeamMember)
		}
		if err == nil && d.NoEditing {
			err = fail(Forbidden, "api.device.forbidden")
		}
		return err
	})
}

// LinkKey is the platform's own half of a tunnel's proof, made from the key file.
func (k *Keys) LinkKey() ed25519.PrivateKey { return k.link }

// CheckDeviceCode looks at a code of OpenDevice without using it up, and says whose session it is.
func (s *Service) CheckDeviceCode(_ context.Context, id, token, agent string) (session [32]byte, err error) {
	c, ok := s.codes.look(hashToken(token), s.now())
	if !ok || c.server != id || c.browser != browserKey(agent) {
		return session, fail(Forbidden, "api.flow.code")
	}
	return c.session, nil
}
