package script

import (
	"errors"
	"strings"
	"unsafe"

	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// shapes remembers, by the keys of objects in their order, the engine's own descriptions of such objects. Messages
// have the same keys again and again: then an object is made with its values in one piece, rather than property by
// property.
type shapes struct {
	on     bool
	empty  jsValue // {}
	root   shape
	nodes  int
	missed int // objects that found no room since the last beginning
}

// shape is a list of keys: those of the nodes above it and its own.
type shape struct {
	key   string
	next  []*shape
	at    uintptr // the engine's shape, 0 until objects with these keys were met twice
	model jsValue // an object that keeps it alive
	met   bool
}

// Bounds of what a VM remembers. Objects whose keys are data would fill it, so it begins anew when it was of no use for
// long.
const (
	maxShapes     = 1024 // nodes
	maxShapeKeys  = 64
	maxShapeNext  = 8
	maxShapeMiss  = 10_000
	initialSlots  = lib.MJS_PROP_INITIAL_SIZE
	maxShapeBytes = 64 // length of a key
)

func (s *shapes) prepare(vm *VM) {
	s.empty = lib.XJS_NewObject(vm.tls, vm.ctx)
	s.on = tagOf(s.empty) == lib.EJS_TAG_OBJECT && laidOut(vm)
}

func (s *shapes) end(vm *VM) {
	s.forget(vm)
	vm.free(s.empty)
	s.on, s.empty = false, jsUndefined
}

// find returns the node of an object's keys, nil if there is none and no room for it.
func (s *shapes) find(o *value.Map) *shape {
	if !s.on || o.Len() > maxShapeKeys || o.Len() == 0 {
		return nil
	}
	node := &s.root
	for i := range o.Len() {
		if node = s.step(node, o.Key(i)); node == nil {
			return nil
		}
	}
	return node
}

func (s *shapes) step(node *shape, key string) *shape {
	for _, n := range node.next {
		if n.key == key {
			return n
		}
	}
	if s.nodes >= maxShapes || len(node.next) >= maxShapeNext || len(key) > maxShapeBytes {
		s.missed++
		return nil
	}
	n := &shape{key: strings.Clone(key)}
	node.next = append(node.next, n)
	s.nodes++
	return n
}

// learn takes the shape of an object that was made property by property, the second time.
func (s *shapes) learn(vm *VM, node *shape, js jsValue, keys int) {
	if !node.met {
		node.met = true
		return
	}
	o := objectAt(pointerOf(js))
	sh := shapeAt(o.Fshape)
	if sh.Fis_hashed == 0 || int(sh.Fprop_count) != keys || sh.Fdeleted_prop_count != 0 {
		return
	}
	list := shapeProperties(o.Fshape)
	for i := range keys {
		if flags, _ := shapeProperty(list, i); flags != plainFlags {
			return
		}
	}
	model := vm.shaped(o.Fshape, keys, nil)
	if tagOf(model) == lib.EJS_TAG_EXCEPTION {
		vm.drop()
		return
	}
	node.at, node.model = o.Fshape, model
}

var errNoShape = errors.New("internal error: no empty objects")

// forget begins anew.
func (s *shapes) forget(vm *VM) {
	s.root.free(vm)
	s.root, s.nodes, s.missed = shape{}, 0, 0
}

func (n *shape) free(vm *VM) {
	if n.at != 0 {
		vm.free(n.model)
		n.at, n.model = 0, jsUndefined
	}
	for _, c := range n.next {
		c.free(vm)
	}
}

// shaped makes an object of a shape, and takes its values; without any they are undefined.
func (vm *VM) shaped(sh uintptr, n int, values []jsValue) jsValue {
	js := lib.XJS_NewObject(vm.tls, vm.ctx)
	if tagOf(js) == lib.EJS_TAG_EXCEPTION {
		vm.freeAll(values)
		return js
	}
	o := objectAt(pointerOf(js))
	if *references(o.Fshape) == 1 { // it would have to be freed, which only the engine can
		vm.freeAll(values)
		vm.free(js)
		return vm.throw(errNoShape)
	}
	slots := int(shapeAt(sh).Fprop_size)
	if slots != int(shapeAt(o.Fshape).Fprop_size) {
		p := lib.Xjs_malloc(vm.tls, vm.ctx, lib.Tsize_t(slots)*lib.Tsize_t(slotSize))
		if p == 0 {
			vm.freeAll(values)
			vm.free(js)
			return jsException
		}
		lib.Xjs_free(vm.tls, vm.ctx, o.Fprop)
		o.Fprop = p
	}
	for i := range n {
		v := jsUndefined
		if values != nil {
			v = values[i]
		}
		*slot(o.Fprop, i) = v
	}
	*references(o.Fshape)-- // the shape of empty objects, which our own empty object keeps
	*references(sh)++
	o.Fshape = sh
	return js
}

func (vm *VM) freeAll(values []jsValue) {
	for _, v := range values {
		vm.free(v)
	}
}

// fill gives a new array its elements, which it takes.
func (vm *VM) fill(a jsValue, values []jsValue) jsValue {
	n := len(values)
	if n == 0 {
		return a
	}
	p := lib.Xjs_malloc(vm.tls, vm.ctx, lib.Tsize_t(n)*lib.Tsize_t(slotSize))
	if p == 0 {
		vm.freeAll(values)
		vm.free(a)
		return jsException
	}
	copy(unsafe.Slice((*jsValue)(at(p)), n), values)
	e := elementsAt(pointerOf(a))
	e.size, e.values, e.count = uint32(n), p, uint32(n)
	*slot(objectAt(pointerOf(a)).Fprop, 0) = jsInt(int32(n))
	return a
}

// jsASCII makes a string of ASCII characters, one at least.
func (vm *VM) jsASCII(s string) jsValue {
	if int64(len(s)) > vm.limits.Memory {
		return vm.throw(&MemoryError{vm.limits.Memory})
	}
	p := lib.Xjs_malloc(vm.tls, vm.ctx, lib.Tsize_t(stringHead)+lib.Tsize_t(len(s))+1)
	if p == 0 {
		return jsException
	}
	*references(p) = 1
	*(*lib.TJSString)(at(p)) = lib.TJSString{}
	*(*uint32)(at(p)) = uint32(len(s))
	b := unsafe.Slice((*byte)(at(p+stringHead)), len(s)+1)
	copy(b, s)
	b[len(s)] = 0
	return jsText(p)
}
