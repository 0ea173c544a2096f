package jwks

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/jwt"
	"tsunagi/internal/outside"
)

// site serves a key set that a test changes.
type site struct {
	*httptest.Server
	cache *Cache
	asked atomic.Int32

	mu     sync.Mutex // guards the fields below
	now    time.Time
	kids   []string
	status int
	body   string // instead of a set
}

func newSite(t *testing.T) *site {
	s := &site{now: time.Now(), kids: []string{"one"}, status: 200}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		w.WriteHeader(s.status)
		if s.body != "" {
			_, _ = io.WriteString(w, s.body)
			return
		}
		var keys []string
		for _, k := range s.kids {
			keys = append(keys, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, k, base64.RawURLEncoding.EncodeToString(public)))
		}
		fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(keys, ","))
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.StartTLS()
	t.Cleanup(s.Close)
	dial := outside.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	s.cache = s.cacheWith(dial.DialContext)
	return s
}

func (s *site) cacheWith(dial func(context.Context, string, string) (net.Conn, error)) *Cache {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return New(Options{Dial: dial, TLS: &tls.Config{RootCAs: pool}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}})
}

func (s *site) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// settle waits until no fetch is under way.
func (s *site) settle() {
	s.cache.mu.Lock()
	var busy []chan struct{}
	for _, e := range s.cache.sets {
		if e.busy != nil {
			busy = append(busy, e.busy)
		}
	}
	s.cache.mu.Unlock()
	for _, c := range busy {
		<-c
	}
}

func TestKeptAndRefreshed(t *testing.T) {
	s := newSite(t)
	keys := func(kid string) ([]jwt.Key, error) { return s.cache.Keys(t.Context(), s.URL, kid) }
	var wg sync.WaitGroup
	for range 50 { // a storm of logins is one fetch
		wg.Go(func() {
			if k, err := keys("one"); err != nil || len(k) != 1 {
				t.Errorf("%v, %v", k, err)
			}
		})
	}
	wg.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("fetched %d times, want once", n)
	}
	s.set(func() { s.kids = []string{"one", "two"} })
	if k, err := keys("two"); err != nil || len(k) != 1 || s.asked.Load() != 1 {
		t.Errorf("an unknown kid had the set fetched at once again: %v, %v", k, err)
	}
	s.set(func() { s.now = s.now.Add(again) })
	if k, err := keys("two"); err != nil || len(k) != 2 {
		t.Errorf("a new key is not found: %v, %v", k, err)
	}
	for range 20 { // tokens with invented kids
		_, _ = keys("invented")
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("fetched %d times, want twice", n)
	}

	s.set(func() { s.now = s.now.Add(fresh + time.Second); s.kids = []string{"two"} })
	if k, err := keys("one"); err != nil || len(k) != 2 {
		t.Errorf("an old set doesn't serve while the new one comes: %v, %v", k, err)
	}
	s.settle()
	if k, err := keys("two"); err != nil || len(k) != 1 {
		t.Errorf("the set was not fetched anew: %v, %v", k, err)
	}

	s.set(func() { s.status = 500; s.now = s.now.Add(time.Hour) })
	if _, err := keys("two"); err != nil {
		t.Errorf("an address that answers no more took the keys away: %v", err)
	}
	s.settle()
	s.set(func() { s.now = s.now.Add(stale) })
	if _, err := keys("two"); !errors.Is(err, ErrAway) {
		t.Errorf("keys of yesterday: %v", err)
	}
	s.set(func() { s.status = 200; s.now = s.now.Add(again) })
	if _, err := keys("two"); err != nil {
		t.Errorf("the address is back: %v", err)
	}
}

func TestBadAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"not JSON": "<html>", "empty": "{}", "too long": `{"keys":[], "x":"` + strings.Repeat("a", jwt.MaxSetText) + `"}`,
		"secret keys only": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
	} {
		s := newSite(t)
		s.set(func() { s.body = body })
		if _, err := s.cache.Keys(t.Context(), s.URL, ""); !errors.Is(err, ErrAway) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInnerAddresses is attack row 24 for key sets.
func TestInnerAddresses(t *testing.T) {
	s := newSite(t)
	cache := s.cacheWith((&outside.Dialer{}).DialContext)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
		"169.254.169.254", "10.0.0.1", "192.168.1.1", "[fd00::1]", "[fe80::1%25lo]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost.", "100.64.0.1"} {
		if _, err := cache.Keys(t.Context(), "https://"+host+":"+port+"/", ""); !errors.Is(err, ErrAway) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("an inner server was asked %d times", n)
	}
	// A redirect is judged, too: the site may be reached, but not what it sends to.
	inner := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect led inside") }))
	defer inner.Close()
	_, innerPort, err := net.SplitHostPort(inner.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"https://127.0.0.3:" + innerPort + "/", "http://127.0.0.1:" + port + "/", "file:///etc/passwd"} {
		hop := httptest.NewUnstartedServer(http.RedirectHandler(to, http.StatusFound))
		hop.StartTLS()
		pool := x509.NewCertPool()
		pool.AddCert(hop.Certificate())
		only := outside.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
		c := New(Options{Dial: only.DialContext, TLS: &tls.Config{RootCAs: pool}, Log: slog.New(slog.DiscardHandler)})
		if _, err := c.Keys(t.Context(), hop.URL, ""); !errors.Is(err, ErrAway) {
			t.Errorf("%s: %v", to, err)
		}
		hop.Close()
	}
}

func TestAddressesOfOtherKinds(t *testing.T) {
	c := New(Options{Dial: (&outside.Dialer{}).DialContext, Log: slog.New(slog.DiscardHandler)})
	for _, a := range []string{"http://example.org/", "file:///etc/passwd", "https://user:pass@example.org/", "https:///x", "https://example.org/#x", "::"} {
		if _, err := c.Keys(t.Context(), a, ""); !errors.Is(err, ErrAway) {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestManyAddresses wants the cache bounded.
func TestManyAddresses(t *testing.T) {
	c := New(Options{Dial: (&outside.Dialer{}).DialContext, Log: slog.New(slog.DiscardHandler)})
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for i := range 3 * maxSets {
		c.entry(fmt.Sprint(i), now.Add(time.Duration(i)))
	}
	if len(c.sets) != maxSets || c.sets[fmt.Sprint(3*maxSets-1)] == nil {
		t.Errorf("%d sets", len(c.sets))
	}
}
