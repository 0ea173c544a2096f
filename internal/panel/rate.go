package panel

import (
	"fmt"
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

// take uses one request up and says how long to wait when there was none left.
func (r *rates) take(by account.Actor) time.Duration {
	key, limit, burst := "address "+account.AddressKey(by.Remote), rate.Limit(strangerRate), strangerBurst
	if by.Account.ID != "" {
		key, limit, burst = "account "+by.Account.ID, personRate, personBurst
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.keys[key]
	if l == nil {
		if r.keys == nil || len(r.keys) >= ratesMax {
			r.forget()
		}
		l = rate.NewLimiter(limit, burst)
		r.keys[key] = l
	}
	if l.Allow() {
		return 0
	}
	return time.Second
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
