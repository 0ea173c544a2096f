// Command tsunagi is the whole way from a thing on a home network to the phone in your hand: broker, panel and flow
// servers in one program.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"tsunagi/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := app.Run(ctx, os.Args[1:], app.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Replace: replace})
	stop()
	os.Exit(code)
}
