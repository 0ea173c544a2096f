package bench

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/mqtt"
)

// Exit codes, as those of the other commands.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are what one run does.
type options struct {
	scenario string
	url      string
	user     string
	password string
	cafile   string
	insecure bool
	version  int
	qos      int
	clients  int // publishers; pairs: pairs; fan-out, idle and storm: receivers or connections
	to       int // receivers of fan-in, scattered, wildcard and durable
	filters  int // of scattered and wildcard, in all; retained: messages
	window   int // messages of a publisher that may be on their way
	size     int // payload, bytes
	warm     time.Duration
	duration time.Duration
	settle   time.Duration // idle
	pid      int           // the broker's process, 0: not known
	rate     int           // messages a second in all, 0: as fast as the windows allow
	atOnce   int           // connections that are being made at the same time
	absent   bool          // durable: the sessions are away
	resume   bool          // storm: measure a second one, in which TLS sessions are resumed
	leave    bool          // retained: don't remove the messages at the end
	quiet    bool          // no progress
	json     bool
	flags    *pflag.FlagSet
}

const (
	minSize  = 20 // bytes of a payload that carry who, what number and when
	maxSize  = 16 << 20
	maxNodes = 1 << 20 // connections, receivers, filters
)

// parse reads the arguments behind `tsunagi bench`.
func parse(args []string, help io.Writer) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.StringVarP(&o.url, "url", "L", "mqtt://127.0.0.1:1883", "`URL` of the broker: mqtt, mqtts, ws or wss")
	f.IntVarP(&o.clients, "clients", "n", 0, "publishers, pairs, or (fan-out, idle, storm) the many (default depends on the scenario)")
	f.IntVar(&o.to, "receivers", 0, "receivers of fan-in (5), scattered and wildcard (20), durable (16)")
	f.IntVar(&o.filters, "filters", 0, "filters of scattered (20000) and wildcard (200000) in all; retained messages (100000)")
	f.IntVarP(&o.window, "window", "w", 0, "messages of a publisher on their way at once (64; fan-out 16, durable 1)")
	f.IntVar(&o.rate, "rate", 0, "messages a second in all; what a window doesn't allow is sent late (default: as fast as the windows allow)")
	f.IntVarP(&o.qos, "qos", "q", 0, "quality of service: 0, 1 or 2 (durable: 1 or 2)")
	f.IntVarP(&o.size, "size", "s", 64, "payload in `bytes`")
	f.DurationVarP(&o.duration, "duration", "d", 5*time.Second, "how long to measure")
	f.DurationVar(&o.warm, "warm-up", time.Second, "how long to run before that")
	f.DurationVar(&o.settle, "settle", 6*time.Second, "idle: how long the broker gets to come to rest, before and after the connections")
	f.IntVar(&o.version, "protocol-version", 311, "31, 311 or 5")
	f.StringVarP(&o.user, "username", "u", "", "`user`")
	f.StringVarP(&o.password, "pw", "P", "", "`password`")
	f.StringVar(&o.cafile, "cafile", "", "PEM `file` with the authority of mqtts and wss")
	f.BoolVar(&o.insecure, "insecure", false, "don't check the broker's certificate")
	f.IntVar(&o.atOnce, "at-once", 32, "connections that are being made at the same time")
	f.BoolVar(&o.absent, "absent", false, "durable: the sessions are away while messages come; afterwards they come back and all is counted")
	f.BoolVar(&o.resume, "resume", false, "storm: connect twice and measure the second time, when TLS sessions are resumed")
	f.BoolVar(&o.leave, "leave", false, "retained: leave the messages with the broker at the end")
	f.BoolVar(&o.quiet, "quiet", false, "no progress on standard error")
	f.IntVar(&o.pid, "pid", 0, "`process` id of the broker on this machine: its CPU time and memory are shown")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.Usage = func() { fmt.Fprint(help, usageText(f)) }
	o.flags = f
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() != 1 {
		return nil, fmt.Errorf("want one scenario: %s", names())
	}
	o.scenario = f.Arg(0)
	return o, o.check()
}

func names() string {
	list := make([]string, len(scenarios))
	for i, s := range scenarios {
		list[i] = s.name
	}
	return strings.Join(list, ", ")
}

func usageText(f *pflag.FlagSet) string {
	var b strings.Builder
	b.WriteString("Puts load on an MQTT broker and measures it.\n\nUsage: tsunagi bench SCENARIO [OPTIONS]\n       tsunagi bench compare [OPTIONS]   our broker and mosquitto in turn\n\nScenarios:\n")
	for _, s := range scenarios {
		fmt.Fprintf(&b, "  %-10s %s\n", s.name, s.help)
	}
	b.WriteString("\nOptions:\n" + f.FlagUsages())
	b.WriteString("\nExit codes: 0 done and nothing lost, 1 failed or something lost, 2 wrong arguments.\n")
	return b.String()
}

// check fills in the scenario's defaults and reports every fault at once.
func (o *options) check() error {
	s := findScenario(o.scenario)
	if s == nil {
		return fmt.Errorf("scenario %q: want one of %s", o.scenario, names())
	}
	var errs []error
	fill := func(name string, v *int, def int) {
		if *v == 0 {
			*v = def
		}
		if *v < 0 || *v > maxNodes {
			errs = append(errs, fmt.Errorf("--%s %d: want 1 to %d", name, *v, maxNodes))
		}
	}
	fill("clients", &o.clients, s.clients)
	fill("receivers", &o.to, s.to)
	fill("filters", &o.filters, s.filters)
	fill("window", &o.window, s.window)
	fill("at-once", &o.atOnce, 1)
	o.qos = max(o.qos, s.qos)
	if o.qos < 0 || o.qos > 2 {
		errs = append(errs, fmt.Errorf("--qos %d: want 0, 1 or 2", o.qos))
	}
	if o.size < minSize || o.size > maxSize {
		errs = append(errs, fmt.Errorf("--size %d: want %d to %d", o.size, minSize, maxSize))
	}
	if o.qos > 0 && o.window > 60000 {
		errs = append(errs, fmt.Errorf("--window %d: want at most 60000 with QoS 1 and 2", o.window))
	}
	if o.version != 31 && o.version != 311 && o.version != 5 {
		errs = append(errs, fmt.Errorf("--protocol-version %d: want 31, 311 or 5", o.version))
	}
	if o.duration <= 0 || o.warm < 0 || o.settle < 0 {
		errs = append(errs, errors.New("--duration, --warm-up and --settle: want a time, such as 5s"))
	}
	if o.rate < 0 {
		errs = append(errs, fmt.Errorf("--rate %d: want messages a second", o.rate))
	}
	if (o.scenario == "scattered" || o.scenario == "wildcard") && o.filters < o.to {
		errs = append(errs, fmt.Errorf("--filters %d: want at least one for each of %d receivers", o.filters, o.to))
	}
	return errors.Join(errs...)
}

func (o *options) protocol() mqtt.Version {
	switch o.version {
	case 31:
		return mqtt.V31
	case 5:
		return mqtt.V5
	}
	return mqtt.V311
}
