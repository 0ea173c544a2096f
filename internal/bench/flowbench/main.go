package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// settings are what the command line says.
type settings struct {
	tsunagi, nodeRED string
	only             string
	rounds           int
	duration, warm   time.Duration
	window           int
}

func main() {
	var s settings
	flag.StringVar(&s.tsunagi, "tsunagi", "bin/tsunagi", "`path` of the program")
	flag.StringVar(&s.nodeRED, "node-red", os.Getenv("NODE_RED"), "`directory` in which npm has installed node-red and node-linux-…")
	flag.StringVar(&s.only, "only", "", "only rows whose name holds one of these `words`, with commas between")
	flag.IntVar(&s.rounds, "rounds", 1, "times that each row is run; the median counts")
	flag.DurationVar(&s.duration, "duration", 3*time.Second, "how long each row is measured")
	flag.DurationVar(&s.warm, "warm-up", 2*time.Second, "how long each row runs before that")
	flag.IntVar(&s.window, "window", 100, "messages on their way at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := compare(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "flowbench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// compare runs every row on every runtime there is and prints the table.
func compare(ctx context.Context, s settings) error {
	ours, err := ourRuntime(s.tsunagi)
	if err != nil {
		return err
	}
	theirs, err := nodeRED(s.nodeRED)
	if err != nil {
		fmt.Printf("Without Node-RED beside it: %v\n", err)
	}
	broker, err := startBroker(ctx, s.tsunagi)
	if err != nil {
		return err
	}
	defer broker.stop()
	fmt.Printf("broker: %s; %d messages on their way at once; medians of %d runs of %v\n\n", broker.name, s.window, s.rounds, s.duration)
	fmt.Printf("%-34s %-14s %10s %10s %8s   %s\n", "", "", "tsunagi", "node-red", "ratio", "aim")
	bad := 0
	for _, r := range rows {
		if !wanted(r.name, s.only) {
			continue
		}
		var a, b []figure
		var failed error
		for range s.rounds {
			f, err := r.run(ctx, &s, ours, broker.addr)
			if failed == nil {
				failed = err
			}
			a = append(a, f)
			if theirs != nil && failed == nil {
				f, err := r.run(ctx, &s, theirs, broker.addr)
				if failed == nil && err != nil {
					failed = fmt.Errorf("node-red: %w", err)
				}
				b = append(b, f)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed != nil {
			fmt.Printf("%-34s failed: %v\n", r.name, failed)
			bad++
			continue
		}
		print(r, median(a), median(b))
	}
	if bad > 0 {
		return fmt.Errorf("%d rows failed", bad)
	}
	return nil
}

func wanted(name, only string) bool {
	return only == "" || slices.ContainsFunc(strings.Split(only, ","), func(w string) bool { return strings.Contains(name, w) })
}

func median(f []figure) figure {
	if len(f) == 0 {
		return nil
	}
	m := figure{}
	for key := range f[0] {
		v := make([]float64, len(f))
		for i := range f {
			v[i] = f[i][key]
		}
		slices.Sort(v)
		m[key] = v[len(v)/2]
	}
	return m
}

// print writes a line for each quantity that the row measures.
func print(r row, ours, theirs figure) {
	for i, q := range r.shows {
		name := r.name
		if i > 0 {
			name = ""
		}
		them, ratio := "–", "–"
		times := 0.0
		if v, ok := theirs[q.unit]; ok {
			them = fmt.Sprintf("%.*f", q.digits, v)
			if times = ours[q.unit] / v; q.smaller {
				times = v / ours[q.unit]
			}
			ratio = fmt.Sprintf("%.1fx", times)
		}
		fmt.Printf("%-34s %-14s %10.*f %10s %8s   %s\n", name, q.unit, q.digits, ours[q.unit], them, ratio, q.judge(ours[q.unit], times))
	}
}

// judge says what was aimed at and whether it was reached.
func (q quantity) judge(ours, times float64) string {
	verdict := func(ok bool) string {
		if ok {
			return "reached"
		}
		return "MISSED"
	}
	switch {
	case q.limit > 0:
		return fmt.Sprintf("<= %g: %s", q.limit, verdict(ours <= q.limit))
	case q.times > 0 && times > 0:
		return fmt.Sprintf(">= %gx: %s", q.times, verdict(times >= q.times))
	case q.times > 0:
		return fmt.Sprintf(">= %gx", q.times)
	}
	return ""
}
