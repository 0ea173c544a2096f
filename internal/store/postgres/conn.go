package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"tsunagi/internal/store/rows"
)

// conn is a transaction as a rows.Conn.
type conn struct {
	ctx  context.Context
	tx   *sql.Tx
	keep bool // a refused write leaves the transaction as it was; else it spoils it
}

// texts are translated ones by their originals, which are as many as there are queries in package rows.
var texts sync.Map

func translated(text string) string {
	if t, ok := texts.Load(text); ok {
		return t.(string)
	}
	t := translate(text)
	texts.Store(text, t)
	return t
}

// values are args as the columns are: texts are bytes, and what is true is 1.
func values(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case string:
			out[i] = []byte(v)
		case bool:
			n := int64(0)
			if v {
				n = 1
			}
			out[i] = n
		default:
			out[i] = v
		}
	}
	return out, nil
}

// Rows implements rows.Conn.
func (c conn) Rows(text string, args []any, f func(*sql.Rows) (bool, error)) error {
	given, err := values(args)
	if err != nil {
		return err
	}
	found, err := c.tx.QueryContext(c.ctx, translated(text), given...)
	if err != nil {
		return err
	}
	for more := true; more && err == nil && found.Next(); {
		more, err = f(found)
	}
	return errors.Join(err, found.Err(), found.Close())
}

// Exec implements rows.Conn.
func (c conn) Exec(text string, args ...any) (changed int64, err error) {
	given, err := values(args)
	if err != nil {
		return 0, err
	}
	if c.keep {
		if _, err := c.tx.ExecContext(c.ctx, "savepoint w"); err != nil {
			return 0, err
		}
		defer func() {
			end := "release savepoint w"
			if err != nil {
				end = "rollback to savepoint w; release savepoint w"
			}
			if _, e := c.tx.ExecContext(c.ctx, end); e != nil {
				err = errors.Join(err, e)
			}
		}()
	}
	result, err := c.tx.ExecContext(c.ctx, translated(text), given...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Fault implements rows.Conn.
func (c conn) Fault(err error) rows.Fault {
	switch state(err) {
	case "23505": // unique_violation
		return rows.Duplicate
	case "23503": // foreign_key_violation
		return rows.Orphan
	}
	return rows.Other
}

// state is PostgreSQL's code of an error, "" where it is somebody else's.
func state(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
