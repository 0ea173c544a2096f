package account

import (
	"context"
	"errors"
)

// Bounds of the dead letters of one instance.
const (
	maxDeadLetters     = 1000
	maxDeadLetterBytes = 32 << 20
)

// ErrDeadLettersFull says that an instance has as many dead letters as it may.
var ErrDeadLettersFull = errors.New("the list of dead letters is full: deliver or delete some")

// KeepDeadLetter keeps an event that a hook gave up. One that is there already stays as it is. A hook that is no more
// has none, which is no error.
func (s *Service) KeepDeadLetter(ctx context.Context, d DeadLetter) error {
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		n, bytes, err := tx.CountDeadLetters(d.Instance, "")
		if err != nil {
			return err
		}
		if n >= maxDeadLetters || bytes+len(d.Body) > maxDeadLetterBytes {
			return ErrDeadLettersFull
		}
		d.ID, d.CreatedAt = s.nextID(), s.now()
		return tx.Insert(d)
	})
	if errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// DeadLetters is one page of the dead letters of an instance's hook, newest first.
func (s *Service) DeadLetters(ctx context.Context, by Actor, q DeadLetterQuery) (list []DeadLetter, total int, err error) {
	q.Limit = PageSize(q.Limit)
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, q.Instance); err != nil {
			return err
		}
		if _, err := r.Hook(q.Instance, q.Hook); err != nil {
			return err
		}
		if list, err = r.DeadLetters(q); err != nil {
			return err
		}
		total, _, err = r.CountDeadLetters(q.Instance, q.Hook)
		return err
	})
	return list, total, err
}

// SomeDeadLetters are dead letters of a hook: those of the list that are there, or the newest when the list is empty, at
// most limit.
func (s *Service) SomeDeadLetters(ctx context.Context, by Actor, instance, hook string, ids []int64, limit int) (list []DeadLetter, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = someDeadLetters(r, instance, hook, ids, limit)
		return err
	})
	return list, err
}

func someDeadLetters(r Reader, instance, hook string, ids []int64, limit int) ([]DeadLetter, error) {
	if len(ids) == 0 {
		return r.DeadLetters(DeadLetterQuery{Instance: instance, Hook: hook, Limit: limit})
	}
	var list []DeadLetter
	for _, id := range ids[:min(len(ids), limit)] {
		d, err := r.DeadLetter(instance, id)
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && d.Hook != hook: // deleted meanwhile
		case err != nil:
			return nil, err
		default:
			list = append(list, d)
		}
	}
	return list, nil
}

// DropDeadLetters deletes dead letters of a hook: those of the list, or all of it when the list is empty.
func (s *Service) DropDeadLetters(ctx context.Context, by Actor, instance, hook string, ids []int64) (n int, err error) {
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		h, err := tx.Hook(instance, hook)
		if err != nil {
			return Change{}, err
		}
		list, err := someDeadLetters(tx, instance, hook, ids, maxDeadLetters)
		if err != nil {
			return Change{}, err
		}
		n = len(list)
		for _, d := range list {
			if err := tx.Delete(d); err != nil {
				return Change{}, err
			}
		}
		if n == 0 {
			return Change{}, nil
		}
		return Change{Instance: instance, DeadLetters: true}, s.audit(tx, by, "hook.drop", instance, h.words())
	})
	return n, err
}

// SettleDeadLetter deletes a dead letter that has been delivered after all.
func (s *Service) SettleDeadLetter(ctx context.Context, d DeadLetter) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		return Change{Instance: d.Instance, DeadLetters: true}, tx.Delete(d)
	})
}

// CountDeadLetters counts the dead letters of a hook.
func (s *Service) CountDeadLetters(ctx context.Context, instance, hook string) (n int, err error) {
	err = s.o.Store.View(ctx, func(r Reader) error {
		n, _, err = r.CountDeadLetters(instance, hook)
		return err
	})
	return n, err
}
