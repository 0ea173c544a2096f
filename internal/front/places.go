package front

import (
	"net"
	"net/http"
	"sync/atomic"
)

// Places bounds the connections of HTTP servers, so that idle ones can't use up the descriptors of the process.
// Connections that were hijacked or speak another protocol don't count: who has them bounds them.
type Places struct {
	most  int64
	taken atomic.Int64
}

// NewPlaces has room for so many connections.
func NewPlaces(most int) *Places { return &Places{most: int64(most)} }

func (p *Places) enter() bool { return p.taken.Add(1) <= p.most }
func (p *Places) leave()      { p.taken.Add(-1) }

// state follows a connection through its life; one that is too many is closed before it is read from.
func (p *Places) state(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		if !p.enter() {
			_ = c.Close() // the server sees it at its first read
		}
	case http.StateHijacked, http.StateClosed:
		p.leave()
	}
}
