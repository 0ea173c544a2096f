package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// result is what a run has found. Fields that were not measured are left out.
type result struct {
	Scenario  string  `json:"scenario"`
	QoS       int     `json:"qos"`
	Clients   int     `json:"clients"`
	Window    int     `json:"window,omitempty"`
	Size      int     `json:"size,omitempty"`     // bytes
	Seconds   float64 `json:"seconds,omitempty"`  // measured
	Messages  int64   `json:"messages,omitempty"` // arrived meanwhile
	PerSecond float64 `json:"per_second,omitempty"`

	Latency *latency `json:"latency_us,omitempty"`
	Lost    uint64   `json:"lost"`
	Doubled uint64   `json:"doubled"`
	Late    uint64   `json:"out_of_order"`

	OwnCPU       float64 `json:"own_cpu_seconds"`
	BrokerCPU    float64 `json:"broker_cpu_seconds,omitempty"`
	PerCPUSecond float64 `json:"per_broker_cpu_second,omitempty"`
	RSS          int64   `json:"broker_rss_bytes,omitempty"`
	PerIdle      float64 `json:"bytes_per_connection,omitempty"`
}

// latency is in microseconds.
type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// measure carries a scenario out.
func measure(ctx context.Context, o *options) (*result, error) {
	if o.pid != 0 {
		if _, err := processCPU(o.pid); err != nil {
			return nil, err
		}
	}
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	if o.scenario == "idle" {
		return r.idle(ctx)
	}
	defer r.close()
	if err := r.shape(ctx); err != nil {
		return nil, err
	}
	res := &result{Scenario: o.scenario, QoS: o.qos, Clients: o.clients, Window: o.window, Size: o.size}
	r.start()
	if err := r.wait(ctx, o.warm); err != nil {
		return nil, err
	}
	if err := r.window(ctx, res); err != nil {
		return nil, err
	}
	if err := r.drain(ctx); err != nil {
		return nil, err
	}
	r.close()
	r.judge(res)
	if res.Messages == 0 {
		return res, errNothing
	}
	return res, nil
}

// window measures for the asked time.
func (r *run) window(ctx context.Context, res *result) error {
	var brokerBefore time.Duration
	if r.o.pid != 0 {
		brokerBefore, _ = processCPU(r.o.pid) // it was there a moment ago; the second look reports
	}
	count, own, began := r.count(), ownCPU(), r.now()
	r.measuring.Store(true)
	err := r.wait(ctx, r.o.duration)
	r.measuring.Store(false)
	res.Messages, res.Seconds = r.count()-count, (r.now() - began).Seconds()
	res.OwnCPU = (ownCPU() - own).Seconds()
	res.PerSecond = float64(res.Messages) / res.Seconds
	if err != nil || r.o.pid == 0 {
		return err
	}
	after, err := processCPU(r.o.pid)
	if err != nil {
		return err
	}
	res.BrokerCPU = (after - brokerBefore).Seconds()
	if res.BrokerCPU > 0 {
		res.PerCPUSecond = float64(res.Messages) / res.BrokerCPU
	}
	res.RSS, err = processRSS(r.o.pid)
	return err
}

// judge counts what went wrong, over the whole run, and puts the latencies together. The readers have ended.
func (r *run) judge(res *result) {
	all := new(histogram)
	for _, v := range r.receivers {
		all.merge(&v.latency)
		for i := range v.streams {
			s, p := &v.streams[i], r.publishers[i]
			number := v.index
			if r.o.scenario == "fan-out" {
				number = 0 // the same messages for all
			}
			res.Lost += s.lost(p.numbers[number])
			res.Doubled += s.doubled
			res.Late += s.late
		}
	}
	us := func(p float64) float64 { return float64(all.percentile(p)) / 1000 }
	res.Latency = &latency{us(0.5), us(0.99), us(0.999), float64(all.most) / 1000}
}

// settle is how long an idle broker gets to come to rest.
const settle = 3 * time.Second

// idle measures the memory of connections that have spoken once.
func (r *run) idle(ctx context.Context) (*result, error) {
	o := r.o
	if o.pid == 0 {
		return nil, errors.New("idle measures the broker's memory: --pid says which process that is")
	}
	before, err := processRSS(o.pid)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var links []*link
	defer func() {
		for _, l := range links {
			l.conn.Close()
		}
	}()
	err = each(ctx, o.clients, func(ctx context.Context, i int) error {
		l, err := connect(ctx, r.dialer, o, fmt.Sprintf("%s-i%d", r.name, i))
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		mu.Lock()
		links = append(links, l)
		mu.Unlock()
		if err := l.subscribe([]string{fmt.Sprintf("%s/i%d", r.name, i)}, 0); err != nil {
			return err
		}
		_, err = l.ask([]byte{byte(mqtt.PINGREQ) << 4, 0})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.wait(ctx, settle); err != nil {
		return nil, err
	}
	cpu, err := processCPU(o.pid)
	if err != nil {
		return nil, err
	}
	if err := r.wait(ctx, o.duration); err != nil {
		return nil, err
	}
	after, err := processCPU(o.pid)
	if err != nil {
		return nil, err
	}
	res := &result{Scenario: o.scenario, Clients: o.clients, Seconds: o.duration.Seconds(), BrokerCPU: (after - cpu).Seconds()}
	if res.RSS, err = processRSS(o.pid); err != nil {
		return nil, err
	}
	res.PerIdle = float64(res.RSS-before) / float64(o.clients)
	return res, nil
}
