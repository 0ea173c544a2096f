package script

import (
	"modernc.org/libc"
)

// maxRejected bounds how many rejections are kept until somebody asks.
const maxRejected = 100

// rejectionTracker hears of every promise that is rejected while nobody handles that, and of
// it again when somebody does.
func rejectionTracker(_ *libc.TLS, _ uintptr, promise, reason jsValue, handled int32, opaque uintptr) {
	vm := vmOf(opaque)
	if vm == nil {
		return
	}
	p := pointerOf(promise)
	if handled != 0 {
		delete(vm.rejected, p)
		return
	}
	if vm.stopped || len(vm.rejected) >= maxRejected {
		return
	}
	if vm.rejected == nil {
		vm.rejected = map[uintptr]error{}
	}
	vm.rejected[p] = vm.errorOf(reason)
}

// Rejected returns what promises were rejected with that nobody has handled by now, and
// forgets it.
func (vm *VM) Rejected() []error {
	if len(vm.rejected) == 0 {
		return nil
	}
	var errs []error
	for _, err := range vm.rejected {
		errs = append(errs, err)
	}
	vm.rejected = nil
	return errs
}
