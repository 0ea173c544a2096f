package cert

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// Waits between attempts to get the certificate of a customer's own name, and attempts at once.
const (
	ownFirst   = time.Minute
	ownMost    = 6 * time.Hour
	ownLimited = 3 * time.Hour // after the authority has said that there were too many
	ownAtOnce  = 4
	ownTime    = 5 * time.Minute // of one attempt
)

// owns are the names that customers have proven to be theirs. They come and go while the server runs, and can only be
// checked over the network, as their zones aren't ours.
type owns struct {
	mu     sync.Mutex // guards the fields below
	ctx    context.Context
	names  map[string]*ownName
	places chan struct{}
	work   sync.WaitGroup
}

// ownName is one of them while it is wanted. The channel asks for an attempt at once.
type ownName struct {
	again  chan struct{}
	cancel context.CancelFunc
	next   time.Time // of the next attempt; zero while one is under way, and once there is a certificate
}

// SetOwn says which names of customers are to have certificates, instead of those of the call before. Names that are new
// get theirs after Start, in the background; those that are left out are served no more.
func (a *ACME) SetOwn(names []string) {
	a.own.mu.Lock()
	defer a.own.mu.Unlock()
	if a.own.names == nil {
		a.own.names = map[string]*ownName{}
	}
	for name, o := range a.own.names {
		if !slices.Contains(names, name) {
			if o.cancel != nil {
				o.cancel()
			}
			delete(a.own.names, name)
			a.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
			a.forget(name)
		}
	}
	for _, name := range names {
		if a.own.names[name] == nil && !slices.Contains(a.managed, name) {
			a.own.names[name] = &ownName{again: make(chan struct{}, 1)}
			a.startOwn(name)
		}
	}
}

// TryOwn has an attempt for a name that has no certificate begin now.
func (a *ACME) TryOwn(name string) {
	a.own.mu.Lock()
	defer a.own.mu.Unlock()
	if o := a.own.names[name]; o != nil {
		select {
		case o.again <- struct{}{}:
		default: // asked for already
		}
	}
}

// OwnState tells how the certificate of a customer's name is. Next is zero while an attempt is under way.
func (a *ACME) OwnState(name string) (s State, next time.Time) {
	s = State{Names: []string{name}, Source: "acme", Missing: a.o.HTTP == nil && a.o.HTTPS == nil}
	if crt := a.stored(name); crt != nil {
		s.of(crt)
	}
	a.mu.Lock()
	f := a.faults[name]
	a.mu.Unlock()
	s.Problem, s.Since = f.Cause, f.Since
	a.own.mu.Lock()
	defer a.own.mu.Unlock()
	if o := a.own.names[name]; o != nil {
		next = o.next
	}
	return s, next
}

func (a *ACME) forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.faults, name)
}

// beginOwn starts what SetOwn has noted before Start.
func (a *ACME) beginOwn(ctx context.Context) {
	a.own.mu.Lock()
	defer a.own.mu.Unlock()
	a.own.ctx, a.own.places = ctx, make(chan struct{}, ownAtOnce)
	for name := range a.own.names {
		a.startOwn(name)
	}
}

// startOwn begins to get a certificate. The caller holds own.mu.
func (a *ACME) startOwn(name string) {
	if a.own.ctx == nil || a.own.ctx.Err() != nil || a.o.HTTP == nil && a.o.HTTPS == nil {
		return
	}
	o := a.own.names[name]
	ctx, cancel := context.WithCancel(a.own.ctx)
	o.cancel = cancel
	a.own.work.Go(func() { a.obtainOwn(ctx, name, o) }) // ends with ctx, or with a certificate that the cache then renews
}

// obtainOwn tries until there is a certificate.
func (a *ACME) obtainOwn(ctx context.Context, name string, o *ownName) {
	for wait := ownFirst; ; wait = min(4*wait, ownMost) {
		err := a.attemptOwn(ctx, name)
		if err == nil || ctx.Err() != nil {
			if ctx.Err() != nil {
				a.dropOwn(name)
			}
			return
		}
		pause := wait
		if p, ok := errors.AsType[acme.Problem](err); ok && p.Type == acme.ProblemTypeRateLimited {
			pause = max(pause, ownLimited)
		}
		a.own.mu.Lock()
		o.next = time.Now().Add(pause)
		a.own.mu.Unlock()
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-o.again:
			wait = ownFirst / 4
		case <-ctx.Done():
		}
		timer.Stop()
		a.own.mu.Lock()
		o.next = time.Time{}
		a.own.mu.Unlock()
	}
}

// dropOwn forgets a name that was taken back while its certificate was on the way.
func (a *ACME) dropOwn(name string) {
	a.own.mu.Lock()
	defer a.own.mu.Unlock()
	if a.own.names[name] == nil {
		a.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
		a.forget(name)
	}
}

// attemptOwn is one attempt, once there is a place for it.
func (a *ACME) attemptOwn(ctx context.Context, name string) error {
	select {
	case a.own.places <- struct{}{}:
		defer func() { <-a.own.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	return a.ownConfig.ManageSync(ctx, []string{name})
}

// Limited says whether a problem is that the authority gives no more certificates for now.
func (s State) Limited() bool { return strings.HasPrefix(s.Problem, "rateLimited:") }

// Covers says whether the certificate in the files has a name.
func (f *Files) Covers(name string) bool { return f.current.Load().Leaf.VerifyHostname(name) == nil }

// Covers says whether the authority may sign a name.
func (a *Authority) Covers(name string) bool { return validDNS(name) && a.maySign(name) }
