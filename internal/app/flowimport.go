package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tsunagi/internal/flow/nodes"
	"tsunagi/internal/takeover"
)

const importUsage = `Usage: tsunagi flow import DIR [--data DIR] [--yes]

Takes over a Node-RED installation: flows, credentials with their key, context, library, users and settings.
DIR is Node-RED's directory, such as ~/.node-red; it is not changed. Without --yes it says what would be done.

`

// flowImport is "tsunagi flow import".
func flowImport(args []string, s Streams) int {
	flags := pflag.NewFlagSet("import", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	data := flags.String("data", "./flow-data", "directory to make, as that of tsunagi flow")
	yes := flags.Bool("yes", false, "do it")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(s.Out, importUsage, flags.FlagUsages())
		return ExitOK
	case err == nil && flags.NArg() != 1:
		err = errors.New("name the directory of Node-RED, such as ~/.node-red")
	}
	if err != nil {
		fmt.Fprintf(s.Err, "tsunagi flow import: %v\n", err)
		return ExitUsage
	}
	var types []string
	for _, t := range nodes.All() {
		types = append(types, t.Name)
	}
	plan, err := takeover.Make(takeover.Options{From: flags.Arg(0), Data: *data, Types: types, Environ: s.Environ})
	if plan != nil {
		printPlan(s.Out, plan)
	}
	if err == nil && *yes {
		if err = plan.Write(); err == nil {
			fmt.Fprintf(s.Out, "\nWritten. Start it with: tsunagi flow --data %s\n", *data)
		}
	} else if err == nil {
		fmt.Fprintln(s.Out, "\nNothing has been changed. Do it with --yes; stop Node-RED before.")
	}
	return exitCode("flow import", err, s)
}

func printPlan(w io.Writer, p *takeover.Plan) {
	list := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(w, "%s\n  %s\n", title, strings.Join(lines, "\n  "))
		}
	}
	list("Taken over:", p.Taken)
	list("Not taken over:", p.Left)
	var missing []string
	for _, m := range p.Missing {
		what := m.Type
		if m.Module != "" {
			what += " (" + m.Module + ")"
		}
		missing = append(missing, fmt.Sprintf("%s: %s", what, strings.Join(m.Users, ", ")))
	}
	list("Node types that are not here; flows don't start as long as nodes of them are in use:", missing)
}

// withSettingsFile adds the settings file of a data directory to the arguments of a command that names none.
func withSettingsFile(args []string, environ []string, data string) []string {
	named := slices.ContainsFunc(args, func(a string) bool { return a == "--config" || strings.HasPrefix(a, "--config=") }) ||
		slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, "TSUNAGI_CONFIG=") })
	file := filepath.Join(data, takeover.SettingsFile)
	if _, err := os.Stat(file); named || err != nil {
		return args
	}
	return append([]string{"--config", file}, args...)
}
