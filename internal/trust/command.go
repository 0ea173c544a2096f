package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/pflag"
)

// Exit codes, those of all commands.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Here is this machine.
func Here() Machine {
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	super := os.Geteuid() == 0
	if super && os.Getenv("SUDO_USER") != "" {
		home = "" // root's browsers are nobody's, and another's files would become root's
	}
	return Machine{GOOS: runtime.GOOS, Home: home, Super: super,
		Find: func(command string) bool { _, err := exec.LookPath(command); return err == nil },
		Run: func(ctx context.Context, command string, args ...string) (string, error) {
			out, err := exec.CommandContext(ctx, command, args...).CombinedOutput()
			return string(out), err
		}}
}

// Command carries out `tsunagi trust` and returns the exit code.
func (m Machine) Command(ctx context.Context, args []string, out, errOut io.Writer) int {
	f := pflag.NewFlagSet("trust", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	data := f.String("data", "./data", "data directory of `tsunagi serve`, whose authority is meant")
	file := f.String("ca", "", "the authority's certificate, as the panel gives it [DATA/ca/ca.pem]")
	remove := f.Bool("remove", false, "take it out again")
	dry := f.Bool("dry-run", false, "only say what would be done")
	err := f.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprintf(out, "Usage: tsunagi trust [OPTIONS]\n\nPuts the local authority into the trust stores of this machine and of the browsers of whoever runs it.\n\n%s", f.FlagUsages())
		return exitOK
	case err != nil || f.NArg() > 0:
		fmt.Fprintf(errOut, "tsunagi trust: %v; see --help\n", errors.Join(err, extra(f.Args())))
		return exitUsage
	}
	if *file == "" {
		*file = filepath.Join(*data, "ca", "ca.pem")
	}
	if *file, err = filepath.Abs(*file); err != nil {
		fmt.Fprintf(errOut, "tsunagi trust: %v\n", err)
		return exitFailed
	}
	a, err := load(*file)
	if err != nil {
		fmt.Fprintf(errOut, "tsunagi trust: %v\n", err)
		return exitFailed
	}
	return m.carryOut(ctx, m.steps(a, *remove), a, *dry, out)
}

func extra(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("there is no argument %q", args[0])
}

// carryOut does the steps one after the other; one that fails keeps none from being done.
func (m Machine) carryOut(ctx context.Context, steps []step, a authority, dry bool, out io.Writer) int {
	fmt.Fprintf(out, "%s (%s)\n", a.name(), a.file)
	if len(steps) == 0 {
		fmt.Fprintln(out, "  nothing to do: no trust store was found that this is about")
		return exitOK
	}
	code := exitOK
	for _, s := range steps {
		switch {
		case dry:
			fmt.Fprintf(out, "  would do     %s\n               %s\n", s.words, s.tell)
		case s.super && !m.Super:
			fmt.Fprintf(out, "  needs root   %s\n               run: %s\n", s.words, s.tell)
			code = exitFailed
		default:
			if err := s.do(ctx); err != nil {
				fmt.Fprintf(out, "  failed       %s\n               %v\n", s.words, err)
				code = exitFailed
				continue
			}
			fmt.Fprintf(out, "  done         %s\n", s.words)
		}
	}
	return code
}
