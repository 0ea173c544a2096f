package hosted

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestMain makes this test binary a flow server when a Manager has started it.
func TestMain(m *testing.M) {
	child, err := OpenChild()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if child != nil {
		os.Exit(serveChild(child))
	}
	os.Exit(m.Run())
}

// serveChild behaves as the name of the flow server says.
func serveChild(c *Child) int {
	switch c.Config.Name {
	case "fails":
		c.Fail(fmt.Errorf("flows.json: not a flow file"))
		return 1
	case "silent":
		<-c.Done()
		return 0
	case "stubborn":
		ignoreTerm()
	}
	ended := make(chan string, 10)
	c.OnSessionEnd(func(s string) { ended <- s })
	if err := c.Ready(); err != nil {
		return 1
	}
	http.Serve(c.Listener(), childHandler(c, ended))
	return 0
}

var hoard [][]byte // what /grow keeps

var spins atomic.Int64 // what /spin counts

func childHandler(c *Child, ended chan string) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any, err error) {
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			v = err
		}
		fmt.Fprint(w, v)
	}
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello from ", c.Config.Name, " at ", r.Host)
	})
	mux.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Environ(), os.Args[1:]) })
	mux.HandleFunc("/config", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%+v", c.Config) })
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "__Host-tsunagi=stolen; Path=/; Secure")
		w.Header().Add("Set-Cookie", "wide=1; Domain=localhost")
		w.Header().Add("Set-Cookie", "mine=1; Path=/")
		w.Header().Set("Clear-Site-Data", `"*"`)
		fmt.Fprint(w, r.Header.Get("Cookie"), "|", r.Header.Get("X-Forwarded-For"), "|", r.Header.Get("X-Forwarded-Proto"))
	})
	mux.HandleFunc("/dial", func(w http.ResponseWriter, r *http.Request) {
		conn, err := c.Dial(r.Context(), "tcp", r.FormValue("addr"))
		if err != nil {
			answer(w, nil, err)
			return
		}
		defer conn.Close()
		text, err := io.ReadAll(conn)
		answer(w, string(text), err)
	})
	mux.HandleFunc("/direct", func(w http.ResponseWriter, r *http.Request) {
		conn, err := net.DialTimeout("tcp", r.FormValue("addr"), 5*time.Second)
		if err == nil {
			conn.Close()
		}
		answer(w, "connected", err)
	})
	mux.HandleFunc("/exchange", func(w http.ResponseWriter, r *http.Request) {
		p, err := c.Exchange(r.Context(), r.FormValue("code"), "192.0.2.1", r.UserAgent())
		answer(w, p, err)
	})
	mux.HandleFunc("/alive", func(w http.ResponseWriter, r *http.Request) {
		alive, err := c.Alive(r.Context(), r.FormValue("session"))
		answer(w, alive, err)
	})
	mux.HandleFunc("/instances", func(w http.ResponseWriter, r *http.Request) {
		list, err := c.Instances(r.Context(), r.FormValue("session"))
		answer(w, list, err)
	})
	mux.HandleFunc("/credential", func(w http.ResponseWriter, r *http.Request) {
		made, err := c.Credential(r.Context(), r.FormValue("session"), "i1", r.Form["topic"])
		answer(w, made, err)
	})
	mux.HandleFunc("/ended", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, <-ended) })
	mux.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		answer(w, "written", os.WriteFile(r.FormValue("name"), []byte("x"), 0o600))
	})
	mux.HandleFunc("/log", func(w http.ResponseWriter, r *http.Request) {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Warn("from the child", "n", 7)
		fmt.Fprintln(os.Stderr, "a plain line")
	})
	mux.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("/grow", func(w http.ResponseWriter, r *http.Request) {
		for range 64 {
			b := make([]byte, 4<<20)
			for i := 0; i < len(b); i += 512 {
				b[i] = 1
			}
			hoard = append(hoard, b)
		}
	})
	mux.HandleFunc("/spin", func(http.ResponseWriter, *http.Request) {
		go func() { // ends with the process
			for {
				spins.Add(1)
			}
		}()
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		kind, text, err := conn.Read(r.Context())
		if err == nil {
			conn.Write(r.Context(), kind, append([]byte("echo "), text...))
		}
		conn.Close(websocket.StatusNormalClosure, "")
	})
	return mux
}

// world is a Manager with a proxy in front, and what happened to its flow servers.
type world struct {
	*Manager
	t      *testing.T
	proxy  string // address
	states chan string
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{t: t, states: make(chan string, 100)}
	if o.Dir = t.TempDir(); o.Exe == "" {
		o.Exe, o.Args = os.Args[0], []string{"-test.run=^$"}
	}
	o.Panel = "https://localhost:8443"
	o.Backoff, o.WatchTime = time.Millisecond, 10*time.Millisecond
	if o.StopTime == 0 {
		o.StopTime = 10 * time.Second
	}
	o.Changed = func(s Server, state, cause string) { w.states <- strings.TrimSpace(s.Name + " " + state + " " + cause) }
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: m}
	go srv.Serve(l)
	w.proxy = l.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return w
}

// start starts a flow server and waits until it runs.
func (w *world) start(s Server) {
	w.t.Helper()
	if err := w.Start(s); err != nil {
		w.t.Fatal(err)
	}
	w.await(s.Name + " running")
}

// await waits for a change of state and returns it in full.
func (w *world) await(begin string) string {
	w.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case s := <-w.states:
			if strings.HasPrefix(s, begin) {
				return s
			}
		case <-late:
			w.t.Fatalf("%q did not happen", begin)
		}
	}
}

// get asks a flow server by way of the proxy.
func (w *world) get(name, path string, headers ...string) (int, string, http.Header) {
	w.t.Helper()
	req, err := http.NewRequest("GET", "http://"+w.proxy+strings.Replace(path, "//", "/", 1), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Host = w.Host(name)
	if host, ok := strings.CutPrefix(path, "//"); ok { // //host/path asks another origin
		req.Host, path, _ = strings.Cut(host, "/")
		req.URL.Path = "/" + path
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

// greeter is a server on loopback that says hello and hangs up.
func greeter(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "greetings")
			c.Close()
		}
	}()
	return l.Addr().String()
}

func (w *world) path(id, name string) string { return filepath.Join(w.dir(id), name) }
