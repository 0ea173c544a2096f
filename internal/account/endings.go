package account

import "sync"

// endings wake those who hold something open for a browser session when it ends: log streams, web clients, editors.
type endings struct {
	mu   sync.Mutex // guards wait
	wait map[[32]byte]map[chan struct{}]struct{}
}

// SessionEnd returns a channel that is closed when the session ends by sign-out, a new password or by making room.
// Expiry by time doesn't close it: ask SessionAlive now and then. Call stop when done.
func (s *Service) SessionEnd(hash [32]byte) (ended <-chan struct{}, stop func()) {
	e := &s.ended
	c := make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wait == nil {
		e.wait = map[[32]byte]map[chan struct{}]struct{}{}
	}
	if e.wait[hash] == nil {
		e.wait[hash] = map[chan struct{}]struct{}{}
	}
	e.wait[hash][c] = struct{}{}
	return c, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.wait[hash], c)
		if len(e.wait[hash]) == 0 {
			delete(e.wait, hash)
		}
	}
}

// end tells everybody that these sessions are over.
func (s *Service) end(gone ...BrowserSession) {
	for _, g := range gone {
		s.ended.mu.Lock()
		for c := range s.ended.wait[g.Hash] {
			close(c)
		}
		delete(s.ended.wait, g.Hash)
		s.ended.mu.Unlock()
		s.codes.endSession(g.Hash)
		s.mu.Lock()
		for _, c := range s.directory.endWeb(g.Hash) {
			s.tell(c)
		}
		s.mu.Unlock()
	}
}
