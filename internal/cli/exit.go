// Package cli holds the commands pub and sub: a command-line MQTT client with the options of mosquitto_pub and
// mosquitto_sub.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// The exit codes of pub and sub.
const (
	ExitOK          = 0
	ExitFailed      = 1   // no connection, or it was lost
	ExitUsage       = 2   // the options are wrong
	ExitRefused     = 3   // the broker said no: login, rights, limits
	ExitTimeout     = 27  // -W has passed, as with mosquitto_sub
	ExitInterrupted = 130 // the caller's context ended before the work did
)

const exitHelp = `
Exit codes: 0 done, 1 no connection or connection lost, 2 wrong options, 3 refused by the broker, 27 time of -W over,
130 interrupted.
`

// usageError is a mistake in the options.
type usageError struct{ what string }

func (e *usageError) Error() string { return e.what }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

var (
	errTimeout = errors.New("the time of -W is over")
	errHelp    = errors.New("help was shown")
)

// code is the exit code of err.
func code(err error) int {
	var wrong *usageError
	var refused *mqttclient.ServerError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return ExitOK
	case errors.As(err, &wrong), errors.Is(err, mqttclient.ErrMessage), errors.Is(err, mqttclient.ErrFilter):
		return ExitUsage
	case errors.As(err, &refused):
		return ExitRefused
	case errors.Is(err, errTimeout):
		return ExitTimeout
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitFailed
}

// report prints err with what may help and returns its exit code.
func report(command string, c *common, err error, errOut io.Writer) int {
	n := code(err)
	if n == ExitOK || n == ExitInterrupted || c.quiet {
		return n
	}
	fmt.Fprintf(errOut, "tsunagi %s: %v\n", command, err)
	if n == ExitUsage {
		fmt.Fprintf(errOut, "See tsunagi %s --help.\n", command)
	} else if h := hint(c, err); h != "" {
		fmt.Fprintln(errOut, h)
	}
	return n
}

// hint says what to do about err.
func hint(c *common, err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, mqtt.BadUserNameOrPassword):
		return "Check -u and -P (or TSUNAGI_PASSWORD). With Tsunagi the user is instance:user."
	case errors.Is(err, mqtt.UseAnotherServer), errors.Is(err, mqtt.NotAuthorized) && strings.Contains(text, "connection"):
		return "If this is the broker's plain port, use TLS: -p 8883 with --tls, or --cafile for an own authority."
	case errors.Is(err, mqtt.QuotaExceeded), errors.Is(err, mqtt.ServerUnavailable):
		return "The broker is at a limit; if it is the connections of the instance, close one or change the plan."
	case strings.Contains(text, "connection refused"):
		return "Nothing listens there. Check -h and -p; Tsunagi's port for TLS is 8883."
	case strings.Contains(text, "no such host"):
		return "The name is not known. Check -h."
	case !c.secure() && (strings.Contains(text, "closed the connection") || strings.Contains(text, "CONNACK")):
		return "Does this port want TLS? Then add --tls, or --cafile for an own authority."
	}
	return ""
}
