package value

import (
	"fmt"
	"strconv"
	"unicode/utf16"
)

// TypeError is JavaScript's error for looking into what holds nothing.
type TypeError struct{ Message string }

func (e *TypeError) Error() string { return e.Message }

// resolved returns step i with a reference replaced by its value in msg.
func (p *Path) resolved(i int, msg *Map) (part, error) {
	s := p.parts[i]
	if s.ref == nil {
		return s, nil
	}
	v, err := s.ref.Get(msg.Value(), msg)
	if err != nil || !v.Defined() {
		return s, &PathError{fmt.Sprintf("Invalid expression: undefined reference msg.%s in %s", s.ref.source, p.source)}
	}
	if v.Is(Number) {
		if n := v.Num(); n >= 0 && n < 1<<31 && n == float64(int(n)) {
			return part{key: v.Text(), index: int(n)}, nil
		}
	}
	return part{key: v.Text(), index: -1}, nil
}

// Get returns what the path leads to from root, undefined when there is no such property.
// It fails when the parent of the property is undefined or null. References of the path are
// looked up in msg, which may be nil for a path without any.
func (p *Path) Get(root Value, msg *Map) (Value, error) {
	v := root
	for i := range p.parts {
		s, err := p.resolved(i, msg)
		if err != nil {
			return Value{}, err
		}
		if v.Nullish() {
			return Value{}, &TypeError{fmt.Sprintf("Cannot read properties of %s (reading '%s')", v.Text(), s.key)}
		}
		v = v.property(s)
	}
	return v, nil
}

// Own is Get that makes what it returns the root's own: who writes to it writes to the root,
// although parts of the root are shared with clones. The caller must own root.
func (p *Path) Own(root *Map, msg *Map) (Value, error) {
	v := root.Value()
	for i := range p.parts {
		s, err := p.resolved(i, msg)
		if err != nil {
			return Value{}, err
		}
		if v.Nullish() {
			return Value{}, &TypeError{fmt.Sprintf("Cannot read properties of %s (reading '%s')", v.Text(), s.key)}
		}
		child := v.property(s)
		if k := child.Kind(); k == Object || k == Array {
			if own := child.Own(); own.ref != child.ref {
				if ok, err := v.put(s, own); !ok || err != nil {
					return child, err
				}
				child = own
			}
		}
		v = child
	}
	return v, nil
}

// Properties is what a handle implements whose properties flows may read.
type Properties interface{ Property(key string) Value }

// Writable is what a handle implements whose properties flows may set; an undefined value
// deletes. It says whether the property could be set.
type Writable interface {
	SetProperty(key string, v Value) bool
}

// Method is a handle that scripts see as a function and may call.
type Method struct {
	Name string
	Call func(args []Value) (Value, error)
}

// property returns the property of any value, as JavaScript does for what messages hold.
func (v Value) property(s part) Value {
	switch v.Kind() {
	case Object:
		return v.Map().Get(s.key)
	case Array:
		l := v.List()
		if i, ok := s.element(); ok {
			return l.At(i)
		}
		if s.key == "length" {
			return Int(l.Len())
		}
	case String:
		return stringProperty(v.Str(), s)
	case Bytes:
		if i, ok := s.element(); ok && i < len(v.Bytes()) {
			return Int(int(v.Bytes()[i]))
		}
		if s.key == "length" {
			return Int(len(v.Bytes()))
		}
	case Handle:
		if h, ok := v.ref.(Properties); ok {
			return h.Property(s.key)
		}
	}
	return Value{}
}

// element says whether the step is an index; a key of digits is one as well.
func (s part) element() (int, bool) {
	if s.index >= 0 {
		return s.index, true
	}
	if n, ok := wholeKey(s.key); ok && n < 1<<31 {
		return int(n), true
	}
	return 0, false
}

func stringProperty(text string, s part) Value {
	if s.key == "length" {
		return Int(units(text))
	}
	if i, ok := s.element(); ok {
		if u := utf16.Encode([]rune(text)); i < len(u) {
			return Str(string(utf16.Decode(u[i : i+1])))
		}
	}
	return Value{}
}

// Set writes v where the path leads from root, which the caller must own, and says whether
// it could. With create, objects and arrays that are missing on the way are made; an
// undefined v deletes the property.
func (p *Path) Set(root *Map, v Value, create bool, msg *Map) (bool, error) {
	at := root.Value()
	last := len(p.parts) - 1
	for i := range p.parts {
		s, err := p.resolved(i, msg)
		if err != nil {
			return false, err
		}
		if i == last {
			return at.put(s, v)
		}
		next, err := p.resolved(i+1, msg)
		if err != nil {
			return false, err
		}
		var ok bool
		if at, ok, err = at.descend(s, create, next); !ok || err != nil {
			return false, err
		}
	}
	return false, nil
}

// descend returns the container at a step, owned, making it if it is missing and wanted.
func (v Value) descend(s part, create bool, next part) (Value, bool, error) {
	child := v.property(s)
	exists := child.Defined()
	if m := v.Map(); m != nil {
		exists = m.Has(s.key)
	}
	switch {
	case exists:
		if _, handle := child.ref.(Writable); handle {
			return child, true, nil
		}
		if k := child.Kind(); k != Object && k != Array {
			return Value{}, false, nil
		}
	case !create:
		return Value{}, false, nil
	case next.index >= 0:
		child = NewList().Value()
	default:
		child = NewMap(2).Value()
	}
	own := child.Own()
	if exists && own.ref == child.ref {
		return own, true, nil
	}
	ok, err := v.put(s, own)
	return own, ok, err
}

// put sets or, with an undefined x, deletes one property of a container that is owned.
func (v Value) put(s part, x Value) (bool, error) {
	switch c := v.ref.(type) {
	case *Map:
		if x.Defined() {
			c.Set(s.key, x)
		} else {
			c.Delete(s.key)
		}
		return true, nil
	case *List:
		i, ok := s.element()
		switch {
		case !ok:
			return false, nil
		case !x.Defined():
			c.Remove(i)
			return true, nil
		case !c.Set(i, x):
			return false, &PathError{"array index " + strconv.Itoa(i) + " is too far behind the end: at most " + strconv.Itoa(MaxHole) + " elements may be left out"}
		}
		return true, nil
	case Writable:
		return c.SetProperty(s.key, x), nil
	}
	return false, nil
}
