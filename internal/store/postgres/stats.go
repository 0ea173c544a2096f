package postgres

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
	return a.write(ctx, false, func(c rows.Conn) error { return rows.SavePoints(c, points, now) })
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
	return a.write(ctx, false, func(c rows.Conn) error { return rows.SaveRaised(c, r) })
}

// AllRaised implements stats.Store.
func (a *Accounts) AllRaised(ctx context.Context) (list []stats.Raised, err error) {
	err = a.Read(ctx, func(c rows.Conn) error {
		list, err = rows.AllRaised(c)
		return err
	})
	return list, err
}
