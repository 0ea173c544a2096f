package script

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// jsMethod makes the function that a method of a handle is in scripts. It keeps the method
// for as long as the script keeps the function.
func (vm *VM) jsMethod(m *value.Method, v value.Value) jsValue {
	o := vm.handles.object(vm, v)
	if tagOf(o) == lib.EJS_TAG_EXCEPTION {
		return o
	}
	defer vm.free(o)
	data := vm.cells
	*(*jsValue)(at(data)) = o
	return lib.XJS_NewCFunctionData(vm.tls, vm.ctx, fp(callMethod), 0, 0, 1, data)
}

// callMethod is what the engine calls for every method of a handle.
func callMethod(_ *libc.TLS, ctx uintptr, _ jsValue, argc int32, argv uintptr, _ int32, data uintptr) (result jsValue) {
	vm := vmOf(ctx)
	if vm == nil {
		return jsUndefined
	}
	m, ok := vm.handles.value(vm, *(*jsValue)(at(data))).Handle().(*value.Method)
	if !ok {
		return jsUndefined
	}
	defer func() {
		if p := recover(); p != nil {
			result = vm.throw(fmt.Errorf("internal error in %s: %v", m.Name, p))
		}
	}()
	var in []jsValue
	if argc > 0 {
		in = unsafe.Slice((*jsValue)(at(argv)), int(argc))
	}
	return vm.callHost(&host{name: m.Name, call: m.Call}, in)
}

// handleSet takes what a script writes to a property of a handle.
func handleSet(_ *libc.TLS, ctx uintptr, o jsValue, a lib.TJSAtom, v, _ jsValue, _ int32) (result int32) {
	vm := vmOf(ctx)
	if vm == nil {
		return 0
	}
	defer func() {
		if p := recover(); p != nil {
			vm.throw(fmt.Errorf("internal error in a property: %v", p))
			result = -1
		}
	}()
	name, ok := vm.name(a)
	if !ok {
		vm.drop()
		return 0
	}
	w, ok := vm.handles.value(vm, o).Handle().(value.Writable)
	if !ok {
		return 1 // as for a frozen object in code that isn't strict: nothing happens
	}
	x, err := vm.convert(v)
	if err != nil {
		vm.throw(err)
		return -1
	}
	w.SetProperty(name, x)
	return 1
}
