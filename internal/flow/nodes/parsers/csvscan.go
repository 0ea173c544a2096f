package parsers

import (
	"strings"
	"unicode/utf8"

	"tsunagi/internal/flow"
)

// csvCell is a cell of a row; null has no character at all, not even quotes.
type csvCell struct {
	text string
	null bool
}

// csvScan says how text is cut into rows.
type csvScan struct {
	sep    string
	strict bool // quotes at a wrong place are errors
	one    bool // the first row only
}

func csvError(name, text string) error { return &flow.Error{Name: name, Message: text} }

// scanCSV cuts text from byte at on into rows and cells after RFC 4180, any of \r, \n and
// \r\n being a line end, and returns where it ended. A cell at the end of a row that holds no
// character is not there.
func scanCSV(text string, at int, o csvScan) (rows [][]csvCell, end int, err error) {
	var (
		row     []csvCell
		cell    []byte
		fresh   = true // no character of the cell so far
		quoted  bool
		closed  bool
		single  = oneUnit(o.sep)
		endCell = func() {
			row = append(row, csvCell{text: string(cell), null: len(cell) == 0 && fresh})
			cell = cell[:0]
		}
		endRow = func() {
			if len(cell) > 0 {
				endCell()
			}
			if len(row) > 0 {
				rows = append(rows, row)
				row = make([]csvCell, 0, len(row))
			}
		}
	)
	next := func(i int) byte {
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	for at < len(text) {
		c := text[at]
		switch {
		case quoted && c == '"' && next(at+1) == '"':
			cell = append(cell, '"')
			at += 2
			closed = false
		case quoted:
			if c == '"' {
				quoted, closed = false, true
			} else {
				cell = append(cell, c)
				closed = false
			}
			at++
		case single && strings.HasPrefix(text[at:], o.sep):
			endCell()
			at += len(o.sep)
			fresh, closed = true, false
		case c == '"' && fresh:
			quoted, fresh, closed = true, false, false
			at++
		case c == '"':
			if o.strict {
				return nil, at, csvError("UnquotedQuoteError", "Quote found in the middle of an unquoted field")
			}
			at++
			if n := next(at); n != 0 && n != '\n' && n != '\r' && !(single && strings.HasPrefix(text[at:], o.sep)) {
				cell = append(cell, '"')
				if n == '"' {
					at++
				}
			}
		case c == '\n' || c == '\r':
			endRow()
			if at++; next(at) == '\n' {
				at++
			}
			fresh, closed = true, false
			if o.one {
				return rows, at, nil
			}
		case closed && o.strict:
			return nil, at, csvError("DataAfterCloseError", "Data found after closing quote")
		case closed:
			at-- // the quote belongs to the data
			closed = false
		default:
			_, size := utf8.DecodeRuneInString(text[at:])
			cell = append(cell, text[at:at+size]...)
			fresh = false
			at += size
		}
	}
	if o.strict && quoted {
		return nil, at, csvError("ParseError", "Missing quote, unclosed cell")
	}
	endRow()
	return rows, at, nil
}
