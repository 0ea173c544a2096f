package account

import (
	"strings"
	"sync"
	"time"
)

// fence keeps address rules, settings and bans of all instances in memory, as the door asks for them. Its locks are
// taken in the order mu, tallies.mu, bans.mu.
type fence struct {
	now     func() time.Time
	bans    *bans
	tallies *tallies

	mu  sync.RWMutex // guards all
	all map[string]*barrier
}

func newFence(now func() time.Time) *fence {
	return &fence{now: now, bans: newBans(now), tallies: newTallies(), all: map[string]*barrier{}}
}

// of is what an instance has of its own, or nil.
func (f *fence) of(instance string) *barrier {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.all[instance]
}

// put takes over what an instance has now. A rate begins anew when it is another one.
func (f *fence) put(instance string, b *barrier, byHand []Ban) {
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
	f.bans.replace(instance, byHand)
}

// drop forgets an instance.
func (f *fence) drop(instance string) {
	f.put(instance, nil, nil)
	f.bans.drop(instance)
}

// barred is nil for an address from which clients may come. An address that can't be read is let through where nothing
// but who is meant could decide.
func (f *fence) barred(instance, remote string) *Barred {
	b := f.of(instance)
	if b == nil && f.bans.none() { // as it mostly is: nothing to read the address for
		return nil
	}
	addr, ok := addrOf(remote)
	if !ok {
		if b != nil && b.Others == Deny {
			return barredBy("", "an unknown address")
		}
		return nil
	}
	if effect, rule := b.decide(addr); effect == Deny {
		return barredBy(rule, addr.String())
	}
	return f.bans.barred(placeKey{instance, originOf(addr)})
}

// wrong counts a wrong login; digest is that of what was tried. The answer is the ban that it led to, or nil.
func (f *fence) wrong(c Credentials, digest uint64) *Banned {
	addr, ok := addrOf(c.Remote)
	if !ok || c.Instance == "" {
		return nil
	}
	b := f.of(c.Instance)
	g := b.guard()
	if !g.Ban || b.spared(addr) {
		return nil
	}
	key, now := placeKey{c.Instance, originOf(addr)}, f.now()
	f.tallies.mu.Lock() // until the ban holds, so that one who lifts it finds the count or the ban
	defer f.tallies.mu.Unlock()
	t := f.tallies.add(key, g, c, digest, now)
	if t == nil {
		return nil
	}
	return f.bans.shutOut(key, &Banned{Automatic: true, Tries: len(t.seen), Users: t.users, Clients: t.clients,
		Ban: Ban{Instance: c.Instance, Address: AddressKey(addr.String()), Since: now, Until: now.Add(time.Duration(g.BanLength) * time.Second)}})
}

// forgive ends a ban that came by itself, and the count of wrong logins.
func (f *fence) forgive(instance, address string) {
	addr, ok := addrOf(strings.TrimSuffix(address, "/64"))
	if !ok {
		return
	}
	key := placeKey{instance, originOf(addr)}
	f.tallies.mu.Lock()
	defer f.tallies.mu.Unlock()
	f.tallies.forget(key)
	f.bans.end(key)
}

// turnedAway counts a connection that a ban refused.
func (f *fence) turnedAway(instance, remote string) {
	if addr, ok := addrOf(remote); ok {
		f.bans.turnedAway(placeKey{instance, originOf(addr)})
	}
}

// paced says whether one more client may log in now.
func (f *fence) paced(instance string) (ok bool, most int) {
	b := f.of(instance)
	if b == nil || b.pace == nil {
		return true, 0
	}
	return b.pace.AllowN(f.now(), 1), b.ConnectRate
}
