package script

import (
	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// plain says whether an object has nothing but values, under names that are no numbers: then their order is that of
// its shape, and reading them runs no JavaScript.
func (r *reader) plain(p uintptr) bool {
	sh := objectAt(p).Fshape
	list := shapeProperties(sh)
	for i := range int(shapeAt(sh).Fprop_count) {
		flags, name := shapeProperty(list, i)
		if flags&specialFlags != 0 || name&wholeAtom != 0 {
			return false
		}
	}
	return true
}

// members reads an object that is plain. Objects in it may have getters, which can change even this one: so its parts
// are looked up anew for each.
func (r *reader) members(v jsValue) (value.Value, error) {
	vm, p := r.vm, pointerOf(v)
	o := value.NewMap(int(shapeAt(objectAt(p).Fshape).Fprop_count))
	for i := 0; i < int(shapeAt(objectAt(p).Fshape).Fprop_count); i++ {
		flags, a := shapeProperty(shapeProperties(objectAt(p).Fshape), i)
		if a == 0 || flags&lib.MJS_PROP_ENUMERABLE == 0 || flags&specialFlags != 0 {
			continue
		}
		name, known := vm.names.of(a)
		if !known {
			if !vm.isText(a) {
				continue
			}
			if name, known = vm.name(a); !known {
				return value.Value{}, vm.thrown()
			}
		}
		e := *slot(objectAt(p).Fprop, i)
		x, err := r.borrowed(e)
		if err != nil {
			return value.Value{}, err
		}
		if !x.Defined() && tagOf(e) != lib.EJS_TAG_UNDEFINED {
			continue // a function or a symbol
		}
		r.bytes += len(name)
		if r.scripted || name == "" || name[0] <= '9' {
			o.Set(name, x) // it may be there, or be a number too large for an atom
		} else {
			o.Put(name, x)
		}
	}
	return o.Value(), nil
}

// whole says whether an array has neither holes nor anything behind its elements.
func whole(p uintptr) bool {
	return isFast(p) && *slot(objectAt(p).Fprop, 0) == jsInt(int32(elementsAt(p).count))
}

// elements reads an array without holes.
func (r *reader) elements(v jsValue) (value.Value, error) {
	p := pointerOf(v)
	n := int(elementsAt(p).count)
	if n > maxValues-r.values {
		return value.Value{}, errLarge
	}
	out := make([]value.Value, 0, n)
	for i := 0; i < n; i++ {
		if !isFast(p) || i >= int(elementsAt(p).count) {
			break // a getter has changed it
		}
		x, err := r.borrowed(*slot(elementsAt(p).values, i))
		if err != nil {
			return value.Value{}, err
		}
		out = append(out, x)
	}
	for len(out) < n {
		out = append(out, value.Value{})
	}
	return value.NewList(out...).Value(), nil
}

// borrowed reads a value that is its container's.
func (r *reader) borrowed(e jsValue) (value.Value, error) {
	if tagOf(e) != lib.EJS_TAG_OBJECT {
		return r.value(e)
	}
	hold(e)
	x, err := r.value(e)
	r.vm.free(e)
	return x, err
}
