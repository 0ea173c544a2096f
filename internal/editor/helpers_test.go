package editor

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func stripPrefix(prefix string, h http.Handler) http.Handler { return http.StripPrefix(prefix, h) }

// socket is the comms connection of a browser.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
}

func (w *world) dial(t *testing.T) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, strings.Replace(w.http.URL, "http", "ws", 1)+"/comms", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return &socket{t, conn, ctx}
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.conn.Write(s.ctx, websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) subscribe(topic string) { s.send(`{"subscribe":"` + topic + `"}`) }

// next is the next frame.
func (s *socket) next() string {
	s.t.Helper()
	_, text, err := s.conn.Read(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// closed waits for the end of the connection.
func (s *socket) closed() {
	s.t.Helper()
	for {
		if _, _, err := s.conn.Read(s.ctx); err != nil {
			if s.ctx.Err() != nil {
				s.t.Error("the connection was not closed")
			}
			return
		}
	}
}
