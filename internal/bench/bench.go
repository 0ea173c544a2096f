package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// Bench is `tsunagi bench`: it carries out args and returns the exit code.
func Bench(ctx context.Context, args []string, out, errOut io.Writer) int {
	if len(args) > 0 && args[0] == "compare" {
		return compare(ctx, args[1:], out, errOut)
	}
	o, err := parse(args, out)
	if err != nil {
		return usageError(err, errOut)
	}
	res, err := measure(ctx, o)
	if err != nil {
		fmt.Fprintf(errOut, "tsunagi bench: %v\n", err)
		return exitFailed
	}
	if o.json {
		err = json.NewEncoder(out).Encode(res)
	} else {
		_, err = io.WriteString(out, res.table())
	}
	if err != nil {
		fmt.Fprintf(errOut, "tsunagi bench: %v\n", err)
		return exitFailed
	}
	if res.Lost+res.Doubled+res.Late > 0 {
		return exitFailed
	}
	return exitOK
}

// usageError prints what is wrong with the arguments; help has been printed by the parser.
func usageError(err error, errOut io.Writer) int {
	if errors.Is(err, pflag.ErrHelp) {
		return exitOK
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(errOut, "tsunagi bench: %s\n", line)
	}
	fmt.Fprintln(errOut, "`tsunagi bench --help` lists scenarios and options.")
	return exitUsage
}

// table is the result for people.
func (r *result) table() string {
	var b strings.Builder
	line := func(name, format string, a ...any) { fmt.Fprintf(&b, "%-22s %s\n", name, fmt.Sprintf(format, a...)) }
	if r.Scenario == "idle" {
		line("scenario", "idle, %d connections", r.Clients)
		line("memory", "%.1f MiB, %.0f bytes more for each connection", float64(r.RSS)/(1<<20), r.PerIdle)
		line("broker CPU", "%.2f s in %.1f s", r.BrokerCPU, r.Seconds)
		return b.String()
	}
	line("scenario", "%s, QoS %d, %d clients, window %d, %d bytes", r.Scenario, r.QoS, r.Clients, r.Window, r.Size)
	line("messages", "%d in %.2f s, %.0f a second", r.Messages, r.Seconds, r.PerSecond)
	if r.BrokerCPU > 0 {
		line("broker", "%.2f CPU-seconds, %.0f messages a CPU-second, %.1f MiB", r.BrokerCPU, r.PerCPUSecond, float64(r.RSS)/(1<<20))
	}
	line("latency", "p50 %.0f µs, p99 %.0f µs, p99.9 %.0f µs, longest %.0f µs", r.Latency.P50, r.Latency.P99, r.Latency.P999, r.Latency.Max)
	line("lost, doubled, late", "%d, %d, %d", r.Lost, r.Doubled, r.Late)
	line("load generator", "%.2f CPU-seconds", r.OwnCPU)
	return b.String()
}
