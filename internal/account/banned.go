package account

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Bounds of bans.
const (
	maxBans    = 1000   // of an instance: those by themselves and those by hand, each
	maxAllBans = 20_000 // of all instances; then nobody more is shut out by themselves, and wrong logins are only slowed down
)

// Banned is an address that is shut out.
type Banned struct {
	Ban
	Automatic bool     // after wrong logins; it is in memory alone
	Tries     int      // different wrong logins that led to it
	Users     []string // user names that came with them, a few
	Clients   []string // client ids that came with them, a few
	Refused   int      // connections that were turned away since
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

// bans are the addresses that are shut out of instances, by hand and by themselves.
type bans struct {
	now func() time.Time

	mu    sync.RWMutex // guards the fields below
	all   map[placeKey]*Banned
	count map[string]int // those of all that came by themselves, by instance
}

// none says whether nobody is shut out anywhere.
func (b *bans) none() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.all) == 0
}

func newBans(now func() time.Time) *bans {
	return &bans{now: now, all: map[placeKey]*Banned{}, count: map[string]int{}}
}

// replace takes over the bans by hand of an instance.
func (bs *bans) replace(instance string, list []Ban) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for key, one := range bs.all {
		if key.instance == instance && !one.Automatic {
			delete(bs.all, key)
		}
	}
	for _, b := range list {
		bs.keep(b)
	}
}

// add puts bans by hand of any instances in force.
func (bs *bans) add(list []Ban) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for _, b := range list {
		bs.keep(b)
	}
}

// keep puts a ban by hand in force, in the place of one that came by itself. The caller has mu.
func (bs *bans) keep(b Ban) {
	p, err := netip.ParsePrefix(b.Address)
	addr := p.Addr()
	if err != nil {
		if addr, err = netip.ParseAddr(b.Address); err != nil {
			return
		}
	}
	if !b.Until.After(bs.now()) {
		return
	}
	key := placeKey{b.Instance, originOf(addr)}
	bs.lift(key)
	bs.all[key] = &Banned{Ban: b}
}

// drop ends all bans of an instance.
func (bs *bans) drop(instance string) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for key := range bs.all {
		if key.instance == instance {
			bs.lift(key)
		}
	}
}

// end ends a ban.
func (bs *bans) end(key placeKey) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.lift(key)
}

// lift ends a ban. The caller has mu.
func (bs *bans) lift(key placeKey) {
	if b := bs.all[key]; b != nil && b.Automatic {
		if bs.count[key.instance]--; bs.count[key.instance] <= 0 {
			delete(bs.count, key.instance)
		}
	}
	delete(bs.all, key)
}

// barred is nil for an address that isn't shut out.
func (bs *bans) barred(key placeKey) *Barred {
	bs.mu.RLock()
	defer bs.mu.RUnlock()
	if one := bs.all[key]; one != nil && one.Until.After(bs.now()) {
		return one.barred()
	}
	return nil
}

// shutOut puts a ban that came by itself in force. Where an instance has as many as it may, the one that ends first
// goes; where all have, none is made.
func (bs *bans) shutOut(key placeKey, b *Banned) *Banned {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.all[key] != nil && bs.all[key].Until.After(b.Since) {
		return nil
	}
	bs.lift(key)
	if bs.count[key.instance] >= maxBans || len(bs.all) >= maxAllBans {
		bs.sweep(b.Since, key.instance)
	}
	if len(bs.all) >= maxAllBans {
		return nil
	}
	bs.all[key] = b
	bs.count[key.instance]++
	return b
}

// sweep ends the bans that are over and, where an instance still has too many, the one of them that ends first. The
// caller has mu.
func (bs *bans) sweep(now time.Time, instance string) {
	var first placeKey
	var ends time.Time
	for key, b := range bs.all {
		if !b.Until.After(now) {
			bs.lift(key)
		} else if b.Automatic && key.instance == instance && (ends.IsZero() || b.Until.Before(ends)) {
			first, ends = key, b.Until
		}
	}
	if bs.count[instance] >= maxBans {
		bs.lift(first)
	}
}

// turnedAway counts a connection that a ban refused.
func (bs *bans) turnedAway(key placeKey) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if b := bs.all[key]; b != nil {
		b.Refused++
	}
}

// list are the bans of an instance that are in force, the newest first.
func (bs *bans) list(instance string) []Banned {
	bs.mu.RLock()
	defer bs.mu.RUnlock()
	now, list := bs.now(), []Banned{}
	for key, b := range bs.all {
		if key.instance == instance && b.Until.After(now) {
			list = append(list, *b)
		}
	}
	slices.SortFunc(list, func(x, y Banned) int { return cmp.Or(y.Since.Compare(x.Since), cmp.Compare(x.Address, y.Address)) })
	return list
}
