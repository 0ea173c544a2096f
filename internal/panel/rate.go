package panel

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tsunagi/internal/account"
)

// Requests that one person, or one address without a person, may make: at once and a second.
const (
	personBurst, personRate     = 200, 40
	strangerBurst, strangerRate = 60, 10
	ratesMax                    = 20_000 // keys that are remembered
)

// rates bound how often one caller may ask.
type rates struct {
	mu   sync.Mutex // guards keys
	keys map[string]*rate.Limiter
}

// allowance is what a caller has left.
type allowance struct {
	name  string // of the policy
	rate  float64
	burst int
	left  int
	wait  time.Duration // 0: this request is let through
}

// take uses one request up.
func (r *rates) take(by account.Actor) allowance {
	a, key := allowance{name: "address", rate: strangerRate, burst: strangerBurst}, "address "+account.AddressKey(by.Remote)
	if by.Account.ID != "" {
		a, key = allowance{name: "account", rate: personRate, burst: personBurst}, "account "+by.Account.ID
	}
	return r.use(key, a)
}

// use takes one from what a key is allowed.
func (r *rates) use(key string, a allowance) allowance {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.keys[key]
	if l == nil {
		if r.keys == nil || len(r.keys) >= ratesMax {
			r.forget()
		}
		l = rate.NewLimiter(rate.Limit(a.rate), a.burst)
		r.keys[key] = l
	}
	if !l.Allow() {
		a.wait = max(time.Second, time.Duration(float64(time.Second)/a.rate))
	}
	a.left = max(0, int(l.Tokens()))
	return a
}

// tell puts an allowance into an answer's headers (draft-ietf-httpapi-ratelimit-headers): q requests in w seconds, of
// which r are left and all are back in t seconds.
func (a allowance) tell(h http.Header) {
	seconds := func(requests int) int { return int(math.Ceil(float64(requests) / a.rate)) }
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", a.name, a.burst, seconds(a.burst)))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", a.name, a.left, seconds(a.burst-a.left)))
}

// busy is the refusal of a caller who has nothing left.
func (a allowance) busy() error {
	return &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: a.wait}
}

// forget drops callers who could ask as often as anybody; when all are busy, everybody begins anew.
func (r *rates) forget() {
	kept := map[string]*rate.Limiter{}
	for key, l := range r.keys {
		if l.Tokens() < float64(l.Burst()) {
			kept[key] = l
		}
	}
	if len(kept) >= ratesMax {
		clear(kept)
	}
	r.keys = kept
}

// remoteHost is the peer's address without its port.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// panicked is a panic as an error, with the place for the log.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, debug.Stack()) }
