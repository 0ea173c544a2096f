package value

import "strings"

// AppendIndented writes v as JSON.stringify(v, null, n) does.
func AppendIndented(b []byte, v Value, n int) []byte {
	if n <= 0 {
		return Append(b, v)
	}
	return appendIndented(b, v, strings.Repeat(" ", min(n, 10)), "\n")
}

func appendIndented(b []byte, v Value, step, line string) []byte {
	inner := line + step
	switch v.Kind() {
	case Array:
		l := v.List()
		if l.Len() == 0 {
			return append(b, "[]"...)
		}
		b = append(b, '[')
		for i := range l.a {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendIndented(append(b, inner...), l.a[i], step, inner)
		}
		return append(append(b, line...), ']')
	case Object:
		return appendIndentedMap(b, v.Map(), step, line)
	case Bytes:
		data := NewList()
		for _, c := range v.Bytes() {
			data.Append(Int(int(c)))
		}
		return appendIndented(b, MapOf("type", "Buffer", "data", data).Value(), step, line)
	}
	return Append(b, v)
}

func appendIndentedMap(b []byte, o *Map, step, line string) []byte {
	inner := line + step
	b = append(b, '{')
	first := true
	for i := range o.m {
		if !o.m[i].val.Defined() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(AppendString(append(b, inner...), o.m[i].key), ':', ' ')
		b = appendIndented(b, o.m[i].val, step, inner)
	}
	if !first {
		b = append(b, line...)
	}
	return append(b, '}')
}
