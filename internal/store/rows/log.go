package rows

import "tsunagi/internal/account"

const (
	appendLine = "insert into log_line " +
		"(id, instance, time, kind, client, user, remote, topic, gate, rule, cause, reason, sum) " +
		"select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? where ? = '' or exists (select 1 from instance where id = ?) " +
		"on conflict do nothing"
	trimLines = "delete from log_line where instance = ? and id <= (select id from log_line " +
		"where instance = ? order by id desc limit 1 offset ?)"
)

// AppendLog adds lines and deletes the oldest of the instances that it touched, inside of a transaction; see
// account.Store.
func AppendLog(c Conn, lines []account.LogLine, keep int) error {
	touched := map[string]bool{}
	for _, l := range lines {
		sum, err := logLines.sum(&l)
		if err != nil {
			return err
		}
		if _, err := c.Exec(appendLine, append(logLines.fields(&l), sum, l.Instance, l.Instance)...); err != nil {
			return err
		}
		touched[l.Instance] = true
	}
	for instance := range touched {
		if _, err := c.Exec(trimLines, instance, instance, max(keep, 0)); err != nil {
			return err
		}
	}
	return nil
}
