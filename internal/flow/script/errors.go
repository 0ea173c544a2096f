package script

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// Error is what a script threw.
type Error struct {
	Name, Message string // of an Error object; Name is "" when something else was thrown
	Code, Stack   string
	Cause         value.Value
	Thrown        value.Value // what was thrown, when it is no Error object
	Line, Column  int         // where in the script, from 1; 0 when unknown
	File          string      // the name the script was compiled with
}

func (e *Error) Error() string {
	switch {
	case e.Name == "":
		return e.Thrown.ToText()
	case e.Message == "":
		return e.Name
	}
	return e.Name + ": " + e.Message
}

// TimeoutError says that a call was stopped because it took too long, or by Interrupt.
type TimeoutError struct {
	Limit       time.Duration
	Interrupted bool // by Interrupt
}

func (e *TimeoutError) Error() string {
	if e.Interrupted {
		return "Script execution was interrupted"
	}
	return fmt.Sprintf("Script execution timed out after %dms", e.Limit.Milliseconds())
}

// MemoryError says that the script needed more memory than it may have.
type MemoryError struct{ Limit int64 }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("Script used more than its %d MB of memory", e.Limit>>20)
}

// thrown takes the pending exception as a Go error.
func (vm *VM) thrown() error {
	v := lib.XJS_GetException(vm.tls, vm.ctx)
	defer vm.free(v)
	return vm.errorOf(v)
}

// errorOf makes a Go error of a thrown value.
func (vm *VM) errorOf(v jsValue) error {
	if vm.over() {
		return vm.stoppedError()
	}
	if tagOf(v) == lib.EJS_TAG_NULL && vm.Used() > vm.limits.Memory*3/4 {
		vm.exhausted = true // there was no memory for an Error object, either
	}
	if !vm.exhausted && (tagOf(v) != lib.EJS_TAG_OBJECT || lib.XJS_IsError(vm.tls, vm.ctx, v) == 0) {
		t, err := vm.convert(v)
		if err != nil {
			t = value.Str("[value that can't be shown]")
		}
		return &Error{Thrown: t}
	}
	e := &Error{Name: vm.text(v, "name"), Message: vm.text(v, "message"), Stack: vm.text(v, "stack"), Code: vm.text(v, "code")}
	if vm.exhausted || e.Name == "InternalError" && e.Message == "out of memory" {
		vm.exhausted = true
		return &MemoryError{vm.limits.Memory}
	}
	if cause := vm.get(v, "cause"); tagOf(cause) != lib.EJS_TAG_EXCEPTION {
		e.Cause, _ = vm.convert(cause) // undefined when it can't be had
		vm.free(cause)
	} else {
		vm.drop()
	}
	if e.Name == "" {
		e.Name = "Error"
	}
	e.locate()
	e.speak()
	return e
}

func (vm *VM) drop() { vm.free(lib.XJS_GetException(vm.tls, vm.ctx)) }

// text reads a property that is a text; "" for anything else.
func (vm *VM) text(v jsValue, key string) string {
	p := vm.get(v, key)
	defer vm.free(p)
	switch tagOf(p) {
	case lib.EJS_TAG_EXCEPTION:
		vm.drop()
	case lib.EJS_TAG_STRING, lib.EJS_TAG_STRING_ROPE:
		s, ok := vm.goString(p)
		if !ok {
			vm.drop()
		}
		return s
	}
	return ""
}

var place = regexp.MustCompile(`(?m)^\s+at (?:.*\()?([^()\n]*?):(\d+)(?::(\d+))?\)?$`)

// locate finds the place in the script out of the stack.
func (e *Error) locate() {
	for _, m := range place.FindAllStringSubmatch(e.Stack, -1) {
		if strings.HasPrefix(m[1], internal) {
			continue
		}
		e.File = m[1]
		e.Line, _ = strconv.Atoi(m[2])   // digits
		e.Column, _ = strconv.Atoi(m[3]) // digits, or none
		return
	}
}

// wordings are messages of the engine and how V8, which flows were written against, says them.
var wordings = []struct {
	engine *regexp.Regexp
	v8     string
}{
	{regexp.MustCompile(`^'(.*)' is not defined$`), "$1 is not defined"},
	{regexp.MustCompile(`^cannot read property '(.*)' of (undefined|null)$`), "Cannot read properties of $2 (reading '$1')"},
	{regexp.MustCompile(`^cannot set property '(.*)' of (undefined|null)$`), "Cannot set properties of $2 (setting '$1')"},
	{regexp.MustCompile(`^'(.*)' is read-only$`), "Assignment to constant variable."},
	{regexp.MustCompile(`^(.*) is not initialized$`), "Cannot access $1 before initialization"},
	{regexp.MustCompile(`^stack overflow$`), "Maximum call stack size exceeded"},
}

func (e *Error) speak() {
	for _, w := range wordings {
		if w.engine.MatchString(e.Message) {
			e.Message = w.engine.ReplaceAllString(e.Message, w.v8)
			if e.Message == "Maximum call stack size exceeded" {
				e.Name = "RangeError"
			}
			return
		}
	}
}

// NewError is what an Error object with these properties would be when it is thrown.
func NewError(name, message, stack, code string, cause value.Value) *Error {
	e := &Error{Name: name, Message: message, Stack: stack, Code: code, Cause: cause}
	if e.Name == "" {
		e.Name = "Error"
	}
	e.locate()
	e.speak()
	return e
}

func (vm *VM) stoppedError() error {
	return &TimeoutError{vm.limits.Time, vm.interrupt.Load()}
}
