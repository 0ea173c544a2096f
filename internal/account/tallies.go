package account

import (
	"slices"
	"sync"
	"time"
)

// Bounds of what is counted of strangers.
const (
	maxTallies = 10_000 // addresses whose wrong logins are counted; then any is forgotten
	maxTried   = 5      // user names, and client ids, that are remembered of an address
	triedBytes = 64     // of one of them
)

// tallies count the wrong logins of addresses that aren't shut out yet.
type tallies struct {
	mu  sync.Mutex // guards all
	all map[placeKey]*tally
}

// tally counts the wrong logins of an address. The same one again is no guess: a device with an old password is not
// shut out, and its neighbours behind the same address aren't, either.
type tally struct {
	since          time.Time
	seen           []uint64 // digests of what was tried, under a key of this process
	users, clients []string
}

func newTallies() *tallies { return &tallies{all: map[placeKey]*tally{}} }

// add counts a wrong login; digest is that of what was tried. When there were as many as the guard bears, the answer
// is the tally, which is kept no longer; else it is nil. The caller has mu.
func (ts *tallies) add(key placeKey, g Guard, c Credentials, digest uint64, now time.Time) *tally {
	t := ts.all[key]
	if t == nil || now.Sub(t.since) > time.Duration(g.BanWindow)*time.Second {
		if t == nil && len(ts.all) >= maxTallies {
			ts.makeRoom(now)
		}
		t = &tally{since: now}
		ts.all[key] = t
	}
	if slices.Contains(t.seen, digest) {
		return nil
	}
	t.seen = append(t.seen, digest)
	t.users, t.clients = remember(t.users, c.User), remember(t.clients, c.ClientID)
	if len(t.seen) < g.BanTries {
		return nil
	}
	ts.forget(key)
	return t
}

// forget begins anew with an address. The caller has mu.
func (ts *tallies) forget(key placeKey) { delete(ts.all, key) }

// makeRoom forgets tallies that say nothing any more, else any. The caller has mu.
func (ts *tallies) makeRoom(now time.Time) {
	for key, t := range ts.all {
		if now.Sub(t.since) > time.Duration(maxBanWindow)*time.Second {
			delete(ts.all, key)
		}
	}
	for key := range ts.all {
		if len(ts.all) < maxTallies {
			return
		}
		delete(ts.all, key)
	}
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
