package account

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Bounds of guards and address rules.
const (
	maxAddressRules = 200 // of an instance
	maxBanTries     = 100
	maxBanWindow    = 24 * 3600      // seconds
	maxBanLength    = 30 * 24 * 3600 // seconds, of a ban that comes by itself
	maxBanDays      = 365            // of a ban by hand
	maxConnectRate  = 1_000_000      // a minute
)

// Whereabouts is how it is with the address that asks.
type Whereabouts struct {
	Address string
	Allowed bool
	Rule    string // the range that decides; "" for none
}

// Guard reads from where clients may come to an instance, and how it is with the actor's own address.
func (s *Service) Guard(ctx context.Context, by Actor, instance string) (g Guard, you Whereabouts, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		if g, err = guardOf(r, instance); err != nil {
			return err
		}
		rules, err := r.AddressRules(instance)
		you = whereaboutsOf(newBarrier(g, rules), by.Remote)
		return err
	})
	return g, you, err
}

func whereaboutsOf(b *barrier, remote string) Whereabouts {
	addr, ok := addrOf(remote)
	if !ok {
		return Whereabouts{Address: remote, Allowed: b == nil || b.Others == Allow}
	}
	effect, rule := b.decide(addr)
	return Whereabouts{addr.String(), effect == Allow, rule}
}

// GuardChange is what changes of a guard; nil stays as it is.
type GuardChange struct {
	Others      *Effect
	Ban         *bool
	BanTries    *int
	BanWindow   *int
	BanLength   *int
	ConnectRate *int
}

// ChangeGuard changes from where clients may come. It holds at once: who may not come any more is disconnected. Where
// that would concern the browser that asks, it is refused unless sure.
func (s *Service) ChangeGuard(ctx context.Context, by Actor, instance string, c GuardChange, sure bool) (g Guard, you Whereabouts, err error) {
	err = s.changeAddresses(ctx, by, instance, sure, func(tx Tx) (string, string, error) {
		found, err := tx.Guard(instance)
		have, fresh, err := orPreset(found, err, DefaultGuard(instance))
		if err != nil {
			return "", "", err
		}
		if g, err = c.apply(have); err != nil {
			return "", "", err
		}
		if err := s.fresh(ctx, have); err != nil {
			return "", "", err
		}
		return "guard.change", g.words(), writeOne(tx, fresh, g)
	})
	if err == nil {
		_, you, err = s.Guard(ctx, by, instance)
	}
	return g, you, err
}

func (c GuardChange) apply(g Guard) (Guard, error) {
	set(&g.Others, c.Others)
	set(&g.Ban, c.Ban)
	set(&g.BanTries, c.BanTries)
	set(&g.BanWindow, c.BanWindow)
	set(&g.BanLength, c.BanLength)
	set(&g.ConnectRate, c.ConnectRate)
	switch {
	case g.Others != Allow && g.Others != Deny:
		return g, invalid("others", "api.address.effect")
	case g.BanTries < 3 || g.BanTries > maxBanTries:
		return g, invalid("ban_tries", "api.address.number", "least", 3, "most", maxBanTries)
	case g.BanWindow < 10 || g.BanWindow > maxBanWindow:
		return g, invalid("ban_window", "api.address.number", "least", 10, "most", maxBanWindow)
	case g.BanLength < 60 || g.BanLength > maxBanLength:
		return g, invalid("ban_length", "api.address.number", "least", 60, "most", maxBanLength)
	case g.ConnectRate < 0 || g.ConnectRate > maxConnectRate:
		return g, invalid("connect_rate", "api.address.number", "least", 0, "most", maxConnectRate)
	}
	return g, nil
}

func (g Guard) words() string {
	w := "others " + string(g.Others)
	if g.Ban {
		w += fmt.Sprintf(", ban after %d in %d s for %d s", g.BanTries, g.BanWindow, g.BanLength)
	}
	if g.ConnectRate > 0 {
		w += fmt.Sprintf(", %d connects a minute", g.ConnectRate)
	}
	return w
}

// AddressRules lists the address rules of an instance, oldest first.
func (s *Service) AddressRules(ctx context.Context, by Actor, instance string) (list []AddressRule, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.AddressRules(instance)
		return err
	})
	return list, err
}

// AddressRule reads one address rule.
func (s *Service) AddressRule(ctx context.Context, by Actor, instance, id string) (a AddressRule, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		a, err = r.AddressRule(instance, id)
		return err
	})
	return a, err
}

// NewAddressRule is what a person chooses: an address or a range, and what becomes of clients from there.
type NewAddressRule struct {
	Prefix string
	Effect Effect
	Note   string
}

// CreateAddressRule makes an address rule; it holds at once, and see ChangeGuard for sure.
func (s *Service) CreateAddressRule(ctx context.Context, by Actor, instance string, n NewAddressRule, sure bool) (a AddressRule, err error) {
	a = AddressRule{Instance: instance, ID: newID(), CreatedAt: s.now()}
	if err := a.apply(n); err != nil {
		return AddressRule{}, err
	}
	err = s.changeAddresses(ctx, by, instance, sure, func(tx Tx) (string, string, error) {
		have, err := tx.AddressRules(instance)
		if err != nil {
			return "", "", err
		}
		if len(have) >= maxAddressRules {
			return "", "", fail(Limit, "api.address.limit", "limit", maxAddressRules)
		}
		return "address.create", a.words(), oneOf(have, a, tx.Insert)
	})
	return a, err
}

// oneOf writes a rule whose range no other one has.
func oneOf(have []AddressRule, a AddressRule, write func(...Row) error) error {
	if slices.ContainsFunc(have, func(h AddressRule) bool { return h.ID != a.ID && h.Prefix == a.Prefix }) {
		return fail(Conflict, "api.address.twice", "prefix", a.Prefix)
	}
	return write(a)
}

// ChangeAddressRule changes an address rule; it holds at once, and see ChangeGuard for sure.
func (s *Service) ChangeAddressRule(ctx context.Context, by Actor, instance, id string, n NewAddressRule, sure bool) (a AddressRule, err error) {
	err = s.changeAddresses(ctx, by, instance, sure, func(tx Tx) (string, string, error) {
		if a, err = tx.AddressRule(instance, id); err != nil {
			return "", "", err
		}
		was := a
		if err := a.apply(n); err != nil {
			return "", "", err
		}
		have, err := tx.AddressRules(instance)
		if err != nil {
			return "", "", err
		}
		return "address.change", was.words() + " → " + a.words(), oneOf(have, a, func(rows ...Row) error { return s.replace(ctx, tx, was, a) })
	})
	return a, err
}

// DeleteAddressRule deletes an address rule; that holds at once, and see ChangeGuard for sure.
func (s *Service) DeleteAddressRule(ctx context.Context, by Actor, instance, id string, sure bool) error {
	return s.changeAddresses(ctx, by, instance, sure, func(tx Tx) (string, string, error) {
		a, err := tx.AddressRule(instance, id)
		if err != nil {
			return "", "", err
		}
		return "address.delete", a.words(), s.remove(ctx, tx, a)
	})
}

// changeAddresses carries out a change, which says what it was for the audit.
func (s *Service) changeAddresses(ctx context.Context, by Actor, instance string, sure bool, f func(Tx) (action, detail string, err error)) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		before, _, err := readBarrier(tx, instance)
		if err != nil {
			return Change{}, err
		}
		action, detail, err := f(tx)
		if err != nil {
			return Change{}, err
		}
		after, _, err := readBarrier(tx, instance)
		if err != nil {
			return Change{}, err
		}
		if you := whereaboutsOf(after, by.Remote); by.Via == "panel" && !sure && !you.Allowed && whereaboutsOf(before, by.Remote).Allowed {
			return Change{}, ownAddress(you.Address)
		}
		return Change{Instance: instance, Addresses: true}, s.audit(tx, by, action, instance, detail)
	})
}

func (a *AddressRule) apply(n NewAddressRule) (err error) {
	if a.Effect = n.Effect; n.Effect != Allow && n.Effect != Deny {
		return invalid("effect", "api.address.effect")
	}
	if a.Prefix, err = checkPrefix(n.Prefix); err != nil {
		return err
	}
	a.Note, err = checkText("note", n.Note, 200, true)
	return err
}

func (a AddressRule) words() string { return string(a.Effect) + " " + a.Prefix }

// checkPrefix reads an address or a range and writes it in one way: bits that don't count are 0, IPv4 within IPv6 is
// IPv4.
func checkPrefix(text string) (string, error) {
	text = strings.TrimSpace(text)
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return "", invalid("prefix", "api.address.prefix")
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return "", invalid("prefix", "api.address.prefix")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked().String(), nil
}

// banEnds is when a ban by hand of some minutes ends.
func (s *Service) banEnds(minutes int) (time.Time, error) {
	if minutes < 1 || minutes > maxBanDays*24*60 {
		return time.Time{}, invalid("minutes", "api.address.number", "least", 1, "most", maxBanDays*24*60)
	}
	return s.now().Add(time.Duration(minutes) * time.Minute), nil
}

// ownAddress asks a person once more, before something that concerns where they are.
func ownAddress(address string) *Error {
	return &Error{Code: Conflict, Key: "api.address.own", Field: "sure", Args: []any{"address", address}}
}
