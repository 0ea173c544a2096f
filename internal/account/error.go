package account

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code says what kind of failure an Error is. The codes are part of the HTTP API and never change.
type Code string

// The codes.
const (
	Invalid      Code = "invalid"
	Unauthorized Code = "unauthorized"
	Forbidden    Code = "forbidden"
	NotFound     Code = "not_found"
	Conflict     Code = "conflict"
	Stale        Code = "stale" // the thing has changed since the caller read it
	Limit        Code = "limit"
	RateLimited  Code = "rate_limited"
	Internal     Code = "internal"
)

// Error is a failure that the person who asked can understand. Its text stands in the catalogue under Key; Args are
// pairs of placeholder name and value for it. Values never hold secrets.
type Error struct {
	Code  Code
	Key   string        // such as "api.instance.limit"
	Args  []any         // name, value, name, value …
	Field string        // the part of the input at fault, such as "name"; "" for the whole
	Wait  time.Duration // RateLimited: when to try again; 0 not known
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code) + ": " + e.Key)
	for i := 0; i+1 < len(e.Args); i += 2 {
		fmt.Fprintf(&b, " %v=%v", e.Args[i], e.Args[i+1])
	}
	return b.String()
}

func fail(code Code, key string, args ...any) *Error {
	return &Error{Code: code, Key: key, Args: args}
}

func invalid(field, key string, args ...any) *Error {
	return &Error{Code: Invalid, Key: key, Args: args, Field: field}
}

// isRefusal says whether an error is one that a person can understand.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// notFound is the one answer for what doesn't exist and for what is another account's.
func notFound() *Error { return fail(NotFound, "api.not_found") }
