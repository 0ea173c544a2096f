package account

import (
	"context"
	"errors"
)

// maxLot is how many users one call deletes at most.
const maxLot = 1000

// DeleteUsers deletes users with their rules in one transaction, and ends their connections. Of each name it says why its
// user stays, nil where it is gone: there is none, it is the first one, or the name stands there twice.
func (s *Service) DeleteUsers(ctx context.Context, by Actor, instance string, names []string) (faults []error, err error) {
	if len(names) == 0 || len(names) > maxLot {
		return nil, invalid("names", "api.user.lot", "limit", maxLot)
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		news := Change{Instance: instance}
		faults = make([]error, len(names))
		for n, name := range names {
			u, err := tx.User(instance, name)
			switch {
			case errors.Is(err, ErrNotFound):
				faults[n] = notFound()
				continue
			case err != nil:
				return Change{}, err
			case u.First:
				faults[n] = fail(Conflict, "api.user.first")
				continue
			}
			if err := tx.Delete(u); err != nil {
				return Change{}, err
			}
			if err := s.audit(tx, by, "user.delete", instance+":"+name, ""); err != nil {
				return Change{}, err
			}
			news.Users = append(news.Users, name)
		}
		news.Recheck = len(news.Users) > 0
		return news, nil
	})
	return faults, err
}
