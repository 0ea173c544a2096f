package parsers

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// rfcCSV is the way after RFC 4180.
type rfcCSV struct {
	*csvNode
	noTemplate bool // the dialog names no columns
}

func newRFC(n *csvNode) (flow.Node, error) {
	if n.ret == "" {
		n.ret = "\r\n"
	}
	r := &rfcCSV{csvNode: n}
	var err error
	if n.template, err = templateOf(n.columns); err != nil {
		n.b.Warn(badTemplate)
		n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: badTemplate})
		return deaf{}, nil
	}
	r.noTemplate = !named(n.template)
	n.way = r
	return n, nil
}

const badTemplate = "Malformed columns template."

// deaf is a node whose dialog was filled in wrongly: messages to it vanish, as in Node-RED.
type deaf struct{}

func (deaf) Receive(*flow.Msg) {}

// templateOf makes names of columns out of a line, nil if it isn't one line.
func templateOf(line string) ([]string, error) {
	rows, _, err := scanCSV(line, 0, csvScan{sep: ",", strict: true})
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	names := make([]string, len(rows[0]))
	for i, c := range rows[0] {
		names[i] = c.text
	}
	return names, nil
}

func named(template []string) bool {
	return len(template) > 1 || len(template) == 1 && template[0] != ""
}

func (n *rfcCSV) read(text string, p *csvParts) (rows []value.Value, last value.Value, columns string, err error) {
	at, first := n.skipLines(text, p)
	if p.stop {
		return nil, last, "", nil
	}
	lines := strings.Count(text[at:], "\n") + strings.Count(text[at:], "\r")
	p.lines = lines
	if p.has && !n.perRow && lines > 1 {
		first = true
	}
	if first && n.header {
		head, end, err := scanCSV(text, at, csvScan{sep: n.sep, strict: true, one: true})
		if err != nil {
			n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: badTemplate})
			return nil, last, "", err
		}
		n.template = nil
		if len(head) > 0 {
			for _, c := range head[0] {
				n.template = append(n.template, c.text)
			}
		}
		at = end
	}
	cells, _, err := scanCSV(text, at, csvScan{sep: n.sep})
	if err != nil {
		return nil, last, "", err
	}
	headers := n.template
	if !named(headers) {
		headers = nil
		if len(cells) > 0 {
			for i := range cells[0] {
				headers = append(headers, "col"+value.Int(i+1).Text())
			}
		}
	}
	for _, row := range cells {
		if o := n.object(headers, row); o.Len() > 0 {
			rows = append(rows, o.Value())
		}
	}
	return rows, last, headerLine(headers), nil
}

// skipLines returns where the data begins.
func (n *rfcCSV) skipLines(text string, p *csvParts) (at int, first bool) {
	line := 0.0
	if p.has {
		line = p.index
	}
	if !(n.skip > 0 && line < n.skip) {
		return 0, p.first
	}
	for at < len(text) && p.first && line < n.skip {
		if text[at] == '\r' || text[at] == '\n' {
			line++
		}
		at++
	}
	p.stop = at >= len(text)
	return at, p.first
}

// object makes an object of a row.
func (n *rfcCSV) object(headers []string, row []csvCell) *value.Map {
	o := value.NewMap(len(headers))
	for j, name := range headers {
		if name == "" {
			continue
		}
		cell := csvCell{null: true}
		if j < len(row) {
			cell = row[j]
		}
		switch {
		case cell.null:
			if n.nulls {
				o.Set(name, value.Nil())
			}
		case cell.text == "":
			if n.empties {
				o.Set(name, value.Str(""))
			}
		default:
			o.Set(name, n.value(cell.text))
		}
	}
	return o
}

// value makes a number of a text that is one, unless it has a plus or leading zeros.
func (n *rfcCSV) value(text string) value.Value {
	if n.numbers {
		s := strings.TrimLeft(text, " ")
		t := strings.TrimPrefix(s, "-")
		if !strings.HasPrefix(s, "+") && !(len(t) > 1 && t[0] == '0' && digit(t[1])) {
			if f := value.ParseNumber(text); f == f {
				return value.Num(f)
			}
		}
	}
	return value.Str(text)
}

// headerLine is what msg.columns says: the names that are any.
func headerLine(names []string) string {
	var out []string
	for _, name := range names {
		if name != "" {
			out = append(out, quoteCell(name, ","))
		}
	}
	return strings.Join(out, ",")
}

// quoteCell puts a cell in quotes if it holds a quote, the separator or a line end.
func quoteCell(cell, sep string) string {
	if strings.ContainsAny(cell, "\"\r\n") || strings.Contains(cell, sep) {
		return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return cell
}

func (n *rfcCSV) write(m *flow.Msg) error {
	rows := []value.Value{m.Get("payload")}
	arrays := false
	if l := rows[0].List(); l != nil {
		first := l.At(0)
		switch {
		case l.Len() > 0 && first.TypeOf() != "object":
			arrays = true
		default:
			arrays = first.Is(value.Array)
			rows = rows[:0]
			for _, v := range l.All() {
				rows = append(rows, v)
			}
		}
	}
	if !n.noTemplate || !(property(m.Get("parts"), "index").ToNumber() > 0) {
		var err error
		if n.template, err = templateOf(n.columns); err != nil {
			return err
		}
	}
	var out []string
	if (n.sendHead == "once" || n.sendHead == "all") && !n.headSent {
		if err := n.nameColumns(m, rows); err != nil {
			return err
		}
		head := make([]string, len(n.template))
		for i, name := range n.template {
			head[i] = quoteCell(name, n.sep)
		}
		out = append(out, strings.Join(head, n.sep))
		n.headSent = n.sendHead == "once"
	}
	for _, row := range rows {
		line, err := n.line(m, row, rows[0], arrays)
		if err != nil {
			return err
		}
		out = append(out, line)
	}
	m.Set("payload", value.Str(strings.Join(out, n.ret)+n.ret))
	m.Set("columns", value.Str(headerLine(n.template)))
	return nil
}

// nameColumns takes the names of the columns from the message when the dialog has none.
func (n *rfcCSV) nameColumns(m *flow.Msg, rows []value.Value) (err error) {
	switch {
	case named(n.template):
	case m.Has("columns"):
		n.template, err = n.fromMessage(m)
		if n.template == nil {
			n.template = []string{""}
		}
	case len(rows) == 0:
		_, err = keysOf(value.Value{})
	default:
		n.template, err = keysOf(rows[0])
	}
	return err
}

func (n *rfcCSV) fromMessage(m *flow.Msg) ([]string, error) {
	v := m.Get("columns")
	if v.Str() == "" {
		return nil, nil
	}
	return templateOf(v.Str())
}

// line makes a line of one row.
func (n *rfcCSV) line(m *flow.Msg, row, first value.Value, array bool) (string, error) {
	if array {
		return n.arrayLine(row)
	}
	if !named(n.template) && m.Has("columns") {
		var err error
		if n.template, err = n.fromMessage(m); err != nil {
			return "", err
		}
	}
	if !named(n.template) {
		return n.unnamed(row, first)
	}
	cells := make([]string, len(n.template))
	for i, name := range n.template {
		if name == "" {
			continue
		}
		if row.Nullish() {
			return "", readsNull(row, name)
		}
		if v, _ := field(row, name); v.Defined() {
			cells[i] = quoteCell(v.ToText(), n.sep)
		}
	}
	return strings.Join(cells, n.sep), nil
}

func (n *rfcCSV) arrayLine(row value.Value) (string, error) {
	if row.Nullish() {
		return "", readsNull(row, "length")
	}
	has := named(n.template)
	length := len(n.template)
	if l := row.List(); !has && l != nil {
		length = l.Len()
	} else if !has {
		length = 0
	}
	var cells []string
	for i := range length {
		if has && n.template[i] == "" {
			continue
		}
		for len(cells) <= i {
			cells = append(cells, "")
		}
		if v, _ := field(row, value.Int(i).Text()); v.Defined() {
			cells[i] = quoteCell(v.ToText(), n.sep)
		}
	}
	return strings.Join(cells, n.sep), nil
}

// unnamed makes a line of an object without a template; its keys are that from then on.
func (n *rfcCSV) unnamed(row, first value.Value) (string, error) {
	if !n.warned {
		n.b.Warn("No columns template specified for object -> CSV.")
		n.warned = true
	}
	var err error
	if n.template, err = keysOf(row); err != nil {
		return "", err
	}
	keys, err := keysOf(first)
	if err != nil {
		return "", err
	}
	var cells []string
	for _, key := range keys {
		v, ok := field(row, key)
		if !ok || v.TypeOf() == "object" {
			continue
		}
		text := ""
		if v.Defined() {
			text = v.Text()
		}
		cells = append(cells, quoteCell(text, n.sep))
	}
	return strings.Join(cells, n.sep), nil
}
