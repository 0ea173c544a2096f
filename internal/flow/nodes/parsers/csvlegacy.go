package parsers

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// legacyCSV is the way of old, with all its turns.
type legacyCSV struct {
	*csvNode
	noTemplate bool   // the dialog names no columns
	bad        bool   // there are no names: columns are col1, col2, …
	cut        string // what names of columns were cut at last
}

// clean makes names of columns out of a line; sep "" is the one of the call before.
func (n *legacyCSV) clean(line, sep string) []string {
	if sep != "" {
		n.cut = sep
	}
	names := cutOutsideQuotes(trim(line), n.cut)
	for i, name := range names {
		names[i] = trim(strings.ReplaceAll(name, `"`, ""))
	}
	n.bad = len(names) == 1 && names[0] == ""
	return names
}

// cutOutsideQuotes splits a line at separators behind which the number of quotes is even.
func cutOutsideQuotes(line, sep string) (parts []string) {
	left := strings.Count(line, `"`)
	from := 0
	for i := 0; i < len(line); {
		switch {
		case strings.HasPrefix(line[i:], sep) && left%2 == 0:
			parts = append(parts, line[from:i])
			i += len(sep)
			from = i
		case line[i] == '"':
			left--
			i++
		default:
			i++
		}
	}
	return append(parts, line[from:])
}

// csvReader is the state of reading one text.
type csvReader struct {
	n    *legacyCSV
	j    int    // column
	cell []byte // so far
	null bool
	row  *value.Map
	rows []value.Value
}

func (n *legacyCSV) read(text string, p *csvParts) (rows []value.Value, last value.Value, columns string, err error) {
	r := &csvReader{n: n, row: value.NewMap(len(n.template))}
	first, line := p.first, 0.0
	if p.has {
		line = p.index
		first = first || !n.perRow && p.lines > 1
	}
	single := oneUnit(n.sep)
	outside := true
	var names []byte
	for i := 0; i < len(text); {
		size := 1
		if text[i] >= utf8.RuneSelf {
			_, size = utf8.DecodeRuneInString(text[i:])
		}
		char := text[i : i+size]
		end := char == "\n" || char == "\r"
		switch {
		case first && line < n.skip:
			if char == "\n" {
				line++
			}
		case n.header && first:
			lastChar := i+size == len(text)
			if !end || lastChar {
				names = append(names, char...)
			}
			if end || lastChar {
				n.template = n.clean(string(names), n.sep)
				first = false
			}
		case char == `"`:
			outside = !outside
			if i > 0 && text[i-1] == '"' && !outside {
				r.cell = append(r.cell, '"')
			}
		case outside && single && char == n.sep:
			if err := r.endCell(text, i); err != nil {
				return nil, last, "", err
			}
			r.null = i+size == len(text)
		case outside && end:
			r.endRow(strings.HasSuffix(text[:i], n.sep))
		default:
			r.cell = append(r.cell, char...)
		}
		i += size
	}
	if !outside {
		n.b.Warn("Malformed CSV data - output probably corrupt.")
	}
	if r.named() {
		r.put()
	}
	if r.row.Len() > 0 {
		last = r.row.Value()
		r.rows = append(r.rows, last)
	}
	return r.rows, last, n.columnText(true), nil
}

// named says whether the current column has a name; without a template it gets one.
func (r *csvReader) named() bool {
	n := r.n
	if n.bad {
		for len(n.template) <= r.j {
			n.template = append(n.template, "")
		}
		n.template[r.j] = "col" + strconv.Itoa(r.j+1)
	}
	return r.j < len(n.template) && n.template[r.j] != ""
}

// endCell ends a cell at the separator at byte i.
func (r *csvReader) endCell(text string, i int) error {
	if r.named() {
		if i == 0 { // Node-RED looks at what comes before
			return readsNull(value.Value{}, "includes")
		}
		if strings.HasSuffix(text[:i], r.n.sep) || text[i-1] == '\n' {
			r.null = true
		}
		r.put()
	}
	r.j++
	r.cell, r.null = r.cell[:0], false
	return nil
}

func (r *csvReader) endRow(empty bool) {
	if r.named() {
		r.null = r.null || empty
		r.put()
	}
	if r.row.Len() > 0 {
		r.rows = append(r.rows, r.row.Value())
		r.row = value.NewMap(len(r.n.template))
	}
	r.j, r.cell, r.null = 0, r.cell[:0], false
}

// put puts the current cell into the row.
func (r *csvReader) put() {
	n := r.n
	name := n.template[r.j]
	switch {
	case r.null:
		if n.nulls {
			r.row.Set(name, value.Nil())
		}
	case n.numbers && looksNumeric(r.cell):
		r.row.Set(name, value.Num(value.ParseFloat(trim(string(r.cell)))))
	case len(r.cell) > 0 || n.empties:
		r.row.Set(name, value.Str(string(r.cell)))
	}
}

// looksNumeric says whether a cell is a number by Node-RED's measure: no leading zeros, no
// plus sign.
func looksNumeric(cell []byte) bool {
	s := cell
	for len(s) > 0 && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] >= '\t' && s[len(s)-1] <= '\r') {
		s = s[:len(s)-1]
	}
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	if len(s) == 0 || s[0] == 'e' || s[0] == 'E' || s[0] == '0' && len(s) > 1 && digit(s[1]) {
		return false
	}
	i, dots := 0, 0
	for i < len(s) && (digit(s[i]) || s[i] == '.' && dots == 0) {
		if s[i] == '.' {
			dots++
		}
		i++
	}
	if i == len(s) {
		return digit(s[i-1])
	}
	if s[i] != 'e' && s[i] != 'E' {
		return false
	}
	i++
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '+' {
		i++
	}
	from := i
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i == len(s) && i > from
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// columnText is what msg.columns says.
func (n *legacyCSV) columnText(named bool) string {
	var names []string
	for _, name := range n.template {
		if name == "" && named {
			continue
		}
		if strings.Contains(name, ",") {
			name = `"` + name + `"`
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

func (n *legacyCSV) write(m *flow.Msg) error {
	if !n.noTemplate || !(property(m.Get("parts"), "index").ToNumber() > 0) {
		n.template = n.clean(n.columns, "")
	}
	rows := []value.Value{m.Get("payload")}
	if l := rows[0].List(); l != nil {
		rows = rows[:0]
		for _, v := range l.All() {
			rows = append(rows, v)
		}
	} else {
		m.Set("payload", value.NewList(rows...).Value())
	}
	var out []string
	if n.sendHead != "none" && !n.headSent {
		if err := n.nameColumns(m, rows); err != nil {
			return err
		}
		head := make([]string, len(n.template))
		for i, name := range n.template {
			if head[i] = name; strings.Contains(name, n.sep) {
				head[i] = `"` + name + `"`
			}
		}
		out = append(out, strings.Join(head, n.sep))
		n.headSent = n.sendHead == "once"
	}
	for i := 0; i < len(rows); i++ {
		row := rows[i]
		if row.TypeOf() != "object" { // a row of single values
			m.Set("payload", value.NewList(m.Get("payload")).Value())
			if i > 0 {
				return readsNull(value.Value{}, "length")
			}
			row = value.NewList(rows...).Value()
			rows = rows[:1]
		}
		line, err := n.line(m, row, rows)
		if err != nil {
			return err
		}
		out = append(out, line)
	}
	m.Set("payload", value.Str(strings.Join(out, n.ret)+n.ret))
	m.Set("columns", value.Str(n.columnText(false)))
	return nil
}

// nameColumns takes the names of the columns from the message when the dialog has none.
func (n *legacyCSV) nameColumns(m *flow.Msg, rows []value.Value) error {
	if len(n.template) != 1 || n.template[0] != "" {
		return nil
	}
	if m.Has("columns") {
		return n.fromMessage(m)
	}
	var first value.Value
	if len(rows) > 0 {
		first = rows[0]
	}
	var err error
	n.template, err = keysOf(first)
	return err
}

func (n *legacyCSV) fromMessage(m *flow.Msg) error {
	v := m.Get("columns")
	if !v.Truthy() {
		v = value.Str("")
	}
	if !v.Is(value.String) {
		return typeError("col.trim is not a function")
	}
	n.template = n.clean(v.Str(), ",")
	return nil
}

// line makes a line of one row.
func (n *legacyCSV) line(m *flow.Msg, row value.Value, rows []value.Value) (string, error) {
	var cells []string
	if l := row.List(); l != nil {
		for _, v := range l.All() {
			switch {
			case v.Is(value.Null):
				return "", readsNull(v, "toString")
			case !v.Defined():
				cells = append(cells, "")
			default:
				cells = append(cells, n.quote(v.Text(), "\n"))
			}
		}
		return strings.Join(cells, n.sep), nil
	}
	if len(n.template) == 1 && n.template[0] == "" && m.Has("columns") {
		if err := n.fromMessage(m); err != nil {
			return "", err
		}
	}
	if len(n.template) == 1 && n.template[0] == "" {
		return n.unnamed(row, rows[0])
	}
	for _, name := range n.template {
		if name == "" {
			cells = append(cells, "")
			continue
		}
		if row.Nullish() {
			return "", readsNull(row, name)
		}
		v, _ := field(row, name)
		if !v.Defined() {
			v = value.Str("")
		}
		cells = append(cells, n.quote(v.ToText(), "\n"))
	}
	return strings.Join(cells, n.sep), nil
}

// unnamed makes a line of an object without a template, in the order of the first object.
func (n *legacyCSV) unnamed(row, first value.Value) (string, error) {
	if !n.warned {
		n.b.Warn("No columns template specified for object -> CSV.")
		n.warned = true
	}
	var cells []string
	if first.Nullish() {
		return "", nil
	}
	keys, err := keysOf(first)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if row.Nullish() {
			return "", readsNull(row, "hasOwnProperty")
		}
		v, ok := field(row, key)
		if !ok || v.TypeOf() == "object" {
			continue
		}
		text := ""
		if v.Defined() {
			text = v.Text()
		}
		line := "\x00" // a line end in the value doesn't count, one in the name does
		if strings.Contains(key, "\n") {
			line = ""
		}
		cells = append(cells, n.quote(text, line))
	}
	return strings.Join(cells, n.sep), nil
}

// quote puts a cell in quotes if it holds a quote, the separator or a line end.
func (n *legacyCSV) quote(cell, line string) string {
	if strings.Contains(cell, `"`) {
		return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	if strings.Contains(cell, n.sep) || strings.Contains(cell, line) {
		return `"` + cell + `"`
	}
	return cell
}
