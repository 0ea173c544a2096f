package link

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"tsunagi/internal/account"
)

// visitTime is how long the platform's word holds that a session may see the pages; it also tells when one ends.
const visitTime = time.Minute

// maxKnown bounds the sessions of visitors that a device remembers.
const maxKnown = 500

// visits are the device's side of those who see its flows' pages.
type visits struct {
	conns  chan net.Conn
	asking chan struct{} // holds one token while the platform is asked

	mu    sync.Mutex           // guards known
	known map[string]time.Time // sessions that the platform let in, and when it said so
}

func newVisits() *visits {
	return &visits{conns: make(chan net.Conn), asking: make(chan struct{}, 1), known: map[string]time.Time{}}
}

func (v *visits) knows(session string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	at, ok := v.known[session]
	return ok && time.Since(at) < visitTime
}

func (v *visits) note(session string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= maxKnown {
		clear(v.known) // they are asked for again
	}
	v.known[session] = time.Now()
}

func (v *visits) ended(session string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.known, session)
}

// GuardPages lets requests of the tunnel through to the flows' pages: when both sides allow it, they are for the pages'
// origin, and, unless both sides allow everybody, the platform names a session for which it answers once more.
func (c *Client) GuardPages(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		who, ours := c.pages, c.pagesHost
		c.mu.Unlock()
		session := r.Header.Get(visitHeader)
		r.Header.Del(visitHeader)
		switch {
		case who == account.PagesNone:
			http.Error(w, "The pages of this device's flows are not served through the platform.", http.StatusForbidden)
		case !isFor(r, ours):
			http.Error(w, "These pages are not served under that host name.", http.StatusMisdirectedRequest)
		case who != account.PagesPublic && !c.mayVisit(r.Context(), session):
			http.Error(w, "These pages are for people who are signed in.", http.StatusForbidden)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// mayVisit says whether a session may see the pages: one question at a time, however many requests a page begins with.
func (c *Client) mayVisit(ctx context.Context, session string) bool {
	if _, err := sessionHash(session); err != nil {
		return false
	}
	if c.visits.knows(session) {
		return true
	}
	select {
	case c.visits.asking <- struct{}{}:
		defer func() { <-c.visits.asking }()
	case <-ctx.Done():
		return false
	}
	if c.visits.knows(session) {
		return true
	}
	alive, err := c.Alive(ctx, session)
	if err != nil {
		c.o.Log.Info("the platform was not asked who wants to see the pages", "error", err)
		return false
	}
	if alive {
		c.visits.note(session)
	}
	return alive
}
