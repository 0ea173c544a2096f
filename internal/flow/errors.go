package flow

import (
	"errors"
	"fmt"

	"tsunagi/internal/flow/value"
)

// Text is an error that is no more than a text, as most nodes report them.
type Text string

func (t Text) Error() string { return string(t) }

// Error is what JavaScript throws: flows see its name, code and stack.
type Error struct {
	Name    string // "" means Error
	Message string
	Code    string
	Stack   string
	Cause   value.Value
}

// NewError returns an Error with a message.
func NewError(format string, a ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, a...)}
}

func (e *Error) name() string {
	if e.Name == "" {
		return "Error"
	}
	return e.Name
}

// Error is what JavaScript's toString gives.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.name()
	}
	return e.name() + ": " + e.Message
}

func (e *Error) stack() string {
	if e.Stack != "" {
		return e.Stack
	}
	return e.Error()
}

// errorText is the text of an error in a message.
func errorText(err error) string { return err.Error() }

// AsError makes of a fault in a path or a text the error that JavaScript would have thrown.
func AsError(err error) error {
	var (
		syntax *value.SyntaxError
		typ    *value.TypeError
		path   *value.PathError
	)
	switch {
	case errors.As(err, &syntax):
		return &Error{Name: "SyntaxError", Message: syntax.Message}
	case errors.As(err, &typ):
		return &Error{Name: "TypeError", Message: typ.Message}
	case errors.As(err, &path):
		return &Error{Message: path.Message, Code: "INVALID_EXPR"}
	}
	return err
}
