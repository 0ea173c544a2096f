package script

import (
	"sync"
	"unsafe"

	lib "modernc.org/libquickjs"
)

// What crosses most, plain objects, arrays and ASCII strings, is read and made in the engine's memory directly: by its
// own functions each property costs ten times as much. This file says where things are there; laidOut checks on the
// first engine of a process that they are, and everything goes by the functions if not.

const (
	slotSize     = unsafe.Sizeof(jsUndefined)    // of a property or an element
	shapeHead    = unsafe.Sizeof(lib.TJSShape{}) // in front of a shape's hash table
	shapeSlot    = unsafe.Sizeof(lib.TJSShapeProperty{})
	stringHead   = unsafe.Sizeof(lib.TJSString{}) // in front of a string's characters
	objectFlags  = unsafe.Sizeof(lib.TJSGCObjectHeader{})
	objectArray  = unsafe.Offsetof(lib.TJSObject{}.Fu) // elements of a fast array
	fastArray    = 0x10                                // in the flags of an object: elements without holes
	wideString   = 1 << 31                             // in the first word of a string, of which the rest is the length
	wholeAtom    = 1 << 31                             // in an atom: a whole number
	textAtom     = lib.EJS_ATOM_TYPE_STRING            // in the two highest bits of an atom's second word
	flagsShift   = 26                                  // in the first word of a shape's property
	plainFlags   = lib.MJS_PROP_C_W_E
	specialFlags = lib.MJS_PROP_TMASK // getters and what isn't there yet
)

// elements are the elements of a fast array.
type elements struct {
	size   uint32
	values uintptr
	count  uint32
}

func objectAt(p uintptr) *lib.TJSObject { return (*lib.TJSObject)(at(p)) }
func shapeAt(p uintptr) *lib.TJSShape   { return (*lib.TJSShape)(at(p)) }
func elementsAt(p uintptr) *elements    { return (*elements)(at(p + objectArray)) }
func isFast(p uintptr) bool             { return *(*uint8)(at(p + objectFlags))&fastArray != 0 }
func slot(base uintptr, i int) *jsValue { return (*jsValue)(at(base + uintptr(i)*slotSize)) }
func references(p uintptr) *int32       { return (*int32)(at(p - unsafe.Sizeof(int32(0)))) }
func classOf(v jsValue) int32           { return int32(objectAt(pointerOf(v)).Fclass_id) }

// shapeProperties is where the properties of a shape begin: behind its hash table.
func shapeProperties(shape uintptr) uintptr {
	return shape + shapeHead + (uintptr(shapeAt(shape).Fprop_hash_mask)+1)*unsafe.Sizeof(uint32(0))
}

// shapeProperty returns flags and name of a property of a shape; the name is 0 where it was deleted.
func shapeProperty(properties uintptr, i int) (flags uint32, name lib.TJSAtom) {
	p := (*[2]uint32)(at(properties + uintptr(i)*shapeSlot))
	return p[0] >> flagsShift, p[1]
}

// isText says whether an atom is a string rather than a symbol.
func (vm *VM) isText(a lib.TJSAtom) bool {
	if a&wholeAtom != 0 {
		return true
	}
	atoms := (*lib.TJSRuntime)(at(vm.rt)).Fatom_array
	p := *(*uintptr)(at(atoms + uintptr(a)*unsafe.Sizeof(uintptr(0))))
	return (*[2]uint32)(at(p))[1]>>30 == textAtom
}

// hold adds a reference to a value; drop it with VM.free.
func hold(v jsValue) jsValue {
	if tagOf(v) < 0 {
		*references(pointerOf(v))++
	}
	return v
}

// ascii returns the characters of a string of the engine if they are all ASCII. They are the engine's.
func ascii(v jsValue) ([]byte, bool) {
	p := pointerOf(v)
	word := *(*uint32)(at(p))
	if word&wideString != 0 {
		return nil, false
	}
	b := unsafe.Slice((*byte)(at(p+stringHead)), int(word))
	return b, isASCII(b)
}

// isASCII looks at eight bytes at once.
func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	for len(b) >= 8 {
		if *(*uint64)(unsafe.Pointer(unsafe.SliceData(b)))&high != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

var (
	layoutOnce sync.Once
	layoutGood bool
)

// laidOut says whether the engine's memory is as this file has it.
func laidOut(vm *VM) bool {
	layoutOnce.Do(func() { layoutGood = vm.checkLayout() })
	return layoutGood
}

// checkLayout makes things by the engine's functions and looks at them.
func (vm *VM) checkLayout() bool {
	const source = `({ abc: 5, "7": 1, get got() { return 1 }, [Symbol.iterator]: null, list: [11, "x\u00e9", "text"] })`
	v := vm.eval(internal+"layout", source)
	if tagOf(v) != lib.EJS_TAG_OBJECT {
		vm.drop()
		return false
	}
	defer vm.free(v)
	o := objectAt(pointerOf(v))
	if o.Fclass_id != lib.EJS_CLASS_OBJECT || isFast(pointerOf(v)) || *references(pointerOf(v)) != 1 || shapeAt(o.Fshape).Fprop_count != 5 {
		return false
	}
	var flags [5]uint32
	var names [5]lib.TJSAtom
	for i := range flags {
		flags[i], names[i] = shapeProperty(shapeProperties(o.Fshape), i)
	}
	abc, _ := vm.atom("abc")
	if names[0] != abc || names[1] != wholeAtom|7 || flags[0] != plainFlags || flags[2]&specialFlags == 0 || vm.isText(names[3]) || !vm.isText(names[4]) {
		return false
	}
	list := *slot(o.Fprop, 4)
	return *slot(o.Fprop, 0) == jsInt(5) && tagOf(list) == lib.EJS_TAG_OBJECT && vm.checkElements(pointerOf(list))
}

func (vm *VM) checkElements(p uintptr) bool {
	e := elementsAt(p)
	if objectAt(p).Fclass_id != lib.EJS_CLASS_ARRAY || !isFast(p) || e.count != 3 || e.size < 3 || *slot(objectAt(p).Fprop, 0) != jsInt(3) {
		return false
	}
	if _, ok := ascii(*slot(e.values, 1)); ok || *slot(e.values, 0) != jsInt(11) {
		return false
	}
	text, ok := ascii(*slot(e.values, 2))
	return ok && string(text) == "text"
}
