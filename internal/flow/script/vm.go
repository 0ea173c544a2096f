package script

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// Limits bound one VM. Zero values mean the default in brackets.
type Limits struct {
	Memory int64         // bytes of everything the script holds [64 MiB]
	Time   time.Duration // of one call from Go, with the promise jobs behind it [10s]
}

func (l Limits) orDefaults() Limits {
	if l.Memory <= 0 {
		l.Memory = 64 << 20
	}
	l.Memory = min(l.Memory, math.MaxInt32)
	if l.Time <= 0 {
		l.Time = 10 * time.Second
	}
	return l
}

// VM is one engine with a memory and globals of its own. All methods but Interrupt belong to
// one goroutine at a time.
type VM struct {
	limits Limits
	tls    *libc.TLS
	rt     uintptr // JSRuntime
	ctx    uintptr // JSContext
	cells  uintptr // C memory for results of calls by pointer, cellSize bytes

	scratch     uintptr // C memory for strings on their way in
	scratchSize int

	depth     int   // calls from Go that are running
	deadline  int64 // of now()
	stopped   bool  // the running call was stopped for its time, or by Interrupt
	exhausted bool
	abandoned bool // a panic went up through the engine: it may be in any state
	interrupt atomic.Bool
	watchdog  watchdog

	hosts   []host
	handles handles
	atoms   map[string]lib.TJSAtom // held by the VM until Close
	names   names
	lent    lent
	known   known
	shapes  shapes
	stack   []jsValue // values on their way into an object or an array
	keys    []string  // their names
	met     []met     // room for the next conversion

	rejected map[uintptr]error // by promise: what was rejected and is not handled yet
}

// Ref holds a JavaScript value; whoever got it frees it with VM.Free, once, before Close.
type Ref struct{ v jsValue }

// Undefined is JavaScript's undefined. It need not be freed.
func Undefined() Ref { return Ref{jsUndefined} }

const cellSize = 64

// vms finds the VM for what the engine calls back with: the addresses of contexts and runtimes.
var vms sync.Map

var errNoMemory = errors.New("script: no memory for an engine")

// New makes a VM. It costs about a quarter of a millisecond and 200 KB outside of Go's heap.
func New(l Limits) (*VM, error) {
	vm, err := bare(l)
	if err != nil {
		return nil, err
	}
	vm.SetTime(0) // the prelude is ours
	if err := vm.prepare(); err != nil {
		vm.Close()
		return nil, fmt.Errorf("script: start an engine: %w", err)
	}
	vm.SetTime(l.Time)
	return vm, nil
}

// SetTime sets the time limit of the calls that come; 0 is the default.
func (vm *VM) SetTime(d time.Duration) { vm.limits.Time = Limits{Time: d}.orDefaults().Time }

// bare makes a VM without the prelude.
func bare(l Limits) (*VM, error) {
	vm := &VM{limits: l.orDefaults(), tls: libc.NewTLS(), atoms: map[string]lib.TJSAtom{}}
	vm.rt = lib.XJS_NewRuntime(vm.tls)
	if vm.rt == 0 {
		vm.tls.Close()
		return nil, errNoMemory
	}
	lib.XJS_SetMemoryLimit(vm.tls, vm.rt, lib.Tsize_t(vm.limits.Memory))
	lib.XJS_SetMaxStackSize(vm.tls, vm.rt, maxStackSlots)
	vms.Store(vm.rt, vm)
	vm.cells = libc.Xcalloc(vm.tls, 1, cellSize)
	if vm.ctx = lib.XJS_NewContext(vm.tls, vm.rt); vm.ctx == 0 || vm.cells == 0 || !vm.watchdog.prepare(vm.tls) {
		vm.Close()
		return nil, errNoMemory
	}
	vms.Store(vm.ctx, vm)
	lib.XJS_SetInterruptHandler(vm.tls, vm.rt, fp(interruptHandler), vm.rt)
	lib.XJS_SetHostPromiseRejectionTracker(vm.tls, vm.rt, fp(rejectionTracker), vm.rt)
	vm.known = known{jsUndefined, jsUndefined, jsUndefined, jsUndefined, jsUndefined, jsUndefined}
	vm.shapes.empty = jsUndefined
	return vm, nil
}

// Check compiles scripts, each a name and a source, without running them. The error is that
// of the first one that is wrong.
func Check(scripts ...[2]string) error {
	vm, err := bare(Limits{})
	if err != nil {
		return err
	}
	defer vm.Close()
	for _, s := range scripts {
		v := vm.compile(s[0], s[1], lib.MJS_EVAL_FLAG_COMPILE_ONLY)
		if tagOf(v) == lib.EJS_TAG_EXCEPTION {
			return vm.thrown()
		}
		vm.free(v)
	}
	return nil
}

// maxStackSlots bounds recursion; the engine counts slots of its C stack, one or more a call.
// It keeps the goroutine's stack well below what ends the process, on 32-bit machines, too.
const maxStackSlots = 2500

// Close frees everything. No Ref may be used any more. An engine through which a panic went
// is let go without touching its memory, which may be in any state.
func (vm *VM) Close() {
	if vm.tls == nil {
		return
	}
	vm.watchdog.close(vm.tls)
	if vm.abandoned {
		vms.Delete(vm.ctx)
		vms.Delete(vm.rt)
		vm.tls, vm.ctx, vm.rt = nil, 0, 0
		return
	}
	if vm.ctx != 0 {
		vm.lent.end(vm)
		vm.shapes.end(vm)
		vm.known.free(vm)
		for _, a := range vm.atoms {
			lib.XJS_FreeAtom(vm.tls, vm.ctx, a)
		}
		lib.XJS_FreeContext(vm.tls, vm.ctx)
		vms.Delete(vm.ctx)
	}
	lib.XJS_FreeRuntime(vm.tls, vm.rt)
	vms.Delete(vm.rt)
	libc.Xfree(vm.tls, vm.cells)
	libc.Xfree(vm.tls, vm.scratch)
	vm.handles.close(vm)
	vm.tls.Close()
	vm.tls, vm.ctx, vm.rt = nil, 0, 0
}

// Interrupt stops the call that runs now. It may be called from any goroutine.
func (vm *VM) Interrupt() {
	vm.interrupt.Store(true)
	vm.watchdog.hasten(vm)
}

// Used is how many bytes the script holds, outside of Go's heap.
func (vm *VM) Used() int64 {
	return int64((*lib.TJSRuntime)(at(vm.rt)).Fmalloc_ctx.Fmalloc_state.Fmalloc_size)
}

// RunGC collects objects that refer to each other and to which nothing else does. The engine
// does so by itself as its memory grows.
func (vm *VM) RunGC() { lib.XJS_RunGC(vm.tls, vm.rt) }

// Exhausted says that the script has run into its memory limit, or that the engine failed.
// Such a VM is to be closed: code that was refused memory in the middle may have left
// anything behind.
func (vm *VM) Exhausted() bool { return vm.exhausted || vm.abandoned }

// Free lets a value go.
func (vm *VM) Free(r Ref) {
	if !vm.abandoned {
		vm.free(r.v)
	}
}

func (vm *VM) free(v jsValue) {
	if tagOf(v) >= 0 {
		return
	}
	if n := references(pointerOf(v)); *n > 1 {
		*n--
		return
	}
	lib.XFreeValue(vm.tls, vm.ctx, v)
}

// interruptHandler is asked by the engine every some thousand steps whether to stop.
func interruptHandler(_ *libc.TLS, _, opaque uintptr) int32 {
	if vm := vmOf(opaque); vm != nil && vm.over() {
		return 1
	}
	return 0
}

// over says whether the running call has to end.
func (vm *VM) over() bool {
	if !vm.stopped && vm.depth > 0 {
		vm.stopped = vm.interrupt.Load() || now() > vm.deadline
	}
	return vm.stopped
}

func vmOf(address uintptr) *VM {
	if vm, ok := vms.Load(address); ok {
		return vm.(*VM)
	}
	return nil
}

// at makes a pointer of an address in the engine's memory, which Go's collector doesn't move.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// fp makes of a Go function what the translated C code calls.
func fp(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }
