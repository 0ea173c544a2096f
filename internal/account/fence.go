package account

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of what is kept of addresses in memory.
const (
	maxBans    = 1000   // of an instance: those by themselves and those by hand, each
	maxAllBans = 20_000 // of all instances; then nobody more is shut out by themselves, and wrong logins are only slowed down
	maxTallies = 10_000 // addresses whose wrong logins are counted; then any is forgotten
	maxTried   = 5      // user names, and client ids, that are remembered of an address
	triedBytes = 64     // of one of them
)

// fence keeps address rules, settings and bans of all instances in memory, as the door asks for them.
type fence struct {
	now func() time.Time

	mu     sync.RWMutex // guards the fields below
	all    map[string]*barrier
	banned map[placeKey]*Banned
	count  map[string]int // bans in banned that came by themselves, by instance

	tallyMu sync.Mutex // guards tallies; taken before mu
	tallies map[placeKey]*tally
}

// placeKey is an address that comes to an instance; an IPv6 address stands for its /64.
type placeKey struct {
	instance string
	origin   netip.Addr
}

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

// Banned is an address that is shut out.
type Banned struct {
	Ban
	Automatic bool     // after wrong logins; it is in memory alone
	Tries     int      // different wrong logins that led to it
	Users     []string // user names that came with them, a few
	Clients   []string // client ids that came with them, a few
	Refused   int      // connections that were turned away since
}

// tally counts the wrong logins of an address. The same one again is no guess: a device with an old password is not
// shut out, and its neighbours behind the same address aren't, either.
type tally struct {
	since          time.Time
	seen           []uint64 // digests of what was tried, under a key of this process
	users, clients []string
}

// Barred is why clients may not come from an address.
type Barred struct {
	Ban       bool
	Automatic bool   // a ban that came by itself: who is connected may stay
	Rule      string // the range that decides, or why the ban is
	Cause     string // in words, with what to change
	Until     time.Time
}

func newFence(now func() time.Time) *fence {
	return &fence{now: now, all: map[string]*barrier{}, banned: map[placeKey]*Banned{}, count: map[string]int{}, tallies: map[placeKey]*tally{}}
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

// addrOf reads an address with or without a port.
func addrOf(remote string) (netip.Addr, bool) {
	with, err := netip.ParseAddrPort(remote)
	a := with.Addr()
	if err != nil {
		if a, err = netip.ParseAddr(remote); err != nil {
			return a, false
		}
	}
	return a.Unmap().WithZone(""), true
}

// originOf is what an address is counted by: an IPv6 peer has a whole /64 to choose from.
func originOf(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// put takes over what an instance has now. A rate begins anew when it is another one.
func (f *fence) put(instance string, b *barrier, bans []Ban) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if was := f.all[instance]; was != nil && b != nil && was.ConnectRate == b.ConnectRate {
		b.pace = was.pace
	}
	if b == nil {
		delete(f.all, instance)
	} else {
		f.all[instance] = b
	}
	for key, one := range f.banned {
		if key.instance == instance && !one.Automatic {
			delete(f.banned, key)
		}
	}
	for _, ban := range bans {
		f.keep(ban)
	}
}

// keep puts a ban by hand in force, in the place of one that came by itself. The caller has mu.
func (f *fence) keep(b Ban) {
	p, err := netip.ParsePrefix(b.Address)
	addr := p.Addr()
	if err != nil {
		if addr, err = netip.ParseAddr(b.Address); err != nil {
			return
		}
	}
	if !b.Until.After(f.now()) {
		return
	}
	key := placeKey{b.Instance, originOf(addr)}
	f.lift(key)
	f.banned[key] = &Banned{Ban: b}
}

// drop forgets an instance.
func (f *fence) drop(instance string) {
	f.put(instance, nil, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.banned {
		if key.instance == instance {
			f.lift(key)
		}
	}
}

// lift ends a ban. The caller has mu.
func (f *fence) lift(key placeKey) {
	if b := f.banned[key]; b != nil && b.Automatic {
		if f.count[key.instance]--; f.count[key.instance] <= 0 {
			delete(f.count, key.instance)
		}
	}
	delete(f.banned, key)
}

// barred is nil for an address from which clients may come. An address that can't be read is let through where nothing
// but who is meant could decide.
func (f *fence) barred(instance, remote string) *Barred {
	addr, ok := addrOf(remote)
	f.mu.RLock()
	defer f.mu.RUnlock()
	b := f.all[instance]
	if !ok {
		if b != nil && b.Others == Deny {
			return barredBy("", "an unknown address")
		}
		return nil
	}
	if effect, rule := b.decide(addr); effect == Deny {
		return barredBy(rule, addr.String())
	}
	if one := f.banned[placeKey{instance, originOf(addr)}]; one != nil && one.Until.After(f.now()) {
		return one.barred()
	}
	return nil
}

func barredBy(rule, addr string) *Barred {
	if rule == "" {
		return &Barred{Rule: "everybody else", Cause: "no address rule of this instance lets clients come from " + addr + ": add one on the addresses page"}
	}
	return &Barred{Rule: rule, Cause: "an address rule of this instance refuses clients from " + addr + ": change it on the addresses page"}
}

func (b *Banned) barred() *Barred {
	return &Barred{Ban: true, Automatic: b.Automatic, Until: b.Until, Rule: b.Rule(), Cause: b.Cause()}
}

// Rule says in few words why an address is shut out.
func (b *Banned) Rule() string {
	if b.Automatic {
		return fmt.Sprintf("%d wrong logins", b.Tries)
	}
	return "by hand"
}

// Cause says it for the log.
func (b *Banned) Cause() string {
	until := b.Until.UTC().Format("2006-01-02 15:04:05 UTC")
	if b.Automatic {
		return "after too many different wrong logins this address is shut out until " + until + ": lift the ban on the addresses page"
	}
	return "this address is shut out until " + until + ": lift the ban on the addresses page"
}

// spared says whether an address is never shut out by itself: one that an allow rule names, and those that don't go
// through the Internet, behind which a proxy that doesn't tell its clients' addresses may stand for everybody.
func (b *barrier) spared(addr netip.Addr) bool {
	effect, rule := b.decide(addr)
	return effect == Allow && rule != "" || addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || carrier.Contains(addr)
}

var carrier = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// wrong counts a wrong login; digest is that of what was tried. The answer is the ban that it led to, or nil.
func (f *fence) wrong(c Credentials, digest uint64) *Banned {
	addr, ok := addrOf(c.Remote)
	if !ok || c.Instance == "" {
		return nil
	}
	f.mu.RLock()
	b := f.all[c.Instance]
	f.mu.RUnlock()
	g, now := b.guard(), f.now()
	if !g.Ban || b.spared(addr) {
		return nil
	}
	key := placeKey{c.Instance, originOf(addr)}
	f.tallyMu.Lock()
	defer f.tallyMu.Unlock()
	t := f.tallies[key]
	if t == nil || now.Sub(t.since) > time.Duration(g.BanWindow)*time.Second {
		if t == nil && len(f.tallies) >= maxTallies {
			f.makeRoom(now)
		}
		t = &tally{since: now}
		f.tallies[key] = t
	}
	if slices.Contains(t.seen, digest) {
		return nil
	}
	t.seen = append(t.seen, digest)
	t.users, t.clients = remember(t.users, c.User), remember(t.clients, c.ClientID)
	if len(t.seen) < g.BanTries {
		return nil
	}
	delete(f.tallies, key)
	return f.shutOut(key, &Banned{Automatic: true, Tries: len(t.seen), Users: t.users, Clients: t.clients,
		Ban: Ban{Instance: c.Instance, Address: AddressKey(addr.String()), Since: now, Until: now.Add(time.Duration(g.BanLength) * time.Second)}})
}

// remember adds a name of a stranger to a short list.
func remember(list []string, name string) []string {
	name = clip(name)
	for len(name) > triedBytes {
		cut := []rune(name)
		name = string(cut[:len(cut)-1-len(cut)/8]) + "…"
	}
	if name == "" || len(list) >= maxTried || slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// makeRoom forgets tallies that say nothing any more, else any. The caller has tallyMu.
func (f *fence) makeRoom(now time.Time) {
	for key, t := range f.tallies {
		if now.Sub(t.since) > time.Duration(maxBanWindow)*time.Second {
			delete(f.tallies, key)
		}
	}
	for key := range f.tallies {
		if len(f.tallies) < maxTallies {
			return
		}
		delete(f.tallies, key)
	}
}

// shutOut puts a ban that came by itself in force. Where an instance has as many as it may, the one that ends first
// goes; where all have, none is made.
func (f *fence) shutOut(key placeKey, b *Banned) *Banned {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.banned[key] != nil && f.banned[key].Until.After(b.Since) {
		return nil
	}
	f.lift(key)
	if f.count[key.instance] >= maxBans || len(f.banned) >= maxAllBans {
		f.sweep(b.Since, key.instance)
	}
	if len(f.banned) >= maxAllBans {
		return nil
	}
	f.banned[key] = b
	f.count[key.instance]++
	return b
}

// sweep ends the bans that are over and, where an instance still has too many, the one of them that ends first. The
// caller has mu.
func (f *fence) sweep(now time.Time, instance string) {
	var first placeKey
	var ends time.Time
	for key, b := range f.banned {
		if !b.Until.After(now) {
			f.lift(key)
		} else if b.Automatic && key.instance == instance && (ends.IsZero() || b.Until.Before(ends)) {
			first, ends = key, b.Until
		}
	}
	if f.count[instance] >= maxBans {
		f.lift(first)
	}
}

// turnedAway counts a connection that a ban refused.
func (f *fence) turnedAway(instance, remote string) {
	addr, ok := addrOf(remote)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.banned[placeKey{instance, originOf(addr)}]; b != nil {
		b.Refused++
	}
}

// paced says whether one more client may log in now.
func (f *fence) paced(instance string) (ok bool, most int) {
	f.mu.RLock()
	b := f.all[instance]
	f.mu.RUnlock()
	if b == nil || b.pace == nil {
		return true, 0
	}
	return b.pace.AllowN(f.now(), 1), b.ConnectRate
}

// list are the bans of an instance that are in force, the newest first.
func (f *fence) list(instance string) []Banned {
	f.mu.RLock()
	defer f.mu.RUnlock()
	now, list := f.now(), []Banned{}
	for key, b := range f.banned {
		if key.instance == instance && b.Until.After(now) {
			list = append(list, *b)
		}
	}
	slices.SortFunc(list, func(x, y Banned) int { return cmp.Or(y.Since.Compare(x.Since), cmp.Compare(x.Address, y.Address)) })
	return list
}
