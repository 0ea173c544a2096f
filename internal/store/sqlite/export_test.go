package sqlite

import (
	"database/sql"
	"errors"
)

// HalfDrop writes what a process leaves behind that ends just after the first step of Drop.
func HalfDrop(path, instance string, below int64) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec("insert into dropped (instance, below, sum, finished) values (?, ?, ?, 0)", instance, below, dropSum(instance, below))
	return errors.Join(err, db.Close())
}
