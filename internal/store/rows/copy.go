package rows

import (
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// table is what the migrations say of a table: its name, and which of its columns are texts.
type table struct {
	name  string
	texts []string
}

var (
	made   = regexp.MustCompile(`(?ms)^create table (\w+) \(\n(.*?)^\)`)
	column = regexp.MustCompile(`(?m)^\s+(\w+)\s+text\b`)
	added  = regexp.MustCompile(`(?m)^alter table (\w+) add column (\w+)\s+text\b`)
)

// tables are all of them, in the order in which they were made: those that others belong to come first.
var tables = sync.OnceValues(func() (list []table, err error) {
	names, err := fs.Glob(Migrations(), "*.sql") // sorted
	for _, name := range names {
		text, err := fs.ReadFile(Migrations(), name)
		if err != nil {
			return nil, err
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for _, m := range made.FindAllStringSubmatch(up, -1) {
			t := table{name: m[1]}
			for _, c := range column.FindAllStringSubmatch(m[2], -1) {
				t.texts = append(t.texts, c[1])
			}
			list = append(list, t)
		}
		for _, m := range added.FindAllStringSubmatch(up, -1) {
			if i := slices.IndexFunc(list, func(t table) bool { return t.name == m[1] }); i >= 0 {
				list[i].texts = append(list[i].texts, m[2])
			}
		}
	}
	return list, err
})

// Copy puts everything of one store into another, whose own rows go. Both are inside of a transaction. Rows keep their
// checksums, so that what was damaged before is noticed afterwards as well.
func Copy(from, to Conn) error {
	if err := Clear(to); err != nil {
		return err
	}
	list, err := tables()
	if err != nil {
		return err
	}
	for _, t := range list {
		if err := t.copy(from, to); err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	return nil
}

func (t table) copy(from, to Conn) error {
	var insert string
	var columns []string
	return from.Rows("select * from "+t.name, nil, func(r *sql.Rows) (bool, error) {
		if insert == "" {
			var err error
			if columns, err = r.Columns(); err != nil {
				return false, err
			}
			insert = "insert into " + t.name + " (" + strings.Join(columns, ", ") + ") values (?" + strings.Repeat(", ?", len(columns)-1) + ")"
		}
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := r.Scan(places...); err != nil {
			return false, err
		}
		for i, v := range values { // an engine may keep texts as bytes
			if b, ok := v.([]byte); ok && slices.Contains(t.texts, columns[i]) {
				values[i] = string(b)
			}
		}
		_, err := to.Exec(insert, values...)
		return true, err
	})
}

// Tables are the names of all tables, those that others belong to first.
func Tables() (names []string, err error) {
	list, err := tables()
	for _, t := range list {
		names = append(names, t.name)
	}
	return names, err
}

// Clear deletes everything.
func Clear(c Conn) error {
	list, err := tables()
	if err != nil {
		return err
	}
	for _, t := range slices.Backward(list) {
		if _, err := c.Exec("delete from " + t.name); err != nil {
			return fmt.Errorf("clear %s: %w", t.name, err)
		}
	}
	return nil
}

// Empty says whether a store has no account yet.
func Empty(c Conn) (bool, error) {
	found, err := accounts.all(c, "limit 1")
	return len(found) == 0, err
}
