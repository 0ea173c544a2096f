//go:build !(386 || arm)

package script

import (
	"math"
	"unsafe"

	lib "modernc.org/libquickjs"
)

// jsValue is a value of the engine: 16 bytes of payload and tag on 64-bit machines.
type jsValue = lib.TJSValue

var (
	jsNull      = lib.TJSValue{Ftag: lib.EJS_TAG_NULL}
	jsUndefined = lib.TJSValue{Ftag: lib.EJS_TAG_UNDEFINED}
	jsException = lib.TJSValue{Ftag: lib.EJS_TAG_EXCEPTION}
)

func payload(v *jsValue) *uint64 { return (*uint64)(unsafe.Pointer(v)) }

func tagOf(v jsValue) int32 { return int32(v.Ftag) }

func jsFloat(f float64) (v jsValue) {
	*payload(&v) = math.Float64bits(f)
	v.Ftag = lib.EJS_TAG_FLOAT64
	return v
}

func jsInt(i int32) (v jsValue) {
	*payload(&v) = uint64(uint32(i))
	v.Ftag = lib.EJS_TAG_INT
	return v
}

func jsBool(b bool) (v jsValue) {
	if b {
		*payload(&v) = 1
	}
	v.Ftag = lib.EJS_TAG_BOOL
	return v
}

func floatOf(v jsValue) float64 { return math.Float64frombits(*payload(&v)) }
func intOf(v jsValue) int32     { return int32(*payload(&v)) }
func pointerOf(v jsValue) uintptr {
	return uintptr(*payload(&v))
}

// jsText is the string at an address.
func jsText(p uintptr) (v jsValue) {
	*payload(&v) = uint64(p)
	v.Ftag = lib.EJS_TAG_STRING
	return v
}
