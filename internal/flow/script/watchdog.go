package script

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// watchdog ends calls that the engine doesn't end in time by itself: it asks for the time wherever scripts loop, call
// or wait, but not in built-in functions, and Array.prototype.indexOf of an array of 4 billion holes walks them all.
//
// What such a function looks for and doesn't find in the object it looks for in Object.prototype. So when a call is
// overdue, that object is marked as one whose properties are asked of the host; and the host throws. Nothing is asked
// as long as calls end in time.
type watchdog struct {
	due   atomic.Int64 // ns since epoch; 0 while no call runs, trapped when one is overdue
	fires atomic.Int64 // when the timer fires, 0 while it doesn't run
	table uintptr      // JSClassExoticMethods

	mu     sync.Mutex // also held while the trap is set or taken away
	timer  *time.Timer
	closed bool
}

const (
	trapped = -1
	grace   = 50 * time.Millisecond // for the engine to end a call by itself
	again   = 20 * time.Millisecond // the mark is set anew, should the engine have written beside it
	exotic  = 0x08                  // in the flags of an object
)

var epoch = time.Now()

func (w *watchdog) prepare(tls *libc.TLS) bool {
	w.table = libc.Xcalloc(tls, 1, lib.Tsize_t(unsafe.Sizeof(lib.TJSClassExoticMethods{})))
	if w.table == 0 {
		return false
	}
	m := (*lib.TJSClassExoticMethods)(at(w.table))
	m.Fhas_property, m.Fget_property, m.Fset_property = fp(trapHas), fp(trapGet), fp(trapSet)
	return true
}

// now is the time that the watchdog counts in.
func now() int64 { return int64(time.Since(epoch)) }

// begin watches a call that must end by then.
func (w *watchdog) begin(vm *VM, due int64) {
	w.due.Store(due)
	if fires := w.fires.Load(); fires == 0 || fires > due+int64(2*grace) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wait(vm, time.Duration(due-now())+grace)
	}
}

// wait is called under mu.
func (w *watchdog) wait(vm *VM, d time.Duration) {
	if w.closed {
		return
	}
	w.fires.Store(now() + int64(d))
	if w.timer == nil {
		w.timer = time.AfterFunc(d, func() { w.look(vm) })
		return
	}
	w.timer.Reset(d)
}

// look runs when the timer fires.
func (w *watchdog) look(vm *VM) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.fires.Store(0)
	due := w.due.Load() // a call that begins from here on sets the timer itself
	if due == 0 {
		return
	}
	left := time.Duration(due + int64(grace) - now())
	if due != trapped && left > 0 {
		w.wait(vm, left)
		return
	}
	if due == trapped || w.due.CompareAndSwap(due, trapped) {
		w.trap(vm, w.table)
	}
	w.wait(vm, again)
}

// hasten makes the call that runs now overdue. It may be called from any goroutine.
func (w *watchdog) hasten(vm *VM) {
	if due := w.due.Load(); due <= 0 || !w.due.CompareAndSwap(due, max(1, now())) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wait(vm, grace)
}

// end says that the call has ended.
func (w *watchdog) end(vm *VM) {
	if w.due.Swap(0) != trapped {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trap(vm, 0)
}

// trap sets the trap, or takes it away without a table. It is called under mu, on any goroutine.
func (w *watchdog) trap(vm *VM, table uintptr) {
	class := (*lib.TJSRuntime)(at(vm.rt)).Fclass_array + lib.EJS_CLASS_OBJECT*unsafe.Sizeof(lib.TJSClass{})
	(*lib.TJSClass)(at(class)).Fexotic = table
	root := *slot((*lib.TJSContext)(at(vm.ctx)).Fclass_proto, lib.EJS_CLASS_OBJECT)
	flags := (*uint8)(at(pointerOf(root) + objectFlags))
	if table != 0 {
		*flags |= exotic
	} else {
		*flags &^= exotic
	}
}

func (w *watchdog) close(tls *libc.TLS) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	libc.Xfree(tls, w.table)
	w.table = 0
}

// overdue throws what no script can catch.
func overdue(tls *libc.TLS, ctx uintptr) {
	if vm := vmOf(ctx); vm != nil {
		vm.stopped = true
	}
	lib.XJS_Throw(tls, ctx, jsNull)
	lib.XJS_SetUncatchableException(tls, ctx, 1)
}

func trapHas(tls *libc.TLS, ctx uintptr, _ jsValue, _ lib.TJSAtom) int32 {
	overdue(tls, ctx)
	return -1
}

func trapGet(tls *libc.TLS, ctx uintptr, _ jsValue, _ lib.TJSAtom, _ jsValue) jsValue {
	overdue(tls, ctx)
	return jsException
}

func trapSet(tls *libc.TLS, ctx uintptr, _ jsValue, _ lib.TJSAtom, _, _ jsValue, _ int32) int32 {
	overdue(tls, ctx)
	return -1
}
