package script

import (
	"errors"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// From makes a JavaScript value that is a copy of v; handles stay the things they are.
func (vm *VM) From(v value.Value) (Ref, error) {
	if vm.shapes.missed > maxShapeMiss {
		vm.shapes.forget(vm)
	}
	js := vm.toJS(v, 0)
	if tagOf(js) == lib.EJS_TAG_EXCEPTION {
		return Undefined(), vm.thrown()
	}
	return Ref{js}, nil
}

var errDeep = errors.New("value is nested too deeply")

// toJS is From; when it fails, the exception is pending.
func (vm *VM) toJS(v value.Value, depth int) jsValue {
	switch v.Kind() {
	case value.Null:
		return jsNull
	case value.Bool:
		return jsBool(v.Bool())
	case value.Number:
		return jsNumber(v.Num())
	case value.String:
		js := vm.jsString(v.Str())
		vm.lent.note(vm, js, v)
		return js
	case value.Date:
		return lib.XJS_NewDate(vm.tls, vm.ctx, v.Num())
	case value.Bytes:
		return vm.jsBuffer(v.Bytes())
	case value.Array, value.Object:
		if depth > value.MaxDepth {
			return vm.throw(errDeep)
		}
		if l := v.List(); l != nil {
			return vm.jsArray(l, depth)
		}
		return vm.jsObject(v.Map(), depth)
	case value.Handle:
		if m, ok := v.Handle().(*value.Method); ok {
			return vm.jsMethod(m, v)
		}
		return vm.handles.object(vm, v)
	}
	return jsUndefined
}

func jsNumber(f float64) jsValue {
	if i := int32(f); float64(i) == f && (i != 0 || !math.Signbit(f)) {
		return jsInt(i)
	}
	return jsFloat(f)
}

// maxScratch is how much memory for strings a VM keeps, in bytes.
const maxScratch = 64 << 10

// jsString makes a string. What isn't ASCII is copied through C memory, since the engine reads from addresses that stay.
func (vm *VM) jsString(s string) jsValue {
	if vm.shapes.on && s != "" && isASCII(unsafe.Slice(unsafe.StringData(s), len(s))) {
		return vm.jsASCII(s)
	}
	s = wellFormed(s)
	p, done := vm.lend(len(s))
	if p == 0 {
		return vm.throw(&MemoryError{vm.limits.Memory})
	}
	defer done()
	copy(unsafe.Slice((*byte)(at(p)), len(s)+1), s)
	return lib.XJS_NewStringLen(vm.tls, vm.ctx, p, lib.Tsize_t(len(s)))
}

// wellFormed replaces what is not UTF-8 but for halves of surrogate pairs, which JavaScript's
// strings can hold and which cross in the three bytes of their code point.
func wellFormed(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 && i+2 < len(s) && s[i] == 0xed && s[i+1] >= 0xa0 && s[i+1] <= 0xbf && s[i+2] >= 0x80 && s[i+2] <= 0xbf {
			b.WriteString(s[i : i+3])
			i += 3
			continue
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}

func nothing() {}

// lend returns C memory for n bytes and one more until done.
func (vm *VM) lend(n int) (p uintptr, done func()) {
	if int64(n) > vm.limits.Memory {
		return 0, nothing
	}
	if n >= maxScratch {
		p = libc.Xmalloc(vm.tls, libc.Tsize_t(n+1))
		return p, func() { libc.Xfree(vm.tls, p) }
	}
	if n >= vm.scratchSize {
		size := max(256, 2*n)
		libc.Xfree(vm.tls, vm.scratch)
		vm.scratch, vm.scratchSize = libc.Xmalloc(vm.tls, libc.Tsize_t(size)), size
		if vm.scratch == 0 {
			vm.scratchSize = 0
		}
	}
	return vm.scratch, nothing
}

func (vm *VM) jsBytes(b []byte) jsValue {
	p, done := vm.lend(len(b))
	if p == 0 {
		return vm.throw(&MemoryError{vm.limits.Memory})
	}
	defer done()
	copy(unsafe.Slice((*byte)(at(p)), len(b)+1), b)
	return lib.XJS_NewArrayBufferCopy(vm.tls, vm.ctx, p, lib.Tsize_t(len(b)))
}

// jsBuffer makes a Buffer, by the prelude's function for that.
func (vm *VM) jsBuffer(b []byte) jsValue {
	raw := vm.jsBytes(b)
	if tagOf(raw) == lib.EJS_TAG_EXCEPTION {
		return raw
	}
	defer vm.free(raw)
	return vm.invoke(vm.known.buffer, jsUndefined, raw)
}

// jsArray makes an array. Its elements are made first, since while some of an array's were missing the engine's
// collector must not see it.
func (vm *VM) jsArray(l *value.List, depth int) jsValue {
	base := len(vm.stack)
	for i := range l.Len() {
		v := vm.toJS(l.At(i), depth+1)
		if tagOf(v) == lib.EJS_TAG_EXCEPTION {
			vm.freeAll(vm.stack[base:])
			vm.stack = vm.stack[:base]
			return jsException
		}
		vm.stack = append(vm.stack, v)
	}
	a := vm.arrayOf(vm.stack[base:])
	vm.popTo(base)
	return a
}

// maxStack is how many values a VM keeps room for on its stack.
const maxStack = 4096

func (vm *VM) popTo(base int) {
	vm.stack = vm.stack[:base]
	if base == 0 && cap(vm.stack) > maxStack {
		vm.stack = nil
	}
}

// arrayOf makes an array and takes the values.
func (vm *VM) arrayOf(values []jsValue) jsValue {
	a := lib.XJS_NewArray(vm.tls, vm.ctx)
	if tagOf(a) == lib.EJS_TAG_EXCEPTION {
		vm.freeAll(values)
		return a
	}
	if vm.shapes.on {
		return vm.fill(a, values)
	}
	for i, v := range values {
		if lib.XJS_DefinePropertyValueUint32(vm.tls, vm.ctx, a, uint32(i), v, lib.MJS_PROP_C_W_E) < 0 {
			vm.freeAll(values[i+1:])
			vm.free(a)
			return jsException
		}
	}
	return a
}

// jsObject defines every key as an own property, "__proto__" as well.
func (vm *VM) jsObject(o *value.Map, depth int) jsValue {
	node := vm.shapes.find(o)
	base := len(vm.stack)
	for i := range o.Len() {
		_, e := o.At(i)
		v := vm.toJS(e, depth+1)
		if tagOf(v) == lib.EJS_TAG_EXCEPTION {
			vm.freeAll(vm.stack[base:])
			vm.stack = vm.stack[:base]
			return jsException
		}
		vm.stack = append(vm.stack, v)
	}
	first := len(vm.keys)
	if node == nil || node.at == 0 {
		for i := range o.Len() {
			vm.keys = append(vm.keys, o.Key(i))
		}
	}
	js := vm.objectOf(node, vm.keys[first:], vm.stack[base:])
	vm.popKeys(first)
	vm.popTo(base)
	return js
}

func (vm *VM) popKeys(first int) {
	clear(vm.keys[first:])
	vm.keys = vm.keys[:first]
	if first == 0 && cap(vm.keys) > maxStack {
		vm.keys = nil
	}
}

// objectOf makes an object of keys, which it needs if their shape isn't known, and takes the values.
func (vm *VM) objectOf(node *shape, keys []string, values []jsValue) jsValue {
	if node != nil && node.at != 0 {
		return vm.shaped(node.at, len(values), values)
	}
	js := lib.XJS_NewObject(vm.tls, vm.ctx)
	if tagOf(js) == lib.EJS_TAG_EXCEPTION {
		vm.freeAll(values)
		return js
	}
	for i, v := range values {
		if !vm.define(js, keys[i], v) {
			vm.freeAll(values[i+1:])
			vm.free(js)
			return jsException
		}
	}
	if node != nil {
		vm.shapes.learn(vm, node, js, len(values))
	}
	return js
}

// define sets an own property and takes v.
func (vm *VM) define(object jsValue, key string, v jsValue) bool {
	a, kept := vm.atom(key)
	if a == 0 {
		vm.free(v)
		return false
	}
	ok := lib.XJS_DefinePropertyValue(vm.tls, vm.ctx, object, a, v, lib.MJS_PROP_C_W_E) >= 0
	if !kept {
		lib.XJS_FreeAtom(vm.tls, vm.ctx, a)
	}
	return ok
}

// maxAtoms bounds how many property names a VM keeps for faster crossing, maxAtom their
// length in bytes.
const (
	maxAtoms = 1024
	maxAtom  = 64
)

// atom returns the engine's number for a name, 0 with an exception. The caller frees it
// unless it is kept.
func (vm *VM) atom(name string) (a lib.TJSAtom, kept bool) {
	if a, ok := vm.atoms[name]; ok {
		return a, true
	}
	full := name
	name = wellFormed(name)
	p, done := vm.lend(len(name))
	if p == 0 {
		vm.throw(&MemoryError{vm.limits.Memory})
		return 0, false
	}
	defer done()
	copy(unsafe.Slice((*byte)(at(p)), len(name)+1), name)
	a = lib.XJS_NewAtomLen(vm.tls, vm.ctx, p, lib.Tsize_t(len(name)))
	if a != 0 && len(vm.atoms) < maxAtoms && len(name) <= maxAtom && len(full) == len(name) {
		full = strings.Clone(full)
		vm.atoms[full] = a
		vm.names.keep(a, full)
		return a, true
	}
	return a, false
}

// throw throws an error of ours and returns the exception.
func (vm *VM) throw(err error) jsValue {
	kind := "Error"
	var e *Error
	if errors.As(err, &e) && e.Name != "" {
		kind = e.Name
		err = errors.New(e.Message)
	}
	message := vm.jsString(err.Error())
	if tagOf(message) == lib.EJS_TAG_EXCEPTION {
		return message
	}
	name := vm.jsString(kind)
	defer vm.free(name)
	defer vm.free(message)
	made := vm.invoke(vm.known.fault, jsUndefined, name, message)
	if tagOf(made) == lib.EJS_TAG_EXCEPTION {
		return made
	}
	return lib.XJS_Throw(vm.tls, vm.ctx, made)
}

// get reads a property, of which the caller frees the value.
func (vm *VM) get(v jsValue, key string) jsValue {
	a, kept := vm.atom(key)
	if a == 0 {
		return jsException
	}
	r := lib.XJS_GetPropertyInternal(vm.tls, vm.ctx, v, a, v, 0)
	if !kept {
		lib.XJS_FreeAtom(vm.tls, vm.ctx, a)
	}
	return r
}
