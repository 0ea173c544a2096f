// Package value is the message value of the flow runtime: what JavaScript calls a value, with
// ordered objects, clones that cost nothing until somebody writes, and JSON that is parsed
// when it is first looked at.
//
// A Value belongs to one goroutine at a time, that of the flow's event loop: reading may
// write marks. Only a Value without containers may be handed to another goroutine.
package value

import (
	"math"
	"reflect"
	"time"
	"unsafe"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of values. The zero Value is Undefined.
const (
	Undefined Kind = iota
	Null
	Bool
	Number
	Date
	String
	Bytes // Node.js's Buffer
	Array
	Object
	Handle // something of a node that flows pass on by reference
)

// Value is one JavaScript value, 24 bytes. Containers (Array, Object) and Bytes are
// references: copying a Value doesn't copy them, Clone does.
type Value struct {
	num uint64
	ref any // nil, tag, chars, *Buffer, *List, *Map, *lazy, or a handle
}

type (
	tag   Kind  // Null, Bool, Number, Date: the value is in num
	chars *byte // String: num is its length in bytes
)

// Buffer is the content of a Bytes value. Nobody changes B after it was made.
type Buffer struct{ B []byte }

// Nil is JavaScript's null.
func Nil() Value { return Value{ref: tag(Null)} }

// Of returns a boolean.
func Of(b bool) Value {
	if b {
		return Value{num: 1, ref: tag(Bool)}
	}
	return Value{ref: tag(Bool)}
}

// Num returns a number.
func Num(f float64) Value { return Value{num: math.Float64bits(f), ref: tag(Number)} }

// Int returns a number.
func Int(i int) Value { return Num(float64(i)) }

// Str returns a string.
func Str(s string) Value {
	return Value{num: uint64(len(s)), ref: chars(unsafe.StringData(s))}
}

// Time returns a Date, in whole milliseconds as JavaScript keeps it.
func Time(t time.Time) Value {
	return Value{num: math.Float64bits(float64(t.UnixMilli())), ref: tag(Date)}
}

// Data returns a Buffer that owns b from now on.
func Data(b []byte) Value { return Value{ref: &Buffer{B: b}} }

// Opaque returns a handle: a thing of a node, by pointer, that clones share.
func Opaque(h any) Value {
	switch h.(type) {
	case nil, tag, chars, *Buffer, *List, *Map, *lazy:
		panic("value: not a handle")
	}
	if reflect.TypeOf(h).Kind() != reflect.Pointer {
		panic("value: a handle must be a pointer")
	}
	return Value{ref: h}
}

// Kind says what v holds.
func (v Value) Kind() Kind {
	switch r := v.ref.(type) {
	case nil:
		return Undefined
	case chars:
		return String
	case tag:
		return Kind(r)
	case *Map:
		return Object
	case *List:
		return Array
	case *Buffer:
		return Bytes
	case *lazy:
		return r.kind
	}
	return Handle
}

// Is says whether v is of the kind.
func (v Value) Is(k Kind) bool { return v.Kind() == k }

// Defined says whether v is anything but undefined.
func (v Value) Defined() bool { return v.ref != nil }

// Nullish says whether v is undefined or null.
func (v Value) Nullish() bool { return v.ref == nil || v.ref == tag(Null) }

// Bool returns the boolean, false for every other kind.
func (v Value) Bool() bool { return v.ref == tag(Bool) && v.num == 1 }

// Num returns the number, or the milliseconds of a Date; 0 for every other kind.
func (v Value) Num() float64 {
	if v.ref == tag(Number) || v.ref == tag(Date) {
		return math.Float64frombits(v.num)
	}
	return 0
}

// Str returns the string, "" for every other kind.
func (v Value) Str() string {
	if p, ok := v.ref.(chars); ok {
		return unsafe.String((*byte)(p), int(v.num)) //nolint:gosec // num is the length Str stored
	}
	return ""
}

// Bytes returns the content of a Buffer, nil for every other kind. It must not be changed.
func (v Value) Bytes() []byte {
	if b, ok := v.ref.(*Buffer); ok {
		return b.B
	}
	return nil
}

// Time returns the instant of a Date.
func (v Value) Time() time.Time { return time.UnixMilli(int64(v.Num())) }

// Map returns the object to read, nil for every other kind.
func (v Value) Map() *Map {
	switch r := v.ref.(type) {
	case *Map:
		return r
	case *lazy:
		if r.kind == Object {
			return r.resolve().ref.(*Map)
		}
	}
	return nil
}

// List returns the array to read, nil for every other kind.
func (v Value) List() *List {
	switch r := v.ref.(type) {
	case *List:
		return r
	case *lazy:
		if r.kind == Array {
			return r.resolve().ref.(*List)
		}
	}
	return nil
}

// Handle returns what Opaque was given, nil for every other kind.
func (v Value) Handle() any {
	if v.Kind() == Handle {
		return v.ref
	}
	return nil
}

// Clone returns a value that is v now and stays so, whatever is written to v. It copies
// nothing: whoever writes first copies what the write touches.
func (v Value) Clone() Value {
	v.share()
	return v
}

// share marks a container as seen from more than one place.
func (v Value) share() {
	switch r := v.ref.(type) {
	case *Map:
		r.shared = true
	case *List:
		r.shared = true
	case *lazy:
		r.share()
	}
}

// Own returns a container equal to v that its owner may write to: v itself, or a copy if it
// is shared. Other kinds are returned as they are.
func (v Value) Own() Value {
	switch r := v.ref.(type) {
	case *Map:
		return r.Own().Value()
	case *List:
		return r.Own().Value()
	case *lazy:
		return r.resolve().Own()
	}
	return v
}
