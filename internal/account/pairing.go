package account

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"time"

	"tsunagi/internal/topic"
)

// Bounds of devices and their pairing.
const (
	pairingLife   = 10 * time.Minute // of a code
	maxPairings   = 10               // codes of one account that wait
	maxPairingAll = 10_000           // codes of all accounts that wait
	maxDevices    = 100              // devices of one account
	maxVersion    = 64               // bytes of a device's word for its version
)

// NewDevice is a device that somebody wants to pair.
type NewDevice struct {
	Name     string // DNS label
	Instance string // Instance.ID whose broker its flows are to use
	Filter   string // topics that it may publish and subscribe there [<name>/#]
}

// Pairing is a code that waits for its device. The code is shown once.
type Pairing struct {
	Code    string // 12 letters in groups of four, for typing
	Device  NewDevice
	Expires time.Time
}

// Paired is what a device is told, once: who it is, and its login at the instance.
type Paired struct {
	Device   Device
	Password string // of its MQTT user, generated
}

// pairing is a code that waits for its device.
type pairing struct {
	by     Actor
	device NewDevice
}

// CreatePairing makes a code with which one device can join the actor's account within ten minutes.
func (s *Service) CreatePairing(ctx context.Context, by Actor, n NewDevice) (Pairing, error) {
	if !ValidLabel(n.Name) {
		return Pairing{}, invalid("name", "api.flow.name")
	}
	if by.Only != "" {
		return Pairing{}, fail(Forbidden, "api.token.only")
	}
	if n.Filter == "" {
		n.Filter = n.Name + "/#"
	}
	if f, err := topic.ParseFilter(n.Filter); err != nil || f.Share != "" || !plainText(n.Filter) || len(n.Filter) > 1024 || strings.HasPrefix(n.Filter, "$") {
		return Pairing{}, invalid("filter", "api.rule.filter")
	}
	p := Pairing{Code: newPairingCode(), Device: n, Expires: s.now().Add(pairingLife)}
	err := s.update(ctx, func(tx Tx) error {
		if _, err := s.mayAddDevice(tx, by, n); err != nil {
			return err
		}
		return s.audit(tx, by, "device.code", n.Instance, n.Name)
	})
	if err != nil {
		return Pairing{}, err
	}
	if !s.pairings.add(pairingHash(p.Code), ticket[pairing]{value: pairing{by, n}, group: by.team(), session: by.Session, ends: p.Expires}, s.now()) {
		return Pairing{}, &Error{Code: RateLimited, Key: "api.device.codes", Args: []any{"limit", maxPairings}, Wait: time.Minute}
	}
	return p, nil
}

// mayAddDevice judges what can be judged before the device has come: instance, name and bounds.
func (s *Service) mayAddDevice(r Reader, by Actor, n NewDevice) (Instance, error) {
	in, err := instanceOf(r, by, n.Instance)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			err = invalid("instance", "api.device.instance")
		}
		return in, err
	}
	have, err := r.Devices(by.team())
	if err != nil {
		return in, err
	}
	if len(have) >= maxDevices {
		return in, fail(Limit, "api.device.limit", "limit", maxDevices)
	}
	if err := nameFree(r, n.Name); err != nil {
		return in, err
	}
	plan := s.Plan(in.Plan)
	users, err := r.CountUsers(UserQuery{Instance: in.ID})
	if err != nil {
		return in, err
	}
	if plan.Users > 0 && users >= plan.Users {
		return in, fail(Limit, "api.user.limit", "limit", plan.Users, "plan", plan.Name)
	}
	if _, err := r.User(in.ID, deviceUser(n.Name)); !errors.Is(err, ErrNotFound) {
		if err == nil {
			err = fail(Conflict, "api.user.taken", "name", deviceUser(n.Name))
		}
		return in, err
	}
	return in, nil
}

// nameFree says whether a name is neither a device's nor a hosted flow server's: their origins are in one zone.
func nameFree(r Reader, name string) error {
	_, err := r.DeviceByName(name)
	if errors.Is(err, ErrNotFound) {
		_, err = r.FlowServerByName(name)
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = fail(Conflict, "api.flow.taken", "name", name)
	}
	return err
}

// deviceUser names the MQTT user of a device.
func deviceUser(name string) string { return "device-" + name }

// Pair makes a device of whoever shows a code that waits: it gets an identity, and an MQTT user that may use the topics
// it was given and no others. The code is used up by any try that knows it; wrong ones are limited by address.
func (s *Service) Pair(ctx context.Context, by Actor, code string, key []byte, version string) (Paired, error) {
	if len(key) != ed25519.PublicKeySize {
		return Paired{}, invalid("key", "api.device.key")
	}
	address := AddressKey(by.Remote)
	if wait := s.pairTries.wait(address, s.now()); wait > 0 {
		return Paired{}, &Error{Code: RateLimited, Key: "api.tries", Wait: wait}
	}
	p, ok := s.pairings.take(pairingHash(code), s.now())
	if !ok {
		s.pairTries.add(address, s.now())
		return Paired{}, fail(NotFound, "api.device.code")
	}
	by.Account, by.Team = p.by.Account, p.by.Team
	by.Via = "device"
	d := Device{ID: newID(), Owner: by.team(), Name: p.device.Name, Key: key, Instance: p.device.Instance, User: deviceUser(p.device.Name),
		Version: clipTo(version, maxVersion), CreatedAt: s.now()}
	out := Paired{Device: d, Password: newPassword()}
	err := s.change(ctx, func(tx Tx) (_ Change, err error) {
		if by.Team, _, err = mayEnter(tx, by.Account.ID, by.team(), TeamMember); err != nil { // who made the code may have left
			return Change{}, err
		}
		if _, err := s.mayAddDevice(tx, by, p.device); err != nil {
			return Change{}, err
		}
		u := User{Instance: d.Instance, Name: d.User, Connect: true, Note: "device " + d.Name, Kind: SecretGenerated,
			Secret: s.o.Keys.hashGenerated(d.Instance, d.User, out.Password), CreatedAt: s.now()}
		rule := Rule{Instance: d.Instance, ID: newID(), User: d.User, Effect: Allow, Access: Both, Filter: p.device.Filter, CreatedAt: s.now()}
		if err := tx.Insert(d, u, rule); err != nil {
			return Change{}, err
		}
		return Change{Instance: d.Instance, Recheck: true}, s.audit(tx, by, "device.pair", d.ID, d.Name)
	})
	return out, err
}

// newPairingCode makes 12 letters (51 bits) that are easily read and typed: BCDF-GHJK-MNPQ.
func newPairingCode() string {
	return strings.ToUpper(newInstanceID()[:4] + "-" + newInstanceID()[:4] + "-" + newInstanceID()[:4])
}

// pairingHash is how a code is known, however it was typed.
func pairingHash(code string) [32]byte {
	if len(code) > 64 {
		code = code[:64]
	}
	return hashToken("pair " + strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code)))
}

// clipTo cuts a stranger's text.
func clipTo(text string, limit int) string {
	text = clip(text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}
