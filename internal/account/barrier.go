package account

import (
	"cmp"
	"net/netip"
	"slices"

	"golang.org/x/time/rate"
)

// barrier is what an instance has of its own. It is never changed, only replaced.
type barrier struct {
	Guard
	rules []barrierRule // the narrowest first
	pace  *rate.Limiter // nil: clients may log in as often as they like
}

type barrierRule struct {
	prefix netip.Prefix
	effect Effect
}

// newBarrier is nil for what is the same as nothing.
func newBarrier(g Guard, rules []AddressRule) *barrier {
	if g == DefaultGuard(g.Instance) && len(rules) == 0 {
		return nil
	}
	b := &barrier{Guard: g}
	for _, r := range rules {
		if p, err := netip.ParsePrefix(r.Prefix); err == nil { // they were judged when they were made
			b.rules = append(b.rules, barrierRule{p, r.Effect})
		}
	}
	slices.SortStableFunc(b.rules, func(x, y barrierRule) int { return cmp.Compare(y.prefix.Bits(), x.prefix.Bits()) })
	if n := g.ConnectRate; n > 0 {
		b.pace = rate.NewLimiter(rate.Limit(float64(n)/60), n)
	}
	return b
}

// decide says what holds for an address, and by which rule.
func (b *barrier) decide(addr netip.Addr) (Effect, string) {
	if b == nil {
		return Allow, ""
	}
	for _, r := range b.rules {
		if r.prefix.Contains(addr) {
			return r.effect, r.prefix.String()
		}
	}
	return b.Others, ""
}

// guard is the settings that hold, the default ones where nothing was chosen.
func (b *barrier) guard() Guard {
	if b == nil {
		return DefaultGuard("")
	}
	return b.Guard
}

// spared says whether an address is never shut out by itself: one that an allow rule names, and those that don't go
// through the Internet, behind which a proxy that doesn't tell its clients' addresses may stand for everybody.
func (b *barrier) spared(addr netip.Addr) bool {
	effect, rule := b.decide(addr)
	return effect == Allow && rule != "" || addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || carrier.Contains(addr)
}

var carrier = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
