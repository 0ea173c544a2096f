package account

import (
	"context"
	"net/netip"
	"strings"
)

// Bans lists the addresses that are shut out of an instance, the newest first: those by hand, and at most as many that
// came by themselves.
func (s *Service) Bans(ctx context.Context, by Actor, instance string) (list []Banned, err error) {
	err = s.view(ctx, func(r Reader) error {
		_, err := instanceOf(r, by, instance)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.directory.fence.bans.list(instance), nil
}

// NewBan is what a person chooses.
type NewBan struct {
	Address string // an IPv6 address stands for its /64
	Minutes int
	Note    string
}

// CreateBan shuts an address out for a time; its clients are disconnected. One that came by itself, or an earlier one
// by hand, is replaced. See ChangeGuard for sure.
func (s *Service) CreateBan(ctx context.Context, by Actor, instance string, n NewBan, sure bool) (Banned, error) {
	key, err := banAddress(n.Address)
	if err != nil {
		return Banned{}, err
	}
	b := Ban{Instance: instance, Address: key, Since: s.now()}
	if b.Note, err = checkText("note", n.Note, 200, true); err != nil {
		return Banned{}, err
	}
	if b.Until, err = s.banEnds(n.Minutes); err != nil {
		return Banned{}, err
	}
	err = s.changeAddresses(ctx, by, instance, sure, func(tx Tx) (string, string, error) {
		if by.Via == "panel" && !sure && AddressKey(by.Remote) == key {
			return "", "", ownAddress(key)
		}
		have, err := tx.Bans(instance)
		if err != nil {
			return "", "", err
		}
		living := 0
		for _, h := range have { // what is over goes with the next one that is made
			if h.Address == key || !h.Until.After(b.Since) {
				if err := tx.Delete(h); err != nil {
					return "", "", err
				}
			} else {
				living++
			}
		}
		if living >= maxBans {
			return "", "", fail(Limit, "api.address.bans", "limit", maxBans)
		}
		return "ban.create", key + " until " + b.Until.Format("2006-01-02 15:04 UTC"), tx.Insert(b)
	})
	return Banned{Ban: b}, err
}

// LiftBan lets an address in again, and forgets the wrong logins that were counted of it.
func (s *Service) LiftBan(ctx context.Context, by Actor, instance, address string) error {
	key, err := banAddress(address)
	found := false
	for _, b := range s.directory.fence.bans.list(instance) {
		found = found || err == nil && b.Address == key
	}
	err = s.changeAddresses(ctx, by, instance, true, func(tx Tx) (string, string, error) {
		if !found {
			return "", "", notFound()
		}
		return "ban.lift", key, tx.Delete(Ban{Instance: instance, Address: key})
	})
	if err != nil {
		return err
	}
	s.directory.fence.forgive(instance, key)
	return nil
}

// banAddress reads an address as AddressKey writes it.
func banAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil && (p.Bits() == p.Addr().BitLen() || p.Addr().Is6() && p.Bits() == 64) {
		text = p.Addr().String()
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return "", invalid("address", "api.address.one")
	}
	return AddressKey(addr.String()), nil
}
