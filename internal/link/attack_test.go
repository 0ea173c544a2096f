package link

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// up opens the tunnel of a client and returns the platform's side of it; both end with the test.
func up(t *testing.T, h *Hub, c *Client) *session {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.once(ctx) }() // ends with ctx
	t.Cleanup(func() { cancel(); <-done })
	for {
		c.mu.Lock()
		open := c.mux != nil
		c.mu.Unlock()
		if s := h.find("d1"); s != nil && open {
			return s
		}
		select {
		case err := <-done:
			done <- err
			t.Fatal(err)
		case <-time.After(time.Millisecond): // the Hub has no events
		}
	}
}

// TestCodeGoesNowhereElse is attack row 24 for pairing: a server that sends the device on to another one, inside or
// outside, does not get the code shown there.
func TestCodeGoesNowhereElse(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		ca := pemOf(server.Certificate().Raw) + pemOf(elsewhere.Certificate().Raw)
		if _, err := Pair(t.Context(), Ask{Dir: t.TempDir(), URL: server.URL, Code: "ABCD", CA: []byte(ca)}); err == nil || asked != 0 {
			t.Errorf("%d: %v, the other server was asked %d times", status, err, asked)
		}
		server.Close()
	}
	for _, url := range []string{"http://platform.example", "https://user:pw@platform.example", "https://platform.example/path", "https://platform.example?x", "file:///etc"} {
		if _, err := Pair(t.Context(), Ask{Dir: t.TempDir(), URL: url, Code: "ABCD"}); err == nil || !strings.Contains(err.Error(), "want https://host") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestTunnelTellsNoAddress is attack row 34 for tunnels: what a device says of where it comes from is not believed.
func TestTunnelTellsNoAddress(t *testing.T) {
	h, p := world(t)
	config, err := p.tls()
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(p.URL, "https"), &websocket.DialOptions{HTTPClient: httpClient(config),
		HTTPHeader: http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	c := client(t, p)
	if _, err := c.prove(t.Context(), ws, p, keyOf(p)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !h.State("d1").Online; time.Sleep(time.Millisecond) { // the Hub has no events
		if time.Now().After(deadline) {
			t.Fatal("no tunnel")
		}
	}
	if got := h.State("d1").Remote; got != "127.0.0.1" {
		t.Errorf("the device is shown as coming from %s", got)
	}
}

// TestDoorsAreApart is attack row 16 for the door of the panel: a request that a browser sends through the editor's
// origin never comes out of it, and a host that isn't the editor's is turned away on the device as well.
func TestDoorsAreApart(t *testing.T) {
	h, p := world(t)
	c := client(t, p)
	came := make(chan string, 10)
	serve := func(name string, l net.Listener, handler http.Handler) {
		s := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second}
		go s.Serve(l) // ends with the test
		t.Cleanup(func() { s.Close() })
	}
	note := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { came <- name + " " + r.URL.Path })
	}
	serve("editor", c.Listener(), c.Guard(note("editor")))
	serve("door", c.DoorListener(), note("door"))
	s := up(t, h, c)
	get := func(host, path string) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "https://"+host+path, http.NoBody)
		s.editor.ServeHTTP(w, r)
		return w.Code
	}
	if status := get("edit-pi.flows.localhost", "/figures"); status != 200 || <-came != "editor /figures" {
		t.Errorf("the editor's own origin: %d", status)
	}
	for _, host := range []string{"pi.flows.localhost", "edit-other.flows.localhost", "edit-pi.flows.localhost.evil.example", "127.0.0.1", ""} {
		if status := get(host, "/flows"); status == 200 {
			t.Errorf("host %q reaches the editor", host)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://evil.example/flows/state", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.Ask("d1", r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := <-came; got != "door /flows/state" {
		t.Errorf("the panel's request came out at %q", got)
	}
	if len(came) != 0 {
		t.Errorf("more came: %s", <-came)
	}
}

// TestSlowAndEndless is attack row 35 for tunnels: questions that never end, that are too long or of nonsense are ended by
// a bound, and the platform goes on.
func TestSlowAndEndless(t *testing.T) {
	h, p := world(t)
	c := client(t, p)
	up(t, h, c)
	c.mu.Lock()
	mux := c.mux
	c.mu.Unlock()
	for name, text := range map[string]string{
		"too long":         `{"op":"alive","session":"` + strings.Repeat("x", 2*questionBytes) + `"}` + "\n",
		"nonsense":         "GET / HTTP/1.1\r\n\r\n",
		"two framings":     "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"deep":             strings.Repeat("[", 10_000) + "\n",
		"unknown question": `{"op":"owner"}` + "\n",
	} {
		s, err := mux.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(s, text) // the other side may end it in the middle
		answer, err := io.ReadAll(s)
		if err != nil && !errors.Is(err, io.EOF) || len(answer) > 0 && !strings.Contains(string(answer), "unknown question") {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
		s.Close()
	}
	var silent []io.Closer
	for range 2 * maxQuestions { // more than are answered at once, none of which says anything
		s, err := mux.Open()
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, s)
	}
	for _, s := range silent {
		s.Close()
	}
	if !h.State("d1").Online {
		t.Error("the tunnel is gone")
	}
}
