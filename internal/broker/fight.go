package broker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// Two clients that use one client identifier end each other's connection again and again, which looks to each of them
// like a bad network. A client that comes back after its network was gone takes itself over as well, but not so often.
const (
	fightFrom  = 4                // takeovers in a row that make it a fight
	fightPause = time.Minute      // a longer pause begins the row anew
	fightAgain = 10 * time.Minute // between two words about the same fight; so long it is listed, too
	maxFights  = 100              // of an instance that are listed
)

// fight counts takeovers of one client identifier in a row. It goes on with the connection that takes over.
type fight struct {
	count int32
	since int64 // ms of the broker's clock
	last  int64
}

// Fight is a client identifier that is fought for.
type Fight struct {
	Client    string
	Users     []string  // who log in with it, one or two
	Addresses []string  // from which, one or two: without ports
	Takeovers int       // in a row
	Since     time.Time // of the first of them
	Last      time.Time
	told      time.Time
}

// fights are those of an instance that go on.
type fights struct {
	mu  sync.Mutex
	all map[string]*Fight // guarded by mu: by client id
}

// fightOn counts that next takes the place of was, and says so when it has become a fight.
func (b *Broker) fightOn(was, next *Client) {
	ms, f := b.clock.ms(), was.seldom().fight
	if f.count == 0 || ms-f.last > fightPause.Milliseconds() {
		f = fight{since: ms}
	}
	f.count++
	f.last = ms
	next.seldom().fight = f
	if f.count < fightFrom {
		return
	}
	if e := b.fights.note(was, next, b.clock.now()); e != nil {
		b.event(*e)
	}
}

// note keeps a fight; it answers with a line for the log when it is time for one.
func (k *fights) note(was, next *Client, now time.Time) *Event {
	f := next.seldom().fight
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(now)
	one := k.all[was.s.id]
	if one == nil {
		if len(k.all) >= maxFights {
			return nil
		}
		if k.all == nil {
			k.all = map[string]*Fight{}
		}
		one = &Fight{Client: was.s.id}
		k.all[was.s.id] = one
	}
	one.Takeovers, one.Since, one.Last = int(f.count), now.Add(time.Duration(f.since-f.last)*time.Millisecond), now
	one.Users = pair(was.user, next.user)
	one.Addresses = pair(hostOf(was.remote), hostOf(next.remote))
	if !one.told.IsZero() && now.Sub(one.told) < fightAgain {
		return nil
	}
	one.told = now
	return &Event{Kind: "fight", Client: one.Client, User: next.user, Remote: next.remote, Gate: "listener", Rule: "client_id",
		Reason: mqtt.SessionTakenOver, Count: int(f.count), Cause: one.words()}
}

// words say what happens and what to do about it.
func (f *Fight) words() string {
	if len(f.Addresses) > 1 {
		return fmt.Sprintf("two clients use this client identifier, from %s, and end each other's connection: give each its own",
			strings.Join(f.Addresses, " and "))
	}
	return fmt.Sprintf("this client identifier connects from %s again and again while it is connected: two clients behind one address, "+
		"or one that begins anew without closing its connection; give each client its own", f.Addresses[0])
}

// drop forgets what is over. Callers hold mu.
func (k *fights) drop(now time.Time) {
	for id, f := range k.all {
		if now.Sub(f.Last) > fightAgain {
			delete(k.all, id)
		}
	}
}

// Fights lists the client identifiers that were fought for in the last ten minutes, the newest first.
func (b *Broker) Fights() []Fight {
	k := &b.fights
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(b.clock.now())
	list := make([]Fight, 0, len(k.all))
	for _, f := range k.all {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(x, y Fight) int { return cmp.Or(y.Last.Compare(x.Last), cmp.Compare(x.Client, y.Client)) })
	return list
}

// pair is one or two different texts, in order.
func pair(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{min(a, b), max(a, b)}
}

// hostOf is an address without its port.
func hostOf(remote string) string {
	at := strings.LastIndexByte(remote, ':')
	if at < 0 || strings.IndexByte(remote, ':') != at && !strings.HasPrefix(remote, "[") {
		return remote // no port, or an IPv6 address alone
	}
	return strings.Trim(remote[:at], "[]")
}
