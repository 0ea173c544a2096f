package script

import (
	"embed"
	"errors"
	"fmt"

	lib "modernc.org/libquickjs"
)

//go:embed prelude/*.js
var preludes embed.FS

// internal begins the names of our own scripts, which errors don't blame.
const internal = "tsunagi:"

// known are functions of the prelude and of the language that crossing needs, taken before
// any script could change them.
type known struct {
	buffer  jsValue // ArrayBuffer → Buffer
	fault   jsValue // name, message → Error object
	getTime jsValue // Date.prototype.getTime
	unwrap  jsValue // Number, String, Boolean object → primitive
	part    jsValue // name → what a file of the prelude makes
	parse   jsValue // the engine's JSON.parse
}

func (k *known) free(vm *VM) {
	for _, v := range []jsValue{k.buffer, k.fault, k.getTime, k.unwrap, k.part, k.parse} {
		vm.free(v)
	}
}

// prepare runs the prelude. Its larger parts are read when a script first uses them.
func (vm *VM) prepare() error {
	if err := vm.handles.prepare(vm); err != nil {
		return err
	}
	vm.shapes.prepare(vm)
	core, err := vm.source("core")
	if err != nil {
		return err
	}
	defer vm.Free(core)
	load, err := vm.function(host{name: "load", raw: vm.load})
	if err != nil {
		return err
	}
	defer vm.Free(load)
	support, err := vm.Function("support", supporting)
	if err != nil {
		return err
	}
	defer vm.Free(support)
	parse, err := vm.function(host{name: "parse", length: 2, raw: vm.parseJSON})
	if err != nil {
		return err
	}
	defer vm.Free(parse)
	made, err := vm.Call(core, load, support, parse)
	if err != nil {
		return err
	}
	defer vm.Free(made)
	for key, at := range map[string]*jsValue{"buffer": &vm.known.buffer, "fault": &vm.known.fault, "getTime": &vm.known.getTime, "unwrap": &vm.known.unwrap, "part": &vm.known.part, "parse": &vm.known.parse} {
		if *at = vm.get(made.v, key); lib.XJS_IsFunction(vm.tls, vm.ctx, *at) == 0 {
			return fmt.Errorf("the prelude has no %s", key)
		}
	}
	return nil
}

func (vm *VM) source(name string) (Ref, error) {
	text, err := preludes.ReadFile("prelude/" + name + ".js")
	if err != nil {
		return Undefined(), err
	}
	return vm.Eval(internal+name, string(text))
}

// load runs a part of the prelude and returns its function.
func (vm *VM) load(args []jsValue) jsValue {
	if len(args) != 1 {
		return vm.throw(errors.New("load takes a name"))
	}
	name, ok := vm.goString(args[0])
	if !ok {
		return jsException
	}
	text, err := preludes.ReadFile("prelude/" + name + ".js")
	if err != nil {
		return vm.throw(err)
	}
	return vm.eval(internal+name, string(text))
}

// Part returns a function that gives the parts of the prelude by their file's name, for code
// of ours that runs beside a script: it is to be kept from the script.
func (vm *VM) Part() (Ref, error) { return Ref{hold(vm.known.part)}, nil }
