package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/procfs"
)

// idle measures the memory of connections that have spoken once, and the CPU time that they take afterwards.
func (r *run) idle(ctx context.Context) (*result, error) {
	o := r.o
	if o.pid == 0 {
		return nil, errors.New("idle measures the broker's memory: --pid says which process that is")
	}
	if err := r.wait(ctx, o.settle); err != nil { // what the broker's start has left behind is not the connections'
		return nil, err
	}
	before, err := procfs.Resident(o.pid)
	if err != nil {
		return nil, err
	}
	crowd := r.crowd()
	defer crowd.close()
	if err := crowd.connect(ctx, o.clients, r.speakOnce); err != nil {
		return nil, err
	}
	if err := r.wait(ctx, o.settle); err != nil {
		return nil, err
	}
	res := r.blank()
	m, err := r.meter()
	if err != nil {
		return nil, err
	}
	if err := r.wait(ctx, o.duration); err != nil {
		return nil, err
	}
	if err := m.read(res, 0); err != nil {
		return nil, err
	}
	res.PerIdle = float64(res.RSS-before) / float64(o.clients)
	res.IdleCPU = 100 * res.BrokerCPU / res.Seconds
	return res, nil
}

// speakOnce is what each idle client does: it subscribes, and asks for one answer.
func (r *run) speakOnce(l *link, i int) error {
	if err := l.subscribe([]string{fmt.Sprintf("%s/i%d", r.name, i)}, 0); err != nil {
		return err
	}
	return l.ping()
}

// ping sends PINGREQ and waits for the answer.
func (l *link) ping() error {
	f, err := l.ask([]byte{byte(mqtt.PINGREQ) << 4, 0})
	if err == nil && f.Type() != mqtt.PINGRESP {
		err = fmt.Errorf("PINGREQ was answered by packet type %d", f.Type())
	}
	return err
}

// crowd is many connections that do little.
type crowd struct {
	r     *run
	mu    sync.Mutex
	links []*link // guarded by mu
	took  histogram
}

func (r *run) crowd() *crowd { return &crowd{r: r} }

// connect makes n connections, some at once, and has each do something first.
func (c *crowd) connect(ctx context.Context, n int, first func(l *link, i int) error) error {
	r := c.r
	done := r.progress("connections")
	defer done.end()
	return each(ctx, r.o.atOnce, n, func(ctx context.Context, i int) error {
		began := time.Now()
		l, err := connect(ctx, r.dialer, r.o, login{id: fmt.Sprintf("%s-c%d", r.name, i), number: i})
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		c.mu.Lock()
		c.links = append(c.links, l)
		c.took.add(time.Since(began))
		c.mu.Unlock()
		done.n.Add(1)
		if first == nil {
			return nil
		}
		return first(l, i)
	})
}

func (c *crowd) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.links {
		l.conn.Close()
	}
	c.links = nil
}
