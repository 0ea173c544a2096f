package script

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// Host is a Go function that a script may call. Its error is thrown in the script; *Error
// keeps its name. It must not close the VM.
type Host func(args []value.Value) (value.Value, error)

type host struct {
	name   string
	length int32 // of the function object
	call   Host
	raw    func(args []jsValue) jsValue // instead of call, for the prelude
}

// Function makes a JavaScript function that calls f. The VM keeps f until it is closed.
func (vm *VM) Function(name string, f Host) (Ref, error) {
	return vm.function(host{name: name, call: f})
}

func (vm *VM) function(h host) (Ref, error) {
	c, err := libc.CString(h.name)
	if err != nil {
		return Undefined(), err
	}
	defer libc.Xfree(vm.tls, c)
	vm.hosts = append(vm.hosts, h)
	v := lib.XJS_NewCFunction2(vm.tls, vm.ctx, fp(callHost), c, h.length, lib.EJS_CFUNC_generic_magic, int32(len(vm.hosts)-1))
	if tagOf(v) == lib.EJS_TAG_EXCEPTION {
		return Undefined(), vm.thrown()
	}
	return Ref{v}, nil
}

// callHost is what the engine calls for every host function. A panic must not unwind through
// the engine: it becomes an error in the script.
func callHost(_ *libc.TLS, ctx uintptr, _ jsValue, argc int32, argv uintptr, magic int32) (result jsValue) {
	vm := vmOf(ctx)
	if vm == nil {
		return jsUndefined
	}
	defer func() {
		if p := recover(); p != nil {
			result = vm.throw(fmt.Errorf("internal error in %s: %v", vm.hosts[magic].name, p))
		}
	}()
	return vm.callHost(&vm.hosts[magic], unsafe.Slice((*jsValue)(at(argv)), int(argc)))
}

func (vm *VM) callHost(h *host, in []jsValue) jsValue {
	if h.raw != nil {
		return h.raw(in)
	}
	args := make([]value.Value, len(in))
	for i, a := range in {
		var err error
		if args[i], err = vm.convert(a); err != nil {
			return vm.throw(err)
		}
	}
	out, err := h.call(args)
	if err != nil {
		return vm.throw(err)
	}
	return vm.toJS(out, 0)
}

// Object makes an object of names and values, which stay the caller's.
func (vm *VM) Object(members map[string]Ref) (Ref, error) {
	o := lib.XJS_NewObject(vm.tls, vm.ctx)
	if tagOf(o) == lib.EJS_TAG_EXCEPTION {
		return Undefined(), vm.thrown()
	}
	for name, r := range members {
		if !vm.define(o, name, hold(r.v)) {
			vm.free(o)
			return Undefined(), vm.thrown()
		}
	}
	return Ref{o}, nil
}
