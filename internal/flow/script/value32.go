//go:build 386 || arm

package script

import (
	"math"

	lib "modernc.org/libquickjs"
)

// jsValue is a value of the engine: a boxed NaN on 32-bit machines.
type jsValue = lib.TJSValue

const (
	jsNull      jsValue = lib.EJS_TAG_NULL << 32
	jsUndefined jsValue = lib.EJS_TAG_UNDEFINED << 32
	jsException jsValue = lib.EJS_TAG_EXCEPTION << 32

	floatAddend = 0x7ff80000 - lib.EJS_TAG_FIRST + 1
	boxedNaN    = 1<<64 - (floatAddend-0x7ff80000)<<32 // the quiet NaN less floatAddend, modulo 2^64
)

func tagOf(v jsValue) int32 {
	t := int32(v >> 32)
	if t < lib.EJS_TAG_FIRST || t >= lib.EJS_TAG_FLOAT64 {
		return lib.EJS_TAG_FLOAT64
	}
	return t
}

func jsFloat(f float64) jsValue {
	u := math.Float64bits(f)
	if u&0x7fffffffffffffff > 0x7ff0000000000000 {
		return boxedNaN
	}
	return u - floatAddend<<32
}

func jsInt(i int32) jsValue { return jsValue(uint32(i)) } // the tag of integers is 0

func jsBool(b bool) jsValue {
	if b {
		return lib.EJS_TAG_BOOL<<32 | 1
	}
	return lib.EJS_TAG_BOOL << 32
}

func floatOf(v jsValue) float64   { return math.Float64frombits(v + floatAddend<<32) }
func intOf(v jsValue) int32       { return int32(v) }
func pointerOf(v jsValue) uintptr { return uintptr(uint32(v)) }

// jsText is the string at an address.
func jsText(p uintptr) jsValue {
	tag := int32(lib.EJS_TAG_STRING)
	return jsValue(uint32(tag))<<32 | jsValue(uint32(p))
}
