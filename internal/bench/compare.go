package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// comparison is `tsunagi bench compare`: our broker and mosquitto in turn, on the same core, in the same minutes.
type comparison struct {
	rounds    int
	duration  time.Duration
	only      string
	json      bool
	oursOnly  bool
	tsunagi   string // path of the program
	mosquitto string // "": there is none
	pin       bool   // brokers on core 0, load on core 1
	errOut    io.Writer
}

func compare(ctx context.Context, args []string, out, errOut io.Writer) int {
	c := &comparison{errOut: errOut}
	f := pflag.NewFlagSet("compare", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.IntVar(&c.rounds, "rounds", 3, "times that each row is run; the median counts")
	f.DurationVarP(&c.duration, "duration", "d", 3*time.Second, "how long each run measures")
	f.StringVar(&c.only, "only", "", "only rows whose name holds this `text`")
	f.BoolVar(&c.oursOnly, "ours", false, "leave mosquitto out")
	f.StringVar(&c.mosquitto, "mosquitto", "", "`path` of mosquitto (default: looked for)")
	f.StringVar(&c.tsunagi, "tsunagi", "", "`path` of tsunagi (default: this program)")
	f.BoolVar(&c.json, "json", false, "print the result as JSON")
	f.Usage = func() {
		fmt.Fprintf(out, "Runs `tsunagi serve`, with an instance, a login, access rules and limits, and mosquitto in turn under the same\nloads and compares them.\n\n"+
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
		found, err := c.row(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("%s, %w", r.name, err)
		}
		lines = append(lines, found...)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("--only %q: no row has that in its name", c.only)
	}
	return lines, nil
}

// row runs one load, in turn, so that both brokers see the same neighbours on the machine.
func (c *comparison) row(ctx context.Context, r row) ([]line, error) {
	var ours, peers []*result
	why := r.alone
	for round := range c.rounds {
		c.tell("%s: round %d of %d", r.name, round+1, c.rounds)
		res, err := c.once(ctx, r, c.ours)
		if err != nil {
			return nil, fmt.Errorf("tsunagi: %w", err)
		}
		ours = append(ours, res)
		if c.mosquitto == "" || why != "" {
			continue
		}
		if res, err = c.once(ctx, r, c.peer); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			why = "mosquitto can't: " + err.Error()
			continue
		}
		peers = append(peers, res)
	}
	return linesOf(r, ours, peers, why), nil
}

// findTools looks for what a comparison needs, and says what it does without.
func (c *comparison) findTools() {
	if c.oursOnly {
		c.mosquitto = ""
	} else if c.mosquitto == "" {
		for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
			if path, err := exec.LookPath(name); err == nil {
				c.mosquitto = path
				break
			}
		}
		if c.mosquitto == "" {
			c.tell("mosquitto is not here (Debian: apt install mosquitto), so only our figures are shown")
		}
	}
	_, err := exec.LookPath("taskset")
	c.pin = err == nil && runtime.NumCPU() > 1
	if !c.pin {
		c.tell("without taskset and two cores, broker and load share what there is")
	}
}

func (c *comparison) tell(format string, a ...any) {
	fmt.Fprintf(c.errOut, "tsunagi bench compare: "+format+"\n", a...)
}

// once starts a broker, loads it, ends it, and returns what was found.
func (c *comparison) once(ctx context.Context, r row, start func(context.Context, string, bool) (*server, error)) (*result, error) {
	dir, err := os.MkdirTemp("", "tsunagi-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, dir, r.free)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	args := append([]string{"bench"}, r.args...)
	args = append(args, s.options(r.via)...)
	args = append(args, "--pid", fmt.Sprint(s.cmd.Process.Pid), "--duration", c.duration.String(), "--json", "--quiet")
	raw, err := c.command(ctx, 1, r.free, c.tsunagi, args...).Output() // a run with losses has its figures, too
	res := new(result)
	if jsonErr := json.Unmarshal(raw, res); jsonErr != nil {
		return nil, fmt.Errorf("load generator: %w: %s", err, stderrOf(err))
	}
	if r.args[0] == "durable" {
		if res.Fsync, err = fsyncTime(dir); err != nil {
			return nil, err
		}
	}
	if res.bad() > 0 {
		c.tell("%s: %s lost %d, doubled %d, sent late %d, lost %d clients", r.name, s.name, res.Lost, res.Doubled, res.Late, res.LiveLost)
	}
	return res, nil
}
