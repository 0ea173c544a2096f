package script

import (
	"errors"
	"strconv"
	"strings"

	lib "modernc.org/libquickjs"

	"tsunagi/internal/flow/value"
)

// jsonText reads JSON straight into the engine. It gives up at whatever is wrong or rare, and leaves nothing behind:
// then the text is read another way.
type jsonText struct {
	vm    *VM
	s     string
	pos   int
	depth int
}

// readJSON reads a whole text.
func (vm *VM) readJSON(s string) (jsValue, bool) {
	base, keys := len(vm.stack), len(vm.keys)
	j := jsonText{vm: vm, s: s}
	v, ok := j.value()
	if j.space(); !ok || j.pos < len(s) {
		if ok {
			vm.free(v)
		}
		if lib.XJS_HasException(vm.tls, vm.ctx) != 0 {
			vm.drop() // no memory, which shows again
		}
		vm.freeAll(vm.stack[base:])
		ok = false
	}
	vm.popTo(base)
	vm.popKeys(keys)
	return v, ok
}

func (j *jsonText) space() {
	for j.pos < len(j.s) {
		switch j.s[j.pos] {
		case ' ', '\t', '\n', '\r':
			j.pos++
		default:
			return
		}
	}
}

// skip takes a byte if it comes next, behind white space.
func (j *jsonText) skip(c byte) bool {
	if j.pos < len(j.s) && j.s[j.pos] == c {
		j.pos++
		return true
	}
	j.space()
	if j.pos < len(j.s) && j.s[j.pos] == c {
		j.pos++
		return true
	}
	return false
}

func (j *jsonText) value() (jsValue, bool) {
	if j.space(); j.pos >= len(j.s) {
		return jsUndefined, false
	}
	switch j.s[j.pos] {
	case '{':
		return j.nested(j.object)
	case '[':
		return j.nested(j.array)
	case '"':
		v := j.text()
		return v, tagOf(v) == lib.EJS_TAG_STRING
	case 't':
		return jsBool(true), j.word("true")
	case 'f':
		return jsBool(false), j.word("false")
	case 'n':
		return jsNull, j.word("null")
	}
	return j.number()
}

func (j *jsonText) word(w string) bool {
	if !strings.HasPrefix(j.s[j.pos:], w) {
		return false
	}
	j.pos += len(w)
	return true
}

func (j *jsonText) nested(read func() (jsValue, bool)) (jsValue, bool) {
	if j.depth++; j.depth > value.MaxDepth {
		return jsUndefined, false
	}
	j.pos++
	v, ok := read()
	j.depth--
	return v, ok && tagOf(v) == lib.EJS_TAG_OBJECT
}

// push reads a value and leaves it on the stack.
func (j *jsonText) push() bool {
	v, ok := j.value()
	if ok {
		j.vm.stack = append(j.vm.stack, v)
	}
	return ok
}

func (j *jsonText) array() (jsValue, bool) {
	vm, base := j.vm, len(j.vm.stack)
	if !j.skip(']') {
		for {
			if !j.push() {
				return jsUndefined, false
			}
			if j.skip(']') {
				break
			}
			if !j.skip(',') {
				return jsUndefined, false
			}
		}
	}
	a := vm.arrayOf(vm.stack[base:])
	vm.stack = vm.stack[:base]
	return a, true
}

func (j *jsonText) object() (jsValue, bool) {
	vm, base, first := j.vm, len(j.vm.stack), len(j.vm.keys)
	node := &vm.shapes.root
	if !j.skip('}') {
		for {
			key, ok := j.key()
			if !ok || !j.skip(':') {
				return jsUndefined, false
			}
			vm.keys = append(vm.keys, key)
			if node != nil {
				node = vm.shapes.step(node, key)
			}
			if !j.push() {
				return jsUndefined, false
			}
			if j.skip('}') {
				break
			}
			if !j.skip(',') {
				return jsUndefined, false
			}
		}
	}
	if node == &vm.shapes.root || len(vm.keys)-first > maxShapeKeys {
		node = nil
	}
	o := vm.objectOf(node, vm.keys[first:], vm.stack[base:])
	clear(vm.keys[first:])
	vm.stack, vm.keys = vm.stack[:base], vm.keys[:first]
	return o, true
}

// key reads the name of a property, which is part of the text.
func (j *jsonText) key() (string, bool) {
	if !j.skip('"') {
		return "", false
	}
	n := strings.IndexByte(j.s[j.pos:], '"')
	if n < 0 {
		return "", false
	}
	key := j.s[j.pos : j.pos+n]
	for i := range n {
		if key[i] == '\\' || key[i] < ' ' {
			return "", false
		}
	}
	j.pos += n + 1
	return key, true
}

// text reads a string. One with escapes is left to Go's reader, without its surroundings.
func (j *jsonText) text() jsValue {
	from := j.pos + 1
	for i := from; i < len(j.s); i++ {
		switch c := j.s[i]; {
		case c == '"':
			j.pos = i + 1
			return j.vm.jsString(j.s[from:i])
		case c == '\\':
			return j.escaped(i)
		case c < ' ':
			return jsUndefined
		}
	}
	return jsUndefined
}

func (j *jsonText) escaped(i int) jsValue {
	for ; i < len(j.s); i++ {
		switch j.s[i] {
		case '\\':
			i++
		case '"':
			v, err := value.ParseString(j.s[j.pos : i+1])
			if err != nil {
				return jsUndefined
			}
			j.pos = i + 1
			return j.vm.jsString(v.Str())
		}
	}
	return jsUndefined
}

// Numbers of so few digits are exact as they are; so is a power of ten up to the 22nd.
const exactDigits = 15

var tens = [exactDigits + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

func (j *jsonText) number() (jsValue, bool) {
	from := j.pos
	i, negative := from, false
	if j.s[i] == '-' {
		i, negative = i+1, true
	}
	whole, mantissa := i, int64(0)
	i = j.digits(i)
	if i == whole || i > whole+1 && j.s[whole] == '0' {
		return jsUndefined, false
	}
	digits, point := i-whole, i
	exponent := false
	if i < len(j.s) && j.s[i] == '.' {
		if i = j.digits(i + 1); i == point+1 {
			return jsUndefined, false
		}
		digits = i - whole - 1
	}
	if i < len(j.s) && (j.s[i] == 'e' || j.s[i] == 'E') {
		exponent = true
		k := i + 1
		if k < len(j.s) && (j.s[k] == '+' || j.s[k] == '-') {
			k++
		}
		if i = j.digits(k); i == k {
			return jsUndefined, false
		}
	}
	j.pos = i
	if exponent || digits > exactDigits {
		f, err := strconv.ParseFloat(j.s[from:i], 64)
		return jsNumber(f), err == nil || errors.Is(err, strconv.ErrRange)
	}
	for k := whole; k < i; k++ {
		if c := j.s[k]; c != '.' {
			mantissa = mantissa*10 + int64(c-'0')
		}
	}
	f := float64(mantissa)
	if i > point {
		f /= tens[i-point-1]
	}
	if negative {
		f = -f
	}
	return jsNumber(f), true
}

func (j *jsonText) digits(i int) int {
	for i < len(j.s) && j.s[i] >= '0' && j.s[i] <= '9' {
		i++
	}
	return i
}
