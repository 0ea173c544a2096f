package rows

import (
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
)

// entity maps a type of package account to its table.
type entity[T any] struct {
	table   string
	columns []string
	keys    int            // so many of the columns, from the first, are the primary key
	fields  func(*T) []any // where the columns are kept, for reading and for writing
}

// laterColumns stand in tables that had rows before. In a row's checksum they count only where they aren't zero, so that
// the checksums from before go on being right.
var laterColumns = map[string][]string{
	"account":         {"name", "instances", "suspended_at", "suspended_why", "quiet_sign_ins"},
	"browser_session": {"team"},
	"audit":           {"team"},
	"mqtt_user":       {"client_id", "expires_at"},
	"device":          {"pages"},
	"api_token":       {"topics"},
	"rule":            {"qos_below", "no_retain", "expires_at", "note"},
	"stat_alarm":      {"untold"},
	"hook":            {"edge", "rearm", "quiet", "together", "silence", "schedule", "zone"},
}

// Conn is what an engine reads and writes rows with: a transaction that writes, or one that only reads and refuses Exec.
// Texts are SQL as SQLite understands it; another engine translates them.
type Conn interface {
	// Rows calls f for each row until it returns false or an error.
	Rows(text string, args []any, f func(*sql.Rows) (more bool, err error)) error
	// Exec writes. A write that was refused leaves the transaction as it was before it.
	Exec(text string, args ...any) (changed int64, err error)
	// Fault tells why a write was refused.
	Fault(err error) Fault
}

// Fault is a reason for which a write is refused.
type Fault int

const (
	Other     Fault = iota
	Duplicate       // another row has the same primary or unique key
	Orphan          // what the row belongs to is not there
)

// all reads rows. tail is what follows the table's name.
func (e entity[T]) all(c Conn, tail string, args ...any) ([]T, error) {
	list := []T{}
	err := c.Rows("select "+strings.Join(e.columns, ", ")+", sum from "+e.table+" "+tail, args,
		func(r *sql.Rows) (bool, error) {
			var row T
			var stored int64
			fields := e.fields(&row)
			if err := r.Scan(append(fields, &stored)...); err != nil {
				return false, err
			}
			if sum, err := e.sum(&row); err != nil || sum != stored {
				return false, corrupt("%s %v: wrong checksum", e.table, fields[:e.keys])
			}
			list = append(list, row)
			return true, nil
		})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.table, err)
	}
	return list, nil
}

// one reads the row whose columns, as listed, have these values.
func (e entity[T]) one(c Conn, columns string, args ...any) (T, error) {
	where := "where " + strings.ReplaceAll(columns, ", ", " = ? and ") + " = ?"
	list, err := e.all(c, where, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s: %w", e.table, account.ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

func (e entity[T]) insert(c Conn, row T) error {
	sum, err := e.sum(&row)
	if err != nil {
		return err
	}
	_, err = c.Exec("insert into "+e.table+" ("+strings.Join(e.columns, ", ")+", sum) values (?"+
		strings.Repeat(", ?", len(e.columns))+")", append(e.fields(&row), sum)...)
	return e.refused(c, err)
}

func (e entity[T]) save(c Conn, row T) error {
	sum, err := e.sum(&row)
	if err != nil {
		return err
	}
	fields := e.fields(&row)
	args := append(append(append([]any{}, fields[e.keys:]...), sum), fields[:e.keys]...)
	changed, err := c.Exec("update "+e.table+" set "+strings.Join(e.columns[e.keys:], " = ?, ")+" = ?, sum = ? where "+
		e.where(), args...)
	if err == nil && changed == 0 {
		return fmt.Errorf("%s: %w", e.table, account.ErrNotFound)
	}
	return e.refused(c, err)
}

// sum is the checksum of a row.
func (e entity[T]) sum(row *T) (int64, error) {
	_, sum, err := e.values(nil, row)
	return sum, err
}

// values appends a row's columns as a database takes them, and says what their checksum is.
func (e entity[T]) values(list []any, row *T) (_ []any, sum int64, err error) {
	var room [256]byte
	b := append(room[:0], e.table...)
	later := laterColumns[e.table]
	for i, field := range e.fields(row) {
		v, err := plain(field)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, v)
		if slices.Contains(later, e.columns[i]) {
			none, err := plain(e.fields(new(T))[i])
			if err != nil {
				return nil, 0, err
			}
			if v == none {
				continue
			}
			b = append(append(b, e.columns[i]...), 0)
		}
		switch v := v.(type) {
		case nil:
			b = append(b, 0)
		case int64:
			b = binary.AppendVarint(b, v)
		case bool:
			b = strconv.AppendBool(b, v)
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		default:
			return nil, 0, fmt.Errorf("a column of %s has type %T", e.table, v)
		}
	}
	return list, int64(crc32.Checksum(b, castagnoli)), nil
}

// plain is a field as a database takes it. The usual kinds are spared the long way of the standard library's.
func plain(field any) (driver.Value, error) {
	switch f := field.(type) {
	case *string:
		return *f, nil
	case *int64:
		return *f, nil
	case *byte:
		return int64(*f), nil
	case stamp:
		return f.t.UnixMicro(), nil
	}
	return driver.DefaultParameterConverter.ConvertValue(field)
}

// verify reads all rows.
func (e entity[T]) verify(c Conn) error {
	_, err := e.all(c, "")
	return err
}

func (e entity[T]) remove(c Conn, row T) error {
	_, err := c.Exec("delete from "+e.table+" where "+e.where(), e.fields(&row)[:e.keys]...)
	return e.refused(c, err)
}

func (e entity[T]) where() string { return strings.Join(e.columns[:e.keys], " = ? and ") + " = ?" }

// refused tells the errors that a Store has names for.
func (e entity[T]) refused(c Conn, err error) error {
	if err == nil {
		return nil
	}
	switch c.Fault(err) {
	case Duplicate:
		return fmt.Errorf("%s: %w: %w", e.table, account.ErrExists, err)
	case Orphan:
		return fmt.Errorf("what %s belongs to: %w: %w", e.table, account.ErrNotFound, err)
	}
	return fmt.Errorf("write %s: %w", e.table, err)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{broker.ErrStoreCorrupt}, args...)...)
}

// stamp keeps a time as microseconds since 1970; the zero time fits in, too.
type stamp struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s stamp) Scan(v any) error {
	micros, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", v)
	}
	if *s.t = time.UnixMicro(micros).UTC(); s.t.IsZero() {
		*s.t = time.Time{}
	}
	return nil
}

// Value implements driver.Valuer.
func (s stamp) Value() (driver.Value, error) { return s.t.UnixMicro(), nil }

// digest keeps a hash as a blob.
type digest struct{ h *[32]byte }

// Scan implements sql.Scanner.
func (d digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(d.h) {
		return fmt.Errorf("a hash is stored as %T of %d bytes", v, len(b))
	}
	copy(d.h[:], b)
	return nil
}

// Value implements driver.Valuer.
func (d digest) Value() (driver.Value, error) { return d.h[:], nil }

// orNull keeps an empty string as null, which refers to nothing.
type orNull struct{ s *string }

// Scan implements sql.Scanner.
func (o orNull) Scan(v any) error {
	var s sql.NullString
	err := s.Scan(v)
	*o.s = s.String
	return err
}

// Value implements driver.Valuer.
func (o orNull) Value() (driver.Value, error) {
	if *o.s == "" {
		return nil, nil
	}
	return *o.s, nil
}
