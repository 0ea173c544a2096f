package editor

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Sign-in attempts: so many for a user name from one address, in so long a time.
const (
	maxAttempts    = 5
	attemptsTime   = 10 * time.Minute
	maxAttemptKeys = 10_000 // names and addresses remembered at once; then everybody new has to wait
)

// attempts counts failed sign-ins.
type attempts struct {
	mu    sync.Mutex
	tried map[string][]time.Time
}

// take counts an attempt and tells whether it may be made.
func (a *attempts) take(key string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tried == nil {
		a.tried = map[string][]time.Time{}
	}
	recent := a.tried[key][:0]
	for _, t := range a.tried[key] {
		if now.Sub(t) < attemptsTime {
			recent = append(recent, t)
		}
	}
	if len(recent) >= maxAttempts {
		a.tried[key] = recent
		return false
	}
	if _, known := a.tried[key]; !known && len(a.tried) >= maxAttemptKeys && !a.sweep(now) {
		return false
	}
	a.tried[key] = append(recent, now)
	return true
}

// clear forgets the attempts of somebody who came in.
func (a *attempts) clear(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tried, key)
}

// sweep makes room and tells whether there is some.
func (a *attempts) sweep(now time.Time) bool {
	for key, times := range a.tried {
		if len(times) == 0 || now.Sub(times[len(times)-1]) >= attemptsTime {
			delete(a.tried, key)
		}
	}
	return len(a.tried) < maxAttemptKeys
}

// remote is the address a request comes from. A child of the platform gets its requests through a socket that only the
// platform can use, so there the platform's word is taken.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if _, bad := netip.ParseAddr(host); err == nil && bad == nil {
		return host
	}
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
	return strings.TrimSpace(first)
}

// network is the part of an address that one customer of a provider has: all of IPv4, the first 64 bits of IPv6.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil || ip.Unmap().Is4() {
		return addr
	}
	p, _ := ip.WithZone("").Prefix(64)
	return p.String()
}
