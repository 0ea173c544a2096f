package flow

import (
	"math"
	"strconv"

	"tsunagi/internal/flow/value"
)

// Bounds of what the debug sidebar is sent: characters of a text and elements of an array,
// as in Node-RED, and bytes of one message in all.
const (
	debugLength = 1000
	debugBytes  = 512 << 10
)

// Encode gives format and text of a value for the editor, as Node-RED's encodeObject: what
// JSON can't say is an object with __enc__.
func Encode(v value.Value) (format, msg string) {
	switch v.Kind() {
	case value.Undefined:
		return "undefined", "(undefined)"
	case value.Null:
		return "null", "(undefined)"
	case value.Bool:
		return "boolean", v.Text()
	case value.Number:
		return "number", v.Text()
	case value.String:
		return encodeText(v.Str())
	case value.Date:
		return "Date", v.Text()
	case value.Bytes:
		return "buffer[" + strconv.Itoa(len(v.Bytes())) + "]", hexOf(v.Bytes())
	case value.Array:
		format = "array[" + strconv.Itoa(v.List().Len()) + "]"
	default:
		format = "Object"
	}
	e := encoder{}
	e.value(v)
	if len(e.b) > debugBytes {
		return encodeText("the value is too large to show: more than " + strconv.Itoa(debugBytes) + " bytes")
	}
	return format, string(e.b)
}

func encodeText(s string) (format, msg string) {
	n := value.Units(s)
	format = "string[" + strconv.Itoa(n) + "]"
	if n > debugLength {
		s = value.Cut(s, debugLength) + "..."
	}
	return format, s
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	b = b[:min(len(b), debugLength/2)]
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// encoder writes a value as JSON for the sidebar. open holds the containers around the
// current value, against cycles.
type encoder struct {
	b    []byte
	open []any
}

func (e *encoder) value(v value.Value) {
	if len(e.b) > debugBytes {
		return
	}
	switch v.Kind() {
	case value.Undefined:
		e.text(`{"__enc__":true,"type":"undefined"}`)
	case value.Number:
		if f := v.Num(); math.IsNaN(f) || math.IsInf(f, 0) {
			e.text(`{"__enc__":true,"type":"number","data":"` + v.Text() + `"}`)
			return
		}
		e.b = value.Append(e.b, v)
	case value.String:
		_, s := encodeText(v.Str())
		e.b = value.AppendString(e.b, s)
	case value.Bytes:
		e.buffer(v.Bytes())
	case value.Array:
		l := v.List()
		e.nested(l, func() { e.array(l) })
	case value.Object:
		o := v.Map()
		e.nested(o, func() { e.object(o) })
	case value.Handle:
		e.handle(v.Handle())
	default:
		e.b = value.Append(e.b, v)
	}
}

// Shown is what a handle implements that the sidebar shows as an object.
type Shown interface{ Shown() *value.Map }

func (e *encoder) handle(h any) {
	switch h := h.(type) {
	case Shown:
		e.nested(h, func() { e.object(h.Shown()) })
	case *value.Method:
		e.text(`{"__enc__":true,"type":"function"}`)
	default:
		e.text(`{"__enc__":true,"type":"internal"}`)
	}
}

func (e *encoder) text(s string) { e.b = append(e.b, s...) }

func (e *encoder) nested(x any, write func()) {
	for _, o := range e.open {
		if o == x {
			e.text(`"[Circular ~]"`)
			return
		}
	}
	e.open = append(e.open, x)
	write()
	e.open = e.open[:len(e.open)-1]
}

func (e *encoder) array(l *value.List) {
	n := min(l.Len(), debugLength)
	if n < l.Len() {
		e.text(`{"__enc__":true,"type":"array","data":`)
	}
	e.text("[")
	for i := range n {
		if i > 0 {
			e.text(",")
		}
		e.value(l.At(i))
	}
	e.text("]")
	if n < l.Len() {
		e.text(`,"length":` + strconv.Itoa(l.Len()) + "}")
	}
}

func (e *encoder) object(o *value.Map) {
	e.text("{")
	first := true
	for key, v := range o.All() {
		if !first {
			e.text(",")
		}
		first = false
		e.b = append(value.AppendString(e.b, key), ':')
		if key == "_req" || key == "_res" {
			e.text(`{"__enc__":true,"type":"internal"}`)
			continue
		}
		e.value(v)
	}
	e.text("}")
}

func (e *encoder) buffer(b []byte) {
	e.text(`{"type":"Buffer","data":[`)
	for i, c := range b[:min(len(b), debugLength)] {
		if i > 0 {
			e.text(",")
		}
		e.b = strconv.AppendUint(e.b, uint64(c), 10)
	}
	e.text(`],"__enc__":true,"length":` + strconv.Itoa(len(b)) + "}")
}
