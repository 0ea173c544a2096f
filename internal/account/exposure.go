package account

import (
	"bytes"
	"context"
	"errors"
	"time"

	"tsunagi/internal/jwt"
)

// Bounds of exposures.
const (
	maxExposures  = 1000        // of one instance; the oldest goes
	exposurePause = time.Minute // a user's is written down at most once in so long
)

// Exposure says that a user's password has crossed a network in clear: it came over a connection without TLS, which was
// refused, and it was the right one. It ends with the next password. Primary key (Instance, User); parent the User.
type Exposure struct {
	Instance string
	User     string
	Remote   string // address that it came from last
	Client   string // client id that came with it last
	Times    int    // at most one a minute
	FirstAt  time.Time
	LastAt   time.Time
}

func (Exposure) row() {}

// Expose writes down that a password came in clear, if it is a user's: then, and only then, somebody on the way may have
// read what opens something. Wrong ones count as failed logins do, so that nobody tries out passwords this way.
func (s *Service) Expose(ctx context.Context, c Credentials) (exposed bool, err error) {
	if c.Password == "" || c.User == WebUser || jwt.Looks(c.Password) {
		return false, nil
	}
	d := s.directory
	_, u, err := d.read(ctx, c.Instance, c.User)
	if err != nil || u.Name == "" {
		return false, err
	}
	if refused, err := d.judge(ctx, c, u); err != nil || refused != nil {
		return false, err
	}
	err = s.o.Store.View(ctx, func(r Reader) error {
		have, err := r.Exposure(u.Instance, u.Name)
		exposed = err == nil && s.now().Sub(have.LastAt) < exposurePause && have.Remote == clip(c.Remote)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	if exposed || err != nil {
		return exposed, err
	}
	return true, s.o.Store.Update(ctx, func(tx Tx) error { return s.expose(tx, c, u) })
}

func (s *Service) expose(tx Tx, c Credentials, judged User) error {
	u, err := tx.User(judged.Instance, judged.Name)
	if errors.Is(err, ErrNotFound) || err == nil && !bytes.Equal(u.Secret, judged.Secret) {
		return nil // gone, or another password by now
	}
	if err != nil {
		return err
	}
	now := s.now()
	e, err := tx.Exposure(u.Instance, u.Name)
	fresh := errors.Is(err, ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	if fresh {
		e = Exposure{Instance: u.Instance, User: u.Name, FirstAt: now}
	}
	e.Remote, e.Client, e.LastAt, e.Times = clip(c.Remote), clip(c.ClientID), now, e.Times+1
	if !fresh {
		return tx.Save(e)
	}
	have, err := tx.Exposures(u.Instance, maxExposures)
	if err != nil {
		return err
	}
	if len(have) >= maxExposures {
		if err := tx.Delete(have[len(have)-1]); err != nil {
			return err
		}
	}
	return tx.Insert(e)
}

// Exposures are the users of an instance whose passwords came in clear and still hold, the latest first.
func (s *Service) Exposures(ctx context.Context, by Actor, instance string) (list []Exposure, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.Exposures(instance, maxExposures)
		return err
	})
	return list, err
}
