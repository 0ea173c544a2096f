package bench

import (
	"fmt"
	"strings"
)

// row is one load of a comparison, and what is read off it.
type row struct {
	name     string
	args     []string // of `tsunagi bench`
	via      string   // mqtt, mqtts or ws
	alone    string   // why mosquitto isn't asked; "" when it is
	free     bool     // broker and load may use all cores
	measures []measureOf
}

// measureOf is one figure of a row with its aim.
type measureOf struct {
	name, unit string
	value      func(*result) float64
	less       bool    // a smaller figure is better
	ratio      float64 // aim: so many times as good as mosquitto; 0: none
	bound      float64 // aim: at least this, or at most with less; 0: none
}

// Figures that several rows read.
var (
	throughput = func(r *result) float64 { return r.PerCPUSecond }
	rate       = func(r *result) float64 { return r.PerSecond }
	ackP50     = func(r *result) float64 { return r.Ack.at(func(l *latency) float64 { return l.P50 }) }
	ackP99     = func(r *result) float64 { return r.Ack.at(func(l *latency) float64 { return l.P99 }) }
)

// at is a figure of the latencies in milliseconds, 0 without any.
func (l *latency) at(f func(*latency) float64) float64 {
	if l == nil {
		return 0
	}
	return f(l) / 1000
}

// messages is the figure of most rows: messages for each CPU-second of the broker.
func messages(ratio float64) []measureOf {
	return []measureOf{{unit: "messages/CPU-s", value: throughput, ratio: ratio}}
}

const neverDurable = "mosquitto acknowledges before a message is on disk"

// rows are the loads in the order in which they are shown.
var rows = []row{
	{"pairs QoS 0", words("pairs -n 200"), "mqtt", "", false, messages(40)},
	{"one at a time", words("pairs -n 200 -w 1"), "mqtt", "", false, messages(1.3)},
	{"one pair, one at a time", words("pairs -n 1 -w 1"), "mqtt", "", false, messages(0)},
	{"pairs QoS 1", words("pairs -n 200 -q 1 -w 20"), "mqtt", "", false, messages(18)},
	{"pairs QoS 2", words("pairs -n 50 -q 2 -w 20"), "mqtt", "", false, messages(21)},
	{"fan-in 50 to 5", words("fan-in"), "mqtt", "", false, messages(58)},
	{"fan-out to 1000", words("fan-out"), "mqtt", "", false, messages(16)},
	{"pairs over TLS", words("pairs -n 200"), "mqtts", "", false, messages(50)},
	{"pairs over WebSocket", words("pairs -n 200"), "ws", "", false, messages(13)},
	{"scattered", words("scattered"), "mqtt", "", false, messages(0)},
	{"200,000 filters", words("wildcard"), "mqtt", "", false, append(messages(18),
		measureOf{"subscribing", "CPU-µs/filter", func(r *result) float64 { return r.SubscribeCPU }, true, 0, 10},
		measureOf{"memory", "bytes/filter", func(r *result) float64 { return r.PerFilter }, true, 0, 600})},
	{"100,000 retained", words("retained --leave"), "mqtt", "", false, append(messages(8.8),
		measureOf{"memory", "bytes/message", func(r *result) float64 { return r.PerRetained }, true, 0, 500 + 64})},
	{"QoS 1 at 2,000/s", words("pairs -n 20 -q 1 --rate 2000"), "mqtt", "", false, []measureOf{
		{"p50", "ms", func(r *result) float64 { return r.Latency.at(func(l *latency) float64 { return l.P50 }) }, true, 0, 0},
		{"p99", "ms", func(r *result) float64 { return r.Latency.at(func(l *latency) float64 { return l.P99 }) }, true, 1, 0}}},
	{"connect storm", words("storm"), "mqtt", "", false, []measureOf{{"", "connects/CPU-s", throughput, false, 0, 18_000}}},
	{"TLS storm, resumed", words("storm -n 2000 --resume"), "mqtts", "", false, []measureOf{{"", "connects/CPU-s", throughput, false, 0, 0}}},
	{"idle", words("idle -n 10000"), "mqtt", "", false, idleMeasures(5_500)},
	{"idle over TLS", words("idle -n 5000"), "mqtts", "", false, idleMeasures(16_000)},
	{"durable, connected", words("durable"), "mqtt", neverDurable, true, durableMeasures},
	{"durable, one at a time", words("durable -n 1 --receivers 1 -w 1"), "mqtt", neverDurable, true, []measureOf{
		{"acknowledgement p50", "ms", ackP50, true, 0, 0},
		{"beyond 1.5 fsync", "ms", func(r *result) float64 { return ackP50(r) - 1.5*r.Fsync/1000 }, true, 0, 0.3}}},
	{"durable, absent", words("durable --absent"), "mqtt", neverDurable, true, durableMeasures},
}

func words(s string) []string { return strings.Fields(s) }

func idleMeasures(bytes float64) []measureOf {
	return []measureOf{
		{"memory", "bytes/connection", func(r *result) float64 { return r.PerIdle }, true, 0, bytes},
		{"CPU", "% of a core", func(r *result) float64 { return r.IdleCPU }, true, 0, 0.5},
	}
}

var durableMeasures = []measureOf{
	{"rate", "messages/s", rate, false, 0, 50_000},
	{"acknowledgement p99", "ms", ackP99, true, 0, 25},
}

// aim is the figure's aim in words, "" without one.
func (m *measureOf) aim() string {
	switch {
	case m.ratio > 0:
		return fmt.Sprintf(">= %gx", m.ratio)
	case m.bound > 0 && m.less:
		return fmt.Sprintf("<= %g", m.bound)
	case m.bound > 0:
		return fmt.Sprintf(">= %g", m.bound)
	}
	return ""
}

// reached says whether the aim is; it is only asked where there is one.
func (m *measureOf) reached(ours, ratio float64) bool {
	switch {
	case m.ratio > 0:
		return ratio >= m.ratio
	case m.less:
		return ours <= m.bound
	}
	return ours >= m.bound
}
