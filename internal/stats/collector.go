package stats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options of New. Store and Read must be set.
type Options struct {
	Store Store
	// Read gives the readings of all instances that are in use, by id.
	Read func() map[string]Reading
	// Quotas gives the limits of an instance and what is used of them; nil: there are no alarms.
	Quotas func(ctx context.Context, instance string) ([]Quota, error)
	Alarms []Alarm
	Owed   Owed          // nil: nobody
	Every  time.Duration // between two readings [15s]
	Save   time.Duration // between two writes; a crash loses as much [5m]
	Now    func() time.Time
	Log    *slog.Logger
}

// maxPending bounds the points that wait to be written while the store fails; then the oldest go.
const maxPending = 50_000

// Collector reads, keeps and judges. Run must run.
type Collector struct {
	o Options

	saving sync.Mutex // one write at a time; taken before mu

	mu      sync.Mutex                  // guards all below
	open    map[string]*open            // by instance: the steps that are not over
	pending []Point                     // that are over and not written, in order
	raised  map[string]map[string]alarm // by instance and quota: those above level 0
}

// open are an instance's points that still grow.
type open struct {
	last         Reading
	minute, hour Point
}

// New returns a collector that knows nothing yet. It starts nothing.
func New(o Options) *Collector {
	if o.Every <= 0 {
		o.Every = 15 * time.Second
	}
	if o.Save <= 0 {
		o.Save = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Collector{o: o, open: map[string]*open{}, raised: map[string]map[string]alarm{}}
}

// Run reads and writes until ctx ends, and writes what is left then.
func (c *Collector) Run(ctx context.Context) error {
	if err := c.load(ctx); err != nil && ctx.Err() == nil {
		c.o.Log.Warn("alarms that are raised not read; they may be told once more", "error", err)
	}
	read := time.NewTicker(c.o.Every)
	defer read.Stop()
	save := time.NewTicker(c.o.Save)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			c.Read(last)
			c.judgeAll(last)
			return c.Save(last)
		case <-read.C:
			c.Read(ctx)
			c.judgeAll(ctx)
		case <-save.C:
			if err := c.Save(ctx); err != nil && ctx.Err() == nil {
				c.o.Log.Warn("statistics not stored, will try again", "error", err)
			}
		}
	}
}

// load takes up the alarms that an earlier process has raised.
func (c *Collector) load(ctx context.Context) error {
	list, err := c.o.Store.AllRaised(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range list {
		c.raise(r.Instance, r.Quota, alarm{level: r.Level, since: r.Since, untold: r.Untold})
	}
	return err
}

// raise sets the state of a quota. Callers hold mu.
func (c *Collector) raise(instance, quota string, a alarm) {
	of := c.raised[instance]
	if a.level == 0 {
		if delete(of, quota); len(of) == 0 {
			delete(c.raised, instance)
		}
		return
	}
	if of == nil {
		of = map[string]alarm{}
		c.raised[instance] = of
	}
	of[quota] = a
}

// Read takes one reading of all instances.
func (c *Collector) Read(ctx context.Context) {
	readings := c.o.Read()
	now := c.o.Now()
	for instance, r := range readings {
		c.take(ctx, instance, r, now)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for instance, o := range c.open {
		if _, there := readings[instance]; !there { // its broker was let go, or it was deleted
			c.close(o, 0, 0)
			delete(c.open, instance)
		}
	}
	if over := len(c.pending) - maxPending; over > 0 {
		c.pending = slices.Delete(c.pending, 0, over)
		c.o.Log.Warn("points of the statistics dropped because they can't be stored", "points", over)
	}
}

// take adds a reading to the open points of its instance, and begins new ones where the time has come.
func (c *Collector) take(ctx context.Context, instance string, r Reading, now time.Time) {
	minute, hour := Minute.begin(now), Hour.begin(now)
	c.mu.Lock()
	o := c.open[instance]
	c.mu.Unlock()
	if o == nil { // only Run makes them, so that nobody else does meanwhile
		o = c.resume(ctx, instance, minute, hour)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[instance] = o
	c.close(o, minute, hour)
	d := grown(o.last, r)
	o.last = r
	for _, p := range []*Point{&o.minute, &o.hour} {
		p.raise(r.Gauges)
		p.add(d)
	}
}

// resume makes the open points of an instance, with what an earlier process has stored of the same minute and hour.
func (c *Collector) resume(ctx context.Context, instance string, minute, hour int64) *open {
	o := &open{minute: Point{Instance: instance, Step: Minute, At: minute}, hour: Point{Instance: instance, Step: Hour, At: hour}}
	for _, p := range []*Point{&o.minute, &o.hour} {
		list, err := c.o.Store.Points(ctx, instance, p.Step, p.At)
		if err != nil {
			c.o.Log.Warn("statistics not read; a point begins anew", "instance", instance, "error", err)
			continue
		}
		if len(list) > 0 && list[0].At == p.At {
			*p = list[0]
		}
	}
	return o
}

// close puts points that are over on the list to be written, and begins those of minute and hour. Callers hold mu.
func (c *Collector) close(o *open, minute, hour int64) {
	for _, s := range []struct {
		p  *Point
		at int64
	}{{&o.minute, minute}, {&o.hour, hour}} {
		if s.p.At == s.at {
			continue
		}
		if !s.p.empty() {
			c.pending = append(c.pending, *s.p)
		}
		*s.p = Point{Instance: s.p.Instance, Step: s.p.Step, At: s.at}
	}
}

// Save writes all points that there are, those included that still grow.
func (c *Collector) Save(ctx context.Context) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	points := slices.Clone(c.pending)
	n := len(points)
	for _, o := range c.open {
		for _, p := range []*Point{&o.minute, &o.hour} {
			if !p.empty() {
				points = append(points, *p)
			}
		}
	}
	c.mu.Unlock()
	if len(points) == 0 {
		return nil
	}
	if err := c.o.Store.SavePoints(ctx, points, c.o.Now()); err != nil {
		return fmt.Errorf("save statistics: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = slices.Delete(c.pending, 0, min(n, len(c.pending)))
	return nil
}

// judgeAll looks at the quotas of all instances in use.
func (c *Collector) judgeAll(ctx context.Context) {
	if c.o.Quotas == nil {
		return
	}
	c.mu.Lock()
	instances := make([]string, 0, len(c.open))
	for instance := range c.open {
		instances = append(instances, instance)
	}
	for instance := range c.raised {
		if c.open[instance] == nil {
			instances = append(instances, instance)
		}
	}
	c.mu.Unlock()
	for _, instance := range instances {
		if err := c.judge(ctx, instance); err != nil && ctx.Err() == nil {
			c.o.Log.Warn("limits of an instance not judged", "instance", instance, "error", err)
		}
	}
}

// ErrGone says that there is no such instance any more. Options.Quotas may answer it.
var ErrGone = errors.New("the instance is gone")

func (c *Collector) judge(ctx context.Context, instance string) error {
	quotas, err := c.o.Quotas(ctx, instance)
	if errors.Is(err, ErrGone) {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.raised, instance)
		return nil
	}
	if err != nil {
		return err
	}
	now := c.o.Now().Truncate(time.Microsecond)
	for _, q := range quotas {
		c.mu.Lock()
		a := c.raised[instance][q.Name]
		old := a
		crossed := a.judge(q, now)
		a.untold = a.level > 0 && (a.untold || crossed && c.o.Owed != nil)
		c.raise(instance, q.Name, a)
		c.mu.Unlock()
		if a.level != old.level {
			if err := c.o.Store.SaveRaised(ctx, a.row(instance, q)); err != nil {
				c.mu.Lock()
				c.raise(instance, q.Name, old) // so that it is judged again, and told
				c.mu.Unlock()
				return err
			}
		}
		if crossed {
			for _, tell := range c.o.Alarms {
				tell(ctx, Crossing{instance, q, a.level, now})
			}
		}
		if a.untold {
			if err := c.owe(ctx, instance, q, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// owe tells Options.Owed of an alarm, and notes that it took it.
func (c *Collector) owe(ctx context.Context, instance string, q Quota, a alarm) error {
	if c.o.Owed != nil { // nil: it was owed by an earlier process with other settings
		if err := c.o.Owed(ctx, Crossing{instance, q, a.level, a.since}); err != nil {
			return err
		}
	}
	a.untold = false
	c.mu.Lock()
	c.raise(instance, q.Name, a)
	c.mu.Unlock()
	return c.o.Store.SaveRaised(ctx, a.row(instance, q))
}

func (a alarm) row(instance string, q Quota) Raised {
	return Raised{Instance: instance, Quota: q.Name, Level: a.level, Since: a.since, Untold: a.untold}
}
