package rows

import (
	"database/sql"
	"strings"

	"tsunagi/internal/account"
)

// logRows is how many lines one statement writes: what a statement costs besides its rows is shared by them.
const logRows = 16

// A line that is there already was stored by a call whose answer got lost.
var (
	appendHead  = "insert into log_line (" + strings.Join(logLines.columns, ", ") + ", sum) values "
	appendRow   = "(?" + strings.Repeat(", ?", len(logLines.columns)) + ")"
	appendLine  = appendHead + appendRow + " on conflict do nothing"
	appendLines = appendHead + appendRow + strings.Repeat(", "+appendRow, logRows-1) + " on conflict do nothing"
)

const trimLines = "delete from log_line where instance = ? and id <= (select id from log_line " +
	"where instance = ? order by id desc limit 1 offset ?)"

// AppendLog adds lines and deletes the oldest of the instances that it touched, inside of a transaction; see
// account.Store.
func AppendLog(c Conn, lines []account.LogLine, keep int) error {
	logged, err := haveLog(c, lines)
	if err != nil {
		return err
	}
	if err := insertLines(c, lines, logged); err != nil {
		return err
	}
	if keep < 0 {
		return nil
	}
	for instance := range logged {
		if _, err := c.Exec(trimLines, instance, instance, keep); err != nil {
			return err
		}
	}
	return nil
}

// haveLog says of each instance of the lines whether it has a log: whether it exists, or is the operator's.
func haveLog(c Conn, lines []account.LogLine) (map[string]bool, error) {
	logged := map[string]bool{}
	for i := range lines {
		id := lines[i].Instance
		if _, known := logged[id]; known {
			continue
		}
		logged[id] = id == ""
		err := c.Rows("select 1 from instance where id = ?", []any{id}, func(*sql.Rows) (bool, error) {
			logged[id] = true
			return false, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return logged, nil
}

// insertLines writes lines, but for those of instances that have no log.
func insertLines(c Conn, lines []account.LogLine, logged map[string]bool) error {
	var args []any
	rows := 0
	for i := range lines {
		if !logged[lines[i].Instance] {
			continue
		}
		var sum int64
		var err error
		if args, sum, err = logLines.values(args, &lines[i]); err != nil {
			return err
		}
		args = append(args, sum)
		if rows++; rows == logRows {
			if _, err := c.Exec(appendLines, args...); err != nil {
				return err
			}
			args, rows = args[:0], 0
		}
	}
	for width := len(logLines.columns) + 1; rows > 0; rows-- {
		if _, err := c.Exec(appendLine, args[:width]...); err != nil {
			return err
		}
		args = args[width:]
	}
	return nil
}
