package app

import (
	"context"
	_ "embed"
	"fmt"
	"runtime"
)

// thirdParty are the licences of what is shipped; `go run ./internal/app/notices` makes them.
//
//go:embed third_party.txt
var thirdParty string

// version is `tsunagi version`.
func version(_ context.Context, args []string, s Streams) int {
	const usage = "Usage: tsunagi version [--notices]\n\n  --notices  print the licences of what others wrote and this program contains\n"
	switch {
	case len(args) == 0:
		fmt.Fprintf(s.Out, "tsunagi %s (%s, %s/%s)\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	case len(args) == 1 && args[0] == "--notices":
		fmt.Fprint(s.Out, thirdParty)
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
		fmt.Fprint(s.Out, usage)
	default:
		fmt.Fprintf(s.Err, "tsunagi version: %q is no option of it\n%s", args[0], usage)
		return ExitUsage
	}
	return ExitOK
}
