package script

import (
	"errors"
	"fmt"

	"tsunagi/internal/flow"
	engine "tsunagi/internal/flow/script"
	"tsunagi/internal/flow/value"
)

// fail reports what went wrong with a message, and shows it at the node when a limit was hit.
func (n *function) fail(err error, m *flow.Msg) {
	var (
		timeout *engine.TimeoutError
		memory  *engine.MemoryError
	)
	switch {
	case errors.As(err, &timeout) && timeout.Interrupted:
		n.trouble("interrupted by a deploy")
	case errors.As(err, &timeout):
		n.trouble(fmt.Sprintf("stopped after %v", timeout.Limit))
	case errors.As(err, &memory):
		n.trouble(fmt.Sprintf("used more than %d MB", memory.Limit>>20))
	}
	n.b.Error(n.explain(err), m)
}

func (n *function) trouble(text string) {
	n.troubled = true
	n.b.Status(flow.Status{Fill: "red", Shape: "ring", Text: text})
}

// explain makes of an error what flows and the sidebar see, in Node-RED's words.
func (n *function) explain(err error) error {
	var (
		js      *engine.Error
		timeout *engine.TimeoutError
		memory  *engine.MemoryError
	)
	switch {
	case errors.As(err, &timeout):
		return &flow.Error{Message: err.Error(), Code: "ERR_SCRIPT_EXECUTION_TIMEOUT"}
	case errors.As(err, &memory):
		return &flow.Error{Name: "RangeError", Message: err.Error()}
	case errors.As(err, &js):
		return explainThrown(js)
	}
	return err
}

func explainThrown(js *engine.Error) error {
	if js.Name == "" {
		if js.Thrown.Is(value.String) {
			return flow.Text(js.Thrown.Str())
		}
		return flow.Text(value.JSON(js.Thrown))
	}
	e := &flow.Error{Name: js.Name, Message: js.Message, Code: js.Code, Stack: js.Stack, Cause: js.Cause}
	line := max(js.Line-1, 1) // the code begins on line 2
	switch {
	case js.Line == 0:
	case js.Name == "ReferenceError":
		// Node-RED has the name in the message, so that texts of the error show it twice
		e.Message = fmt.Sprintf("ReferenceError: %s (line %d, col %d)", js.Message, line, js.Column)
	case js.Name == "SyntaxError" && (js.File == bodyName || js.File == startName || js.File == stopName):
		e.Message = fmt.Sprintf("%s (%s:line %d)", js.Message, js.File, line)
	}
	return e
}

// errorOf makes an error of what glue.js says of an Error object: name, message, stack, code
// and cause.
func errorOf(v value.Value) error {
	js := thrownError(v)
	return &flow.Error{Name: js.Name, Message: js.Message, Stack: js.Stack, Code: js.Code, Cause: js.Cause}
}

func thrownError(v value.Value) *engine.Error {
	l := v.List()
	if l == nil {
		l = value.NewList()
	}
	return engine.NewError(l.At(0).Str(), l.At(1).Str(), l.At(2).Str(), l.At(3).Str(), l.At(4))
}

// rejected is the error of a promise, an Error object or anything else.
func (n *function) rejected(isError, what value.Value) error {
	if isError.Bool() {
		return explainThrown(thrownError(what))
	}
	return flow.Text(what.ToText())
}

// thrown makes an error of the runtime one that is thrown in the script.
func thrown(err error) error {
	if err == nil {
		return nil
	}
	var e *flow.Error
	if errors.As(flow.AsError(err), &e) {
		name := e.Name
		if name == "" {
			name = "Error"
		}
		return &engine.Error{Name: name, Message: e.Message}
	}
	return err
}
