package front

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestPlaces is attack row 30: idle connections are bounded, one that goes or is hijacked makes room.
func TestPlaces(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hijacked := make(chan net.Conn, 10)
	s := NewServer("http", l, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hijack" {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				hijacked <- c
			}
		}
	}), slog.New(slog.DiscardHandler))
	p := NewPlaces(3)
	s.Bound(p)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	open := func(path string) (net.Conn, bool) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if path == "/hijack" {
			(<-hijacked).Close()
			return c, true
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		return c, err == nil && r.StatusCode == 200
	}
	for range 5 {
		open("/hijack")
	}
	var idle []net.Conn
	for range 3 {
		c, ok := open("/")
		if !ok {
			t.Fatal("there was room")
		}
		idle = append(idle, c)
	}
	if _, ok := open("/"); ok {
		t.Error("a fourth connection was served")
	}
	idle[0].Close()
	for end := time.Now().Add(time.Minute); p.taken.Load() >= 3 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if _, ok := open("/"); !ok {
		t.Error("no room was made")
	}
}
