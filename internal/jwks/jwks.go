// Package jwks fetches the key sets that judge tokens, and keeps them.
package jwks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tsunagi/internal/jwt"
)

// Bounds of a Cache.
const (
	fetchTime  = 5 * time.Second  // of one fetch
	fresh      = 10 * time.Minute // a set is fetched anew when it is used after that; meanwhile the old one serves
	stale      = 24 * time.Hour   // how long a set serves whose address answers no more
	again      = 30 * time.Second // between two fetches of one address, whatever tokens ask for
	maxSets    = 1000             // the one used longest ago goes
	maxFetches = 16               // at once; further ones wait for their turn or their caller's end
	redirects  = 3
)

// ErrAway is wrapped by the error of a set that can't be had now.
var ErrAway = errors.New("the key set can't be fetched")

// Options of New. Zero values mean the default in brackets.
type Options struct {
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // judges each address; needed
	TLS  *tls.Config                                                       // [the system's authorities]
	Log  *slog.Logger                                                      // needed
	Now  func() time.Time                                                  // [time.Now]
}

// Cache fetches key sets by https and keeps them.
type Cache struct {
	now    func() time.Time
	log    *slog.Logger
	client *http.Client
	slots  chan struct{} // one for each fetch under way

	mu   sync.Mutex // guards sets and the fields of its entries
	sets map[string]*set
}

// set is what is known of one address.
type set struct {
	keys    []jwt.Key // never changed, only replaced
	fetched time.Time // when keys came
	tried   time.Time // when the last fetch began
	used    time.Time
	err     error         // of the last fetch
	busy    chan struct{} // closed when the fetch under way is over; nil: none is
}

// New returns an empty cache.
func New(o Options) *Cache {
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := &http.Transport{
		DialContext: o.Dial, TLSClientConfig: o.TLS, TLSHandshakeTimeout: fetchTime, ResponseHeaderTimeout: fetchTime,
		MaxResponseHeaderBytes: 16 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
	} // no Proxy: the dialer's judgement would be the proxy's address
	return &Cache{now: o.Now, log: o.Log, slots: make(chan struct{}, maxFetches), sets: map[string]*set{},
		client: &http.Client{Transport: transport, Timeout: fetchTime, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return errors.New("too many redirects")
			}
			return Check(r.URL)
		}}}
}

// Check says whether an address may be one of a key set: https, a host, no user, no fragment.
func Check(u *url.URL) error {
	if u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("the address of a key set begins with https:// and has no user name or fragment")
	}
	return nil
}

// Keys are the keys of the set at address. Where kid is given and not among them the set is fetched anew, at most twice
// a minute. An error that wraps ErrAway says that there is no set to judge by.
func (c *Cache) Keys(ctx context.Context, address, kid string) ([]jwt.Key, error) {
	for {
		c.mu.Lock()
		now := c.now()
		s := c.entry(address, now)
		age := now.Sub(s.fetched)
		usable := s.keys != nil && age < stale
		missing := !usable || kid != "" && !has(s.keys, kid)
		due := (missing || age > fresh) && (s.tried.IsZero() || now.Sub(s.tried) >= again)
		if due && s.busy == nil {
			s.busy, s.tried = make(chan struct{}), now
			go c.fetch(address, s) // ends with its time
		}
		keys, err, busy := s.keys, s.err, s.busy
		c.mu.Unlock()
		switch {
		case !missing || busy == nil && usable:
			return keys, nil
		case busy == nil:
			return nil, fmt.Errorf("%w: %w", ErrAway, errors.Join(err, errors.New("tried again in some seconds")))
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrAway, ctx.Err())
		}
	}
}

// entry is the set of an address, made if need be. The caller has mu.
func (c *Cache) entry(address string, now time.Time) *set {
	s := c.sets[address]
	if s == nil {
		if len(c.sets) >= maxSets {
			oldest := ""
			for a, s := range c.sets {
				if s.busy == nil && (oldest == "" || s.used.Before(c.sets[oldest].used)) {
					oldest = a
				}
			}
			delete(c.sets, oldest)
		}
		s = &set{}
		c.sets[address] = s
	}
	s.used = now
	return s
}

func has(keys []jwt.Key, kid string) bool {
	for _, k := range keys {
		if k.ID == kid {
			return true
		}
	}
	return false
}

// fetch fetches a set and wakes who waits for it.
func (c *Cache) fetch(address string, s *set) {
	c.slots <- struct{}{}
	keys, err := c.get(address)
	<-c.slots
	if err != nil {
		c.log.Warn("key set of tokens not fetched", "address", address, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.err = err; err == nil {
		s.keys, s.fetched = keys, c.now()
	}
	close(s.busy)
	s.busy = nil
}

func (c *Cache) get(address string) ([]jwt.Key, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if err := Check(u); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	r.Header.Set("User-Agent", "tsunagi")
	answer, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, jwt.MaxSetText+1))
	if err != nil {
		return nil, err
	}
	return jwt.ParseSet(text)
}
