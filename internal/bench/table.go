package bench

import (
	"fmt"
	"strings"
)

// table is the result for people.
func (r *result) table() string {
	var b strings.Builder
	line := func(name, format string, a ...any) { fmt.Fprintf(&b, "%-22s %s\n", name, fmt.Sprintf(format, a...)) }
	what := "messages"
	switch r.Scenario {
	case "idle":
		line("scenario", "idle, %d connections", r.Clients)
		line("memory", "%.1f MiB, %.0f bytes more for each connection", mib(r.RSS), r.PerIdle)
		line("broker CPU", "%.2f s in %.1f s, %.1f %%", r.BrokerCPU, r.Seconds, r.IdleCPU)
		return b.String()
	case "storm":
		what = "connections"
		line("scenario", "storm, %d clients", r.Clients)
	default:
		line("scenario", "%s, QoS %d, %d clients, window %d, %d bytes", r.Scenario, r.QoS, r.Clients, r.Window, r.Size)
	}
	line(what, "%d in %.2f s, %.0f a second", r.Messages, r.Seconds, r.PerSecond)
	if r.BrokerCPU > 0 {
		line("broker", "%.2f CPU-seconds, %.0f %s a CPU-second, %.1f MiB", r.BrokerCPU, r.PerCPUSecond, what, mib(r.RSS))
	}
	if r.SubscribeCPU > 0 {
		line("subscribing", "%.1f µs of CPU and %.0f bytes for each filter", r.SubscribeCPU, r.PerFilter)
	}
	if r.PerRetained > 0 {
		line("retained", "%.0f bytes each, payload included", r.PerRetained)
	}
	r.latencies(line)
	if r.Live > 0 {
		line("meanwhile", "%d clients lived on, %d of them were lost; %d TLS sessions were resumed", r.Live, r.LiveLost, r.Resumed)
	} else {
		line("lost, doubled, late", "%d, %d, %d", r.Lost, r.Doubled, r.Late)
	}
	line("load generator", "%.2f CPU-seconds", r.OwnCPU)
	return b.String()
}

func (r *result) latencies(line func(name, format string, a ...any)) {
	for _, l := range []struct {
		name string
		*latency
	}{{"latency", r.Latency}, {"acknowledgement", r.Ack}} {
		if l.latency != nil {
			line(l.name, "p50 %.0f µs, p99 %.0f µs, p99.9 %.0f µs, longest %.0f µs", l.P50, l.P99, l.P999, l.Max)
		}
	}
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
