package script

import (
	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// lent remembers the strings that Lend has made for a script, so that those which come back unchanged, as most of a
// message does, need not be copied again. Strings never change, so the same address is the same text; the engine keeps
// it for another one only when nobody refers to it any more, and here somebody does.
type lent struct {
	on      bool
	strings []lentString
}

type lentString struct {
	at uintptr
	js jsValue
	v  value.Value
}

const (
	maxLent     = 24 // strings
	minLentText = 4  // bytes; shorter ones are copied as fast
)

func (l *lent) note(vm *VM, js jsValue, v value.Value) {
	if !l.on || len(l.strings) == maxLent || tagOf(js) != lib.EJS_TAG_STRING || len(v.Str()) < minLentText {
		return
	}
	l.strings = append(l.strings, lentString{pointerOf(js), hold(js), v})
}

func (l *lent) find(at uintptr) (value.Value, bool) {
	for i := range l.strings {
		if l.strings[i].at == at {
			return l.strings[i].v, true
		}
	}
	return value.Value{}, false
}

// text returns a string that was lent.
func (l *lent) text(v jsValue) (string, bool) {
	known, ok := l.find(pointerOf(v))
	return known.Str(), ok
}

func (l *lent) end(vm *VM) {
	for i := range l.strings {
		vm.free(l.strings[i].js)
		l.strings[i] = lentString{}
	}
	l.strings = l.strings[:0]
}

// Lend is From for a message of which most will come back by To before Return.
func (vm *VM) Lend(v value.Value) (Ref, error) {
	vm.lent.on = true
	r, err := vm.From(v)
	vm.lent.on = false
	return r, err
}

// Return frees a value that Lend made.
func (vm *VM) Return(r Ref) {
	if vm.abandoned {
		return
	}
	vm.lent.end(vm)
	vm.free(r.v)
}

// names are the texts of atoms, by their number. Those of a script's properties are small numbers.
type names struct {
	low  []string // "" where none is kept
	high map[lib.TJSAtom]string
}

const maxLowAtom = 1 << 14

func (n *names) of(a lib.TJSAtom) (string, bool) {
	if int64(a) < int64(len(n.low)) {
		s := n.low[a]
		return s, s != ""
	}
	s, ok := n.high[a]
	return s, ok
}

func (n *names) keep(a lib.TJSAtom, s string) {
	if a >= maxLowAtom || s == "" {
		if n.high == nil {
			n.high = map[lib.TJSAtom]string{}
		}
		n.high[a] = s
		return
	}
	for int64(len(n.low)) <= int64(a) {
		n.low = append(n.low, make([]string, 256)...)
	}
	n.low[a] = s
}
