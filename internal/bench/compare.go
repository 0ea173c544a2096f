package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// row is one line of a comparison.
type row struct {
	name string
	args []string // of `tsunagi bench`
}

var rows = []row{
	{"pairs QoS 0", []string{"pairs"}},
	{"pairs QoS 1", []string{"pairs", "--qos", "1"}},
	{"one at a time", []string{"pairs", "--clients", "1", "--window", "1"}},
	{"fan-in 50 to 5", []string{"fan-in"}},
	{"fan-out to 1000", []string{"fan-out"}},
	{"scattered", []string{"scattered"}},
	{"idle memory", []string{"idle", "--clients", "2000"}},
}

// comparison is `tsunagi bench compare`: our broker and mosquitto in turn, on the same core, in the same minutes.
type comparison struct {
	rounds    int
	duration  time.Duration
	only      string
	json      bool
	tsunagi   string // path of the program
	mosquitto string
	pin       bool // brokers on core 0, load on core 1
	errOut    io.Writer
}

// line is what a row came to: the medians of its rounds.
type line struct {
	Row   string   `json:"row"`
	Unit  string   `json:"unit"`
	Ours  float64  `json:"tsunagi"`
	Peer  float64  `json:"mosquitto,omitempty"`
	Ratio float64  `json:"ratio,omitempty"` // above 1: ours is better
	Runs  []result `json:"runs"`            // of ours
	Peers []result `json:"mosquitto_runs,omitempty"`
}

func compare(ctx context.Context, args []string, out, errOut io.Writer) int {
	c := &comparison{errOut: errOut}
	f := pflag.NewFlagSet("compare", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.IntVar(&c.rounds, "rounds", 3, "times that each row is run; the median counts")
	f.DurationVarP(&c.duration, "duration", "d", 3*time.Second, "how long each run measures")
	f.StringVar(&c.only, "only", "", "only rows whose name holds this `text`")
	f.StringVar(&c.mosquitto, "mosquitto", "", "`path` of mosquitto (default: looked for)")
	f.StringVar(&c.tsunagi, "tsunagi", "", "`path` of tsunagi (default: this program)")
	f.BoolVar(&c.json, "json", false, "print the result as JSON")
	f.Usage = func() {
		fmt.Fprintf(out, "Runs `tsunagi serve --dev` and mosquitto in turn under the same loads and compares them.\n\n"+
			"Usage: tsunagi bench compare [OPTIONS]\n\nOptions:\n%s", f.FlagUsages())
	}
	if err := f.Parse(args); err != nil {
		return usageError(err, errOut)
	}
	if f.NArg() > 0 || c.rounds < 1 || c.duration <= 0 {
		return usageError(fmt.Errorf("want options only, at least one round and a duration above 0"), errOut)
	}
	lines, err := c.run(ctx)
	if err == nil && c.json {
		err = json.NewEncoder(out).Encode(lines)
	}
	if err != nil {
		fmt.Fprintf(errOut, "tsunagi bench compare: %v\n", err)
		return exitFailed
	}
	if !c.json {
		c.print(out, lines)
	}
	return exitOK
}

func (c *comparison) run(ctx context.Context) ([]line, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("this needs Linux: it reads the brokers' CPU time from /proc")
	}
	if c.tsunagi == "" {
		var err error
		if c.tsunagi, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	c.findTools()
	var lines []line
	for _, r := range rows {
		if !strings.Contains(r.name, c.only) {
			continue
		}
		l := line{Row: r.name, Unit: "messages/CPU-s"}
		if r.args[0] == "idle" {
			l.Unit = "bytes/connection"
		}
		for range c.rounds { // in turn, so that both see the same neighbours on the machine
			if err := c.once(ctx, r, c.ours, &l.Runs); err != nil {
				return nil, fmt.Errorf("%s, tsunagi: %w", r.name, err)
			}
			if c.mosquitto == "" {
				continue
			}
			if err := c.once(ctx, r, c.peer, &l.Peers); err != nil {
				return nil, fmt.Errorf("%s, mosquitto: %w", r.name, err)
			}
		}
		l.judge()
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("--only %q: no row has that in its name", c.only)
	}
	return lines, nil
}

// findTools looks for what a comparison needs, and says what it does without.
func (c *comparison) findTools() {
	if c.mosquitto == "" {
		for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
			if path, err := exec.LookPath(name); err == nil {
				c.mosquitto = path
				break
			}
		}
	}
	if c.mosquitto == "" {
		fmt.Fprintln(c.errOut, "tsunagi bench compare: mosquitto is not here (Debian: apt install mosquitto), so only our figures are shown")
	}
	_, err := exec.LookPath("taskset")
	c.pin = err == nil && runtime.NumCPU() > 1
	if !c.pin {
		fmt.Fprintln(c.errOut, "tsunagi bench compare: without taskset and two cores, broker and load share what there is")
	}
}

// once starts a broker, loads it, ends it, and adds what was found.
func (c *comparison) once(ctx context.Context, r row, start func(context.Context, string) (*server, error), into *[]result) error {
	dir, err := os.MkdirTemp("", "tsunagi-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	args := append([]string{"bench"}, r.args...)
	args = append(args, "--url", "mqtt://"+s.addr, "--pid", fmt.Sprint(s.cmd.Process.Pid), "--duration", c.duration.String(), "--json")
	cmd := c.command(ctx, 1, c.tsunagi, args...)
	raw, err := cmd.Output() // a run with losses has its figures, too
	var res result
	if jsonErr := json.Unmarshal(raw, &res); jsonErr != nil {
		return fmt.Errorf("load generator: %w: %s", err, stderrOf(err))
	}
	if bad := res.Lost + res.Doubled + res.Late; bad > 0 {
		fmt.Fprintf(c.errOut, "%s: %s lost %d, doubled %d, sent late %d\n", r.name, s.name, res.Lost, res.Doubled, res.Late)
	}
	*into = append(*into, res)
	return nil
}

// judge takes the medians.
func (l *line) judge() {
	value := func(r result) float64 {
		if l.Unit == "bytes/connection" {
			return r.PerIdle
		}
		return r.PerCPUSecond
	}
	median := func(list []result) float64 {
		if len(list) == 0 {
			return 0
		}
		v := make([]float64, len(list))
		for i, r := range list {
			v[i] = value(r)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	l.Ours, l.Peer = median(l.Runs), median(l.Peers)
	switch {
	case l.Ours == 0 || l.Peer == 0:
	case l.Unit == "bytes/connection":
		l.Ratio = l.Peer / l.Ours
	default:
		l.Ratio = l.Ours / l.Peer
	}
}

func (c *comparison) print(out io.Writer, lines []line) {
	where := "broker on core 0 with GOMAXPROCS=1, load on core 1"
	if !c.pin {
		where = "broker and load not pinned"
	}
	fmt.Fprintf(out, "%s, medians of %d runs of %v\n\n%-18s %-18s %12s %12s %8s\n", where, c.rounds, c.duration, "", "", "tsunagi", "mosquitto", "ratio")
	for _, l := range lines {
		fmt.Fprintf(out, "%-18s %-18s %12.0f %12.0f %7.1fx\n", l.Row, l.Unit, l.Ours, l.Peer, l.Ratio)
	}
	fmt.Fprintln(out, "\nA ratio above 1 is in our favour: more messages for the CPU, or fewer bytes for a connection.")
}
