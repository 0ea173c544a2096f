package sequence

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// add puts what a message brings into its group.
func (n *join) add(g *group, m *flow.Msg, p piece) error {
	switch {
	case p.kind == "buffer" && p.v.Defined():
		switch p.v.Kind() {
		case value.Bytes:
			g.bytes += len(p.v.Bytes())
		case value.String:
			g.bytes += units(p.v.Str())
		case value.Array:
			g.bytes += p.v.List().Len()
		default:
			return flow.Text("Cannot join " + p.v.TypeOf() + " to buffer")
		}
	case p.kind == "object":
		if err := n.keep(g, p.v); err != nil {
			return err
		}
		g.object = g.object.Own()
		g.object.Set(p.key.Text(), p.v.Clone())
		g.count = g.object.Len()
		return nil
	case p.kind == "merged":
		return n.merge(g, m, p.v)
	}
	return n.addTo(g, p)
}

// merge puts the properties of an object into the group.
func (n *join) merge(g *group, m *flow.Msg, v value.Value) error {
	if v.TypeOf() != "object" || v.Is(value.Array) {
		if !m.Has("complete") {
			n.b.Warn("Cannot merge non-object types")
		}
		return nil
	}
	if err := n.keep(g, v); err != nil {
		return err
	}
	g.object = g.object.Own()
	for i, x := range v.Bytes() { // a buffer is an object of its bytes
		g.object.Set(strconv.Itoa(i), value.Int(int(x)))
	}
	if o := v.Map(); o != nil {
		for key, x := range o.All() {
			if key != "_msgid" {
				g.object.Set(key, x.Clone())
			}
		}
	}
	g.count = g.object.Len()
	return nil
}

// addTo puts a value into the list of a group: at its index, or at the end.
func (n *join) addTo(g *group, p piece) error {
	index := p.index.ToNumber()
	if !p.index.Defined() || math.IsNaN(index) {
		if !p.v.Defined() {
			return nil
		}
		if g.sealed {
			return typeError("group.payload.push is not a function")
		}
		if err := n.keep(g, p.v); err != nil {
			return err
		}
		g.list = append(g.list, p.v.Clone())
		g.count++
		return nil
	}
	i := int(math.Max(math.Min(index, math.MaxInt32), -1))
	if i < 0 || float64(i) != index { // no element of an array: it counts, and is nowhere to be seen
		g.count++
		return nil
	}
	if hole := i + 1 - len(g.list); hole > 0 {
		const element = 24 // bytes of a value in a list
		if err := n.b.Keep(hole * element); err != nil {
			return err
		}
		g.kept += hole * element
		g.list = append(g.list, make([]value.Value, hole)...)
	}
	if err := n.keep(g, p.v); err != nil {
		return err
	}
	if g.list[i].Nullish() {
		g.count++
	}
	g.list[i] = p.v.Clone()
	return nil
}

func (n *join) keep(g *group, v value.Value) error {
	size := value.Size(v)
	if err := n.b.Keep(size); err != nil {
		return err
	}
	g.kept += size
	return nil
}

// after takes over the message's properties, and ends the group when it is complete.
func (n *join) after(g *group, m *flow.Msg, id string) {
	g.msg = g.msg.Own()
	for key, v := range m.Root().All() {
		g.msg.Set(key, v)
	}
	if m.Has("parts") && !g.target.Truthy() {
		g.target = property(m.Get("parts"), "count")
	}
	t := g.target.ToNumber()
	if t > 0 && float64(g.count) >= t || m.Has("complete") {
		if err := n.complete(id); err != nil {
			n.b.Done(m, err)
		}
	}
}

// complete sends what a group has become.
func (n *join) complete(id string) error {
	g := n.groups[id]
	if g == nil {
		return nil
	}
	g.timer.Stop()
	if n.mode == "auto" || !n.accumulate || g.msg.Has("complete") {
		n.drop(id, g)
	}
	v, err := g.value()
	if err != nil {
		return err
	}
	path, err := n.part.parse(g.property)
	if err != nil {
		return flow.AsError(err)
	}
	m := flow.MsgOf(g.msg.Clone())
	if _, err := m.SetPath(path, v, true); err != nil {
		return flow.AsError(err)
	}
	if outer := property(m.Get("parts"), "parts"); outer.Defined() {
		m.Set("parts", outer)
	} else {
		m.Delete("parts")
	}
	m.Delete("complete")
	g.msg = m.Root()
	n.b.Send(m.Clone())
	dones := g.dones
	g.dones = nil
	for _, d := range dones {
		n.b.Done(d, nil)
	}
	return nil
}

// value is what the group is joined to.
func (g *group) value() (value.Value, error) {
	switch g.kind {
	case "object":
		return g.object.Clone().Value(), nil
	case "buffer":
		if g.sealed && g.first >= 0 { // Node-RED takes the bytes of the buffer for the list
			_, err := bufferFrom(value.Int(g.first))
			return value.Value{}, err
		}
		data, err := g.buffer()
		g.sealed, g.first = true, -1
		if len(data) > 0 {
			g.first = int(data[0])
		}
		return value.Data(data), err
	case "string":
		if !g.join.Defined() {
			return value.Value{}, typeError("Cannot read properties of undefined (reading 'toString')")
		}
		return value.Str(g.text()), nil
	}
	list := value.NewList()
	if g.kind == "array" && g.arrayLen.ToNumber() > 1 {
		for _, v := range g.list {
			if l := v.List(); l != nil {
				for _, e := range l.All() {
					list.Append(e)
				}
			} else if v.Defined() {
				list.Append(v)
			}
		}
		return list.Value(), nil
	}
	return value.NewList(append([]value.Value(nil), g.list...)...).Value(), nil
}

// text is the array's join of JavaScript.
func (g *group) text() string {
	var b strings.Builder
	by := g.join.Text()
	for i, v := range g.list {
		if i > 0 {
			b.WriteString(by)
		}
		if !v.Nullish() {
			b.WriteString(v.Text())
		}
	}
	return b.String()
}

// buffer is Node.js's Buffer.concat of the list, with what parts.ch says between.
func (g *group) buffer() ([]byte, error) {
	var by []byte
	if g.join.Defined() {
		var err error
		if by, err = bufferFrom(g.join); err != nil {
			return nil, err
		}
	}
	parts := make([][]byte, len(g.list))
	for i, v := range g.list {
		if !g.join.Defined() && !v.Is(value.Bytes) {
			return nil, &flow.Error{Name: "TypeError [ERR_INVALID_ARG_TYPE]", Code: "ERR_INVALID_ARG_TYPE", Message: "The \"list[" + value.Int(i).Text() + "]\" argument must be an instance of Buffer or Uint8Array." + received(v)}
		}
		var err error
		if parts[i], err = bufferFrom(v); err != nil {
			return nil, err
		}
	}
	return bytes.Join(parts, by), nil
}

// bufferFrom is Buffer.from.
func bufferFrom(v value.Value) ([]byte, error) {
	switch v.Kind() {
	case value.Bytes:
		return v.Bytes(), nil
	case value.String:
		return []byte(v.Str()), nil
	case value.Array:
		return bytesOf(v.List()), nil
	case value.Object:
		if property(v, "type").Str() == "Buffer" && property(v, "data").List() != nil {
			return bytesOf(property(v, "data").List()), nil
		}
	}
	return nil, &flow.Error{Name: "TypeError [ERR_INVALID_ARG_TYPE]", Code: "ERR_INVALID_ARG_TYPE", Message: "The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object." + received(v)}
}

// received is how Node.js names a wrong argument.
func received(v value.Value) string {
	switch v.Kind() {
	case value.Undefined, value.Null:
		return " Received " + v.Text()
	case value.Object:
		return " Received an instance of Object"
	case value.Array:
		return " Received an instance of Array"
	case value.Date:
		return " Received an instance of Date"
	case value.String:
		return " Received type string ('" + v.Str() + "')"
	}
	return " Received type " + v.TypeOf() + " (" + v.Text() + ")"
}
