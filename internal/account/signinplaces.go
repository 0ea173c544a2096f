package account

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// maxSignInPlaces bounds what is remembered of one account; the place that was used longest ago goes.
const maxSignInPlaces = 50

// newPlace notes from where an account is signed in, and says whether neither that browser at that network was seen
// before. The first place of all, which is that of the sign-up, is no news; an account from before places were kept
// has those of its browsers.
func (s *Service) newPlace(tx Tx, by Actor, acc Account, browsers []BrowserSession) (fresh bool, err error) {
	now := s.now()
	p := SignInPlace{Account: acc.ID, Browser: browserFamily(by.Agent), Network: networkOf(by.Remote), FirstAt: now, LastAt: now}
	have, err := tx.SignInPlaces(acc.ID)
	if err != nil {
		return false, err
	}
	same := func(h SignInPlace) bool { return h.Browser == p.Browser && h.Network == p.Network }
	if i := slices.IndexFunc(have, same); i >= 0 {
		p.FirstAt = have[i].FirstAt
		return false, tx.Save(p)
	}
	if len(have) == 0 {
		for _, b := range browsers {
			old := SignInPlace{Account: acc.ID, Browser: browserFamily(b.Agent), Network: networkOf(b.Remote), FirstAt: b.CreatedAt, LastAt: b.SeenAt}
			if same(old) {
				return false, tx.Insert(p)
			}
			if !slices.ContainsFunc(have, func(h SignInPlace) bool { return h.Browser == old.Browser && h.Network == old.Network }) {
				if have = append(have, old); len(have) > maxSignInPlaces {
					break
				}
				if err := tx.Insert(old); err != nil {
					return false, err
				}
			}
		}
	}
	fresh = len(have) > 0
	if len(have) >= maxSignInPlaces {
		if err := tx.Delete(have[0]); err != nil {
			return false, err
		}
	}
	return fresh, tx.Insert(p)
}

// tellNewPlace posts a letter about a sign-in from a place not seen before, unless the person wants none or has got as many
// as there are in a day.
func (s *Service) tellNewPlace(ctx context.Context, by Actor, acc Account) {
	if acc.QuietSignIns || s.newPlaces.wait(acc.ID, s.now()) > 0 {
		return
	}
	s.newPlaces.add(acc.ID, s.now())
	s.later(ctx, func(ctx context.Context) {
		s.post(ctx, Letter{Kind: LetterNewPlace, To: acc.Email, Language: acc.Language, Remote: clip(by.Remote), Agent: clip(by.Agent),
			Args: []any{"time", s.now().Format("2006-01-02 15:04 UTC")}})
	})
}

// SetQuietSignIns says whether the person wants no mail about sign-ins from new places.
func (s *Service) SetQuietSignIns(ctx context.Context, by Actor, quiet bool) (acc Account, err error) {
	err = s.update(ctx, func(tx Tx) error {
		if acc, err = tx.Account(by.Account.ID); err != nil {
			return err
		}
		acc.QuietSignIns = quiet
		words := "on"
		if quiet {
			words = "off"
		}
		if err := s.audit(tx, by, "account.sign_in_mails", acc.ID, words); err != nil {
			return err
		}
		return tx.Save(acc)
	})
	return acc, err
}

// networkOf is the /24 of an IPv4 address and the /48 of an IPv6 one: where a home or an office goes on being the same.
func networkOf(remote string) string {
	addr, ok := addrOf(remote)
	if !ok {
		return ""
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}

// browserFamily is what a browser goes on being through its versions: its name and its system.
func browserFamily(agent string) string {
	find := func(words ...string) string {
		for _, w := range words {
			if strings.Contains(agent, w) {
				return w
			}
		}
		name, _, _ := strings.Cut(agent, "/")
		return clip(name)
	}
	name := find("Edg", "OPR", "Firefox", "FxiOS", "CriOS", "Chrome", "Safari")
	system := find("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
	return name + ", " + system
}
