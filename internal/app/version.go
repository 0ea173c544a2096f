package app

import (
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// thirdParty are the licences of what is shipped, as a gzip stream; `go run ./internal/app/notices` makes them.
//
//go:embed third_party.txt.gz
var thirdParty string

// version is `tsunagi version`.
func version(_ context.Context, args []string, s Streams) int {
	const usage = "Usage: tsunagi version [--notices]\n\n  --notices  print the licences of what others wrote and this program contains\n"
	switch {
	case len(args) == 0:
		fmt.Fprintf(s.Out, "tsunagi %s (%s, %s/%s)\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	case len(args) == 1 && args[0] == "--notices":
		if err := printNotices(s.Out); err != nil {
			fmt.Fprintf(s.Err, "tsunagi version: %v\n", err)
			return ExitFailed
		}
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
		fmt.Fprint(s.Out, usage)
	default:
		fmt.Fprintf(s.Err, "tsunagi version: %q is no option of it\n%s", args[0], usage)
		return ExitUsage
	}
	return ExitOK
}

// printNotices unpacks the licences to out.
func printNotices(out io.Writer) error {
	z, err := gzip.NewReader(strings.NewReader(thirdParty))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, z)
	return err
}
