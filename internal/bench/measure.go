package bench

import (
	"context"
	"time"

	"tsunagi/internal/procfs"
)

// result is what a run has found. Fields that were not measured are left out.
type result struct {
	Scenario  string  `json:"scenario"`
	QoS       int     `json:"qos"`
	Clients   int     `json:"clients"`
	Window    int     `json:"window,omitempty"`
	Size      int     `json:"size,omitempty"`     // bytes
	Seconds   float64 `json:"seconds,omitempty"`  // measured
	Messages  int64   `json:"messages,omitempty"` // arrived meanwhile; storm: connections
	PerSecond float64 `json:"per_second,omitempty"`

	Latency *latency `json:"latency_us,omitempty"`     // from sending to arrival
	Ack     *latency `json:"ack_latency_us,omitempty"` // from sending to the end of the handshake, QoS 1 and 2
	Lost    uint64   `json:"lost"`
	Doubled uint64   `json:"doubled"`
	Late    uint64   `json:"out_of_order"`

	OwnCPU       float64 `json:"own_cpu_seconds"`
	BrokerCPU    float64 `json:"broker_cpu_seconds,omitempty"`
	PerCPUSecond float64 `json:"per_broker_cpu_second,omitempty"`
	RSS          int64   `json:"broker_rss_bytes,omitempty"`

	PerIdle      float64 `json:"bytes_per_connection,omitempty"`
	IdleCPU      float64 `json:"idle_cpu_percent,omitempty"`
	PerFilter    float64 `json:"bytes_per_filter,omitempty"`
	SubscribeCPU float64 `json:"cpu_us_per_subscribe,omitempty"`
	PerRetained  float64 `json:"bytes_per_retained,omitempty"` // payload included
	Resumed      int64   `json:"tls_sessions_resumed,omitempty"`
	Fsync        float64 `json:"fsync_us,omitempty"`     // median on the broker's disk, in a comparison
	Live         int     `json:"live_clients,omitempty"` // that went on during a storm
	LiveLost     int     `json:"live_clients_lost,omitempty"`
}

// latency is in microseconds.
type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func (h *histogram) latency() *latency {
	if h.n == 0 {
		return nil
	}
	us := func(p float64) float64 { return float64(h.percentile(p)) / 1000 }
	return &latency{us(0.5), us(0.99), us(0.999), float64(h.most) / 1000}
}

// bad is the number of messages that did not come once and in order, and of clients that were lost.
func (r *result) bad() uint64 { return r.Lost + r.Doubled + r.Late + uint64(r.LiveLost) }

// measure carries a scenario out.
func measure(ctx context.Context, o *options, tell func(format string, a ...any)) (*result, error) {
	if o.pid != 0 {
		if _, err := procfs.CPU(o.pid); err != nil {
			return nil, err
		}
	}
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	r.tell = tell
	defer r.close()
	return findScenario(o.scenario).measure(r, ctx)
}

// blank is a result that has nothing but the question.
func (r *run) blank() *result {
	o := r.o
	return &result{Scenario: o.scenario, QoS: o.qos, Clients: o.clients, Window: o.window, Size: o.size}
}

// flow measures messages that flow all the time.
func (r *run) flow(ctx context.Context) (*result, error) {
	res := r.blank()
	p := r.shape()
	if err := r.subscribeAll(ctx, p, res); err != nil {
		return nil, err
	}
	if err := r.connectPublishers(ctx, p); err != nil {
		return nil, err
	}
	r.start()
	if err := r.wait(ctx, r.o.warm); err != nil {
		return nil, err
	}
	if err := r.during(ctx, res, r.arrivals); err != nil {
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

// subscribeAll makes the receivers. The cost of many filters is measured.
func (r *run) subscribeAll(ctx context.Context, p plan, res *result) error {
	n := 0
	for _, f := range p.filters {
		n += len(f)
	}
	if r.o.pid == 0 || n < 10_000 {
		return r.connectReceivers(ctx, p)
	}
	memory, err := procfs.Resident(r.o.pid)
	if err != nil {
		return err
	}
	cpu, _ := procfs.CPU(r.o.pid) // it was there a moment ago; the second look reports
	if err := r.connectReceivers(ctx, p); err != nil {
		return err
	}
	after, err := procfs.CPU(r.o.pid)
	if err != nil {
		return err
	}
	res.SubscribeCPU = float64((after - cpu).Microseconds()) / float64(n)
	grown, err := procfs.Resident(r.o.pid)
	res.PerFilter = float64(grown-memory) / float64(n)
	return err
}

// during measures for the asked time. count is the number of messages so far.
func (r *run) during(ctx context.Context, res *result, count func() int64) error {
	m, err := r.meter()
	if err != nil {
		return err
	}
	before := count()
	r.measuring.Store(true)
	err = r.wait(ctx, r.o.duration)
	r.measuring.Store(false)
	if err != nil {
		return err
	}
	return m.read(res, count()-before)
}

// meter reads clocks, the wall's and those of the two processes.
type meter struct {
	r           *run
	began       time.Duration
	own, broker time.Duration
}

func (r *run) meter() (*meter, error) {
	m := &meter{r: r, began: r.now(), own: ownCPU()}
	var err error
	if r.o.pid != 0 {
		m.broker, err = procfs.CPU(r.o.pid)
	}
	return m, err
}

// read writes into res what has been since the meter was made.
func (m *meter) read(res *result, messages int64) (err error) {
	res.Messages, res.Seconds = messages, (m.r.now() - m.began).Seconds()
	res.OwnCPU = (ownCPU() - m.own).Seconds()
	res.PerSecond = float64(messages) / res.Seconds
	if m.r.o.pid == 0 {
		return nil
	}
	after, err := procfs.CPU(m.r.o.pid)
	if err != nil {
		return err
	}
	res.BrokerCPU = (after - m.broker).Seconds()
	if res.BrokerCPU > 0 {
		res.PerCPUSecond = float64(messages) / res.BrokerCPU
	}
	res.RSS, err = procfs.Resident(m.r.o.pid)
	return err
}

// judge counts what went wrong, over the whole run, and puts the latencies together. The readers have ended.
func (r *run) judge(res *result) {
	all, acks := new(histogram), new(histogram)
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
	for _, p := range r.publishers {
		acks.merge(&p.latency)
	}
	res.Latency, res.Ack = all.latency(), acks.latency()
}
