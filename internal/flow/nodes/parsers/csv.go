package parsers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// csvNode turns CSV text into objects and back, in one of two ways: as Node-RED did of old,
// or after RFC 4180.
type csvNode struct {
	flow.Emitter
	b        *flow.Base
	columns  string // of the dialog
	sep      string
	ret      string // between lines, made of objects
	perRow   bool   // a message for each row
	header   bool   // the first line has the names of the columns
	sendHead string // none, all, once
	skip     float64
	numbers  bool // texts that look like numbers become numbers
	empties  bool // empty texts are kept
	nulls    bool // missing values are null
	way      csvWay

	headSent bool
	warned   bool
	template []string // names of the columns; "" leaves one out
	store    []value.Value
}

// csvWay is one of the two ways.
type csvWay interface {
	// write makes text of the message's payload, and sets payload and columns.
	write(m *flow.Msg) error
	// read makes rows of text; columns are the names of the columns then.
	read(text string, parts *csvParts) (rows []value.Value, last value.Value, columns string, err error)
}

// csvParts is what a message says of the sequence that it belongs to.
type csvParts struct {
	has          bool
	index, count float64 // NaN when there is none
	first        bool    // nothing came before
	lines        int     // line ends in the text
	stop         bool    // all of the text was skipped
}

// CSV converts between CSV text and objects.
func CSV() flow.Type {
	return flow.Type{Name: "csv", New: newCSV, Fields: []string{"spec", "sep", "hdrin", "hdrout", "multi", "ret", "temp", "skip",
		"strings", "include_empty_strings", "include_null_values"}}
}

func newCSV(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &csvNode{columns: c.Str("temp"), perRow: c.StrOr("multi", "one") == "one",
		header: c.Get("hdrin").Bool(), sendHead: "none", numbers: true,
		empties: c.Get("include_empty_strings").Truthy(), nulls: c.Get("include_null_values").Truthy()}
	n.b = b
	n.Base, n.Handle = b, n.message
	escapes := strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\r`, "\r")
	n.sep, n.ret = escapes.Replace(c.StrOr("sep", ",")), strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(c.Str("ret"))
	if v := c.Get("strings"); v.Defined() {
		n.numbers = v.Bool()
	}
	switch v := c.Get("hdrout"); {
	case v.Bool():
		n.sendHead = "all"
	case v.Truthy():
		n.sendHead = v.Text()
	}
	if v := c.Get("skip"); v.Truthy() {
		n.skip, _ = value.ParseInt(v.Text())
	}
	b.Status(flow.Status{})
	if c.Str("spec") == "rfc" {
		return newRFC(n)
	}
	if n.ret == "" {
		n.ret = "\n"
	}
	l := &legacyCSV{csvNode: n}
	n.template = l.clean(n.columns, ",")
	l.noTemplate = len(n.template) == 1 && n.template[0] == ""
	n.way = l
	return n, nil
}

func (n *csvNode) message(m *flow.Msg) {
	_, rfc := n.way.(*rfcCSV)
	if rfc {
		n.b.Status(flow.Status{})
	}
	if m.Has("reset") {
		n.headSent = false
	}
	if !m.Has("payload") {
		if !m.Has("reset") {
			n.b.Send(m)
		}
		n.b.Done(m, nil)
		return
	}
	switch p := m.Get("payload"); {
	case p.TypeOf() == "object":
		if err := n.way.write(m); err != nil {
			n.b.Done(m, err)
			return
		}
		n.b.Send(m)
		n.b.Done(m, nil)
	case p.Is(value.String):
		n.parse(m, p.Str())
	case rfc:
		err := flow.NewError("This node only handles CSV strings or js objects.")
		n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: err.Message})
		n.b.Done(m, err)
	default:
		n.b.Warn("This node only handles CSV strings or js objects.")
		n.b.Done(m, nil)
	}
}

// parse sends the rows of a text.
func (n *csvNode) parse(m *flow.Msg, text string) {
	p := &csvParts{has: m.Has("parts"), first: true, lines: strings.Count(text, "\n") + strings.Count(text, "\r")}
	parts := m.Get("parts")
	p.index, p.count = property(parts, "index").ToNumber(), property(parts, "count").ToNumber()
	if p.has {
		p.first = !(p.index > n.skip)
	}
	rows, last, columns, err := n.way.read(text, p)
	switch {
	case p.stop: // as in Node-RED, it is never done with such a message
	case err != nil:
		n.b.Done(m, err)
	case n.perRow:
		n.sendRows(m, p, rows, columns)
	default:
		n.sendAll(m, p, rows, last, columns)
	}
}

// sendAll sends all rows in one message; of a sequence of lines when the last has come.
func (n *csvNode) sendAll(m *flow.Msg, p *csvParts, rows []value.Value, last value.Value, columns string) {
	if !p.has || p.lines > 1 {
		m.Set("payload", value.NewList(rows...).Value())
		m.Set("columns", value.Str(columns))
		n.b.Send(m)
		n.b.Done(m, nil)
		return
	}
	kept := rows
	if _, legacy := n.way.(*legacyCSV); legacy {
		m.Set("payload", value.NewList(rows...).Value())
		if kept = nil; last.Defined() {
			kept = []value.Value{last}
		}
	}
	for _, row := range kept {
		if err := n.b.Keep(value.Size(row)); err != nil {
			n.forget()
			n.b.Done(m, err)
			return
		}
		n.store = append(n.store, row)
	}
	if p.index+1 == p.count {
		m.Set("payload", value.NewList(n.store...).Value())
		m.Set("columns", value.Str(columns))
		m.Delete("parts")
		n.forget()
		n.b.Send(m)
	}
	n.b.Done(m, nil)
}

func (n *csvNode) forget() {
	n.store = nil
	n.b.Release(n.b.Kept())
}

// sendRows sends a message for each row.
func (n *csvNode) sendRows(m *flow.Msg, p *csvParts, rows []value.Value, columns string) {
	last := p.index+1 >= p.count
	one := func(i int) *flow.Msg {
		c := m.Clone()
		c.Set("columns", value.Str(columns))
		c.Set("payload", rows[i])
		parts := value.MapOf("id", m.Get("_msgid"), "index", i, "count", len(rows))
		if p.has {
			less := n.skip
			if n.header { // the line with the names is gone
				less++
			}
			if parts = m.Get("parts").Map(); parts != nil {
				parts = parts.Clone().Own().Set("index", value.Num(p.index-less)).Set("count", value.Num(p.count-less))
			}
		}
		if parts != nil {
			c.Set("parts", parts.Value())
		}
		if last {
			c.Set("complete", value.Of(true))
		}
		return c
	}
	n.Emit(len(rows), one, func() {
		if p.has && last && len(rows) == 0 {
			n.b.Send(flow.NewMsg("complete", true))
		}
		n.b.Done(m, nil)
	})
}

// Close forgets what is kept.
func (n *csvNode) Close(_ bool, done func()) {
	n.store = nil
	n.Stop()
	done()
}

// property returns the property of an object, undefined for everything else.
func property(v value.Value, key string) value.Value {
	if o := v.Map(); o != nil {
		return o.Get(key)
	}
	return value.Value{}
}

// keysOf is Object.keys.
func keysOf(v value.Value) ([]string, error) {
	var keys []string
	n := 0
	switch v.Kind() {
	case value.Undefined, value.Null:
		return nil, typeError("Cannot convert undefined or null to object")
	case value.Object:
		for key := range v.Map().All() {
			keys = append(keys, key)
		}
	case value.Array:
		n = v.List().Len()
	case value.Bytes:
		n = len(v.Bytes())
	case value.String:
		n = utf8.RuneCountInString(v.Str())
	}
	for i := range n {
		keys = append(keys, value.Int(i).Text())
	}
	return keys, nil
}

// field returns what JavaScript's v[key] is, and whether v has it.
func field(v value.Value, key string) (value.Value, bool) {
	if o := v.Map(); o != nil {
		return o.Get(key), o.Has(key)
	}
	p, err := value.ParsePath(`x["` + key + `"]`)
	if err != nil {
		return value.Value{}, false
	}
	got, err := p.Get(value.NewMap(1).Set("x", v).Value(), nil)
	return got, err == nil && got.Defined()
}

// typeError is what JavaScript throws.
func typeError(text string) error { return &flow.Error{Name: "TypeError", Message: text} }

func readsNull(v value.Value, key string) error {
	return typeError("Cannot read properties of " + v.Text() + " (reading '" + key + "')")
}

// trim is JavaScript's trim.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == '\ufeff' || r != '\u0085' && unicode.IsSpace(r) })
}

// oneUnit says whether s is a single UTF-16 unit; text is searched for no longer separators.
func oneUnit(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size == len(s) && r <= 0xffff
}
