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

	"tsunagi/internal/config"
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
	plan, err := planImport(flags.Arg(0), *data, s)
	if err == nil && *yes {
		if err = plan.Write(); err == nil {
			fmt.Fprintf(s.Out, "\nWritten. Start it with: tsunagi flow --data %s\n", *data)
		}
	} else if err == nil {
		fmt.Fprintln(s.Out, "\nNothing has been changed. Do it with --yes; stop Node-RED before.")
	}
	return exitCode("flow import", err, s)
}

// planImport says what would be taken over from a Node-RED installation.
func planImport(from, data string, s Streams) (*takeover.Plan, error) {
	var types []string
	for _, t := range nodes.All() {
		types = append(types, t.Name)
	}
	plan, err := takeover.Make(takeover.Options{From: from, Data: data, Types: types, Environ: s.Environ})
	if plan != nil {
		printPlan(s.Out, plan)
	}
	return plan, err
}

// importFirst makes the data directory of a Node-RED installation, when the settings say so and there is none yet. done
// says that the command ends here: without import_now nothing is changed, and a code that pairs is not used up.
func importFirst(cfg *config.Flow, s Streams) (done bool, err error) {
	if cfg.Import == "" {
		return false, nil
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, "flows.json")); err == nil {
		return false, nil // the command is run again
	}
	plan, err := planImport(cfg.Import, cfg.Data, s)
	if err != nil {
		return true, err
	}
	if !cfg.ImportNow {
		fmt.Fprintln(s.Out, "\nNothing has been changed, and no code has been used. Run the same command with --import-now to do it and go on; stop Node-RED before.")
		return true, nil
	}
	return false, plan.Write()
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
