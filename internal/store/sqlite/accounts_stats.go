package sqlite

import (
	"context"
	"time"

	"tsunagi/internal/stats"
	"tsunagi/internal/store/rows"
)

var _ stats.Store = (*Accounts)(nil)

// SavePoints implements stats.Store.
func (a *Accounts) SavePoints(ctx context.Context, points []stats.Point, now time.Time) error {
	if len(points) == 0 {
		return ctx.Err()
	}
	save := func() error {
		return a.db.update(ctx, len(points)*128, func() error { return rows.SavePoints(writer{a.db}, points, now) })
	}
	err := save()
	if a.db.madeRoom(a.disk, err) {
		err = save()
	}
	return err
}

// Points implements stats.Store.
func (a *Accounts) Points(ctx context.Context, instance string, step stats.Step, from int64) (list []stats.Point, err error) {
	err = a.Read(ctx, func(c rows.Conn) error {
		list, err = rows.Points(c, instance, step, from)
		return err
	})
	return list, err
}

// SaveRaised implements stats.Store.
func (a *Accounts) SaveRaised(ctx context.Context, r stats.Raised) error {
	return a.db.update(ctx, frameBytes, func() error { return rows.SaveRaised(writer{a.db}, r) })
}

// AllRaised implements stats.Store.
func (a *Accounts) AllRaised(ctx context.Context) (list []stats.Raised, err error) {
	err = a.Read(ctx, func(c rows.Conn) error {
		list, err = rows.AllRaised(c)
		return err
	})
	return list, err
}
