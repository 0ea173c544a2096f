package account

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// failures counts failed tries by key, each with a budget that refills. Asking doesn't cost; failing does. At most
// max keys are kept: when full, keys with a whole budget go first, then any.
type failures struct {
	every time.Duration // one more try after
	burst int
	max   int

	mu   sync.Mutex // guards keys
	keys map[string]*rate.Limiter
}

func newFailures(burst int, every time.Duration, max int) *failures {
	return &failures{every: every, burst: burst, max: max, keys: map[string]*rate.Limiter{}}
}

// wait is how long key has to wait before its next try; 0 means go on.
func (f *failures) wait(key string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.keys[key]
	if l == nil {
		return 0
	}
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing * float64(f.every)).Round(time.Millisecond)
}

// add counts one failure.
func (f *failures) add(key string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.keys[key]
	if l == nil {
		if len(f.keys) >= f.max {
			f.makeRoom(now)
		}
		l = rate.NewLimiter(rate.Every(f.every), f.burst)
		f.keys[key] = l
	}
	l.AllowN(now, 1)
}

// forget clears key after a success.
func (f *failures) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.keys, key)
}

func (f *failures) makeRoom(now time.Time) {
	for k, l := range f.keys {
		if l.TokensAt(now) >= float64(f.burst) {
			delete(f.keys, k)
		}
	}
	for k := range f.keys {
		if len(f.keys) < f.max {
			break
		}
		delete(f.keys, k)
	}
}

// known remembers pairs that were seen to be good, such as account and address, at most max; any goes when full.
type known struct {
	max int

	mu    sync.Mutex // guards pairs
	pairs map[[2]string]struct{}
}

func newKnown(max int) *known { return &known{max: max, pairs: map[[2]string]struct{}{}} }

func (k *known) add(a, b string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.pairs) >= k.max {
		for p := range k.pairs {
			delete(k.pairs, p)
			break
		}
	}
	k.pairs[[2]string{a, b}] = struct{}{}
}

func (k *known) has(a, b string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.pairs[[2]string{a, b}]
	return ok
}

// AddressKey is what limits count a peer by: its IPv4 address or the /64 of its IPv6 address, without the port.
func AddressKey(remote string) string {
	a, err := netip.ParseAddr(remote)
	if err != nil {
		with, err := netip.ParseAddrPort(remote)
		if err != nil {
			return remote
		}
		a = with.Addr()
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
