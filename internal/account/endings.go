package account

import (
	"context"
	"errors"
	"sync"
)

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

// tell wakes those who wait for one end.
func (e *endings) tell(hash [32]byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.wait[hash] {
		close(c)
	}
	delete(e.wait, hash)
}

// ActorEnd is SessionEnd for a browser or for whoever came with an API token, which ends by being deleted.
func (s *Service) ActorEnd(by Actor) (ended <-chan struct{}, stop func()) {
	if by.Token != ([32]byte{}) {
		return s.SessionEnd(by.Token)
	}
	return s.SessionEnd(by.Session)
}

// ActorAlive says whether the session or API token that an actor came with still holds.
func (s *Service) ActorAlive(ctx context.Context, by Actor) (bool, error) {
	if by.Operator {
		return true, nil
	}
	if by.Token == ([32]byte{}) {
		return s.SessionAlive(ctx, by.Session)
	}
	var row APIToken
	err := s.o.Store.View(ctx, func(r Reader) (err error) {
		row, err = r.APITokenByHash(by.Token)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && (row.ExpiresAt.IsZero() || s.now().Before(row.ExpiresAt)), err
}

// end tells everybody that these sessions are over.
func (s *Service) end(gone ...BrowserSession) {
	for _, g := range gone {
		s.ended.tell(g.Hash)
		s.codes.endSession(g.Hash)
		s.pairings.endSession(g.Hash)
		s.ceremonies.endSession(g.Hash)
		s.trips.endSession(g.Hash)
		s.confirmations.endSession(g.Hash)
		s.mu.Lock()
		for _, c := range s.directory.endWeb(g.Hash) {
			s.tell(c)
		}
		s.mu.Unlock()
	}
}
