package sequence

import (
	"bytes"
	"math"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// chunk is how many messages a split node sends before what waits in the flow has its turn: a
// long sequence need not be in memory as messages all at once.
const chunk = 4096

// split makes a sequence of messages out of a text, an array, an object or a buffer.
type split struct {
	b        *flow.Base
	path     *value.Path
	err      error // the property is no path
	property string
	name     *value.Path // where the key of an object goes; nil for nowhere
	stream   bool

	by       string      // str, bin or len
	text     string      // str, bin: what stands between the pieces
	bytes    []byte      // the same
	step     int         // str: how far Node-RED's search goes on behind it, in UTF-16 units
	ch       value.Value // what parts.ch says
	length   int         // len
	perArray int

	next      int         // index of the next message of a stream
	remainder string      // text that may go on with the next message
	buffer    []byte      // the same of buffers
	pending   []*flow.Msg // done when what is kept of them is sent
	run       *emission   // what is being sent
	waiting   []*flow.Msg // came meanwhile
}

// Split makes sequences of messages.
func Split() flow.Type {
	return flow.Type{Name: "split", New: newSplit,
		Fields: []string{"splt", "spltType", "arraySplt", "arraySpltType", "stream", "addname", "addnameType", "property"}}
}

func newSplit(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &split{b: b, property: c.StrOr("property", "payload"), by: c.StrOr("spltType", "str"), stream: c.Get("stream").Is(value.Bool) && c.Bool("stream")}
	n.path, n.err = value.ParseMessagePath(n.property)
	if name := c.Str("addname"); name != "" {
		p, err := value.ParseMessagePath(name)
		if err != nil {
			return nil, c.Refuse("Copy key to", name)
		}
		n.name = p
	}
	if err := n.configure(c); err != nil {
		b.Error(flow.Text("Invalid split property: "+err.Error()), nil)
		return deaf{}, nil
	}
	return n, nil
}

// configure reads what stands between pieces, or how long they are.
func (n *split) configure(c flow.Config) error {
	switch n.by {
	case "str":
		n.text = unescape(c.StrOr("splt", `\n`))
		n.ch = value.Str(n.text)
		n.bytes, n.step = []byte(n.text), units(n.text)
	case "bin":
		v, err := value.ParseString(c.Get("splt").Text())
		if err != nil {
			return flow.AsError(err)
		}
		if v.List() == nil {
			return flow.NewError("not an array")
		}
		if v.List().Len() == 0 { // Node-RED would search for ever
			return flow.NewError("an empty array")
		}
		n.ch, n.bytes = v, bytesOf(v.List())
		n.text, n.step = value.DecodeUTF8(n.bytes), len(n.bytes)
	case "len":
		f, ok := value.ParseInt(c.Get("splt").Text())
		if !ok || f < 1 {
			return flow.NewError("invalid split length: %s", c.Get("splt").Text())
		}
		n.length = int(math.Min(f, math.MaxInt32))
	default:
		return c.Refuse("Split using", n.by)
	}
	n.perArray = 1
	if v := c.Get("arraySplt"); v.Defined() {
		f, ok := value.ParseInt(v.Text())
		if !ok || f < 1 {
			return flow.NewError("invalid array split length: %s", v.Text())
		}
		n.perArray = int(math.Min(f, math.MaxInt32))
	}
	return nil
}

// bytesOf is Buffer.from of an array.
func bytesOf(l *value.List) []byte {
	b := make([]byte, 0, l.Len())
	for _, v := range l.All() {
		f := v.ToNumber()
		if math.IsNaN(f) || math.Abs(f) > 1<<62 {
			f = 0
		}
		b = append(b, byte(int64(f)))
	}
	return b
}

// Receive sends the pieces of a message; one that comes while those of another are being
// sent waits.
func (n *split) Receive(m *flow.Msg) {
	if n.run != nil {
		if err := n.b.Keep(m.Size()); err != nil {
			n.b.Done(m, err)
			return
		}
		n.waiting = append(n.waiting, m)
		return
	}
	n.start(m)
	n.send()
}

// Resume goes on where the node left off.
func (n *split) Resume() {
	n.send()
	for n.run == nil && len(n.waiting) > 0 {
		m := n.waiting[0]
		n.waiting[0] = nil
		n.waiting = n.waiting[1:]
		n.b.Release(m.Size())
		n.start(m)
		n.send()
	}
}

// start decides what the pieces of a message are.
func (n *split) start(m *flow.Msg) {
	v, ok := n.b.At(m, n.path, n.err)
	if !ok {
		return
	}
	if !v.Defined() {
		return
	}
	parts := value.NewMap(6)
	if m.Has("parts") {
		parts.Set("parts", m.Get("parts"))
	}
	parts.Set("id", value.Str(flow.NewID()))
	if n.property != "payload" {
		parts.Set("property", value.Str(n.property))
	}
	m.Delete("_msgid")
	e := &emission{m: m, parts: parts}
	switch v.Kind() {
	case value.String:
		n.splitText(e, v.Str())
	case value.Array:
		n.splitArray(e, v.List())
	case value.Object:
		n.splitObject(e, v.Map())
	case value.Bytes:
		n.splitBuffer(e, v.Bytes())
	case value.Null:
		m.Set("parts", parts.Value())
		n.b.Error(typeError("Cannot convert undefined or null to object"), m)
		return
	case value.Date, value.Handle:
		parts.Set("type", value.Str("object"))
		e.settled()
	default:
		e.settled()
	}
	n.run = e
}

// splitArray sends the elements, or runs of so many of them.
func (n *split) splitArray(e *emission, l *value.List) {
	e.n = (l.Len() + n.perArray - 1) / n.perArray
	e.parts.Set("type", value.Str("array")).Set("count", value.Int(e.n)).Set("len", value.Int(n.perArray))
	e.settled()
	e.parts.Set("index", value.Int(0))
	e.apart = true
	e.piece = func(i int, _ *flow.Msg, _ *value.Map) value.Value {
		if n.perArray == 1 {
			return l.At(i).Clone()
		}
		part := value.NewList()
		for j := i * n.perArray; j < min((i+1)*n.perArray, l.Len()); j++ {
			part.Append(l.At(j).Clone())
		}
		return part.Value()
	}
}

// splitObject sends the properties.
func (n *split) splitObject(e *emission, o *value.Map) {
	o = o.Clone()
	e.n = o.Len()
	e.parts.Set("type", value.Str("object"))
	e.settled()
	e.parts.Set("key", value.Value{}).Set("index", value.Int(0)).Set("count", value.Int(e.n))
	e.piece = func(i int, m *flow.Msg, parts *value.Map) value.Value {
		key, v := o.At(i)
		if n.name != nil {
			_, _ = m.SetPath(n.name, value.Str(key), true) // where there is no such place it is left out
		}
		parts.Set("key", value.Str(key))
		return v
	}
}

// splitBuffer sends runs of bytes; of a stream the last waits for what comes next.
func (n *split) splitBuffer(e *emission, data []byte) {
	data = bytes.Join([][]byte{n.buffer, data}, nil)
	e.parts.Set("type", value.Str("buffer"))
	if n.by == "len" {
		n.bufferRuns(e, data)
		return
	}
	e.parts.Set("ch", n.ch)
	ends := n.ends(data)
	e.n = len(ends)
	if !n.stream {
		e.parts.Set("count", value.Int(e.n+1))
		n.next = 0
	}
	e.settled()
	e.parts.Set("index", value.Int(0))
	from := 0
	e.piece = func(i int, _ *flow.Msg, _ *value.Map) value.Value {
		if i >= len(ends) {
			n.donePending()
			return value.Data(data[from:])
		}
		part := data[from:ends[i]]
		from = min(ends[i]+n.step, len(data))
		return value.Data(part)
	}
	rest := 0
	if len(ends) > 0 {
		rest = min(ends[len(ends)-1]+n.step, len(data))
	}
	whole := !n.stream && rest < len(data)
	if whole {
		e.n++
	}
	e.end = func() {
		if len(ends) > 0 || whole {
			n.donePending()
		}
		if !whole && !n.hold(e.m, data[rest:]) {
			return
		}
		if len(n.buffer) == 0 {
			n.b.Done(e.m, nil)
		}
	}
}

// ends are where the pieces of a buffer end. Node-RED goes on behind a text by its length in
// UTF-16 units, and so does this.
func (n *split) ends(data []byte) (ends []int) {
	for from := 0; from <= len(data); {
		i := bytes.Index(data[from:], n.bytes)
		if i < 0 {
			break
		}
		ends = append(ends, from+i)
		from += i + n.step
	}
	return ends
}

// hold keeps the bytes that the next message of a stream goes on with.
func (n *split) hold(m *flow.Msg, rest []byte) bool {
	n.b.Release(len(n.buffer))
	n.buffer = nil
	if len(rest) == 0 {
		return true
	}
	if err := n.b.Keep(len(rest)); err != nil {
		n.b.Done(m, err)
		return false
	}
	n.buffer = rest
	n.await(m)
	return true
}

func (n *split) bufferRuns(e *emission, data []byte) {
	count := (len(data) + n.length - 1) / n.length
	if !n.stream {
		e.parts.Set("count", value.Int(count))
		n.next = 0
	}
	e.parts.Set("len", value.Int(n.length))
	e.settled()
	e.parts.Set("index", value.Int(0))
	last := data[max(count-1, 0)*n.length:]
	e.n = max(count-1, 0)
	whole := !n.stream || len(last) == n.length
	if whole {
		e.n++
	}
	e.piece = func(i int, _ *flow.Msg, _ *value.Map) value.Value {
		if i == count-1 && i > 0 {
			n.donePending()
		}
		return value.Data(data[i*n.length : min((i+1)*n.length, len(data))])
	}
	e.end = func() {
		if count > 1 || whole {
			n.donePending()
		}
		n.b.Release(len(n.buffer))
		n.buffer = nil
		if whole {
			n.b.Done(e.m, nil)
			return
		}
		n.hold(e.m, last)
		if len(last) == 0 {
			n.await(e.m)
		}
	}
}

// await puts off being done with a message until what is kept of it is sent.
func (n *split) await(m *flow.Msg) {
	if n.b.Heard() {
		n.pending = append(n.pending, m)
	}
}

func (n *split) donePending() {
	for _, m := range n.pending {
		n.b.Done(m, nil)
	}
	n.pending = nil
}
