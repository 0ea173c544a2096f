package main

import (
	"context"
	"fmt"
	"time"
)

// figure is what one run came to, by unit.
type figure map[string]float64

// quantity is one thing that a row measures.
type quantity struct {
	unit    string
	digits  int
	smaller bool    // is better
	times   float64 // aim: so many times as good as Node-RED
	limit   float64 // aim: at most so much
}

// row is one comparison.
type row struct {
	name  string
	flow  string
	shows []quantity
	load  func(ctx context.Context, s *settings, t *target) (figure, error)
}

const (
	perCPU = "msgs/CPU-s"
	rssMB  = "MB resident"
)

func rate(times float64) []quantity {
	return []quantity{{unit: perCPU, times: times}, {unit: rssMB, digits: 1, smaller: true}}
}

var rows = []row{
	{"mqtt -> mqtt", passFlow, rate(5), closedLoop(pass)},
	{"mqtt -> function -> mqtt", functionFlow, rate(3), closedLoop(celsius)},
	{"json, switch, change, template", chainFlow, rate(5), closedLoop(chained)},
	{"fan to 4 functions", fanFlow, rate(5), closedLoop(fanned)},
	{"JSONata change", jsonataFlow, rate(3), closedLoop(expressed)},
	{"CPU-heavy function", heavyFlow, rate(0.9), closedLoop(crc)},
	{"http in -> function -> response", httpFlow, []quantity{{unit: "reqs/CPU-s", times: 8}, {unit: rssMB, digits: 1, smaller: true}}, httpLoad},
	{"100k split -> function -> join", loopFlow, []quantity{{unit: "elements/CPU-s", times: 4}, {unit: "MB at most", digits: 0, smaller: true, limit: 150}}, loopLoad},
	{"200 messages a second", passFlow, []quantity{{unit: "p50 ms", digits: 2, smaller: true, limit: 1}, {unit: "p99 ms", digits: 2, smaller: true}}, steadyLoad},
	{"start and idle", functionFlow, []quantity{{unit: "start ms", digits: 0, smaller: true, limit: 150},
		{unit: rssMB, digits: 1, smaller: true, limit: 15}}, idleLoad},
}

// target is a runtime that runs the row's flow.
type target struct {
	pid     int
	broker  string
	http    string
	started time.Duration
}

// run starts a runtime on the row's flow, loads it and ends it.
func (r row) run(ctx context.Context, s *settings, rt *runtime, broker string) (figure, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute+5*s.duration)
	defer cancel()
	p, err := rt.start(ctx, r.flow, broker)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	f, err := r.load(ctx, s, &target{p.pid(), broker, p.http, p.started})
	if err != nil {
		return f, fmt.Errorf("%w%s", err, p.complaint())
	}
	return f, nil
}
