package script

import (
	"errors"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// run runs f, which may run JavaScript. The outermost call starts the clock, and at its end
// the promise jobs run.
func (vm *VM) run(f func()) error {
	if vm.depth > 0 {
		f()
		return nil
	}
	vm.enter()
	defer vm.leave()
	f()
	err := vm.jobs()
	vm.finish()
	return err
}

func (vm *VM) enter() {
	vm.depth = 1
	vm.stopped = false
	vm.interrupt.Store(false)
	vm.deadline = now() + int64(vm.limits.Time)
	vm.watchdog.begin(vm, vm.deadline)
}

// finish is the end of a call that went well as far as the engine is concerned.
func (vm *VM) finish() {
	vm.depth = 0
	vm.watchdog.end(vm)
}

// leave ends a call. One that didn't get to its end is on the way out of a panic.
func (vm *VM) leave() {
	if vm.depth > 0 {
		vm.abandoned = true
		vm.watchdog.end(vm)
	}
	vm.depth = 0
	vm.stopped = false
}

// maxJobs bounds the promise jobs behind one call.
const maxJobs = 1 << 22

// jobs runs what promises have to do. It returns the time limit, if that ended it: then the
// jobs left are run behind the next call.
func (vm *VM) jobs() error {
	for range maxJobs {
		if vm.stopped {
			break
		}
		if lib.XJS_IsJobPending(vm.tls, vm.rt) == 0 {
			return nil
		}
		if lib.XJS_ExecutePendingJob(vm.tls, vm.rt, vm.cells) < 0 {
			vm.drop() // the promise of the job has it, too, or it is the end of the time
		}
	}
	return vm.stoppedError()
}

// Eval runs a script and returns the value of its last expression. Name is what errors call
// the script.
func (vm *VM) Eval(name, source string) (Ref, error) {
	r := Ref{jsUndefined}
	var err error
	outer := vm.run(func() {
		v := vm.eval(name, source)
		if tagOf(v) == lib.EJS_TAG_EXCEPTION {
			err = vm.thrown()
			return
		}
		r.v = v
	})
	return vm.result(r, err, outer)
}

func (vm *VM) result(r Ref, err, outer error) (Ref, error) {
	if err == nil && outer != nil {
		err = outer
	}
	if err != nil {
		vm.Free(r)
		return Undefined(), err
	}
	return r, nil
}

func (vm *VM) eval(name, source string) jsValue { return vm.compile(name, source, 0) }

// compile evaluates a script, or does with it what flags say.
func (vm *VM) compile(name, source string, flags int32) jsValue {
	file, err := libc.CString(name)
	if err != nil {
		return vm.throw(errors.New("no memory"))
	}
	defer libc.Xfree(vm.tls, file)
	text, err := libc.CString(source)
	if err != nil {
		return vm.throw(errors.New("no memory"))
	}
	defer libc.Xfree(vm.tls, text)
	return lib.XJS_Eval(vm.tls, vm.ctx, text, lib.Tsize_t(len(source)), file, lib.MJS_EVAL_TYPE_GLOBAL|flags)
}

// Call calls a function with the arguments, which stay the caller's, and runs the promise
// jobs behind it. The error is what it threw, a *TimeoutError or a *MemoryError.
func (vm *VM) Call(f Ref, args ...Ref) (Ref, error) {
	if vm.depth > 0 {
		return vm.callOnce(f, args)
	}
	vm.enter()
	defer vm.leave()
	r, err := vm.callOnce(f, args)
	if lib.XJS_IsJobPending(vm.tls, vm.rt) != 0 {
		r, err = vm.result(r, err, vm.jobs())
	}
	vm.finish()
	return r, err
}

func (vm *VM) callOnce(f Ref, args []Ref) (Ref, error) {
	const few = 8
	var buf [few]jsValue
	list := buf[:0]
	for _, a := range args {
		list = append(list, a.v)
	}
	v := vm.invoke(f.v, jsUndefined, list...)
	if tagOf(v) == lib.EJS_TAG_EXCEPTION {
		return Undefined(), vm.thrown()
	}
	return Ref{v}, nil
}

const valueSize = int(unsafe.Sizeof(jsUndefined))

// invoke calls a function of the engine; when it fails, the exception is pending.
func (vm *VM) invoke(f, this jsValue, args ...jsValue) jsValue {
	size := max(1, len(args)) * valueSize
	argv := vm.tls.Alloc(size) // the engine's own stack
	defer vm.tls.Free(size)
	copy(unsafe.Slice((*jsValue)(at(argv)), max(1, len(args))), args)
	return lib.XJS_Call(vm.tls, vm.ctx, f, this, int32(len(args)), argv)
}

// Same says whether two values are the same object.
func (vm *VM) Same(a, b Ref) bool {
	return tagOf(a.v) == lib.EJS_TAG_OBJECT && tagOf(b.v) == lib.EJS_TAG_OBJECT && pointerOf(a.v) == pointerOf(b.v)
}

// IsUndefined says whether the value is undefined.
func (vm *VM) IsUndefined(r Ref) bool { return tagOf(r.v) == lib.EJS_TAG_UNDEFINED }

// IsNullish says whether the value is undefined or null.
func (vm *VM) IsNullish(r Ref) bool {
	return vm.IsUndefined(r) || tagOf(r.v) == lib.EJS_TAG_NULL
}

// IsPlain says whether the value is an object of no built-in kind: neither array, function,
// promise, buffer nor date.
func (vm *VM) IsPlain(r Ref) bool {
	return tagOf(r.v) == lib.EJS_TAG_OBJECT && classOf(r.v) == lib.EJS_CLASS_OBJECT
}

// Property reads a property of an object.
func (vm *VM) Property(r Ref, key string) (Ref, error) {
	v := vm.get(r.v, key)
	if tagOf(v) == lib.EJS_TAG_EXCEPTION {
		return Undefined(), vm.thrown()
	}
	return Ref{v}, nil
}
