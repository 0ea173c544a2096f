package rows

import (
	"database/sql/driver"
	"fmt"
	"time"

	"tsunagi/internal/stats"
)

var (
	statPoints = entity[stats.Point]{"stat_point",
		[]string{"instance", "step", "at", "numbers"}, 3,
		func(p *stats.Point) []any { return []any{&p.Instance, &p.Step, &p.At, numbers{p}} }}
	statAlarms = entity[stats.Raised]{"stat_alarm",
		[]string{"instance", "quota", "level", "since", "untold"}, 2,
		func(r *stats.Raised) []any { return []any{&r.Instance, &r.Quota, &r.Level, stamp{&r.Since}, &r.Untold} }}
)

// numbers keeps a point's numbers in its own encoding.
type numbers struct{ p *stats.Point }

// Scan implements sql.Scanner.
func (n numbers) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("numbers are stored as %T", v)
	}
	return n.p.Decode(b)
}

// Value implements driver.Valuer.
func (n numbers) Value() (driver.Value, error) { return n.p.Encode(), nil }

const (
	savePoint = "insert into stat_point (instance, step, at, numbers, sum) select ?, ?, ?, ?, ? " +
		"where exists (select 1 from instance where id = ?) " +
		"on conflict (instance, step, at) do update set numbers = excluded.numbers, sum = excluded.sum"
	trimPoints = "delete from stat_point where instance = ? and step = ? and at < ?"
	saveRaised = "insert into stat_alarm (instance, quota, level, since, untold, sum) select ?, ?, ?, ?, ?, ? " +
		"where exists (select 1 from instance where id = ?) " +
		"on conflict (instance, quota) do update set level = excluded.level, since = excluded.since, untold = excluded.untold, sum = excluded.sum"
)

// SavePoints writes points inside of a transaction; see stats.Store.
func SavePoints(c Conn, points []stats.Point, now time.Time) error {
	type series struct {
		instance string
		step     stats.Step
	}
	touched := map[series]bool{}
	for _, p := range points {
		sum, err := statPoints.sum(&p)
		if err != nil {
			return err
		}
		if _, err := c.Exec(savePoint, append(statPoints.fields(&p), sum, p.Instance)...); err != nil {
			return err
		}
		touched[series{p.Instance, p.Step}] = true
	}
	for s := range touched {
		if _, err := c.Exec(trimPoints, s.instance, s.step, now.Add(-s.step.Kept()).Unix()); err != nil {
			return err
		}
	}
	return nil
}

// Points reads points; see stats.Store.
func Points(c Conn, instance string, step stats.Step, from int64) ([]stats.Point, error) {
	return statPoints.all(c, "where instance = ? and step = ? and at >= ? order by at", instance, step, from)
}

// SaveRaised keeps or deletes an alarm inside of a transaction; see stats.Store.
func SaveRaised(c Conn, r stats.Raised) error {
	if r.Level == 0 {
		return statAlarms.remove(c, r)
	}
	sum, err := statAlarms.sum(&r)
	if err != nil {
		return err
	}
	_, err = c.Exec(saveRaised, append(statAlarms.fields(&r), sum, r.Instance)...)
	return err
}

// AllRaised reads all alarms; see stats.Store.
func AllRaised(c Conn) ([]stats.Raised, error) { return statAlarms.all(c, "order by instance, quota") }
