package network

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"tsunagi/internal/flow"
)

// socketListener is the place of a node among the pages.
type socketListener struct {
	node *socketNode
	path string
}

// addSocket serves a path, unless it is served already.
func (s *Web) addSocket(l *socketListener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks[l.path] != nil {
		return false
	}
	s.socks[l.path] = l
	return true
}

func (s *Web) removeSocket(l *socketListener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks[l.path] == l {
		delete(s.socks, l.path)
	}
}

// serveSocket takes a WebSocket for one of the listeners, and says whether it was one.
func (s *Web) serveSocket(w http.ResponseWriter, r *http.Request) bool {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Method != http.MethodGet {
		return false
	}
	s.mu.Lock()
	l := s.socks[r.URL.Path]
	s.mu.Unlock()
	if l == nil {
		return false
	}
	// As in Node-RED, pages of every site may connect: what a flow offers has no login that a browser would send along.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return true // Accept has answered
	}
	l.node.serve(newSocketPeer(conn))
	return true
}

// serve keeps a connection until it ends. It is called by the request's goroutine.
func (n *socketNode) serve(p *socketPeer) {
	full := make(chan bool, 1)
	taken := n.b.Do(func() {
		over := len(n.peers) >= maxConnections
		if !over {
			n.peers[p.id] = p
			n.show("connect", p.id)
		}
		full <- over
	})
	if !taken || wait(n.b, full) {
		_ = p.conn.Close(websocket.StatusTryAgainLater, "too many connections") // it is refused
		return
	}
	err := p.run(n)
	n.b.Do(func() {
		delete(n.peers, p.id)
		if fault := socketError(err); fault != "" {
			n.show("error", p.id)
		}
		n.show("disconnect", p.id)
	})
}

// wait waits for an answer of the loop; the end of the node is a yes.
func wait(b *flow.Base, c chan bool) bool {
	select {
	case v := <-c:
		return v
	case <-b.Life().Done():
		return true
	}
}

// socketError is what went wrong with a connection, "" for an end in order.
func socketError(err error) string {
	if websocket.CloseStatus(err) != -1 || errors.Is(err, context.Canceled) {
		return ""
	}
	return err.Error()
}
