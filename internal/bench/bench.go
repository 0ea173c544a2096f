package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

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
	res, err := measure(ctx, o, o.teller(errOut))
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
	if res.bad() > 0 {
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

// teller writes progress, a line at a time.
func (o *options) teller(to io.Writer) func(format string, a ...any) {
	if o.quiet {
		return func(string, ...any) {}
	}
	var mu sync.Mutex
	return func(format string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(to, o.scenario+": "+format+"\n", a...)
	}
}
