package link

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/account"
)

// visited are the rules about one device whose pages are for everybody, or for the session of sevens.
type visited struct {
	rules
	asked *atomic.Int32 // questions whether a session lives
	alive *atomic.Bool
}

func (v visited) EditorAlive(context.Context, [32]byte, account.Thing) (bool, error) {
	v.asked.Add(1)
	return v.alive.Load(), nil
}
func (visited) SessionEnd([32]byte) (<-chan struct{}, func()) { return nil, func() {} }

var sevens = strings.Repeat("7", 64)

// pagesWorld is a device with pages, as the platform and the device have them, and the platform's side of the tunnel.
func pagesWorld(t *testing.T, who account.Pages, pages http.Handler) (visited, *Hub, *session) {
	t.Helper()
	h, p := world(t)
	v := visited{rules: h.o.Devices.(rules), asked: new(atomic.Int32), alive: new(atomic.Bool)}
	v.device.Pages = who
	h.o.Devices = v
	c := NewClient(ClientOptions{Dir: t.TempDir(), Paired: p, Pages: account.PagesPublic})
	server := &http.Server{Handler: c.GuardPages(pages), ReadHeaderTimeout: 30 * time.Second}
	go server.Serve(c.PagesListener()) // ends with the test
	t.Cleanup(func() { server.Close() })
	return v, h, up(t, h, c)
}

func request(host string, header ...string) *http.Request {
	r := httptest.NewRequest("GET", "https://"+host+"/x", http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// TestTheDeviceJudgesToo has requests for pages come through the tunnel past the platform's own judgement: the device
// wants its own host, and the platform's word for a session, which it remembers.
func TestTheDeviceJudgesToo(t *testing.T) {
	came := make(chan http.Header, 10)
	v, _, s := pagesWorld(t, account.PagesPeople, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came <- r.Header }))
	past := func(host, session string) int { // the platform's proxy alone
		w := httptest.NewRecorder()
		r := request(host)
		if session != "" {
			r = r.WithContext(context.WithValue(r.Context(), visitKey{}, session))
		}
		s.site.ServeHTTP(w, r)
		return w.Code
	}
	for _, session := range []string{"", "7", strings.Repeat("x", 64)} {
		if status := past("pi.flows.localhost", session); status != http.StatusForbidden || v.asked.Load() != 0 {
			t.Errorf("session %q: %d, the platform was asked %d times", session, status, v.asked.Load())
		}
	}
	if status := past("pi.flows.localhost", sevens); status != http.StatusForbidden || v.asked.Load() != 1 {
		t.Errorf("a session that is over: %d, asked %d", status, v.asked.Load())
	}
	v.alive.Store(true)
	for range 3 {
		if status := past("pi.flows.localhost", sevens); status != 200 || v.asked.Load() != 2 {
			t.Errorf("a session that lives: %d, asked %d", status, v.asked.Load())
		}
		if got := (<-came).Get(visitHeader); got != "" {
			t.Errorf("the flows see the session %s", got)
		}
	}
	for _, host := range []string{"edit-pi.flows.localhost", "other.flows.localhost", "pi.flows.localhost.evil.example", "127.0.0.1", ""} {
		if status := past(host, sevens); status != http.StatusMisdirectedRequest {
			t.Errorf("host %q: %d", host, status)
		}
	}
	if _, err := s.tell(t.Context(), message{Op: opEnded, Session: sevens}); err != nil {
		t.Fatal(err)
	}
	v.alive.Store(false)
	if status := past("pi.flows.localhost", sevens); status != http.StatusForbidden {
		t.Errorf("after the end of the session: %d", status)
	}
	if len(came) != 0 {
		t.Error("more came to the flows")
	}
}

// TestSessionsAreThePlatformsWord wants that what a browser says about its session never reaches a device.
func TestSessionsAreThePlatformsWord(t *testing.T) {
	h, _ := world(t)
	in := request("pi.flows.localhost", visitHeader, sevens)
	out := in.Clone(t.Context())
	h.rewritePages(&httputil.ProxyRequest{In: in, Out: out})
	if got := out.Header.Get(visitHeader); got != "" {
		t.Errorf("the device would see %s", got)
	}
}

// TestVisitsAreBounded is attack row 35 for pages: requests that never end take all places there are, and no more; who
// comes then waits, is told so when too many do, and the editor stays in reach.
func TestVisitsAreBounded(t *testing.T) {
	begun, end := make(chan struct{}, 2*maxVisits+maxWaiting), make(chan struct{})
	_, h, s := pagesWorld(t, account.PagesPublic, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	answers := make(chan int, 2*maxVisits+maxWaiting)
	visit := func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("pi.flows.localhost"))
		answers <- w.Code
	}
	for range maxVisits + maxWaiting {
		go visit() // ends with end, or with the tunnel
	}
	for range maxVisits {
		<-begun
	}
	for len(s.queue) < maxWaiting {
		select {
		case <-time.After(time.Millisecond): // those who wait have no events
		case status := <-answers:
			t.Fatalf("one was answered with %d", status)
		}
	}
	visit()
	if status := <-answers; status != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", status)
	}
	if len(begun) != 0 {
		t.Errorf("%d more reached the flows", len(begun))
	}
	c, err := s.stream(kindDoor)
	if err != nil {
		t.Fatalf("the tunnel has no room for anything else: %v", err)
	}
	c.Close()
	close(end)
	for range maxVisits + maxWaiting {
		if status := <-answers; status != 200 {
			t.Fatalf("one that waited: %d", status)
		}
	}
}

// TestPagesShareHalf has the pages of a device take half of its bandwidth at most, in all their connections together.
func TestPagesShareHalf(t *testing.T) {
	_, h, s := pagesWorld(t, account.PagesPublic, http.NotFoundHandler())
	transport := s.pagesTransport()
	one, err := transport.DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := transport.DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	a, b := one.(*bounded), two.(*bounded)
	if a.in != b.in || a.out != b.out || int(a.in.Limit()) != h.o.Bandwidth/2 || int(a.out.Limit()) != h.o.Bandwidth/2 || a.silence != 0 {
		t.Errorf("%+v and %+v of %d", a, b, h.o.Bandwidth)
	}
	if _, err := one.Write([]byte("GET / HTTP/1.1\r\nHost: pi.flows.localhost\r\nConnection: close\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(one); err != nil && !errors.Is(err, io.EOF) || !strings.HasPrefix(string(text), "HTTP/1.1 404") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestOldPrograms has a device whose program knows no pages.
func TestOldPrograms(t *testing.T) {
	h, p := world(t)
	v := visited{rules: h.o.Devices.(rules), asked: new(atomic.Int32), alive: new(atomic.Bool)}
	v.device.Pages = account.PagesPublic
	v.alive.Store(true)
	h.o.Devices = v
	s := up(t, h, client(t, p))
	s.pages, s.pagesWord = account.PagesNone, word("")
	w := httptest.NewRecorder()
	r := request("pi.flows.localhost", "Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: doorCookie, Value: h.door([32]byte{7}, pagesDoor("d1"))})
	h.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "too old") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestLocalPath(t *testing.T) {
	for to, want := range map[string]string{
		"": "/", "/": "/", "/a?b=c": "/a?b=c", "/a//b": "/a//b", "//e.example": "/", "https://e.example": "/", `/\e.example`: "/", "/\t/e.example": "/",
		"a": "/", "/%2e%2e/x": "/%2e%2e/x", pagesEnter: "/", "/" + strings.Repeat("x", maxTo): "/", "/日本": "/%E6%97%A5%E6%9C%AC", "/a#b": "/a",
	} {
		if got := localPath(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}
