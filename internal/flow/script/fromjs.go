package script

import (
	"errors"
	"time"
	"unsafe"

	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// To makes a Go copy of a JavaScript value. Functions and symbols are left out of objects
// and are undefined elsewhere. It fails for BigInts, for objects that contain themselves,
// and for what is too large.
func (vm *VM) To(r Ref) (v value.Value, err error) {
	outer := vm.run(func() { v, err = vm.convert(r.v) }) // getters run JavaScript
	if err == nil {
		err = outer
	}
	return v, err
}

// The limits of one conversion.
const (
	maxValues = 8 << 20   // values, each 24 bytes or more
	maxBytes  = 512 << 20 // bytes of all strings and buffers
)

var (
	errCycle  = errors.New("Converting circular structure: an object contains itself") //nolint:staticcheck // V8's words begin so
	errBigInt = errors.New("BigInt can't leave a function: use Number() or String()")
	errLarge  = errors.New("value is too large to leave a function")
)

// reader is one conversion out of the VM.
type reader struct {
	vm       *VM
	depth    int
	values   int
	bytes    int
	scripted bool            // JavaScript may have run meanwhile
	met      []met           // objects that are referred to more than once
	index    map[uintptr]int // of met, when there are many
}

// met is an object that others may refer to, too. A reference is held, so that its address stays its own.
type met struct {
	v    jsValue
	out  value.Value // undefined unless it is a container
	open bool        // it is being read
}

func (vm *VM) convert(v jsValue) (value.Value, error) {
	r := reader{vm: vm}
	if tagOf(v) != lib.EJS_TAG_OBJECT {
		return r.value(v)
	}
	r.met, vm.met = vm.met[:0], nil // a getter may cause another conversion
	out, err := r.value(v)
	for i := range r.met {
		vm.free(r.met[i].v)
		r.met[i] = met{}
	}
	if cap(r.met) <= 2*manyMet {
		vm.met = r.met
	}
	return out, err
}

// manyMet is the number of objects from which they are found through an index.
const manyMet = 16

// find returns the number of an object in met, -1 if it isn't there.
func (r *reader) find(p uintptr) int {
	if r.index != nil {
		if i, ok := r.index[p]; ok {
			return i
		}
		return -1
	}
	for i := range r.met {
		if pointerOf(r.met[i].v) == p {
			return i
		}
	}
	return -1
}

func (r *reader) meet(v jsValue) int {
	r.met = append(r.met, met{v: hold(v), open: true})
	n := len(r.met)
	switch {
	case r.index != nil:
		r.index[pointerOf(v)] = n - 1
	case n == manyMet:
		r.index = make(map[uintptr]int, 2*manyMet)
		for i := range r.met {
			r.index[pointerOf(r.met[i].v)] = i
		}
	}
	return n - 1
}

func (r *reader) value(v jsValue) (value.Value, error) {
	if r.values++; r.values > maxValues {
		return value.Value{}, errLarge
	}
	switch tagOf(v) {
	case lib.EJS_TAG_INT:
		return value.Int(int(intOf(v))), nil
	case lib.EJS_TAG_FLOAT64:
		return value.Num(floatOf(v)), nil
	case lib.EJS_TAG_BOOL:
		return value.Of(intOf(v) != 0), nil
	case lib.EJS_TAG_NULL:
		return value.Nil(), nil
	case lib.EJS_TAG_STRING, lib.EJS_TAG_STRING_ROPE:
		return r.text(v)
	case lib.EJS_TAG_BIG_INT, lib.EJS_TAG_SHORT_BIG_INT:
		return value.Value{}, errBigInt
	case lib.EJS_TAG_OBJECT:
		return r.object(v)
	}
	return value.Value{}, nil
}

func (r *reader) text(v jsValue) (value.Value, error) {
	if known, ok := r.vm.lent.find(pointerOf(v)); ok {
		return known, nil
	}
	s, ok := r.vm.goString(v)
	if !ok {
		return value.Value{}, r.vm.thrown()
	}
	if r.bytes += len(s); r.bytes > maxBytes {
		return value.Value{}, errLarge
	}
	return value.Str(s), nil
}

// goString returns a string; when it fails, the exception is pending.
func (vm *VM) goString(v jsValue) (string, bool) {
	if vm.shapes.on && tagOf(v) == lib.EJS_TAG_STRING {
		if b, ok := ascii(v); ok {
			return string(b), true
		}
	}
	p := lib.XJS_ToCStringLen2(vm.tls, vm.ctx, vm.cells, v, 0)
	if p == 0 {
		return "", false
	}
	s := string(unsafe.Slice((*byte)(at(p)), int(*(*lib.Tsize_t)(at(vm.cells)))))
	lib.XJS_FreeCString(vm.tls, vm.ctx, p)
	return s, true
}

// object reads an object once, however often it is referred to.
func (r *reader) object(v jsValue) (value.Value, error) {
	if r.depth > value.MaxDepth {
		return value.Value{}, errDeep
	}
	p := pointerOf(v)
	if r.depth > 0 && *references(p) <= 2 { // one reference of its parent, one of ours
		return r.fresh(v)
	}
	if i := r.find(p); i >= 0 {
		if r.met[i].open {
			return value.Value{}, errCycle
		}
		if out := r.met[i].out; out.Defined() {
			return out.Clone(), nil
		}
		return r.fresh(v)
	}
	i := r.meet(v)
	out, err := r.fresh(v)
	r.met[i].open = false
	if err == nil && (out.Is(value.Object) || out.Is(value.Array)) {
		r.met[i].out = out
	}
	return out, err
}

func (r *reader) fresh(v jsValue) (value.Value, error) {
	vm := r.vm
	r.depth++
	defer func() { r.depth-- }()
	class := classOf(v)
	switch class {
	case lib.EJS_CLASS_OBJECT:
		if vm.shapes.on && r.plain(pointerOf(v)) {
			return r.members(v)
		}
		r.scripted = true
		return r.properties(v, nil)
	case lib.EJS_CLASS_ARRAY:
		if vm.shapes.on && whole(pointerOf(v)) {
			return r.elements(v)
		}
		r.scripted = true
		return r.array(v)
	}
	r.scripted = true
	switch class {
	case lib.EJS_CLASS_DATE:
		t := vm.invoke(vm.known.getTime, v)
		if tagOf(t) == lib.EJS_TAG_EXCEPTION {
			return value.Value{}, vm.thrown()
		}
		return r.date(t), nil
	case lib.EJS_CLASS_UINT8_ARRAY, lib.EJS_CLASS_UINT8C_ARRAY:
		return r.buffer(v)
	case lib.EJS_CLASS_ARRAY_BUFFER, lib.EJS_CLASS_SHARED_ARRAY_BUFFER:
		return r.bytesOf(v, 0, -1)
	case lib.EJS_CLASS_NUMBER, lib.EJS_CLASS_STRING, lib.EJS_CLASS_BOOLEAN:
		plain := vm.invoke(vm.known.unwrap, jsUndefined, v)
		if tagOf(plain) == lib.EJS_TAG_EXCEPTION {
			return value.Value{}, vm.thrown()
		}
		defer vm.free(plain)
		if tagOf(plain) == lib.EJS_TAG_OBJECT {
			return value.Value{}, nil
		}
		return r.value(plain)
	case int32(vm.handles.class):
		return vm.handles.value(vm, v), nil
	case lib.EJS_CLASS_ERROR:
		return r.fault(v)
	}
	if class >= lib.EJS_CLASS_INT8_ARRAY && class <= lib.EJS_CLASS_FLOAT64_ARRAY {
		return r.array(v)
	}
	if lib.XJS_IsFunction(vm.tls, vm.ctx, v) != 0 {
		return value.Value{}, nil
	}
	if class == lib.EJS_CLASS_PROXY && lib.XJS_IsArray(vm.tls, vm.ctx, v) > 0 {
		return r.array(v)
	}
	return r.properties(v, nil)
}

func (r *reader) date(t jsValue) value.Value {
	ms := floatOf(t)
	if tagOf(t) == lib.EJS_TAG_INT {
		ms = float64(intOf(t))
	}
	if ms != ms { // an invalid date is null, as in JSON
		return value.Nil()
	}
	return value.Time(time.UnixMilli(int64(ms)))
}

// fault reads an Error: name, message and stack, which are not enumerable, and the rest.
func (r *reader) fault(v jsValue) (value.Value, error) {
	o := value.NewMap(4)
	for _, key := range []string{"name", "message", "stack"} {
		if s := r.vm.text(v, key); s != "" {
			o.Set(key, value.Str(s))
		}
	}
	return r.properties(v, o)
}

func (r *reader) array(v jsValue) (value.Value, error) {
	vm := r.vm
	length := vm.get(v, "length")
	defer vm.free(length)
	n := float64(intOf(length))
	switch tagOf(length) {
	case lib.EJS_TAG_EXCEPTION:
		return value.Value{}, vm.thrown()
	case lib.EJS_TAG_FLOAT64:
		n = floatOf(length)
	case lib.EJS_TAG_INT:
	default:
		n = 0
	}
	if n > float64(maxValues-r.values) {
		return value.Value{}, errLarge
	}
	out := make([]value.Value, 0, min(int(n), 1<<16))
	for i := range uint32(n) {
		e := lib.XJS_GetPropertyUint32(vm.tls, vm.ctx, v, i)
		if tagOf(e) == lib.EJS_TAG_EXCEPTION {
			return value.Value{}, vm.thrown()
		}
		x, err := r.value(e)
		vm.free(e)
		if err != nil {
			return value.Value{}, err
		}
		out = append(out, x)
	}
	return value.NewList(out...).Value(), nil
}

// properties reads the enumerable own properties into o, in their order.
func (r *reader) properties(v jsValue, o *value.Map) (value.Value, error) {
	vm := r.vm
	if lib.XJS_GetOwnPropertyNames(vm.tls, vm.ctx, vm.cells, vm.cells+8, v, lib.MJS_GPN_STRING_MASK|lib.MJS_GPN_ENUM_ONLY) < 0 {
		return value.Value{}, vm.thrown()
	}
	table, n := *(*uintptr)(at(vm.cells)), *(*uint32)(at(vm.cells + 8))
	defer lib.XJS_FreePropertyEnum(vm.tls, vm.ctx, table, n)
	fresh := o == nil
	if fresh {
		o = value.NewMap(min(int(n), 1<<16))
	}
	for _, p := range unsafe.Slice((*lib.TJSPropertyEnum)(at(table)), int(n)) {
		if err := r.property(v, p.Fatom, o, fresh); err != nil {
			return value.Value{}, err
		}
	}
	return o.Value(), nil
}

// property reads one property into o; fresh says that o can't have it yet.
func (r *reader) property(v jsValue, a lib.TJSAtom, o *value.Map, fresh bool) error {
	vm := r.vm
	e := lib.XJS_GetPropertyInternal(vm.tls, vm.ctx, v, a, v, 0)
	if tagOf(e) == lib.EJS_TAG_EXCEPTION {
		return vm.thrown()
	}
	x, err := r.value(e)
	undefined := tagOf(e) == lib.EJS_TAG_UNDEFINED
	vm.free(e)
	if err != nil {
		return err
	}
	if !x.Defined() && !undefined {
		return nil // a function or a symbol
	}
	name, ok := vm.name(a)
	if !ok {
		return vm.thrown()
	}
	r.bytes += len(name)
	if fresh {
		o.Put(name, x)
	} else {
		o.Set(name, x)
	}
	return nil
}

// name returns the text of an atom, keeping it for the next time.
func (vm *VM) name(a lib.TJSAtom) (string, bool) {
	if s, ok := vm.names.of(a); ok {
		return s, true
	}
	p := lib.XJS_AtomToCStringLen(vm.tls, vm.ctx, vm.cells+16, a)
	if p == 0 {
		return "", false
	}
	s := string(unsafe.Slice((*byte)(at(p)), int(*(*lib.Tsize_t)(at(vm.cells + 16)))))
	lib.XJS_FreeCString(vm.tls, vm.ctx, p)
	if len(vm.atoms) < maxAtoms && len(s) <= maxAtom && vm.isText(a) {
		if _, known := vm.atoms[s]; !known {
			lib.XJS_DupAtom(vm.tls, vm.ctx, a)
			vm.atoms[s] = a
			vm.names.keep(a, s)
		}
	}
	return s, true
}

// buffer reads the bytes of a Buffer or another Uint8Array.
func (r *reader) buffer(v jsValue) (value.Value, error) {
	vm := r.vm
	raw := lib.XJS_GetTypedArrayBuffer(vm.tls, vm.ctx, v, vm.cells, vm.cells+8, vm.cells+16)
	if tagOf(raw) == lib.EJS_TAG_EXCEPTION {
		return value.Value{}, vm.thrown()
	}
	defer vm.free(raw)
	return r.bytesOf(raw, int(*(*lib.Tsize_t)(at(vm.cells))), int(*(*lib.Tsize_t)(at(vm.cells + 8))))
}

// bytesOf copies part of an ArrayBuffer; n below 0 means all.
func (r *reader) bytesOf(v jsValue, from, n int) (value.Value, error) {
	vm := r.vm
	p := lib.XJS_GetArrayBuffer(vm.tls, vm.ctx, vm.cells, v)
	size := int(*(*lib.Tsize_t)(at(vm.cells)))
	if p == 0 {
		if lib.XJS_HasException(vm.tls, vm.ctx) != 0 {
			return value.Value{}, vm.thrown()
		}
		size = 0
	}
	if n < 0 {
		n = size
	}
	if n == 0 || from < 0 || from+n > size {
		return value.Data(nil), nil
	}
	if r.bytes += n; r.bytes > maxBytes {
		return value.Value{}, errLarge
	}
	b := make([]byte, n)
	copy(b, unsafe.Slice((*byte)(at(p+uintptr(from))), n))
	return value.Data(b), nil
}
