package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"tsunagi/internal/broker"
	"tsunagi/internal/config"
)

// listenError says which address could not be had and what to do.
type listenError struct {
	setting, addr string
	err           error
}

func (e *listenError) Error() string {
	what := e.err.Error()
	switch {
	case errors.Is(e.err, syscall.EADDRINUSE):
		what = "another program listens there already; end it, or choose another address"
	case errors.Is(e.err, syscall.EACCES):
		what = "this needs more rights than the program has; choose a port from 1024 on"
	case errors.Is(e.err, syscall.EADDRNOTAVAIL):
		what = "this machine has no such address"
	}
	return fmt.Sprintf("--%s %s: %s", e.setting, e.addr, what)
}

func (e *listenError) Unwrap() error { return e.err }

// dataError says that the data directory can't be used.
type dataError struct{ err error }

func (e *dataError) Error() string { return e.err.Error() }
func (e *dataError) Unwrap() error { return e.err }

// listen opens one address of the settings. The gate looks after the keep-alive of its sockets.
func listen(setting, addr string) (net.Listener, error) {
	config := net.ListenConfig{KeepAlive: -1}
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, &listenError{setting, addr, err}
	}
	return l, nil
}

// settingsOf loads into from args and environment; done is true when the command has nothing more to do.
func settingsOf(name, what string, into config.Validator, args []string, s Streams) (code int, done bool) {
	rest, err := config.Load(into, args, s.Environ)
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Fprintf(s.Out, "Usage: tsunagi %s [OPTIONS]\n\n%s\n\nOptions, their variables and [defaults]:\n\n%s", name, what, config.Usage(into))
		return ExitOK, true
	case err == nil && len(rest) > 0:
		err = fmt.Errorf("%q: this command takes options only", strings.Join(rest, " "))
	}
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			fmt.Fprintf(s.Err, "tsunagi %s: %s\n", name, line)
		}
		return ExitUsage, true
	}
	return ExitOK, false
}

// exitCode maps the error that ended a command, and prints it for a person.
func exitCode(name string, err error, s Streams) int {
	if err == nil {
		return ExitOK
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(s.Err, "tsunagi %s: %s\n", name, line)
	}
	var onListen *listenError
	var onData *dataError
	switch {
	case errors.As(err, &onListen):
		return ExitListen
	case errors.As(err, &onData), errors.Is(err, broker.ErrStoreCorrupt):
		return ExitData
	}
	return ExitFailed
}
