package stats

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// History is what there is of one instance and step, in order, from a time on. A step in which nothing happened and
// nothing was there has no point. The last one may still grow.
func (c *Collector) History(ctx context.Context, instance string, step Step, from time.Time) ([]Point, error) {
	oldest := c.o.Now().Add(-step.Kept())
	if from.Before(oldest) {
		from = oldest
	}
	begin := step.begin(from)
	list, err := c.o.Store.Points(ctx, instance, step, begin)
	if err != nil {
		return nil, err
	}
	list = append(list, c.unsaved(instance, step, begin)...)
	slices.SortStableFunc(list, func(x, y Point) int { return cmp.Compare(x.At, y.At) })
	out := list[:0]
	for _, p := range list {
		if n := len(out); n > 0 && out[n-1].At == p.At {
			out[n-1] = p // what is in memory has more than what is stored, and comes behind it
			continue
		}
		out = append(out, p)
	}
	return out, nil
}

// unsaved are the points that only memory has, or has more of.
func (c *Collector) unsaved(instance string, step Step, from int64) (list []Point) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pending {
		if p.Instance == instance && p.Step == step && p.At >= from {
			list = append(list, p)
		}
	}
	if o := c.open[instance]; o != nil {
		for _, p := range []Point{o.minute, o.hour} {
			if p.Step == step && p.At >= from && !p.empty() {
				list = append(list, p)
			}
		}
	}
	return list
}

// QuotaState is a quota with its alarm.
type QuotaState struct {
	Quota
	Level int // 0, LevelNear or LevelFull: the alarm that stands
	Since time.Time
}

// Quotas are the limits of an instance's plan, what is used of them, and the alarms that stand.
func (c *Collector) Quotas(ctx context.Context, instance string) ([]QuotaState, error) {
	if c.o.Quotas == nil {
		return nil, nil
	}
	quotas, err := c.o.Quotas(ctx, instance)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]QuotaState, 0, len(quotas))
	for _, q := range quotas {
		a := c.raised[instance][q.Name]
		list = append(list, QuotaState{q, a.level, a.since})
	}
	return list, nil
}
