package app

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/store/sqlitetest"
)

// world is `tsunagi serve` in its proper mode with all doors on loopback.
type world struct {
	t       *testing.T
	data    string
	log     *buffer
	https   string // host:port
	mqtts   string
	small   string // for small devices
	http    string
	mqtt    string
	metrics string
	pool    *x509.CertPool
	stop    func() int // ends it and returns the exit code
}

// buffer is written by one goroutine while another reads.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var ports = regexp.MustCompile(`(?m)^  (panel|MQTT \(TLS\)|MQTT \(small\)|one port|http|metrics|plain MQTT) .*?(?:://[a-z.]+:|://127\.0\.0\.1:|port )(\d+)`)

// serveWorld starts it and waits until it is ready.
func serveWorld(t *testing.T, args ...string) *world {
	t.Helper()
	w := &world{t: t, data: sqlitetest.Dir(t), log: &buffer{}}
	if i := slices.Index(args, "--data"); i >= 0 {
		w.data = args[i+1]
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	r, out := io.Pipe()
	all := append([]string{"serve", "--data", w.data, "--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
		"--http", "127.0.0.1:0", "--store-reserve-mb", "1"}, args...)
	go func() { // ends with ctx
		code := Run(ctx, all, Streams{In: strings.NewReader(""), Out: out, Err: w.log})
		_ = out.CloseWithError(fmt.Errorf("ended with %d", code))
		ended <- code
	}()
	w.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() { w.stop() })
	var greeting strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() && lines.Text() != "ready" {
		greeting.WriteString(lines.Text() + "\n")
	}
	if lines.Text() != "ready" {
		t.Fatalf("serve: %v\n%s\n%s", lines.Err(), greeting.String(), w.log)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // ends with the pipe
	for _, m := range ports.FindAllStringSubmatch(greeting.String(), -1) {
		at := "127.0.0.1:" + m[2]
		switch m[1] {
		case "panel":
			w.https = at
		case "MQTT (small)":
			w.small = at
		case "MQTT (TLS)":
			w.mqtts = at
		case "http", "one port":
			w.http = at
		case "metrics":
			w.metrics = at
		default:
			w.mqtt = at
		}
	}
	pem, err := os.ReadFile(filepath.Join(w.data, "ca", "ca.pem"))
	if err != nil {
		return w // no TLS here
	}
	w.pool = x509.NewCertPool()
	w.pool.AppendCertsFromPEM(pem)
	return w
}

// admin runs an admin command and reads its JSON into out, unless nil.
func (w *world) admin(out any, args ...string) {
	w.t.Helper()
	if code, text := w.tryAdmin(args...); code != ExitOK {
		w.t.Fatalf("admin %q: %d %s", args, code, text)
	} else if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			w.t.Fatalf("admin %q: %v in %s", args, err, text)
		}
	}
}

func (w *world) tryAdmin(args ...string) (int, string) {
	w.t.Helper()
	var out, errOut strings.Builder
	all := append(append([]string{"admin"}, args...), "--data", w.data, "--json")
	code := Run(context.Background(), all, Streams{In: strings.NewReader(""), Out: &out, Err: &errOut})
	return code, out.String() + errOut.String()
}

// instance makes an account, if there is none, and an instance; the password is its first user's.
func (w *world) instance() (id, password string) {
	w.t.Helper()
	var accounts []struct{ ID string }
	w.admin(&accounts, "account", "list")
	if len(accounts) == 0 {
		w.admin(nil, "account", "create", "--email", "owner@example.org")
	}
	var in struct{ ID, Password string }
	w.admin(&in, "instance", "create", "--name", "test")
	return in.ID, in.Password
}

// tls is a client's configuration for a server name.
func (w *world) tls(name string, alpn ...string) *tls.Config {
	return &tls.Config{RootCAs: w.pool, ServerName: name, NextProtos: alpn}
}

// dial opens a connection of a test that ends with it.
func (w *world) dial(addr string, conf *tls.Config) net.Conn {
	w.t.Helper()
	var c net.Conn
	var err error
	if conf == nil {
		c, err = net.Dial("tcp", addr)
	} else {
		c, err = tls.Dial("tcp", addr, conf)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// connect sends CONNECT (5.0) and returns the CONNACK's reason and its words.
func connect(c net.Conn, p mqtt.Connect) (mqtt.Connack, error) {
	p.Version, p.Clean, p.RequestProblem = mqtt.V5, true, true
	p.HasUser, p.HasPassword = p.User != nil, p.Password != nil
	if _, err := c.Write(p.Append(nil)); err != nil {
		return mqtt.Connack{}, err
	}
	f, err := readFrame(c)
	if err != nil {
		return mqtt.Connack{}, err
	}
	a, err := mqtt.DecodeConnack(f, mqtt.V5)
	if err != nil {
		return mqtt.Connack{}, err
	}
	return *a, nil
}

func readFrame(c io.Reader) (mqtt.Frame, error) {
	var buf []byte
	for {
		b := make([]byte, 1)
		if _, err := io.ReadFull(c, b); err != nil {
			return mqtt.Frame{}, err
		}
		buf = append(buf, b...)
		f, err := mqtt.Cut(buf, 1<<20)
		if err == nil {
			return f, nil
		}
		if err != mqtt.ErrShort {
			return f, err
		}
	}
}

// login is connect for a login that must be good.
func (w *world) login(c net.Conn, user, password string) {
	w.t.Helper()
	if a, err := connect(c, mqtt.Connect{User: []byte(user), Password: []byte(password)}); err != nil || a.Reason != mqtt.Success {
		w.t.Fatalf("login as %s: %v %q, %v", user, a.Reason, a.ReasonString, err)
	}
}

// client speaks HTTPS to the panel.
func (w *world) client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: w.tls("localhost"), ForceAttemptHTTP2: true, DisableKeepAlives: true}}
}

// socket opens MQTT over a secure WebSocket below a host.
func (w *world) socket(host, path string, certificate *tls.Certificate) net.Conn {
	w.t.Helper()
	conf := w.tls(host)
	if certificate != nil {
		conf.Certificates = []tls.Certificate{*certificate}
	}
	client := &http.Client{Transport: &http.Transport{DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", w.https)
	}}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, "wss://"+host+path, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"mqtt"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return websocket.NetConn(ctx, ws, websocket.MessageBinary)
}
