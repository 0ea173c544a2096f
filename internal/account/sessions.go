package account

import (
	"context"
	"encoding/hex"
)

// ID names a session in lists. It tells nothing of the cookie.
func (b BrowserSession) ID() string { return hex.EncodeToString(b.Hash[:16]) }

// Sessions lists the browsers that are signed in to the actor's account, the newest use first.
func (s *Service) Sessions(ctx context.Context, by Actor) (list []BrowserSession, err error) {
	err = s.view(ctx, func(r Reader) error {
		all, err := r.BrowserSessions(by.Account.ID)
		for i := len(all) - 1; i >= 0; i-- {
			if !s.expired(all[i]) {
				list = append(list, all[i])
			}
		}
		return err
	})
	return list, err
}

// EndSession signs one browser of the actor's account out; with the id "others" all but the actor's own.
func (s *Service) EndSession(ctx context.Context, by Actor, id string) error {
	var gone []BrowserSession
	err := s.update(ctx, func(tx Tx) error {
		all, err := tx.BrowserSessions(by.Account.ID)
		if err != nil {
			return err
		}
		gone = gone[:0]
		for _, b := range all {
			if b.ID() == id || id == "others" && b.Hash != by.Session {
				gone = append(gone, b)
				if err := tx.Delete(b); err != nil {
					return err
				}
			}
		}
		if len(gone) == 0 {
			if id == "others" {
				return nil
			}
			return notFound()
		}
		return s.audit(tx, by, "session.end", by.Account.ID, gone[0].Agent)
	})
	if err == nil {
		s.end(gone...)
	}
	return err
}
