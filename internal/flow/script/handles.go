package script

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// handles are the things of nodes that scripts hold references to, such as msg.res. In the
// VM each is an object of a class of its own, whose properties are asked of the thing.
type handles struct {
	class  lib.TJSClassID
	exotic uintptr // JSClassExoticMethods
	name   uintptr
	things []value.Value // by number; undefined where free
	unused []int
	last   map[any]jsValue // borrowed: objects that live, so that each thing has only one
}

func (h *handles) prepare(vm *VM) error {
	*(*lib.TJSClassID)(at(vm.cells)) = 0
	h.class = lib.XJS_NewClassID(vm.tls, vm.cells)
	h.exotic = libc.Xcalloc(vm.tls, 1, lib.Tsize_t(unsafe.Sizeof(lib.TJSClassExoticMethods{})))
	name, err := libc.CString("Handle")
	if err != nil || h.exotic == 0 {
		return errNoMemory
	}
	h.name, h.last = name, map[any]jsValue{}
	(*lib.TJSClassExoticMethods)(at(h.exotic)).Fget_property = fp(handleProperty)
	(*lib.TJSClassExoticMethods)(at(h.exotic)).Fset_property = fp(handleSet)
	size := int(unsafe.Sizeof(lib.TJSClassDef{}))
	def := vm.tls.Alloc(size)
	defer vm.tls.Free(size)
	*(*lib.TJSClassDef)(at(def)) = lib.TJSClassDef{Fclass_name: name, Ffinalizer: fp(handleFinalizer), Fexotic: h.exotic}
	if lib.XJS_NewClass(vm.tls, vm.rt, h.class, def) < 0 {
		return errNoMemory
	}
	return nil
}

func (h *handles) close(vm *VM) {
	libc.Xfree(vm.tls, h.exotic)
	libc.Xfree(vm.tls, h.name)
	*h = handles{}
}

// object returns the object that stands for a handle.
func (h *handles) object(vm *VM, v value.Value) jsValue {
	if o, ok := h.last[v.Handle()]; ok {
		return hold(o)
	}
	o := lib.XJS_NewObjectClass(vm.tls, vm.ctx, int32(h.class))
	if tagOf(o) == lib.EJS_TAG_EXCEPTION {
		return o
	}
	var i int
	if n := len(h.unused); n > 0 {
		i, h.unused = h.unused[n-1], h.unused[:n-1]
		h.things[i] = v
	} else {
		i = len(h.things)
		h.things = append(h.things, v)
	}
	lib.XJS_SetOpaque(vm.tls, o, uintptr(i+1))
	h.last[v.Handle()] = o
	return o
}

// value returns the handle that an object stands for.
func (h *handles) value(vm *VM, o jsValue) value.Value {
	if i := int(lib.XJS_GetOpaque(vm.tls, o, h.class)); i > 0 && i <= len(h.things) {
		return h.things[i-1]
	}
	return value.Value{}
}

// handleProperty answers a script that reads a property of a handle.
func handleProperty(_ *libc.TLS, ctx uintptr, o jsValue, a lib.TJSAtom, _ jsValue) (result jsValue) {
	vm := vmOf(ctx)
	if vm == nil {
		return jsUndefined
	}
	defer func() {
		if recover() != nil {
			result = jsUndefined
		}
	}()
	name, ok := vm.name(a)
	if !ok {
		vm.drop()
		return jsUndefined
	}
	if p, ok := vm.handles.value(vm, o).Handle().(value.Properties); ok {
		return vm.toJS(p.Property(name), 0)
	}
	return jsUndefined
}

// handleFinalizer lets the thing go when no script refers to it any more.
func handleFinalizer(tls *libc.TLS, rt uintptr, o jsValue) {
	vm := vmOf(rt)
	if vm == nil {
		return
	}
	h := &vm.handles
	if i := int(lib.XJS_GetOpaque(tls, o, h.class)); i > 0 && i <= len(h.things) {
		delete(h.last, h.things[i-1].Handle())
		h.things[i-1] = value.Value{}
		h.unused = append(h.unused, i-1)
	}
}
