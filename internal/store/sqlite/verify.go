package sqlite

import (
	"database/sql"
	"strings"
)

// checkBorders verifies the first and the last row of every instance in every table. The structure of the file, with
// the order of its rows, has been checked before; Load verifies the rows of an instance as it reads them. What both
// would miss is a row that damage of its key has moved to another instance, and such a row stands at a border.
func (m *Messages) checkBorders() error {
	for _, t := range []table{retainedTable, sessionTable, subscriptionTable, cursorTable, packetTable} {
		columns, _ := t.key(&stateRow{})
		first := "select instance, " + strings.Join(columns, ", ") + ", value from " + t.name + " where instance "
		last := first + "= ? order by " + strings.Join(columns, " desc, ") + " desc limit 1"
		operator := ">= ?"
		for instance, more := "", true; more; operator = "> ?" {
			more = false
			read := func(rows *sql.Rows) (bool, error) {
				more = true
				_, _, err := t.read(rows, &instance, &instance)
				return false, err
			}
			if err := m.db.each(first+operator+" order by instance, "+strings.Join(columns, ", ")+" limit 1",
				[]any{instance}, read); err != nil {
				return err
			}
			if !more {
				break
			}
			if err := m.db.each(last, []any{instance}, read); err != nil {
				return err
			}
		}
	}
	return nil
}
