// Package app wires the parts into commands: it makes every part, starts them in order and stops them in reverse.
package app

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
)

// Version is set by the build.
var Version = "dev"

// Exit codes of every command.
const (
	ExitOK     = 0 // done, or ended because it was asked to
	ExitFailed = 1 // something went wrong while it ran
	ExitUsage  = 2 // wrong arguments or settings; nothing was started
	ExitData   = 3 // the data directory can't be used: locked, of a newer version, unreadable
	ExitListen = 4 // an address can't be listened on
)

// Streams are what a command talks through, and its environment.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string

	// Replace runs a program instead of this process, with the same arguments and environment. It returns only when that
	// fails [the command runs again in this process].
	Replace func(program string) error
}

// command is one word after `tsunagi`.
type command struct {
	name, help string
	run        func(ctx context.Context, args []string, s Streams) int
}

// Run carries out args and returns the exit code.
func Run(ctx context.Context, args []string, s Streams) int {
	all := commands()
	if len(args) == 0 {
		fmt.Fprint(s.Err, overview(all))
		return ExitUsage
	}
	switch args[0] {
	case "help", "-h", "--help":
		fmt.Fprint(s.Out, overview(all))
		return ExitOK
	case "--version":
		args = []string{"version"}
	}
	for _, c := range all {
		if c.name == args[0] {
			return c.run(ctx, args[1:], s)
		}
	}
	fmt.Fprintf(s.Err, "tsunagi: there is no command %q. `tsunagi --help` lists them.\n", args[0])
	return ExitUsage
}

func overview(all []command) string {
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	var b strings.Builder
	b.WriteString("tsunagi: MQTT broker, control panel and flow servers in one program\n\nUsage: tsunagi COMMAND [OPTIONS]\n\n")
	for _, c := range all {
		fmt.Fprintf(&b, "  %-8s  %s\n", c.name, c.help)
	}
	b.WriteString("\n`tsunagi COMMAND --help` lists a command's options.\n" +
		"Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 3 data directory not usable, 4 address not usable.\n")
	return b.String()
}
