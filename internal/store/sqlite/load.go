package sqlite

import (
	"database/sql"
	"fmt"
	"strings"

	"tsunagi/internal/broker"
)

// Load implements broker.Store. It reads page by page, so it is one consistent picture only while nothing of that
// instance is written. Values are the caller's own; visitors that are nil are passed over.
func (m *Messages) Load(instance string, v broker.Loader) error {
	retained := pager{db: m.db, table: retainedTable, instance: instance}
	for v.Retained != nil {
		r, err := retained.take()
		if err != nil {
			return err
		}
		if r == nil {
			break
		}
		if err := v.Retained(r.name, broker.Record{Instance: instance, Message: r.value}); err != nil {
			return err
		}
	}
	sessions := pager{db: m.db, table: sessionTable, instance: instance}
	parts := []part{
		{pager{db: m.db, table: subscriptionTable, instance: instance}, func(r *stateRow) error {
			return call3(v.Subscription, r.name, r.filter, r.value)
		}},
		{pager{db: m.db, table: cursorTable, instance: instance}, func(r *stateRow) error {
			return call2(v.Cursor, r.name, r.value)
		}},
		{pager{db: m.db, table: packetTable, instance: instance}, func(r *stateRow) error {
			if v.Packet == nil {
				return nil
			}
			return v.Packet(r.name, broker.Direction(r.dir), uint16(r.id), r.value)
		}},
	}
	for {
		s, err := sessions.take()
		if err != nil || s == nil {
			return err
		}
		if err := call2(v.Session, s.name, s.value); err != nil {
			return err
		}
		for i := range parts {
			if err := parts[i].visit(s.name); err != nil {
				return err
			}
		}
	}
}

func call2(f func(string, []byte) error, name string, value []byte) error {
	if f == nil {
		return nil
	}
	return f(name, value)
}

func call3(f func(string, string, []byte) error, name, second string, value []byte) error {
	if f == nil {
		return nil
	}
	return f(name, second, value)
}

// part goes through one of the tables below sessions beside them; all are in the order of client ids.
type part struct {
	rows pager
	give func(*stateRow) error
}

// visit gives the rows of one client.
func (p *part) visit(client string) error {
	for {
		r, err := p.rows.peek()
		if err != nil || r == nil || r.name > client {
			return err
		}
		p.rows.next++
		if r.name == client {
			if err := p.give(r); err != nil {
				return err
			}
		}
	}
}

// stateRow is a row of any table but the log; which fields of the key count depends on the table.
type stateRow struct {
	name    string // topic or client id
	filter  string
	dir, id int64
	value   []byte
}

// key returns the columns of the key behind the instance: their names, and pointers to where they are in r.
func (t table) key(r *stateRow) (columns []string, fields []any) {
	switch t.letter {
	case 'r':
		return []string{"topic"}, []any{&r.name}
	case 'f':
		return []string{"client", "filter"}, []any{&r.name, &r.filter}
	case 'p':
		return []string{"client", "dir", "id"}, []any{&r.name, &r.dir, &r.id}
	}
	return []string{"client"}, []any{&r.name}
}

// pager reads the rows of an instance from one table in the order of their keys, a page at a time.
type pager struct {
	db       *database
	table    table
	instance string

	page []stateRow
	next int  // in page
	last bool // no page follows
}

// take returns the next row, or nil at the end.
func (p *pager) take() (*stateRow, error) {
	r, err := p.peek()
	p.next++
	return r, err
}

// peek is take without going on.
func (p *pager) peek() (*stateRow, error) {
	if p.next >= len(p.page) && !p.last {
		if err := p.turn(); err != nil {
			return nil, fmt.Errorf("load %s of instance %q: %w", p.table.name, p.instance, err)
		}
	}
	if p.next >= len(p.page) {
		return nil, nil
	}
	return &p.page[p.next], nil
}

// turn reads the next page.
func (p *pager) turn() error {
	var before stateRow
	columns, fields := p.table.key(&before)
	list := strings.Join(columns, ", ")
	text := "select " + list + ", value from " + p.table.name + " where instance = ?"
	args := []any{p.instance}
	if len(p.page) > 0 {
		before = p.page[len(p.page)-1]
		text += " and (" + list + ") > (?" + strings.Repeat(", ?", len(columns)-1) + ")"
		args = append(args, values(fields)...)
	}
	p.page, p.next, p.last = nil, 0, true
	bytes := 0
	return p.db.each(text+" order by "+list+" limit "+stepRows, args, func(rows *sql.Rows) (bool, error) {
		r, size, err := p.table.read(rows, &p.instance)
		if err != nil {
			return false, err
		}
		p.page, p.last = append(p.page, r), false
		bytes += size
		return bytes < stepBytes, nil
	})
}

// read scans and verifies one row of the columns before, the key and the value. size is that of the value.
func (t table) read(rows *sql.Rows, instance *string, before ...any) (r stateRow, size int, err error) {
	var stored []byte
	_, fields := t.key(&r)
	if err := rows.Scan(append(append(before, fields...), &stored)...); err != nil {
		return r, 0, err
	}
	r.value, err = t.open(stored, append([]any{*instance}, values(fields)...)...)
	return r, len(stored), err
}

// values are what the pointers of a key point to.
func values(fields []any) []any {
	all := make([]any, len(fields))
	for i, f := range fields {
		switch f := f.(type) {
		case *string:
			all[i] = *f
		case *int64:
			all[i] = *f
		}
	}
	return all
}

// Instances implements broker.Store: those with a retained message or a session, in byte order. Records in the log alone
// are owed to nobody and don't count.
func (m *Messages) Instances() ([]string, error) {
	var all []string
	err := m.db.each("with recursive "+
		"s (i) as (select min(instance) from session union all "+
		"select (select min(instance) from session where instance > i) from s where i is not null), "+
		"r (i) as (select min(instance) from retained union all "+
		"select (select min(instance) from retained where instance > i) from r where i is not null) "+
		"select i from s where i is not null union select i from r where i is not null order by 1", nil,
		func(r *sql.Rows) (bool, error) {
			var instance string
			err := r.Scan(&instance)
			if instance != "" {
				all = append(all, instance)
			}
			return true, err
		})
	return all, err
}
